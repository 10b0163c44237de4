"""What a sender hears: stored as codes, rendered in the reader's language at the edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mappings.model import Issue
from mappings.sources.foresee import Foreseen

Status = Literal["accepted", "refused"]
FileStatus = Literal["accepted", "partial", "refused"]


@dataclass(frozen=True, slots=True)
class HosoResult:
    """What became of one HOSO. `transaction_code` is our maGiaoDich, "" where nothing was kept as a record.

    `superseded_by` is the maGiaoDich of the version that stands instead, "" where this one stands. `others` are
    the records that were cut out of it, each with a code of its own. `foreseen` is what would become of it, of a dry
    run alone: it is never kept.
    """

    source_id: str = field(repr=False)  # MA_LK, echoed to its own sender only
    transaction_code: str
    status: Status
    issues: tuple[Issue, ...]
    superseded_by: str = ""
    others: tuple[HosoResult, ...] = ()
    foreseen: Foreseen | None = None


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file. `issues` speak of the file as a whole."""

    status: FileStatus
    issues: tuple[Issue, ...]
    dossiers: tuple[HosoResult, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one submission. `batch_id` is a function of the sender and the bytes."""

    batch_id: str
    files: tuple[FileResult, ...]

    @property
    def succeeded(self) -> int:
        """How many HOSO were accepted."""
        return sum(d.status == "accepted" for f in self.files for d in f.dossiers)

    @property
    def failed(self) -> int:
        """How many HOSO were refused; a file refused as a whole counts as one."""
        refused = sum(d.status == "refused" for f in self.files for d in f.dossiers)
        return refused + sum(f.status == "refused" and not f.dossiers for f in self.files)


def file_result(issues: tuple[Issue, ...], dossiers: tuple[HosoResult, ...]) -> FileResult:
    """The result of a file that could be read: partial where some of its HOSO were refused."""
    accepted = sum(d.status == "accepted" for d in dossiers)
    if accepted == len(dossiers):
        return FileResult("accepted", issues, dossiers)
    return FileResult("partial" if accepted else "refused", issues, dossiers)
