"""The values of one test over time: which can be compared, and which make a line."""

from __future__ import annotations

from ehr_sync.web.citizen.book import Json, Series, read
from ehr_sync.web.citizen.drawing import draw
from ehr_sync.web.citizen.visits import Result


def result(day: int, number: float | None, *, unit: str = "mmol/L", method: str = "") -> Result:
    at = f"2026-11-{day:02d}T08:00:00+07:00"
    value = (str(number), unit, number, None, None, method, unit)
    return Result(("s", "c"), "14749-6", "Glucose", *value, at, "Bệnh viện", "visit")


def observation(place: str, day: int, name: str, value: object, unit: str, *, ucum: str = "", loinc: str = "") -> Json:
    """A result of a visit to a place, by that place's own code, and LOINC's if any."""
    codings = [{"system": f"https://book.example/{place}", "code": name}]
    codings += [{"system": "http://loinc.org", "code": loinc}] if loinc else []
    told: Json = {"value": value, "unit": unit} | ({"code": ucum} if ucum else {})
    return {
        "resourceType": "Observation",
        "id": f"{place}-{day}-{name}",
        "code": {"coding": codings, "text": name},
        "effectiveDateTime": f"2026-11-{day:02d}",
        **({"valueQuantity": told} if unit else {"valueString": value}),
    }


def series_of(*observations: Json) -> list[tuple[str, list[list[str]]]]:
    """The names of the series of a book with these results, and the values of each stretch."""
    record: Json = {
        "resourceType": "Provenance",
        "id": "p",
        "agent": [{"who": {"reference": "Organization/o"}}],
        "target": [{"reference": f"Observation/{one['id']}"} for one in observations],
    }
    found = read([{"resourceType": "Patient", "id": "me"}, record, *observations]).series()
    return [(each.name, [[one.value for one in run] for run in each.stretches()]) for each in found]


def test_one_test_of_two_places_is_one_series_by_its_code_of_loinc() -> None:
    assert series_of(
        observation("a", 1, "Glucose", 5.1, "mmol/L", ucum="mmol/L", loinc="14749-6"),
        observation("b", 2, "Đường huyết", 5.2, "mmol/l", ucum="mmol/L", loinc="14749-6"),
        observation("c", 3, "Glucose", 5.3, "mmol/L", ucum="mmol/L"),
    ) == [("Glucose", [["5.3"]]), ("Đường huyết", [["5.2", "5.1"]])]


def test_values_of_one_test_in_other_units_stand_apart_whoever_came_between() -> None:
    assert series_of(
        observation("a", 1, "HGB", 130, "g/L", ucum="g/L", loinc="718-7"),
        observation("b", 2, "Hb", 13.1, "g/dL", ucum="g/dL", loinc="718-7"),
        observation("a", 3, "HGB", 132, "g/L", ucum="g/L", loinc="718-7"),
    ) == [("HGB", [["132", "130"], ["13.1"]])]
    # The same digits in both units.
    assert series_of(
        observation("a", 1, "Ferritin", 40, "ng/mL", ucum="ng/mL", loinc="2276-4"),
        observation("b", 2, "Ferritin", 41, "µg/L", ucum="ug/L", loinc="2276-4"),
    ) == [("Ferritin", [["41", "40"]])]


def test_words_stand_with_the_values_of_the_same_code_of_their_place() -> None:
    assert series_of(
        observation("a", 1, "TSH", 2.1, "mIU/L", ucum="m[IU]/L", loinc="3016-3"),
        observation("a", 2, "TSH", "Không đủ mẫu", ""),
        observation("b", 3, "TSH", "Không đủ mẫu", ""),
    ) == [("TSH", [["Không đủ mẫu"], ["2.1"]]), ("TSH", [["Không đủ mẫu"]])]


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
