"""Owns the expected failure of `make run` and what ends it on purpose."""


class LocalRunError(Exception):
    """An expected failure of `make run`: the message is one sentence for a person, and says what to do."""


class StopRequested(BaseException):
    """Somebody pressed Ctrl-C or ended this process."""
