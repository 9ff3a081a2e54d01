"""Owns the exceptions of `make run`: its expected failure, and the request to stop."""


class LocalRunError(Exception):
    """An expected failure of `make run`. The message is one sentence for people and says what to do."""


class StopRequested(BaseException):
    """Ctrl-C was pressed, or the process got another stop signal."""
