"""Errors named for what is wrong. None of them carries a personal value: codes and our own ids only."""

from __future__ import annotations


class EhrSyncError(Exception):
    """The one base class. `code` is stable and safe to show and to log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unavailable(EhrSyncError):
    """The other side cannot answer now. Try again later; `retry_after` is in seconds where it said so."""

    def __init__(self, code: str, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.retry_after = retry_after


class Unfit(Unavailable):
    """A row that decides who is who, or who may do what, is not as the service wrote it: nothing is decided by it, and
    an operator must look. `edge` names it as the audit log does.
    """

    def __init__(self, edge: str) -> None:
        super().__init__("edges.unfit")
        self.edge = edge


class Refused(EhrSyncError):
    """The other side understood and said no. Do not try the same again."""


class UnknownOutcome(EhrSyncError):
    """Something was sent and no usable answer came: it may have taken effect. Ask before sending again; `retry_after`
    is in seconds where the other side said so.
    """

    def __init__(self, code: str, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.retry_after = retry_after


class NotFound(EhrSyncError):
    """There is no such thing, or the asker may not know of it: the two are never told apart."""


class Conflict(EhrSyncError):
    """The same key was used with other content."""


class Misconfigured(EhrSyncError):
    """The service cannot start. `code` is one sentence that says what to do."""
