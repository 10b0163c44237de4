"""What became of what a facility sent on a day: counts that add up, and the dossiers behind each."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import Connection

from ehr_sync.core.answers import HosoResult
from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.codes import transaction_code
from ehr_sync.core.errors import NotFound
from ehr_sync.store import audit, desk, records, refused_dossiers
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.desk import DeskRow, Place
from ehr_sync.store.refused_dossiers import RefusalRow
from ehr_sync.usecases.desk.asking import Asker, families_of
from ehr_sync.usecases.desk.heard import heard_of, refused_of
from ehr_sync.usecases.intake.plan_record import ids_named
from ehr_sync.usecases.stores import Stores
from mappings.dates import VIETNAM
from mappings.model import Issue

STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "in_book": ("delivered",),
    "waiting": ("delivering", "refused_by_book"),
    "verifying": ("verifying", "received"),
    "held": ("held",),
    "unfinished": ("visit_open", "order_unclear", "waiting_for_xml1"),
    "done": ("kept", "superseded", "withdrawn", "set_aside"),
}
"""What the accepted dossiers of a day are counted as; each state of a life line stands in one of them."""
_GROUP_OF: Final = {state: group for group, states in STATES.items() for state in states}
GROUPS: Final = ("sent", "accepted", "refused", *STATES)
PAGE_SIZE: Final = 50
_MOST_COUNTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Day:
    """How many dossiers of each group came on a day. `work` is how many wait for the facility, of all days, counted up
    to a thousand.
    """

    day: date
    groups: Mapping[str, int]
    work: int

    @property
    def work_is_more(self) -> bool:
        """Whether there are more than were counted."""
        return self.work >= _MOST_COUNTED


@dataclass(frozen=True, slots=True)
class Line:
    """One dossier in a list. `code` is its maGiaoDich, "" where it was refused; `source_id` is empty where no answer of
    it is kept. `reason` says why its claim is not proven; `accepted_since` names what was accepted under a
    refused one's MA_LK after it.
    """

    source_id: str = field(repr=False)
    code: str
    at: datetime
    state: str
    issues: tuple[Issue, ...]
    claim_state: str = ""
    reason: str = ""
    accepted_since: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """A part of a list, and from where it goes on; "" at its end."""

    lines: tuple[Line, ...]
    next: str


def count_day(day: date, asker: Asker, *, stores: Stores) -> Day:
    """A day's counts: sent = accepted + refused, and accepted is the sum of what it has become. The same dossier sent
    again without a change counts once. One audit entry.
    """
    start, end = _bounds(day)
    today = vietnam_day(stores.database.now())
    with stores.database.begin() as connection:
        families = families_of(connection, asker, today, stores)
        states = desk.count_states(connection, families, start, end, stores.destination)
        refused = refused_dossiers.count(connection, families, start, end)
        work = desk.count_held(connection, families, most=_MOST_COUNTED, destination=stores.destination)
        _note(connection, asker, "count day", day.isoformat(), stores)
    groups = {group: sum(states.get(state, 0) for state in within) for group, within in STATES.items()}
    accepted = sum(states.values())
    return Day(day, {"sent": accepted + refused, "accepted": accepted, "refused": refused, **groups}, work)


def list_dossiers(
    day: date, group: str, *, after: str = "", limit: int = PAGE_SIZE, asker: Asker, stores: Stores
) -> Lines:
    """The dossiers of a group of a day, newest first. Raises NotFound for a group or a place that is none. One audit
    entry.
    """
    if group not in GROUPS:
        raise NotFound("not_found")
    start, end = _bounds(day)
    place = _place_of(after) if after else None
    found: list[DeskRow | RefusalRow] = []
    today = vietnam_day(stores.database.now())
    with stores.database.begin() as connection:
        families = families_of(connection, asker, today, stores)
        if group != "refused":
            found += desk.some_of_day(
                connection,
                families,
                start,
                end,
                states=STATES.get(group),
                before=place if place and len(place) == 3 else None,
                until=place[0] if place and len(place) == 2 else None,
                limit=limit + 1,
                destination=stores.destination,
            )
        if group in {"sent", "refused"}:
            found += refused_dossiers.some(
                connection, stores.key_store, families, start, end, before=_before_refusals(place), limit=limit + 1
            )
        found = sorted(found, key=_order, reverse=True)[: limit + 1]
        lines = lines_of(connection, found[:limit], stores)
        _note(connection, asker, "list dossiers", f"{day.isoformat()} {group}", stores)
    return Lines(lines, place_after(found[limit - 1]) if len(found) > limit else "")


def list_work(*, after: str = "", limit: int = PAGE_SIZE, asker: Asker, stores: Stores) -> Lines:
    """The dossiers whose patient's identity the facility has to look at, of all days, oldest first. One audit entry."""
    place = _place_of(after) if after else None
    today = vietnam_day(stores.database.now())
    with stores.database.begin() as connection:
        families = families_of(connection, asker, today, stores)
        found = desk.some_held(
            connection,
            families,
            after=place if place and len(place) == 3 else None,
            limit=limit + 1,
            destination=stores.destination,
        )
        lines = lines_of(connection, found[:limit], stores)
        _note(connection, asker, "list work", "", stores)
    return Lines(lines, place_after(found[limit - 1]) if len(found) > limit else "")


