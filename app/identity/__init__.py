"""Owns people: registration, passwords, logins and API tokens. Its functions take a session, never commit, and know no HTTP."""

from app.identity.account_closure import close_account, close_own_account
from app.identity.listing import count_people, list_people
from app.identity.logins import count_logins, end_all_logins, end_login, list_logins, logged_in_recently, start_login, viewer_of_login
from app.identity.operator_badge import grant_operator_badge, revoke_operator_badge
from app.identity.passwords import check_new_password, hash_password, verify_password
from app.identity.people import (
    Person,
    change_display_name,
    change_password,
    check_credentials,
    confirm_password,
    find_people,
    find_person,
    normalized_username,
    parse_display_name,
    parse_new_username,
    parse_username,
    register,
    reset_password,
    unknown_person,
)
from app.identity.tokens import (
    LAST_USED_INTERVAL_SECONDS,
    LAST_USED_IS_OUTDATED,
    IssuedToken,
    count_api_tokens,
    create_api_token,
    list_api_tokens,
    mark_api_tokens_used,
    parse_scopes,
    parse_token_name,
    revoke_all_api_tokens,
    revoke_api_token,
    scopes_named,
    unknown_api_token,
    viewer_of_api_token,
)
from app.identity.viewer import Scope, Viewer, scope_missing, token_digest
