"""Search over resources: what is found, by hand-written resources and answers."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.fhir.search import Malformed, Unsupported, filter_of, fits, ordered, orders_of

BASE = "https://book.example/fhir"
LOINC = "http://loinc.org"

HBA1C: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "hba1c",
    "meta": {"versionId": "1", "lastUpdated": "2026-03-01T00:00:00Z"},
    "status": "final",
    "category": [{"coding": [{"system": "http://x/category", "code": "laboratory"}]}],
    "code": {"coding": [{"system": LOINC, "code": "4548-4"}, {"code": "a,b|c"}], "text": "HbA1c"},
    "encounter": {"reference": "Encounter/e1"},
    "effectiveDateTime": "2026-02-03T08:30:00+07:00",
}
ENCOUNTER: dict[str, Any] = {
    "resourceType": "Encounter",
    "id": "e1",
    "meta": {"versionId": "3", "lastUpdated": "2026-03-02T00:00:00Z"},
    "identifier": [{"system": "http://x/ma-lk", "value": "LK1"}],
    "status": "finished",
    "class": {"system": "http://x/act", "code": "IMP"},
    "type": [{"coding": [{"system": "http://x/type", "code": "03"}]}],
    "period": {"start": "2026-01-10T08:00:00+07:00", "end": "2026-01-20T10:00:00+07:00"},
}
APPOINTMENT: dict[str, Any] = {
    "resourceType": "Appointment",
    "id": "a1",
    "requestedPeriod": [{"start": "2026-12-20", "end": "2026-12-20"}],
}


def found(resource: dict[str, Any], name: str, value: str) -> bool:
    return fits(resource, [filter_of(resource["resourceType"], name, value, base=BASE)])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("code", "4548-4", True),
        ("code", f"{LOINC}|4548-4", True),
        ("code", f"{LOINC}|", True),
        ("code", "http://snomed.info/sct|4548-4", False),
        ("code", "http://snomed.info/sct|", False),
        ("code", "|4548-4", False),  # of no system; it has one
        ("code", r"|a\,b\|c", True),  # the code without a system, escaped
        ("code", r"a\,b\|c", True),
        ("code", "a,b", False),  # two codes
        ("code", "x,4548-4", True),  # any of them
        ("code", "HbA1c", False),  # words are no code
        ("code", "4548", False),
        ("code", "4548-4 ", False),
        ("category", "laboratory", True),
        ("category", "vital-signs", False),
        ("status", "final", True),
        ("status", "http://hl7.org/fhir/observation-status|final", True),
        ("status", "http://x/other|final", False),
        ("status", "|final", True),  # a code that stands alone
        ("status", "preliminary,final", True),
        ("status", "Final", False),
        ("encounter", "e1", True),
        ("encounter", "Encounter/e1", True),
        ("encounter", f"{BASE}/Encounter/e1", True),
        ("encounter", f"{BASE}/Encounter/e1/_history/3", True),
        ("encounter", "https://elsewhere.example/fhir/Encounter/e1", False),
        ("encounter", "Observation/e1", False),
        ("encounter", "e2", False),
        ("_id", "hba1c", True),
        ("_id", "x,hba1c", True),
        ("_id", "x", False),
        ("_lastUpdated", "gt2026-02-28", True),
        ("_lastUpdated", "2026-03-01", True),
        ("_lastUpdated", "lt2026-03-01", False),
    ],
)
def test_a_filter_finds_what_it_names_and_nothing_else(name: str, value: str, expected: bool) -> None:
    assert found(HBA1C, name, value) is expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("class", "IMP", True),
        ("class", "http://x/act|IMP", True),
        ("class", "AMB", False),
        ("type", "03", True),
        ("identifier", "LK1", True),
        ("identifier", "http://x/ma-lk|LK1", True),
        ("identifier", "http://x/ma-lk|", True),
        ("identifier", "http://x/other|LK1", False),
    ],
)
def test_encounters_are_found_by_class_type_and_identifier(name: str, value: str, expected: bool) -> None:
    assert found(ENCOUNTER, name, value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # The value says one second: 2026-02-03T08:30:00+07:00, which is 01:30:00Z.
        ("2026", True),
        ("2026-02", True),
        ("2026-02-03", True),
        ("eq2026-02-03", True),
        ("2026-02-03T08:30", True),
        ("2026-02-03T08:30:00", True),  # without a zone it is Viet Nam's
        ("2026-02-03T08:30:00+07:00", True),
        ("2026-02-03T08:30:00 07:00", True),  # a plus that nobody escaped
        ("2026-02-03T01:30:00Z", True),
        ("2026-02-03T01:30:00-00:00", True),
        ("2026-02-03T08:30:00Z", False),
        ("2026-02-03T08:30:00.0", False),  # a tenth of a second does not hold a second
        ("2026-02-04", False),
        ("ne2026-02-03", False),
        ("ne2026-02-04", True),
        ("gt2026-02-03", False),
        ("gt2026-02-02", True),
        ("gt2026-02-03T08:29", True),
        ("ge2026-02-03", True),
        ("ge2026-02-04", False),
        ("lt2026-02-03", False),
        ("lt2026-02-04", True),
        ("le2026-02-03", True),
        ("le2026-02-02", False),
        ("sa2026-02-02", True),
        ("sa2026-02-03", False),
        ("sa2026-02-03T08:29:59", True),
        ("eb2026-02-04", True),
        ("eb2026-02-03", False),
        ("2025,2026", True),
        ("9999", False),
        ("lt9999", True),
        ("gt9999", False),
        ("gt0001", True),
    ],
)
def test_a_date_is_a_stretch_as_long_as_it_is_precise(value: str, expected: bool) -> None:
    assert found(HBA1C, "date", value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01", True),  # the whole stay lies in January
        ("2026-01-15", False),  # eq: the day does not hold the stay
        ("ge2026-01-15", True),
        ("gt2026-01-15", True),
        ("le2026-01-15", True),
        ("lt2026-01-15", True),
        ("sa2026-01-09", True),
        ("sa2026-01-15", False),
        ("eb2026-01-21", True),
        ("eb2026-01-15", False),
        ("gt2026-01-20", False),
        ("ge2026-01-20", False),  # it ends within that day, and the day does not hold it
        ("lt2026-01-10", False),
    ],
)
def test_a_stay_is_found_by_any_of_its_days(value: str, expected: bool) -> None:
    assert found(ENCOUNTER, "date", value) is expected


@pytest.mark.parametrize(
    ("period", "value", "expected"),
    [
        ({"start": "2026-01-10"}, "gt2030", True),  # open: it may last
        ({"start": "2026-01-10"}, "2026", False),
        ({"start": "2026-01-10"}, "eb2030", False),
        ({"end": "2026-01-10"}, "lt2000", True),
        ({"end": "2026-01-10"}, "sa2000", False),
        ({"end": "2026-01-10"}, "eb2026-01-11", True),
        ({}, "ne2026", False),  # nothing said fits nothing
        ({}, "lt2030", False),
    ],
)
def test_a_period_without_a_bound_is_open(period: dict[str, str], value: str, expected: bool) -> None:
    assert found({**ENCOUNTER, "period": period}, "date", value) is expected


def test_a_proposed_appointment_is_found_by_the_days_that_were_asked_for() -> None:
    assert found(APPOINTMENT, "date", "ge2026-12-01")
    assert not found(APPOINTMENT, "date", "lt2026-12-20")


@pytest.mark.parametrize(
    ("type_", "name", "value"),
    [
        ("Observation", "value-quantity", "gt5"),
        ("Observation", "code:text", "HbA1c"),
        ("Observation", "code:not", "x"),
        ("Observation", "name", "x"),
        ("Observation", "patient.name", "x"),
        ("Observation", "_has:Observation:patient:code", "x"),
        ("Observation", "_text", "x"),
        ("Observation", "date", "ap2026"),
        ("Observation", "date", "xx2026"),
        ("Condition", "date", "2026"),
        ("Condition", "onset-date", "2026"),
        ("MedicationRequest", "date", "2026"),
        ("Patient", "name", "x"),
        ("Patient", "birthdate", "2000"),
    ],
)
def test_what_is_not_known_is_said_to_be_unknown(type_: str, name: str, value: str) -> None:
    with pytest.raises(Unsupported):
        filter_of(type_, name, value, base=BASE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("code", ""),
        ("code", ","),
        ("code", "a,"),
        ("code", ",a"),
        ("code", "a,,b"),
        ("code", "|"),
        ("code", "a\\"),
        ("date", ""),
        ("date", "ge"),
        ("date", "2026-13"),
        ("date", "2026-02-30"),
        ("date", "2026-2-3"),
        ("date", "03/02/2026"),
        ("date", "2026-02-03T25:00"),
        ("date", "2026-02-03T08"),
        ("date", "2026-02-03T08:30:00+15:00"),
        ("date", "2026-02-03 08:30"),
        ("date", "0000"),
        ("date", "٢٠٢٦"),
        ("encounter", ""),
        ("_id", ","),
    ],
)
def test_a_value_that_is_none_is_refused_whoever_asks(name: str, value: str) -> None:
    with pytest.raises(Malformed):
        filter_of("Observation", name, value, base=BASE)


def seen(id_: str, when: str | None, updated: str) -> tuple[dict[str, Any], str]:
    said = {"effectiveDateTime": when} if when else {}
    return {"resourceType": "Observation", "id": id_, "meta": {"lastUpdated": updated}, **said}, id_


SEEN = [
    seen("b", "2026-02", "2026-05-01T00:00:00Z"),
    seen("a", "2026-02-01T00:00:00+07:00", "2026-05-03T00:00:00Z"),
    seen("d", None, "2026-05-02T00:00:00Z"),
    seen("c", "2026-01-31", "2026-05-02T00:00:00Z"),
]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("date", ["c", "a", "b", "d"]),  # a and b begin at once; what says nothing is last
        ("-date", ["b", "a", "c", "d"]),  # b ends last
        ("_id", ["a", "b", "c", "d"]),
        ("-_id", ["d", "c", "b", "a"]),
        ("_lastUpdated", ["b", "c", "d", "a"]),
        ("-_lastUpdated", ["a", "c", "d", "b"]),
        ("_lastUpdated,-_id", ["b", "d", "c", "a"]),
    ],
)
def test_what_is_found_is_put_in_order(sort: str, expected: list[str]) -> None:
    assert ordered(SEEN, orders_of("Observation", sort)) == expected


@pytest.mark.parametrize("sort", ["code", "status", "", "date,", "--date", "-", "Date", "date:asc"])
def test_an_order_that_is_not_known_is_said_to_be_unknown(sort: str) -> None:
    with pytest.raises(Unsupported):
        orders_of("Observation", sort)
