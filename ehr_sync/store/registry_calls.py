"""Calls of the population registry that were made or may still be made, counted for all processes together.

A call is counted before it is made, in the slot of the last moment at which it can still arrive there; when it is over,
in that of now. So no minute and no day, wherever the registry lets them begin, has more than its quota, and calls of a
process that was killed stay counted as long as they may have been made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import BigInteger, Connection, Integer, Text, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from ehr_sync.core.call_quota import CallQuota
from ehr_sync.store.statement import Statement
from ehr_sync.store.tables import registry_calls

_LOCK: Final = Statement(select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger()))))
_KEY: Final = 0x7265_6769_7374_7279  # "registry"
_NOW: Final = Statement(select(func.extract("epoch", func.clock_timestamp()).label("now")))


@dataclass(frozen=True, slots=True)
class Counted:
    """So many calls that one claim may take, and the second in which they were counted."""

    calls: int
    second: int
    for_desk: bool = False


def free_calls(connection: Connection, quota: CallQuota, *, for_desk: bool = False) -> int:
    """How many calls may be made now. Until the transaction ends nobody else hears of one."""
    now = _locked(connection)
    free = []
    for limit in quota.limits():
        since = now - limit.seconds - limit.slot_seconds
        row = _USED.row(connection, span=limit.span, since=since)
        free.append(limit.free(int(row.calls), int(row.desk_calls), for_desk=for_desk))
    return min(free)


def count(connection: Connection, quota: CallQuota, calls: int, within: timedelta, *, for_desk: bool = False) -> int:
    """Count calls that will be made within that time, of those that are free; the second in which they are counted."""
    second = _locked(connection) + math.ceil(within.total_seconds())
    _add(connection, quota, second, calls, for_desk=for_desk)
    return second


def settle(connection: Connection, quota: CallQuota, done: Sequence[tuple[Counted, int]]) -> None:
    """Of what was counted so many calls were made, all of them by now."""
    now = _locked(connection)
    for counted, made in done:
        _add(connection, quota, counted.second, -counted.calls, for_desk=counted.for_desk)
        _add(connection, quota, now, made, for_desk=counted.for_desk)


def forget_old_calls(connection: Connection) -> None:
    """What no limit asks for any more."""
    _locked(connection)
    old = func.extract("epoch", func.clock_timestamp()) - 2 * 86_400
    connection.execute(delete(registry_calls).where(registry_calls.c.slot < old))


def _locked(connection: Connection) -> int:
    """The time, in whole seconds of the database's clock, with the table to ourselves until the transaction ends."""
    _LOCK.rows(connection, key=_KEY)
    return int(_NOW.row(connection).now)


def _add(connection: Connection, quota: CallQuota, second: int, calls: int, *, for_desk: bool) -> None:
    for limit in quota.limits():
        slot = second - second % limit.slot_seconds
        _ADD.run(connection, span=limit.span, slot=slot, calls=calls, desk_calls=calls if for_desk else 0)


def _adding() -> Statement:
    values = {name: bindparam(name, type_=Integer()) for name in ("calls", "desk_calls")}
    new = insert(registry_calls).values(
        span=bindparam("span", type_=Text()), slot=bindparam("slot", type_=BigInteger()), **values
    )
    more = {name: registry_calls.c[name] + new.excluded[name] for name in values}
    return Statement(new.on_conflict_do_update(index_elements=["span", "slot"], set_=more))


_ADD: Final = _adding()
_USED: Final = Statement(
    select(
        func.coalesce(func.sum(registry_calls.c.calls), 0).label("calls"),
        func.coalesce(func.sum(registry_calls.c.desk_calls), 0).label("desk_calls"),
    ).where(
        registry_calls.c.span == bindparam("span", type_=Text()),
        registry_calls.c.slot > bindparam("since", type_=BigInteger()),
    )
)
