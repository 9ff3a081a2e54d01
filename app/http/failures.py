"""Owns how a failure reaches the log: an expected one in a line, a bug with its traceback and an error id that is shown."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from app.errors import WalletError

if TYPE_CHECKING:
    from app.http.facts import Facts

log = logging.getLogger(__name__)


def error_id_of(facts: Facts) -> str:
    """The id that a person can read out and the operator can search the log for: the request's own."""
    return facts.request_id


def log_failure(error: BaseException, facts: Facts) -> None:
    """Write a failure down: a refusal as information, an unreachable database as a warning, a bug as an error with traceback."""
    fields = {"request_id": facts.request_id, "method": facts.method, "path": facts.path}
    if isinstance(error, WalletError):
        level = logging.WARNING if error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO
        log.log(level, "refused", extra={**fields, "code": error.code, "detail": str(error)})
    else:
        log.error("bug", exc_info=error, extra={**fields, "error_id": error_id_of(facts)})
