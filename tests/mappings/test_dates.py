"""Times of the national dossiers, read strictly."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.dates import VIETNAM, is_all_zero, parse_birth, parse_day, parse_minute

IMPOSSIBLE_DAYS = [
    "20261332",
    "20260230",
    "2026061",
    "202606100",
    "00000000",
    "12026101",
    "2026-6-1",
    "２０２６０６１０",
    "",
    " 0260610",
    "+2026061",
]


def test_a_minute_is_aware_and_vietnamese() -> None:
    minute = parse_minute("202606100705")
    assert minute == datetime(2026, 6, 10, 7, 5, tzinfo=VIETNAM)
    assert minute.utcoffset() == timedelta(hours=7)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20260610",
        "202602300000",
        "202606102500",
        "202606100760",
        "202606102401",
        "2026061007055",
        "20260610070560",
        "20260610076005",
        "000000000000",
        "202606100 05",
        "20260610070５",
    ],
)
def test_what_is_no_minute_is_none(text: str) -> None:
    assert parse_minute(text) is None


@pytest.mark.parametrize(("text", "day"), [("202606102400", 11), ("202606302400", 1), ("202606102359", 10)])
def test_hour_24_is_midnight_of_the_next_day(text: str, day: int) -> None:
    minute = parse_minute(text)
    assert minute is not None
    assert minute.day == day


def test_seconds_are_left_out() -> None:
    assert parse_minute("20260610070559") == datetime(2026, 6, 10, 7, 5, tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", True), ("00000000", True), ("0000-00-00 00:00", True), ("", False), ("-", False), ("01", False)],
)
def test_a_date_of_zeros_is_known_however_it_is_written(text: str, *, expected: bool) -> None:
    assert is_all_zero(text) is expected


def test_hour_24_of_the_last_day_of_all_is_none() -> None:
    assert parse_minute("999912312400") is None


@pytest.mark.parametrize("text", IMPOSSIBLE_DAYS)
def test_what_is_no_day_is_none(text: str) -> None:
    assert parse_day(text) is None


def test_a_leap_day_is_a_day() -> None:
    assert parse_day("20240229") == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("199003150000", "1990-03-15"),
        ("19900315", "1990-03-15"),
        ("199000000000", "1990"),
        ("19900000", "1990"),
        ("199003000000", "1990"),
        ("1990", "1990"),
    ],
)
def test_a_birth_without_its_time_is_a_day_or_a_year(text: str, day: str) -> None:
    assert parse_birth(text) == (day, None)


def test_a_birth_with_its_time_is_a_minute() -> None:
    assert parse_birth("202606100705") == ("2026-06-10", datetime(2026, 6, 10, 7, 5, tzinfo=VIETNAM))


@pytest.mark.parametrize(
    "text", [*IMPOSSIBLE_DAYS, "000000000000", "199000150000", "199013000000", "199003159900", "1790"]
)
def test_an_impossible_birth_is_none(text: str) -> None:
    assert parse_birth(text) is None


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001  # made aware below
def test_every_minute_is_read_back(moment: datetime) -> None:
    minute = moment.replace(second=0, microsecond=0, tzinfo=VIETNAM)
    assert parse_minute(f"{minute:%Y%m%d%H%M}") == minute


@given(st.text(max_size=14))
def test_any_text_is_read_or_none(text: str) -> None:
    assert parse_day(text[:3]) is None
    assert parse_minute(text) is None or len(text) in (12, 14)
    assert parse_birth(text) is None or len(text) in (4, 8, 12)
