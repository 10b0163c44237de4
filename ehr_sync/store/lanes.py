"""Lanes: per person and destination, what the book should hold and what it holds (docs/architecture.md#lanes).

There is no queue: work exists exactly while a lane is behind. A lane whose lease has run out while something was sent
is never simply due: its outcome is unknown and is asked for. A lease stands apart from the time that a lane is due: no
index knows it, so that taking a lane writes to none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Interval,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.dialects.postgresql import UUID as SqlUuid

from ehr_sync.store.statement import Statement, rows_of
from ehr_sync.store.tables import delivery, lane, person

# Stable within a statement, so that an index can be asked with it; clock_timestamp() would be tried on every row.
NOW = func.statement_timestamp()
LATER = NOW + bindparam("lease", type_=Interval)
# Whatever changes what waits first makes its parts others.
WHOLE: dict[str, Any] = {"part": 0, "sent_part": 0}
THIS = (lane.c.person_id == bindparam("person"), lane.c.destination == bindparam("to"))


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane as its taker sees it."""

    person_id: UUID
    destination: str
    want: int
    have: int
    base: int
    epoch: int
    state: str
    fence: int
    attempts: int
    sent_to: int | None
    sent_key: bytes | None = field(repr=False)
    sent_epoch: int | None
    etag: str | None
    old_mark: bool
    part: int
    resync_id: UUID | None
    row_version: str = field(repr=False)  # another one after any change of the row


# The transaction that wrote the row: the one word that stands for all its columns (PostgreSQL 5.6, System Columns).
_ROW_VERSION = literal_column("lane.xmin::text", Text).label("row_version")
COLUMNS = [lane.c[name] for name in Lane.__dataclass_fields__ if name != "row_version"] + [_ROW_VERSION]


def fenced(held: Lane) -> dict[str, Any]:
    """Parameters that name a lane and its worker's fence, the next after the one that it was read under."""
    return {"person": held.person_id, "to": held.destination, "mine": held.fence + 1}


def want(connection: Connection, seqs: Mapping[UUID, int], destination: str) -> None:
    """These people's counters stand at these seqs now, and their books should come up to them: their lanes are due.
    The people are locked.

    A parked lane opens when `want` passes what it parked at; one whose last outcome is unknown, or which a worker
    holds, keeps its time.
    """
    for person_id, seq in sorted(seqs.items()):
        # Nearly every lane is there: updated at once it is not locked before, which the log would hold too.
        wanted = {"person": person_id, "to": destination, "seq": seq}
        if not _WANT.count(connection, [wanted]):
            _FIRST.count(connection, [wanted])


def _wanting() -> Statement:
    seq = bindparam("seq", type_=BigInteger)
    busy = or_(lane.c.sent_to.isnot(None), lane.c.due_at.isnot(None))
    opens = and_(lane.c.state == "parked", seq > lane.c.parked_want)
    counted = update(person).where(person.c.person_id == bindparam("person")).values(seq=seq).cte("counted")
    return Statement(
        update(lane)
        .add_cte(counted)
        .where(*THIS)
        .values(
            want=func.greatest(lane.c.want, seq),
            state=case((opens, "open"), else_=lane.c.state),
            reason=case((opens, ""), else_=lane.c.reason),
            attempts=case((opens, 0), else_=lane.c.attempts),
            due_at=case((opens, NOW), (or_(busy, lane.c.state == "parked"), lane.c.due_at), else_=NOW),
            since=func.coalesce(lane.c.since, NOW),
            **WHOLE,
        )
    )


_WANT = _wanting()
_FIRST = Statement(
    insert(lane).values(
        person_id=bindparam("person"), destination=bindparam("to"), want=bindparam("seq"), due_at=NOW, since=NOW
    )
)


def reserve_due(connection: Connection, destination: str, limit: int) -> Sequence[Lane]:
    """Lanes that are due and not leased, about the oldest first, which nobody else has reserved; reserved until the
    transaction ends. A reservation keeps others from composing the same in vain, and nothing else: no row is locked,
    whoever writes to the lane does not wait, and `lock_unchanged` decides who sends.
    """
    rows = _DUE.rows(connection, destination=destination, limit=limit)
    return [Lane(*row) for row in rows]


# More than all workers together reserve. A filter within the LIMIT could be asked of every due lane, and the table of
# locks, which the whole database shares, would overflow.
_OLDEST = 4096


