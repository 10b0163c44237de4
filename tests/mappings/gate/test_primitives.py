"""The short way for usual dates lets nothing through that the definitions refuse."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.gate.definitions import definitions
from mappings.gate.primitives import USUAL_DATES, check_of
from tests.mappings.gate.test_table import TABLE

ELEMENTS = definitions().types["Patient"].elements
IS_DATE = ELEMENTS["birthDate"].check or pytest.fail()
IS_MOMENT = ELEMENTS["deceasedDateTime"].check or pytest.fail()


@pytest.mark.parametrize("kind", USUAL_DATES)
@given(data=st.data())
def test_a_usual_date_is_one_of_the_definitions(kind: str, data: st.DataObject) -> None:
    usual = data.draw(st.from_regex(USUAL_DATES[kind], fullmatch=True))
    assert re.fullmatch(TABLE["primitives"][kind], usual, re.ASCII)


@pytest.mark.parametrize("day", ["2026-02-30", "2026-02-29", "2026-13-01", "2026-04-31", "0000-01-01", "2026-01-00"])
@pytest.mark.parametrize("rest", ["", "T08:00:00+07:00"])
def test_a_day_that_does_not_exist_is_no_date(day: str, rest: str) -> None:
    assert not IS_MOMENT(day + rest)
    assert not IS_DATE(day + rest)


@pytest.mark.parametrize("day", ["2024-02-29", "2026-12-31", "0999-01-01", "2026-01-30"])
def test_an_unusual_day_is_a_date(day: str) -> None:
    assert IS_DATE(day)
    assert IS_MOMENT(f"{day}T23:59:60.5-03:30")


@pytest.mark.parametrize(
    "sent", ["2026-01-01\n", "2026-01-01T08:00:00", "2026-01-01T08:00+07:00", "2026-0１-01", 1, None]
)
def test_what_only_looks_like_a_date_is_none(sent: object) -> None:
    assert not IS_MOMENT(sent)
    assert not IS_DATE(sent)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("integer", (-(2**31), 0, 2**31 - 1), (-(2**31) - 1, 2**31, True, 1.0, "1")),
        ("unsignedInt", (0, 1, 2**31 - 1), (-1, 2**31)),
        ("positiveInt", (1, 2**31 - 1), (0, -1, 2**31)),
        ("decimal", (0, -1.5, 10**30), (float("inf"), float("nan"), True, "1.5", None)),
        ("boolean", (True, False), (0, 1, "true", None)),
        ("base64Binary", ("QUI=", "QQ==", "QUJD", "QU JD\nQQ=="), ("QUI", "Q===", "=QUI", "QQ==QUI=", "", "?", 1)),
        (
            "string",
            ("a", "a" * 1024 * 1024, " a", "a\tb", "a\nb", "\u00e9"),
            ("", " ", "\n", "a\x00", "a" * (1024 * 1024 + 1), 1),
        ),
        ("markdown", ("# a\n\n- b",), ("", "a\x0b")),
    ],
)
def test_values_on_both_sides_of_a_types_border(kind: str, good: tuple[object, ...], bad: tuple[object, ...]) -> None:
    check = check_of(kind, TABLE["primitives"].get(kind, ""))
    assert [value for value in good if not check(value)] == []
    assert [value for value in bad if check(value)] == []


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("code", ("final", "a b"), ("", " a", "a ", "a  b", 1)),
        ("uri", ("urn:x", "http://x/\u00e9"), ("", "a b", "a\n", 1)),
        ("id", ("a-1.B", "x" * 64), ("", "a_b", "x" * 65, 1)),
        ("oid", ("urn:oid:1.2.3",), ("1.2.3", "urn:oid:3.1")),
        ("time", ("08:15:00",), ("08:15", "24:00:00")),
    ],
)
def test_words_are_what_their_definition_says(kind: str, good: tuple[object, ...], bad: tuple[object, ...]) -> None:
    check = check_of(kind, TABLE["primitives"][kind])
    assert [value for value in good if not check(value)] == []
    assert [value for value in bad if check(value)] == []