def group_of(state: str) -> str:
    """What a state is counted as."""
    return _GROUP_OF[state]


def has_sent(asker: Asker, *, stores: Stores) -> bool:
    """Whether anything of the asker's places was ever accepted; of nobody in particular, so no entry is written."""
    today = vietnam_day(stores.database.now())
    with stores.database.reading() as connection:
        return desk.has_versions(connection, families_of(connection, asker, today, stores))


_TICK: Final = timedelta(microseconds=1)
# Of what came at one time, as all of one request did, the refused stand before the accepted.
_Key = tuple[datetime, int, bytes, int]


def _order(row: DeskRow | RefusalRow) -> _Key:
    if isinstance(row, RefusalRow):
        return row.at, 1, row.mark, 0
    return row.accepted_at, 0, row.record_id, row.version


def _before_refusals(place: Place | tuple[datetime, bytes] | None) -> tuple[datetime, bytes] | None:
    # All that were refused at the time of an accepted one stood before it.
    return None if place is None else (place[0], place[1] if len(place) == 2 else b"")


def lines_of(connection: Connection, rows: Sequence[DeskRow | RefusalRow], stores: Stores) -> tuple[Line, ...]:
    """Rows as lines, each with what its sender heard."""
    told_in = {_code(row): row.submission_id for row in rows if isinstance(row, DeskRow)}
    heard = heard_of(connection, told_in, stores)
    refused = {row.mark: refused_of(row.said) for row in rows if isinstance(row, RefusalRow) and row.said}
    since = _accepted_since(connection, [row for row in rows if isinstance(row, RefusalRow)], refused, stores)
    return tuple(
        _refused(row, refused.get(row.mark), since) if isinstance(row, RefusalRow) else _accepted(row, heard)
        for row in rows
    )


def _refused(row: RefusalRow, told: HosoResult | None, since: Mapping[bytes, str]) -> Line:
    said = (told.source_id, told.issues) if told else ("", ())
    return Line(said[0], "", row.at, "refused", said[1], accepted_since=since.get(row.mark, ""))


def _accepted(row: DeskRow, heard: Mapping[str, HosoResult]) -> Line:
    told = heard.get(_code(row))
    said = (told.source_id, told.issues) if told else ("", ())
    return Line(said[0], _code(row), row.accepted_at, row.state, said[1], row.claim_state, row.reason)


def _code(row: DeskRow) -> str:
    return transaction_code(row.record_id, row.version)


def _accepted_since(
    connection: Connection, rows: Sequence[RefusalRow], told: Mapping[bytes, HosoResult], stores: Stores
) -> dict[bytes, str]:
    """By mark of a refusal, the maGiaoDich of what came later under its MA_LK."""
    named = [(row, told[row.mark].source_id) for row in rows if row.mark in told and told[row.mark].source_id]
    ids = {row.mark: ids_named(row.family, source_id, stores.keys.id) for row, source_id in named}
    found = records.records(connection, [i for each in ids.values() for i in each])
    heads = records.version_heads(connection, found.values())
    newest = {i: versions[-1] for i, versions in heads.items()}
    return {
        row.mark: transaction_code(i, newest[i].version)
        for row, _ in named
        for i in ids[row.mark]
        if i in newest and newest[i].accepted_at > row.at
    }


def place_after(row: DeskRow | RefusalRow) -> str:
    """Where a list goes on behind a row, as letters for an address: our own ids and a time."""
    at, kind, id_, version = _order(row)
    micros = (at - _EPOCH) // _TICK
    return urlsafe_b64encode(micros.to_bytes(8, "big") + bytes([kind]) + id_ + version.to_bytes(4, "big")).decode()


def _place_of(text: str) -> Place | tuple[datetime, bytes]:
    try:
        raw = urlsafe_b64decode(text.encode("ascii"))
        at = _EPOCH + int.from_bytes(raw[:8], "big") * _TICK
    except (ValueError, binascii.Error, OverflowError):
        raise NotFound("not_found") from None
    if len(raw) != 8 + 1 + 16 + 4 or raw[8] > 1:
        raise NotFound("not_found")
    return (at, raw[9:25]) if raw[8] else (at, raw[9:25], int.from_bytes(raw[25:], "big"))


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _bounds(day: date) -> tuple[datetime, datetime]:
    try:
        return tuple(datetime.combine(one, time(), VIETNAM) for one in (day, day + timedelta(days=1)))  # type: ignore[return-value]
    except OverflowError:
        raise NotFound("not_found") from None


def _note(connection: Connection, asker: Asker, action: str, detail: str, stores: Stores) -> None:
    whose = f"{asker.client_id} {detail}".strip()
    audit.write(connection, stores.keys.audit, [AuditEntry(asker.actor, action, None, whose)])
