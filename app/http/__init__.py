"""Owns what the pages and the API share: authentication, client address, cross-site check, headers, rate limits, audit, health."""

from app.http.address import address_block, client_address
from app.http.admission import admit_login, admit_password, admit_registration, remember_login
from app.http.authentication import bearer_token, facts_of_request, viewer_of
from app.http.failures import error_id_of, log_failure
from app.http.guard import check_host, check_request, check_same_site, cookie_name, hardened, is_packed, login_cookie, transport_security
from app.http.health import add_health
from app.http.payment_rate_limit import Pace
from app.http.request_context import Facts
from app.http.request_hooks import add_request_hooks
from app.http.request_log import DONE, Deed, deed_refused, record_request
from app.http.runtime import Wave, wave