def _due() -> Statement:
    oldest = (
        select(*COLUMNS)
        .where(lane.c.destination == bindparam("destination"), lane.c.due_at <= NOW)
        .where(or_(lane.c.leased_until.is_(None), lane.c.leased_until <= NOW))
        .order_by(lane.c.due_at)
        .limit(_OLDEST)
        .subquery("oldest")
    )
    number = func.hashtextextended(cast(oldest.c.person_id, Text), func.hashtext(oldest.c.destination))
    return Statement(
        select(oldest).where(func.pg_try_advisory_xact_lock(number)).limit(bindparam("limit", type_=BigInteger))
    )


_DUE = _due()


def lock_unchanged(connection: Connection, lanes: Collection[Lane]) -> set[UUID]:
    """Lock those of these lanes that nobody has changed since they were read, passing over those that others hold.

    Returns whose they are. Lanes of one destination.
    """
    if not lanes:
        return set()
    rows = _UNCHANGED.rows(
        connection,
        destination=next(iter(lanes)).destination,
        people=[x.person_id for x in lanes],
        versions=[x.row_version for x in lanes],
    )
    return {row.person_id for row in rows}


def _unchanged() -> Statement:
    read = rows_of(people=SqlUuid(), versions=Text())
    return Statement(
        select(lane.c.person_id)
        .where(lane.c.person_id == read.people, read.versions == _ROW_VERSION)
        .where(lane.c.destination == bindparam("destination"))
        .with_for_update(of=lane, skip_locked=True),
        planned_anew=True,
    )


_UNCHANGED = _unchanged()


@dataclass(frozen=True, slots=True)
class Intent:
    """What a worker is about to send on a lane. `key` is a keyed hash of the body."""

    lane: Lane
    target: int
    key: bytes = field(repr=False)
    entries: int
    part: int = 0  # how much of the record that waits first the book then holds


def commit_intents(connection: Connection, intents: Collection[Intent], lease: timedelta) -> None:
    """Write the intents of locked lanes of one destination; only when this has committed may they be sent."""
    if intents:
        _INTEND.run(
            connection,
            to=next(iter(intents)).lane.destination,
            people=[i.lane.person_id for i in intents],
            targets=[i.target for i in intents],
            sent_keys=[i.key for i in intents],
            counts=[i.entries for i in intents],
            parts=[i.part for i in intents],
            lease=lease,
        )


def _intend() -> Statement:
    # For all at once, with their deliveries: what is sent costs less than to say so one by one.
    sent = rows_of(people=SqlUuid(), targets=BigInteger(), sent_keys=BYTEA(), counts=Integer(), parts=Integer())
    taken = (
        update(lane)
        .where(lane.c.person_id == sent.people, lane.c.destination == bindparam("to"))
        .values(
            fence=lane.c.fence + 1,
            sent_to=sent.targets,
            sent_key=sent.sent_keys,
            sent_epoch=lane.c.epoch,
            sent_part=sent.parts,
            leased_until=LATER,
        )
        .returning(lane.c.person_id, lane.c.destination, lane.c.fence, sent.targets, sent.counts)
        .cte("taken")
    )
    columns = ("person_id", "destination", "fence", "target", "entries")
    return Statement(insert(delivery).from_select(columns, select(taken)), planned_anew=True)


_INTEND = _intend()


def hold(connection: Connection, lanes: Collection[Lane], lease: timedelta) -> None:
    """Take locked lanes whose outcome is unknown, to ask about them."""
    _HOLD.count(connection, [{**fenced(held), "lease": lease} for held in lanes])


_HOLD = Statement(update(lane).where(*THIS).values(fence=bindparam("mine"), state="unknown", leased_until=LATER))


def note_etag(connection: Connection, held: Lane, etag: str) -> bool:
    """A lane's watermark stands under this ETag; False where another worker has taken the lane since: then nothing of
    this one may be sent.
    """
    return _NOTE_ETAG.count(connection, [{**fenced(held), "etag_": etag}]) == 1


_NOTE_ETAG = Statement(
    update(lane).where(*THIS, lane.c.fence == bindparam("mine")).values(etag=bindparam("etag_"), old_mark=False)
)


def close_idle(connection: Connection, lanes: Collection[Lane]) -> None:
    """Locked lanes that turn out to have nothing to send hold what they want."""
    _CLOSE.count(connection, [fenced(idle) for idle in lanes])


_CLOSE = Statement(
    update(lane)
    .where(*THIS)
    .values(
        have=func.greatest(lane.c.have, lane.c.want), base=lane.c.want, due_at=null(), since=null(), resync_id=null()
    )
)


def park(connection: Connection, locked: Lane, reason: str) -> None:
    """Park a locked lane that nothing was sent on."""
    _PARK.run(connection, **fenced(locked), why=reason)


_PARK = Statement(
    update(lane).where(*THIS).values(state="parked", reason=bindparam("why"), parked_want=lane.c.want, due_at=null())
)
