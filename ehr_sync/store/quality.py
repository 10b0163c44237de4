"""How good the data of each place are: counted from records and their claims, and kept week by week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, text

from ehr_sync.core.quality import AXES, LIVE_FOR, Group, Measure, Places, Week
from ehr_sync.store.sealing import mark
from ehr_sync.store.tables import facility, quality

_FRESH_FOR: Final = timedelta(hours=1)
_KEPT_FOR: Final = timedelta(weeks=104)
_LOCK: Final = 0x7175616C  # "qual"


def commune_mark(index_key: bytes, commune: str) -> bytes | None:
    """The blind index of a commune: where somebody lives is nobody's to read in a dump (P11)."""
    return mark(index_key, b"commune", commune.encode()) if commune else None


def is_due(connection: Connection) -> bool:
    """Whether nobody has measured within an hour and nobody does now; until the transaction ends nobody else will."""
    if not connection.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}).scalar_one():
        return False
    measured = select(func.max(quality.c.measured_at) > func.statement_timestamp() - bindparam("fresh", _FRESH_FOR))
    return not connection.execute(measured).scalar_one()


def families(connection: Connection) -> list[str]:
    """Every place that may have sent."""
    return list(connection.execute(select(facility.c.family_id).distinct().order_by(facility.c.family_id)).scalars())


def groups(connection: Connection, family: str) -> Iterator[tuple[bytes | None, Group]]:
    """The standing records of a place by what counts, each group with the mark of its commune."""
    for row in connection.execute(_GROUPS, {"family": family, "live": LIVE_FOR}):
        yield (
            row.commune_mark,
            Group(
                row.n, row.state, row.reason or "", row.gaps, row.twin, row.contradicted, row.fresh, int(row.age_days)
            ),
        )


# By the index of a place's versions: a city's records are never read whole at once.
_GROUPS: Final = text("""
SELECT v.commune_mark, v.gaps, c.state, c.reason, r.twin IS NOT NULL AS twin,
    c.contradicted_at IS NOT NULL AS contradicted,
    coalesce(coalesce(c.checked_at, c.decided_at) > statement_timestamp() - CAST(:live AS interval), false) AS fresh,
    count(*) AS n,
    coalesce(sum(extract(day FROM statement_timestamp() - coalesce(c.checked_at, c.decided_at))), 0) AS age_days
FROM record_version v
JOIN record r ON r.record_id = v.record_id AND r.newest = v.version AND r.person_id = v.person_id
LEFT JOIN claim c ON c.claim_id = v.claim_id
WHERE v.family = :family AND r.withdrawn_at IS NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7
""")


def keep(connection: Connection, monday: date, places: Places) -> None:
    """Put these measures in the place of the week's, and take out what is older than two years."""
    old = quality.c.week < monday - _KEPT_FOR
    connection.execute(delete(quality).where((quality.c.week == monday) | old))
    rows = [
        {
            "week": monday,
            "kind": kind,
            "place": place,
            **{name: getattr(found, name) for name in _COUNTED},
            "faults": dict(found.faults),
        }
        for (kind, place), found in places.items()
    ]
    if rows:
        connection.execute(insert(quality).values(measured_at=func.statement_timestamp()), rows)


_COUNTED: Final = ("records", "correct", "looked_at", "complete", "clean", "live", "age_days")


def places_of(connection: Connection, kind: str, *, after: str | None, limit: int) -> Sequence[Week]:
    """The places of a kind as they are this week, or were when last measured, in the order of their codes."""
    newest = select(func.max(quality.c.week)).scalar_subquery()
    shown = select(quality).where(quality.c.week == newest, quality.c.kind == kind)
    shown = shown if after is None else shown.where(quality.c.place > after)
    return [_week(row) for row in connection.execute(shown.order_by(quality.c.place).limit(limit))]


def percents(connection: Connection) -> dict[tuple[str, str], float]:
    """By facility, "" for the city, and axis: how many of a hundred, as far as it can be told."""
    cities = places_of(connection, "city", after=None, limit=1)
    places = [*cities, *places_of(connection, "facility", after=None, limit=_MOST_PLACES)]
    told = {(each.place, axis): each.measure.percent(axis) for each in places for axis in AXES}
    return {key: percent for key, percent in told.items() if percent is not None}


_MOST_PLACES: Final = 2_000
"""A metric of so many places; a city has some six hundred."""


def weeks_of(connection: Connection, kind: str, places: Collection[str], *, limit: int) -> Sequence[Week]:
    """The weeks of some places, the newest first."""
    shown = select(quality).where(quality.c.kind == kind, quality.c.place.in_(places))
    return [
        _week(row) for row in connection.execute(shown.order_by(quality.c.week.desc(), quality.c.place).limit(limit))
    ]


def _week(row: Any) -> Week:
    counted = {name: getattr(row, name) for name in _COUNTED}
    return Week(row.week, row.kind, row.place, Measure(**counted, faults=Counter(row.faults)))
