"""What operators are told, wherever they ask: page, API and command line show the same lists and the same figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.codes import CLIENT_ID, batch_id
from ehr_sync.core.figures import Figures
from ehr_sync.core.quality import AXES, PLACES, Week
from ehr_sync.core.review import KINDS
from ehr_sync.core.wellness import complaints
from ehr_sync.store import audit, audit_reading, clients, lane_reports, overviews, quality, reviews
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.audit_reading import Wanted
from ehr_sync.store.clients import PAGE
from ehr_sync.usecases.stores import Stores
from mappings.dates import VIETNAM
from mappings.facility_code import is_facility_code
from mappings.terminology.editions import name_in_any

Row = Mapping[str, Any]

LANE_STATES: Final = ("behind", "due", "open", "unknown", "parked")
CLAIM_STATES: Final = overviews.CLAIM_STATES
MOST_COUNTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list: our own ids, codes and times. `after` is where the next page begins; "" at the end."""

    rows: Sequence[Row]
    after: str


class BadFilter(ValueError):
    """A filter that is not known, or has no such value; `name` says which."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class _List:
    filters: Mapping[str, Callable[[str], Any]]
    page: Callable[..., tuple[Sequence[Row], str | None]]  # (connection, given, limit, today) → rows, cursor


def show(what: str, given: Mapping[str, str], *, limit: int, by: str, stores: Stores) -> Listing:
    """A page of the list `what` (one of LISTS). `given` are filters by name, and `after`. Every page is an entry of the
    audit log: which, and how many it named. Raises BadFilter.
    """
    asked = LISTS[what]
    parsed = {name: _parsed(asked, name, value) for name, value in given.items()}
    today = vietnam_day(stores.database.now())
    with stores.database.begin() as connection:
        rows, after = asked.page(connection, parsed, limit, today)
        detail = " ".join(f"{name}={value}" for name, value in {**given, "listed": len(rows)}.items())
        action, told = ("search audit", "") if what == "audit" else (f"list {what}", detail)
        entry = AuditEntry(f"ops:{stores.alias_of(by)}", action, parsed.get("patient"), told)
        audit.write(connection, stores.keys.audit, [entry])
    return Listing(rows, after or "")


def _parsed(asked: _List, name: str, value: str) -> Any:
    try:
        return asked.filters[name](value)
    except (KeyError, ValueError):
        raise BadFilter(name) from None


def told(figures: Figures) -> dict[str, Any]:
    """The figures as JSON has them, with what is not well."""
    flow, wrong = figures.flow, complaints(figures)
    fresh = flow.freshness
    return {
        "at": flow.at,
        "well": not wrong,
        "complaints": [{"code": each.code, "much": each.much, "where": each.where} for each in wrong],
        "oldest_seconds": {**flow.oldest, **{f"deliver:{to}": age for to, age in figures.oldest_seconds.items()}},
        "freshness": fresh and {"dossiers": fresh.dossiers, "p50_seconds": fresh.p50, "p95_seconds": fresh.p95},
        "by_hour": {"accepted": flow.accepted, "refused": flow.refused, "delivered": flow.delivered},
        "claims": [{"state": state, "reason": why, "count": n} for (state, why), n in sorted(flow.claims.items())],
        "proven": figures.claims.get("proven", 0),
        "lanes": [{"state": state, "reason": why, "count": n} for (state, why), n in sorted(flow.lanes.items())],
        "destinations": [
            {
                "name": name,
                "paused": figures.why_paused.get(name, ""),
                "asks": figures.asks.get(name, False),
                "fenced": figures.fenced.get(name),
                **{state: figures.lanes.get((name, state), 0) for state in ("behind", "unknown", "parked")},
            }
            for name in sorted({*figures.paused, *(to for to, _ in figures.lanes)})
        ],
        "schedulers": flow.schedulers,
        "unanchored_seconds": flow.unanchored_seconds,
    }


def _submissions(connection: Connection, given: Row, limit: int, _: date) -> tuple[Sequence[Row], str | None]:
    found = overviews.submissions(
        connection, client=given.get("client"), refused="refused" in given, before=given.get("after"), limit=limit
    )
    rows = [
        {
            "batch": batch_id(r["submission_id"]),
            "client": r["client_id"],
            "received_at": r["received_at"],
            "media_type": r["media_type"],
            "answered": r["answered"],
            "dossiers": r["dossiers"],
            "refused": r["refused"],
        }
        for r in found
    ]
    return rows, _place(found, limit, "received_at", "submission_id")


def _claims(connection: Connection, given: Row, limit: int, _: date) -> tuple[Sequence[Row], str | None]:
    state, reason = given.get("state", "held"), given.get("reason")
    states = overviews.HELD if state == "held" else (state,)
    found = overviews.claims(connection, states=states, reason=reason, after=given.get("after"), limit=limit)
    rows = [
        {"claim": r["claim_id"].hex(), "patient": r["person_id"], **_but(r, "claim_id", "person_id")} for r in found
    ]
    return rows, _place(found, limit, "created_at", "claim_id")


def _lanes(connection: Connection, given: Row, limit: int, _: date) -> tuple[Sequence[Row], str | None]:
    found = lane_reports.listing(connection, **{"state": None, **given}, limit=limit)
    rows = [{"patient": r["person_id"], **_but(r, "person_id")} for r in found]
    return rows, f"{found[-1]['person_id']}~{found[-1]['destination']}" if len(found) == limit else None


def _facilities(connection: Connection, given: Row, limit: int, today: date) -> tuple[Sequence[Row], str | None]:
    rows = overviews.facilities(connection, today=today, after=given.get("after"), limit=limit)
    return rows, rows[-1]["code"] if len(rows) == limit else None


def _resyncs(connection: Connection, given: Row, limit: int, _: date) -> tuple[Sequence[Row], str | None]:
    found = overviews.resyncs(connection, before=given.get("after"), limit=limit)
    rows = [{"id": r["resync_id"], **_but(r, "resync_id")} for r in found]
    return rows, _place(found, limit, "created_at", "resync_id")


def _reviews(connection: Connection, given: Row, limit: int, _: date) -> tuple[Sequence[Row], str | None]:
    kind = given.get("kind", KINDS[0])
    found = reviews.queue(connection, kind, after=given.get("after"), limit=limit)
    rows = [
        {
            "review": r.subject.hex(),
            "kind": kind,
            "patient": r.person_id,
            "state": r.state,
            "reason": r.reason,
            "created_at": r.at,
            "answer_until": r.answer_until,
            "others": r.others,
        }
        for r in found
    ]
    last = [{"at": r.at, "id": r.subject} for r in found[-1:]]
    return rows, _place(last, 1, "at", "id") if len(found) == limit else None


def waiting_for_review(*, stores: Stores) -> dict[str, int]:
    """How many of each kind wait for a person, counted up to a thousand."""
    with stores.database.reading() as connection:
        return reviews.counts(connection, most=MOST_COUNTED)


def _quality(connection: Connection, given: Row, limit: int, _: date) -> tuple[Sequence[Row], str | None]:
    kind, place = given.get("kind", "facility"), given.get("place")
    if place is not None or kind == "city":
        return _quality_rows(connection, quality.weeks_of(connection, kind, [place or ""], limit=limit)), None
    found = quality.places_of(connection, kind, after=given.get("after"), limit=limit)
    return _quality_rows(connection, found), found[-1].place if len(found) == limit else None


def _quality_rows(connection: Connection, weeks: Sequence[Week]) -> Sequence[Row]:
    names = clients.names(connection, {each.place for each in weeks if each.kind == "facility"})
    return [
        {
            "week": each.monday,
            "place": each.place,
            "name": names.get(each.place) or (name_in_any("commune", each.place) if each.kind == "commune" else ""),
            "records": each.measure.records,
            **{axis: each.measure.percent(axis) for axis in AXES},
            "age_days": each.measure.mean_age_days,
            "fixes": [f"{fault} {count}" for fault, count in each.measure.fixes],
        }
        for each in weeks
    ]


def _audit(connection: Connection, given: Row, limit: int, _: date) -> tuple[Sequence[Row], str | None]:
    names = ("actor", "action", "patient", "since", "until")
    wanted = Wanted(*(given.get(name) for name in names))
    found = audit_reading.search(connection, wanted, before=given.get("after"), limit=limit)
    rows = [
        {"n": e.n, "at": e.at, "actor": e.actor, "action": e.action, "patient": e.person_id, "detail": e.detail}
        for e in found.events
    ]
    return rows, str(found.before) if found.before else None


def _but(row: Row, *names: str) -> dict[str, Any]:
    # Column names are a kind of str that orjson does not take.
    return {str(name): value for name, value in row.items() if name not in names}


def _place(found: Sequence[Row], limit: int, at: str, id_: str) -> str | None:
    if len(found) < limit:
        return None
    last = found[-1]
    named = last[id_].hex() if isinstance(last[id_], bytes) else str(last[id_])
    return f"{last[at].astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}~{named}"


def _place_of(read: Callable[[str], Any]) -> Callable[[str], tuple[datetime, Any]]:
    def parse(value: str) -> tuple[datetime, Any]:
        at, _, id_ = value.partition("~")
        return _moment(at), read(id_)

    return parse


def _moment(value: str) -> datetime:
    """A time; a day alone is its beginning in Viet Nam, as is a time without its zone."""
    if len(value) == 10:
        return datetime.combine(date.fromisoformat(value), time(), VIETNAM)
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=VIETNAM)


def _lane_place(value: str) -> tuple[UUID, str | None]:
    person_id, _, destination = value.partition("~")
    return UUID(person_id), _destination(destination) if destination else None


def _entry_number(value: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,17}", value):
        raise ValueError(value)
    return int(value)


def _facility(value: str) -> str:
    if not is_facility_code(value):
        raise ValueError(value)
    return value


def _like(form: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not re.fullmatch(form, value, re.ASCII):
            raise ValueError(value)
        return value

    return parse


def _among(*known: str) -> Callable[[str], str]:
    return _like("|".join(known))


_destination: Final = _like(r"[a-z0-9-]{1,40}")
_REASON: Final = _like(r"[a-z0-9_.-]{0,120}")
LISTS: Final[Mapping[str, _List]] = {
    "submissions": _List(
        {
            "client": _like(rf"({PAGE})?{CLIENT_ID}"),
            "refused": _among("day"),
            "after": _place_of(bytes.fromhex),
        },
        _submissions,
    ),
    "claims": _List(
        {"state": _among("held", *CLAIM_STATES), "reason": _REASON, "after": _place_of(bytes.fromhex)}, _claims
    ),
    "lanes": _List(
        {
            "state": _among(*LANE_STATES),
            "reason": _REASON,
            "destination": _destination,
            "patient": UUID,
            "after": _lane_place,
        },
        _lanes,
    ),
    "facilities": _List({"after": _facility}, _facilities),
    "quality": _List(
        {"kind": _among(*PLACES), "place": _like(r"[0-9A-Z]{1,20}"), "after": _like(r"[0-9A-Z]{1,20}")}, _quality
    ),
    "resyncs": _List({"after": _place_of(UUID)}, _resyncs),
    "reviews": _List({"kind": _among(*KINDS), "after": _place_of(bytes.fromhex)}, _reviews),
    "audit": _List(
        {
            "actor": _like(r"[A-Za-z0-9:._-]{1,140}"),
            "action": _like(r"[A-Za-z0-9 :._-]{1,80}"),
            "patient": UUID,
            "since": _moment,
            "until": _moment,
            "after": _entry_number,
        },
        _audit,
    ),
}
"""Every list, with its filters."""

KNOWN: Final = frozenset(name for each in LISTS.values() for name in each.filters)
"""The names of all filters. What else somebody asks for is never repeated to them."""
