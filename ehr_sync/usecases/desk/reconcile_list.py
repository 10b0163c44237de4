"""A month's list of MA_LK against what is here: what is missing, what is too much, what was withdrawn
(đối soát; rules: reconciling-lists).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.codes import transaction_code
from ehr_sync.store import audit, desk, refused_dossiers
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.desk import RecordState
from ehr_sync.usecases.desk.asking import Asker, families_of
from ehr_sync.usecases.desk.heard import named_in, refused_of
from ehr_sync.usecases.desk.look_at_day import group_of
from ehr_sync.usecases.intake.plan_record import record_ids
from ehr_sync.usecases.stores import Stores
from mappings.dates import VIETNAM
from mappings.formats.code_list import MOST_ROWS, ListRow
from mappings.model import Issue

_AT_A_TIME: Final = 1_000


@dataclass(frozen=True, slots=True)
class Missing:
    """A listed MA_LK of which nothing is here; `refused` is why, where the month's last attempt with it was refused."""

    row: ListRow
    refused: Issue | None = None


@dataclass(frozen=True, slots=True)
class There:
    """A record that is here; `row` is where it is listed, None where it is not. `source_id` is its MA_LK, "" where no
    answer of it is kept.
    """

    source_id: str = field(repr=False)
    code: str
    state: str
    came: datetime | None = None
    withdrawn_at: datetime | None = None
    why: str = ""
    row: ListRow | None = None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """`listed` rows named a MA_LK, `repeated` of them one that was listed before. `groups` counts the records that were
    found as a day counts them (look_at_day.STATES). `wrong` are rows that cannot be read.
    """

    month: date
    listed: int
    repeated: int
    groups: Mapping[str, int]
    missing: tuple[Missing, ...]
    extra: tuple[There, ...]
    withdrawn: tuple[There, ...]
    wrong: tuple[ListRow, ...]


def reconcile_list(rows: Sequence[ListRow], month: date, asker: Asker, *, stores: Stores) -> Reconciled:
    """Compare a list with what is here of the asker's places. A MA_LK is found whenever it came; too much is what first
    came in this month (its first day is given) and is not listed. One audit entry.

    Holds the list, and of each record 16 bytes.
    """
    today = vietnam_day(stores.database.now())
    start, end = (datetime.combine(each, datetime.min.time(), VIETNAM) for each in (month, _next(month)))
    named = {row.source_id: row for row in reversed(rows) if row.issue is None and row.source_id}
    found: set[bytes] = set()
    absent: list[ListRow] = []
    counts: Counter[str] = Counter()
    withdrawn: list[There] = []
    with stores.database.begin() as connection:
        families = sorted(families_of(connection, asker, today, stores))
        for some in _batches(list(named.values())):
            ids = {row.number: _ids(row, families, stores) for row in some}
            states = _states(connection, [i for each in ids.values() for i in each], stores)
            for row in some:
                here = [states[i] for i in ids[row.number] if i in states]
                found.update(each.record_id for each in here)
                counts.update(group_of(each.state) for each in here if each.state != "withdrawn")
                withdrawn += [_there(each, row.source_id, row) for each in here if each.state == "withdrawn"]
                if not here:
                    absent.append(row)
        refused = _refused(connection, {row.source_id for row in absent}, families, start, end, stores)
        extra = tuple(_extra(connection, found, families, start, end, stores))
        told = f"{asker.client_id} {month:%Y-%m} listed={len(named)} missing={len(absent)} extra={len(extra)}"
        audit.write(connection, stores.keys.audit, [AuditEntry(asker.actor, "reconcile list", None, told)])
    listed = sum(row.issue is None and bool(row.source_id) for row in rows)
    return Reconciled(
        month=month,
        listed=listed,
        repeated=listed - len(named),
        groups=dict(counts),
        missing=tuple(Missing(row, refused.get(row.source_id)) for row in sorted(absent, key=lambda row: row.number)),
        extra=extra,
        withdrawn=tuple(withdrawn),
        wrong=tuple(row for row in rows if row.issue is not None or not row.source_id),
    )


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _batches(rows: Sequence[ListRow]) -> Iterator[Sequence[ListRow]]:
    for first in range(0, len(rows), _AT_A_TIME):
        yield rows[first : first + _AT_A_TIME]


def _ids(row: ListRow, families: Sequence[str], stores: Stores) -> list[bytes]:
    return [i for family in families for i in record_ids(family, row.source_id, stores.keys.id)]


def _states(connection: Connection, ids: Sequence[bytes], stores: Stores) -> dict[bytes, RecordState]:
    return {each.record_id: each for each in desk.states_of(connection, ids, stores.destination)}


def _there(state: RecordState, source_id: str, row: ListRow | None) -> There:
    code = transaction_code(state.record_id, state.version)
    return There(source_id, code, state.state, state.accepted_at, state.withdrawn_at, state.withdrawn_why or "", row)


def _refused(
    connection: Connection,
    wanted: Collection[str],
    families: Sequence[str],
    start: datetime,
    end: datetime,
    stores: Stores,
) -> dict[str, Issue]:
    """Why the last dossier of each of these MA_LK was refused in the month."""
    found: dict[str, Issue] = {}
    before = None
    while wanted:
        rows = refused_dossiers.some(
            connection, stores.key_store, families, start, end, before=before, limit=_AT_A_TIME
        )
        for told in (refused_of(row.said) for row in rows if row.said):
            if told.source_id in wanted and told.issues:
                found.setdefault(told.source_id, told.issues[0])
        if len(rows) < _AT_A_TIME:
            break
        before = (rows[-1].at, rows[-1].mark)
    return found


def _extra(
    connection: Connection,
    found: Collection[bytes],
    families: Sequence[str],
    start: datetime,
    end: datetime,
    stores: Stores,
) -> Iterator[There]:
    """What came first in the month and is not among those found, in the order in which it came."""
    return itertools.islice(_all_extra(connection, found, families, start, end, stores), MOST_ROWS)


def _all_extra(
    connection: Connection,
    found: Collection[bytes],
    families: Sequence[str],
    start: datetime,
    end: datetime,
    stores: Stores,
) -> Iterator[There]:
    after = (start, b"")
    while rows := desk.begun_between(connection, families, after, end, limit=_AT_A_TIME):
        others = {row.record_id: row for row in rows if row.record_id not in found}
        names = named_in(connection, {transaction_code(i, 1): row.submission_id for i, row in others.items()}, stores)
        states = _states(connection, list(others), stores)
        for record_id, row in others.items():
            name = names.get(transaction_code(record_id, 1))
            # What was withdrawn is not listed either: the two agree.
            if name is not None and record_id in states and states[record_id].state != "withdrawn":
                there = _there(states[record_id], name, None)
                yield There(name, there.code, there.state, row.accepted_at, there.withdrawn_at, there.why)
        after = (rows[-1].accepted_at, rows[-1].record_id)
