"""Owns the mutations on people: register, log in and out, passwords, logins and API tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import identity
from app.api.errors import InputErrors
from app.api.payloads import ApiTokenPayload, DonePayload, ViewerPayload
from app.errors import InvalidUsernameError, WrongCredentialsError, error_field
from app.http import admit_login, admit_password, admit_registration, remember_login
from app.ids import parse_id
from app.single_line import unless_blank

if TYPE_CHECKING:

    from app.api.context import Context
    from app.api.inputs import AccountClosing, Credentials, PasswordChange, Registration, TokenRequest


def register(context: Context, *, given: Registration) -> ViewerPayload:
    """A new person, signed in. Raises: RateLimitedError, InvalidInputsError with everything that is wrong."""
    admit_registration(context.session, context.request_context, context.settings)
    problems = InputErrors()
    username = problems.read("username", identity.parse_new_username, context.session, given.username)
    problems.read("displayName", unless_blank, identity.parse_display_name, given.display_name)
    names = [str(given.username), given.display_name or ""]
    problems.read("password", identity.check_new_password, given.password, names=names, settings=context.settings)
    problems.stop()
    identity.register(
        context.session, username=username, password=given.password, display_name=given.display_name, settings=context.settings,
    )
    return _sign_in(context, username)


def log_in(context: Context, *, given: Credentials) -> ViewerPayload:
    """Raises: RateLimitedError, WrongCredentialsError, whether the name or the password is wrong."""
    try:
        username = identity.parse_username(given.username)
    except InvalidUsernameError:
        username = ""  # nobody's; compared all the same, so that the answer takes as long
    admit_login(context.session, username, context.request_context, context.settings)
    person = identity.check_credentials(context.session, username=username, password=given.password)
    remember_login(context.session, person.username, context.request_context)
    return _sign_in(context, person.username)


def log_out(context: Context) -> DonePayload:
    """Ends this browser's login. Whoever is not signed in is out already, and rid of a cookie that opens nothing.

    Raises: ForbiddenError for an API token, which is revoked instead.
    """
    if context.viewer is not None:
        identity.end_login(context.session, context.viewer, context.viewer.require_login())
    context.login_token = ""  # nosec B105 # none is left: the cookie is taken away
    return DonePayload(done=True)


def change_password(context: Context, *, given: PasswordChange) -> DonePayload:
    """A new password; every other login of the person ends, and this one goes on with a new token. If wanted, API tokens end, too.

    Raises: UnauthenticatedError, ForbiddenError, RateLimitedError, WrongCredentialsError, InvalidPasswordError; the last two together
        as InvalidInputsError.
    """
    viewer = context.signed_in()
    viewer.require_login()
    admit_password(context.session, viewer, context.settings)
    problems = InputErrors()
    try:
        identity.change_password(
            context.session, viewer, current=given.current_password, new=given.new_password, settings=context.settings,
        )
    except WrongCredentialsError as error:
        problems.errors.append(error)
        names = (viewer.username, viewer.display_name)
        problems.read("newPassword", identity.check_new_password, given.new_password, names=names, settings=context.settings)
    problems.stop()
    identity.end_all_logins(context.session, username=viewer.username)
    if given.revoke_api_tokens:
        identity.revoke_all_api_tokens(context.session, username=viewer.username)
    _sign_in(context, viewer.username)
    return DonePayload(done=True)


def close_account(context: Context, *, given: AccountClosing) -> DonePayload:
    """The person is gone, and so is their login.

    Raises: UnauthenticatedError, ForbiddenError, RateLimitedError, WrongCredentialsError, WalletNotEmptyError, WalletFrozenError.
    """
    viewer = context.signed_in()
    viewer.require_login()
    admit_password(context.session, viewer, context.settings)
    identity.close_own_account(context.session, viewer, password=given.current_password, currency=context.settings.currency)
    context.login_token = ""  # nosec B105 # none is left: the cookie is taken away
    return DonePayload(done=True)


def revoke_login(context: Context, *, login_id: object) -> DonePayload:
    """Raises: UnauthenticatedError, InvalidInputError (id), NotFoundError, ForbiddenError for an API token."""
    viewer = context.signed_in()
    with error_field("id"):
        wanted = parse_id(login_id)
    identity.end_login(context.session, viewer, wanted)
    if wanted == viewer.login_id:
        context.login_token = ""  # nosec B105 # none is left: the cookie is taken away
    return DonePayload(done=True, ended=wanted)


def create_api_token(context: Context, *, given: TokenRequest) -> ApiTokenPayload:
    """Raises: UnauthenticatedError, ForbiddenError for an API token, RateLimitedError, InvalidInputsError with all that is wrong."""
    viewer = context.signed_in()
    viewer.require_login()
    if given.current_password is not None:
        admit_password(context.session, viewer, context.settings)
    problems = InputErrors()
    problems.read("currentPassword", identity.confirm_password, context.session, viewer, given.current_password)
    name = problems.read("name", identity.parse_token_name, given.name)
    scopes = problems.read("scopes", identity.parse_scopes, given.scopes)
    problems.stop()
    issued = identity.create_api_token(context.session, viewer, name=name, scopes=scopes)
    return ApiTokenPayload(api_token=issued.token, secret=issued.secret)


def revoke_api_token(context: Context, *, token_id: object) -> DonePayload:
    """Raises: UnauthenticatedError, InvalidInputError (id), NotFoundError, ForbiddenError for an API token."""
    with error_field("id"):
        wanted = parse_id(token_id)
    identity.revoke_api_token(context.session, context.signed_in(), wanted)
    return DonePayload(done=True, ended=wanted)


def _sign_in(context: Context, username: str) -> ViewerPayload:
    request_context = context.request_context
    context.login_token = identity.start_login(
        context.session, username, user_agent=request_context.user_agent, settings=context.settings, replaces=request_context.login_token,
    )
    # From here on the request is the new viewer's, whoever sent it.
    context.identify(identity.viewer_of_login(context.session, context.login_token, context.settings))
    return ViewerPayload(viewer=context.viewer)
