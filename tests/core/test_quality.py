"""How good data are: four axes, each counted by hand, and the three faults that most records have."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

import pytest

from ehr_sync.core.quality import AXES, Group, Measure, monday_of

GOOD: Final = Group(1, "proven", "registry.exact", "", twin=False, contradicted=False, fresh=True, age_days=10)


def measured(*groups: Group) -> Measure:
    found = Measure()
    for group in groups:
        found.add(group)
    return found


@pytest.mark.parametrize(
    ("changed", "percents", "faults"),
    [
        ({}, (100.0, 100.0, 100.0, 100.0), []),
        ({"state": "not_proven", "reason": "registry.no_match"}, (0.0, 100.0, 100.0, None), ["registry.no_match"]),
        ({"state": "due", "reason": "registry.status_500"}, (0.0, 100.0, 100.0, None), []),
        ({"state": None, "reason": ""}, (0.0, 100.0, 100.0, None), ["claim.waiting_for_xml1"]),
        ({"gaps": "DIEN_THOAI MA_DKBD"}, (100.0, 0.0, 100.0, 100.0), ["DIEN_THOAI", "MA_DKBD"]),
        ({"gaps": "code:MA_NGHE_NGHIEP"}, (100.0, 100.0, 0.0, 100.0), ["code:MA_NGHE_NGHIEP"]),
        ({"gaps": None}, (100.0, None, 100.0, 100.0), []),
        ({"twin": True}, (100.0, 100.0, 0.0, 100.0), ["record.twin"]),
        ({"contradicted": True}, (100.0, 100.0, 0.0, 100.0), ["claim.contradicted"]),
        ({"fresh": False}, (100.0, 100.0, 100.0, 0.0), ["claim.old_check"]),
    ],
)
def test_each_fault_is_counted_on_its_own_axis_and_on_no_other(
    changed: dict[str, object], percents: tuple[float | None, ...], faults: list[str]
) -> None:
    found = measured(replace(GOOD, **changed))  # type: ignore[arg-type]  # a table of cases
    assert tuple(found.percent(axis) for axis in AXES) == percents
    assert sorted(found.faults) == faults


def test_groups_weigh_as_many_records_as_they_are_and_three_faults_are_told_by_their_number() -> None:
    found = measured(
        replace(GOOD, records=6, age_days=60),
        replace(GOOD, records=3, state="review", reason="registry.name_near", gaps="DIEN_THOAI", age_days=999),
        replace(GOOD, records=1, fresh=False, gaps="DIEN_THOAI MA_DANTOC", age_days=200),
    )
    assert (found.records, found.correct, found.complete, found.clean, found.live) == (10, 7, 6, 10, 6)
    assert [found.percent(axis) for axis in AXES] == [70.0, 60.0, 100.0, 85.7]
    assert found.mean_age_days == 37  # (60 + 200) / 7: of those that are not proven no check counts
    assert found.fixes == [("DIEN_THOAI", 4), ("registry.name_near", 3), ("MA_DANTOC", 1)]


def test_of_nothing_nothing_is_told() -> None:
    found = Measure()
    assert ([found.percent(axis) for axis in AXES], found.mean_age_days, found.fixes) == ([None] * 4, None, [])


@pytest.mark.parametrize(("day", "monday"), [(28, 23), (23, 23), (29, 23), (30, 30)])
def test_a_week_begins_on_monday(day: int, monday: int) -> None:
    assert monday_of(date(2026, 11, day)) == date(2026, 11, monday)
