"""Owns the logging of failures: an expected one is a line, a bug has its traceback and an error id."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from app.errors import WalletError

if TYPE_CHECKING:
    from app.http.request_context import RequestContext

log = logging.getLogger(__name__)


def error_id_of(request_context: RequestContext) -> str:
    """The error id, which is the request id. People see it and the operator finds it in the log."""
    return request_context.request_id


def log_failure(error: BaseException, request_context: RequestContext) -> None:
    """Log a failure: a refusal as info, an unreachable database as a warning, a bug as an error with its traceback."""
    fields = {"request_id": request_context.request_id, "method": request_context.method, "path": request_context.path}
    if isinstance(error, WalletError):
        level = logging.WARNING if error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO
        log.log(level, "refused", extra={**fields, "code": error.code, "detail": str(error)})
    else:
        log.error("bug", exc_info=error, extra={**fields, "error_id": error_id_of(request_context)})
