"""Owns what the pages and the API share: authentication, client address, cross-site check, headers, rate limits, audit, health."""

from app.http.address import address_block, client_address
from app.http.admission import admit_login, admit_password, admit_registration, remember_login
from app.http.authentication import authenticate, bearer_token, current_request_context
from app.http.failures import error_id_of, log_failure
from app.http.guard import (
    check_host,
    check_request,
    check_same_site,
    cookie_name,
    hsts_header,
    is_compressed,
    login_cookie,
    security_headers,
)
from app.http.health import add_health
from app.http.payment_rate_limit import PaymentRateLimit
from app.http.request_context import RequestContext
from app.http.request_hooks import add_request_hooks
from app.http.request_log import DONE, AuditEvent, record_request, refused_event
from app.http.runtime import Runtime, runtime
