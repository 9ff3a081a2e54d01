"""Owns what both edges share: who is asking, the cross-site check, headers, error ids, health. Rules over plain values where it can."""

from app.http.asking import Facts, Wave, bearer_token, facts_of_request, viewer_of, wave
from app.http.failures import error_id_of, log_failure
from app.http.guard import check_same_site, cookie_name, hardened, login_cookie
from app.http.health import Readiness, readiness
from app.http.record import record_request

__all__ = [
    "Facts",
    "Readiness",
    "Wave",
    "bearer_token",
    "check_same_site",
    "cookie_name",
    "error_id_of",
    "facts_of_request",
    "hardened",
    "log_failure",
    "login_cookie",
    "readiness",
    "record_request",
    "viewer_of",
    "wave",
]
