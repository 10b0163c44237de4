"""Which version of a record stands (P3). Pure; the rule is that of docs/states.md "Which version is newest".

The national XML carries no version and NGAYLAP is none (some exporters write the settlement day, others today), so
the rule never guesses: where the order is unclear the version is kept, not shown, and its sender is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import Literal

# What a facility's NGAYLAP means, where it has told us; "ask" where it has not.
MadeOnMeans = Literal["ask", "export_day", "visit_day"]


class Order(Enum):
    """What a dossier that has just come is to the versions already kept."""

    NEW = auto()  # content never seen, not earlier than the one that stands: it stands now
    REVERT = auto()  # an earlier content, sent again later than the one that stands: it stands now
    DUPLICATE = auto()  # the content that stands, or one that already waits: same answer, no effect
    LATE = auto()  # an earlier content, not sent later: a late retry, no effect, superseded
    OLDER = auto()  # content never seen, known to be older: kept, superseded
    UNCLEAR = auto()  # content never seen, dated earlier: kept, not shown, asked
    TAKEN = auto()  # content never seen under a number that holds another: refused


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """A version that is kept. `stands` for the one that is newest; `sent_as` is the sender's own number of it."""

    version: int
    content_mark: bytes
    made_on: date
    stands: bool
    unclear: bool
    sent_as: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """`of` is the version that already holds this content (DUPLICATE), or that stands instead (LATE, OLDER)."""

    order: Order
    of: int | None = None


def decide(
    known: Sequence[KnownVersion],
    content_mark: bytes,
    made_on: date,
    means: MadeOnMeans,
    *,
    repeated: bool,
) -> Decision:
    """What to do with a dossier of this content and NGAYLAP (already capped at the day received). `repeated` says that
    the very bytes were kept before: they never revert anything (P2), though a capped future day has moved on since.
    """
    standing = next((v for v in known if v.stands), None)
    if standing is None:
        waiting = next((v for v in known if v.content_mark == content_mark), None)
        return Decision(Order.DUPLICATE, waiting.version) if waiting else Decision(Order.NEW)
    if standing.content_mark == content_mark:
        return Decision(Order.DUPLICATE, standing.version)
    same = [v for v in known if v.content_mark == content_mark]
    unclear = next((v for v in same if v.unclear), None)
    if unclear is not None:
        return Decision(Order.DUPLICATE, unclear.version)
    if same:
        # Not dated later than it was sent before: a retry, also where the sender made an earlier-dated one current.
        is_later = made_on > max(standing.made_on, *(v.made_on for v in same))
        return Decision(Order.REVERT) if is_later and not repeated else Decision(Order.LATE, standing.version)
    if made_on >= standing.made_on or means == "visit_day":
        return Decision(Order.NEW)
    if means == "export_day":
        return Decision(Order.OLDER, standing.version)
    return Decision(Order.UNCLEAR)


def decide_by_number(known: Sequence[KnownVersion], content_mark: bytes, number: int) -> Decision:
    """What to do with a record whose sender numbers its versions; the number is part of its content
    (rules: newest-version).
    """
    standing = next((v for v in known if v.stands), None)
    same = next((v for v in known if v.content_mark == content_mark), None)
    if same is not None and (standing is None or standing is same):
        return Decision(Order.DUPLICATE, same.version)
    if same is not None and standing is not None:
        return Decision(Order.LATE, standing.version)
    numbers = [v.sent_as for v in known if v.sent_as is not None]
    if number in numbers:
        return Decision(Order.TAKEN)
    if standing is None or number > max(numbers, default=0):
        return Decision(Order.NEW)
    return Decision(Order.OLDER, standing.version)
