"""What all readers share: limits, the refusal of a whole source, and what an envelope says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from mappings.model import Issue

CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken; beyond it a coded refusal. Sizes are bytes, after base64 where a name says so."""

    request_bytes: int = 100_000_000
    request_dossiers: int = 5_000
    table_rows: int = 10_000
    record_bytes: int = 32_000_000  # decoded


class SourceRefused(Exception):
    """A whole file or request cannot be taken. `issue` says why; nothing of the sender's is in the message."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(issue.code)
        self.issue = issue


@dataclass(frozen=True, slots=True)
class EnvelopeScan:
    """What a GIAMDINHHS says of itself, and where in it each HOSO stands (QĐ 4750, QĐ 3176).

    `spans` are byte offsets [start, end) of the elements, in order; `announced` is SOLUONGHOSO, None where it is
    missing; `signed` says that a signature is there, not that it is good. What `says_itself` is one record as a whole,
    in which alone it stands whose it is: `facility_code` is then only a name that its place may be known by.
    """

    facility_code: str
    made_on: date | None
    announced: int | None
    spans: tuple[tuple[int, int], ...]
    signed: bool
    issues: tuple[Issue, ...]
    says_itself: bool = False
