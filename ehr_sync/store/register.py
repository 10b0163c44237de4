"""The register: Organizations and Practitioners, told to each destination by a lane of its own.

docs/architecture.md#lanes.

The register's lane is a row like any person's, so that the same take, push and settle serve it; its row is the mutex
of its players, as a person's row is of a person's records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Text, and_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import BYTEA, insert
from sqlalchemy.dialects.postgresql import UUID as SqlUuid

from ehr_sync.store import lanes
from ehr_sync.store.lanes import NOW, THIS, WHOLE, Lane, fenced
from ehr_sync.store.statement import Statement, among, rows_of
from ehr_sync.store.tables import lane, player

REGISTER: Final = UUID(int=0)
"""Owner of the register's lanes: nobody's id, and the first in every order of ids."""

NOT_TOLD: Final = "register.not_told"
"""Why a person's lane waits: the destination does not hold yet whom its records refer to."""


@dataclass(frozen=True, slots=True)
class Player:
    """An Organization or Practitioner ("Type/id"): whose it is (`code`), and a keyed hash of its content."""

    address: str
    code: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """A player as the register's lane knows it; `told`: the destination holds it so."""

    player: Player
    seq: int
    told: bool


def standing(connection: Connection, destination: str, addresses: Collection[str]) -> dict[str, Standing]:
    """Those of these that the register's lane knows, by address."""
    rows = _STANDING.rows(connection, to=destination, addresses=list(addresses), register=REGISTER)
    return {row.address: _standing(row) for row in rows}


def beyond(connection: Connection, held: Lane, limit: int) -> Sequence[Standing]:
    """The first players that the register's lane has still to tell, in the order of their seq."""
    values = {"to": held.destination, "register": REGISTER, "base": held.base, "want": held.want, "limit": limit}
    return [_standing(row) for row in _BEYOND.rows(connection, **values)]


def _standing(row: Any) -> Standing:
    return Standing(Player(row.address, row.code, row.content), row.seq, row.told)


_ALL = (
    select(player, (player.c.seq <= lane.c.base).label("told"))
    .join(lane, and_(lane.c.destination == player.c.destination, lane.c.person_id == bindparam("register")))
    .where(player.c.destination == bindparam("to"))
)
_STANDING = Statement(_ALL.where(among(player.c.address, "addresses")))
_BEYOND = Statement(
    _ALL.where(player.c.seq > bindparam("base", type_=BigInteger))
    .where(player.c.seq <= bindparam("want", type_=BigInteger))
    .order_by(player.c.seq)
    .limit(bindparam("limit", type_=BigInteger))
)


def announce(connection: Connection, destination: str, players: Collection[Player]) -> None:
    """The destination should hold these players so: what is new or changed is due on the register's lane, once per
    content, whoever else asks for the same at once.
    """
    last = _locked(connection, destination)
    known = {each.player for each in standing(connection, destination, [each.address for each in players]).values()}
    changed = sorted(set(players) - known, key=lambda each: each.address)
    if not changed:
        return
    seqs = range(last + 1, last + 1 + len(changed))
    _PUT.run(
        connection,
        to=destination,
        addresses=[each.address for each in changed],
        seqs=list(seqs),
        codes=[each.code for each in changed],
        contents=[each.content for each in changed],
    )
    lanes.want(connection, {REGISTER: seqs[-1]}, destination)


def _locked(connection: Connection, destination: str) -> int:
    """The seq that the register's lane wants; its row is locked from here on."""
    connection.execute(
        insert(lane).values(person_id=REGISTER, destination=destination, want=0).on_conflict_do_nothing()
    )
    row = select(lane.c.want).where(lane.c.person_id == REGISTER, lane.c.destination == destination)
    return int(connection.execute(row.with_for_update()).scalar_one())


def _put() -> Statement:
    given = rows_of(addresses=Text(), seqs=BigInteger(), codes=Text(), contents=BYTEA())
    new = insert(player).from_select(
        ["destination", "address", "seq", "code", "content"],
        select(bindparam("to", type_=Text), given.addresses, given.seqs, given.codes, given.contents),
    )
    changed = {name: new.excluded[name] for name in ("seq", "code", "content")}
    return Statement(new.on_conflict_do_update(index_elements=["destination", "address"], set_=changed))


_PUT = _put()

# A lane that waits is woken when the register has been told. It looks again by itself too, after as long as it has
# been behind: whoever woke the others may have passed over it.
_FIRST_LOOK: Final = timedelta(seconds=10)
_LAST_LOOK: Final = timedelta(minutes=10)


def put_off(connection: Connection, waiting: Iterable[Lane]) -> None:
    """Locked lanes wait for the register's."""
    _PUT_OFF.count(connection, [{**fenced(each), "why": NOT_TOLD} for each in waiting])


_PUT_OFF = Statement(
    update(lane)
    .where(*THIS)
    .values(
        reason=bindparam("why"),
        due_at=NOW + func.least(func.greatest(NOW - lane.c.since, _FIRST_LOOK), _LAST_LOOK),
    )
)


def is_behind(connection: Connection, destination: str) -> bool:
    """Whether the register's lane has still something to tell: then it wakes who waits when it has."""
    return bool(_IS_BEHIND.rows(connection, to=destination, register=REGISTER))


_IS_BEHIND = Statement(
    select(lane.c.want).where(
        lane.c.destination == bindparam("to"),
        lane.c.person_id == bindparam("register", type_=SqlUuid()),
        lane.c.base < lane.c.want,
    )
)


def wake(connection: Connection, destination: str) -> None:
    """What waits for the register's lane looks again now. Sees only who waits when its transaction begins: whoever
    settles the register's lane commits that first, and whoever has let a lane wait looks (`is_behind`) when that has
    committed.
    """
    waiting = (
        select(lane.c.person_id)
        .where(lane.c.destination == destination, lane.c.reason == NOT_TOLD)
        .order_by(lane.c.person_id)
        .with_for_update()
        .cte("waiting")
    )
    connection.execute(
        update(lane)
        .where(lane.c.destination == destination, lane.c.person_id == waiting.c.person_id)
        .values(reason="", due_at=NOW)
    )


def start_over(connection: Connection, destination: str) -> None:
    """The destination has lost the register's watermark: all players are told again. One whose push is under way is
    asked about anyway.
    """
    connection.execute(
        update(lane)
        .where(lane.c.destination == destination, lane.c.person_id == REGISTER, lane.c.sent_to.is_(None))
        .values(**WHOLE, base=0, epoch=lane.c.epoch + 1, etag=None, due_at=NOW, since=func.coalesce(lane.c.since, NOW))
    )
