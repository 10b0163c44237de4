"""The values of one test over time: which can be compared, and which make a line."""

from __future__ import annotations

from ehr_sync.web.citizen.book import Result, Series
from ehr_sync.web.citizen.drawing import draw


def result(day: int, number: float | None, *, unit: str = "mmol/L", method: str = "") -> Result:
    at = f"2026-11-{day:02d}T08:00:00+07:00"
    return Result(("s", "c"), "Glucose", str(number), unit, number, None, None, method, at, "Bệnh viện", "visit")


def test_values_of_another_method_or_unit_begin_another_stretch() -> None:
    found = (
        result(5, 6.1, method="Hexokinase"),
        result(4, 6.0, method="Hexokinase"),
        result(3, 5.9, method="Que thử"),
        result(2, 106, unit="mg/dL", method="Que thử"),
    )
    runs = [[each.at[8:10] for each in run] for run in Series("Glucose", "c", found).stretches()]
    assert runs == [["05", "04"], ["03"], ["02"]]


def test_a_line_needs_two_numbers() -> None:
    assert draw([]) is None
    assert draw([result(1, 5.0)]) is None
    assert draw([result(1, 5.0), result(2, None)]) is None
    two = draw([result(2, 6.0), result(1, 5.0)])
    assert two is not None
    assert [x for x, _ in two.dots] == [10, 310]
