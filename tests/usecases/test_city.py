"""A clinic's records in the city's JSON, from the body to the book (rules: city-forms)."""

from __future__ import annotations

from typing import Any, Final

import orjson

from ehr_sync.sandbox.city.people import person
from ehr_sync.store.remaps import Reach
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.desk.look_at_dossier import compare_versions
from ehr_sync.usecases.intake.remap_records import remap
from ehr_sync.usecases.intake.remap_version import Fate
from mappings.sources.city.source import CITY
from tests.usecases.kept import joined
from tests.usecases.older import older_mapping
from tests.usecases.service import FACILITY, Running, number_of

DESK: Final = Asker("facility:somebody", f"page:{FACILITY}")
WHO: Final = 631
W: Final = number_of(WHO)


def patient(index: int = WHO, **changed: Any) -> dict[str, Any]:
    """The invented person as a clinic types them."""
    one = person(index)
    born = f"{one.birth_date}"
    return {"personalNumber": one.number, "name": one.name, "birthDate": born, "sex": one.sex, **changed}


def allergy(version: int = 1, **changed: Any) -> dict[str, Any]:
    """A clinic's word that somebody does not bear penicillin."""
    return {
        "kind": "allergy",
        "facility": FACILITY,
        "id": "DU-1",
        "version": version,
        "patient": patient(),
        "recorded": "2024-05-10",
        "substance": "Penicillin",
        "category": "medication",
        "clinicalStatus": "active",
        "criticality": "high",
        "reactions": [{"manifestation": "Nổi mề đay", "severity": "severe"}],
        **changed,
    }


def dose(**changed: Any) -> dict[str, Any]:
    """A dose of a vaccine."""
    return {
        "kind": "immunization",
        "facility": FACILITY,
        "id": "TC-1",
        "version": 1,
        "patient": patient(),
        "occurred": "2024-05-10T08:30",
        "vaccineCode": "03",
        "vaccineName": "MMR II",
        "lotNumber": "K004711",
        "doseNumber": 2,
        **changed,
    }


def told(running: Running) -> list[tuple[str, str]]:
    """The types in the book, and of what they are."""
    return sorted((key[0], _words(one)) for key, one in running.living(W).items())


def _words(resource: dict[str, Any]) -> str:
    return str((resource.get("code") or resource["vaccineCode"])["text"])


def test_a_vaccine_and_an_allergy_come_into_the_book_and_to_their_citizen(running: Running) -> None:
    sent = [running.record(allergy()), running.record(dose())]
    assert [(one.status, one.source_id, one.issues) for one in sent] == [
        ("accepted", "DU-1", ()),
        ("accepted", "TC-1", ()),
    ]
    assert running.pushes(W) == []
    running.settle()
    assert {running.follow(one.transaction_code).state for one in sent} == {"delivered"}
    assert told(running) == [("AllergyIntolerance", "Penicillin"), ("Immunization", "MMR II")]
    shown = {key[0]: one for key, one in running.shown(W).items()}
    vaccine = shown["Immunization"]
    assert vaccine["occurrenceDateTime"] == "2024-05-10T08:30:00+07:00"
    assert vaccine["vaccineCode"]["coding"][0]["code"] == "03"
    assert vaccine["protocolApplied"] == [{"doseNumberPositiveInt": 2}]
    assert shown["AllergyIntolerance"]["reaction"] == [
        {"manifestation": [{"text": "Nổi mề đay"}], "severity": "severe"}
    ]


def test_p3_the_senders_own_version_decides_and_never_the_day_it_came(running: Running) -> None:
    first, third = running.record(allergy(1)), running.record(allergy(3, substance="Amoxicillin"))
    again = running.record(allergy(1))
    assert (again.transaction_code, again.superseded_by) == (first.transaction_code, third.transaction_code)
    older = running.record(allergy(2, substance="Ampicillin"))
    assert (older.status, older.superseded_by) == ("accepted", third.transaction_code)
    taken = running.record(allergy(3, substance="Cefalexin"))
    assert [(issue.code, issue.path) for issue in taken.issues] == [("form.version_taken", "/version")]
    assert taken.status == "refused"
    repeated = running.record(allergy(3, substance="Amoxicillin"))
    assert (repeated.transaction_code, repeated.issues) == (third.transaction_code, ())
    running.settle()
    assert told(running) == [("AllergyIntolerance", "Amoxicillin")]

    running.record(allergy(4, withdrawn=True))
    running.settle()
    assert told(running) == []
    assert running.counts("record", "record_version") == {"record": 1, "record_version": 4}


def test_a_record_sent_as_another_kind_is_refused_and_in_no_book(running: Running) -> None:
    taken = running.record(allergy(), kind="immunization")
    told = [(issue.code, issue.path, issue.expected) for issue in taken.issues]
    assert (taken.status, told) == ("refused", [("form.kind_differs", "/kind", "immunization")])
    assert running.counts("record") == {"record": 0}


def test_p4_a_record_of_a_number_that_is_not_theirs_stays_out_of_the_book(running: Running) -> None:
    other = running.record(allergy(patient=patient(name="TRẦN VĂN KHÁC")))
    running.settle()
    assert (running.follow(other.transaction_code).state, running.pushes(W)) == ("held", [])
    mended = running.record(allergy(2))
    assert [(issue.code, issue.path) for issue in mended.issues] == [
        ("record.patient_changed", "/patient/personalNumber")
    ]
    running.settle()
    assert told(running) == [("AllergyIntolerance", "Penicillin")]


def test_p9_what_tells_of_hiv_is_withheld_whole_or_by_the_field(running: Running) -> None:
    running.record(dose(note="Tiêm theo lịch của người nhiễm HIV"))
    running.record(allergy(substance="Nevirapine"))
    running.record(allergy(id="DU-2", reactions=[{"manifestation": "Ban đỏ"}, {"manifestation": "Nhiễm HIV"}]))
    running.settle()
    assert told(running) == [("AllergyIntolerance", "Penicillin"), ("Immunization", "MMR II")]
    shown = {key[0]: one for key, one in running.living(W).items()}
    assert "note" not in shown["Immunization"]
    assert [one["manifestation"][0]["text"] for one in shown["AllergyIntolerance"]["reaction"]] == ["Ban đỏ"]
    assert "HIV" not in str(running.pushes(W))


def test_p1_what_was_sent_is_kept_byte_for_byte_compared_and_mapped_anew(running: Running) -> None:
    with older_mapping(written=lambda json: json.replace(b'"criticality":"high",', b""), source=CITY):
        running.record(allergy(1))
    second = running.record(allergy(2, substance="Amoxicillin", patient=patient(code="BN-2")))
    assert joined(running) == orjson.dumps(allergy(2, substance="Amoxicillin", patient=patient(code="BN-2")))
    tables = compare_versions(second.transaction_code, DESK, stores=running.stores).tables
    changes = {(table.table, one.tag): one for table in tables or () for row in table.rows for one in row.changes}
    substance, code = changes["allergy", "DI_NGUYEN"], changes["patient", "MA_BN"]
    assert (substance.before, substance.after) == ("Penicillin", "Amoxicillin")
    assert (code.is_personal, code.after) == (True, "")

    with older_mapping(written=lambda json: json.replace(b'"criticality":"high",', b""), source=CITY):
        running.record(allergy(3))
    running.settle()
    [before] = running.living(W).values()
    steps = remap(Reach(), dry_run=False, stores=running.stores, uris=running.service.uris, report=_no_fault)
    assert [outcome.fate for step in steps for outcome in step] == [Fate.CHANGED]
    running.settle()
    [after] = running.living(W).values()
    assert ("criticality" in before, after["criticality"]) == (False, "high")


def _no_fault(code: str, error: Exception) -> None:
    raise AssertionError(code) from error


def test_a_visit_without_its_end_waits_and_a_report_comes_with_its_ranges(running: Running) -> None:
    visit = {
        "kind": "visit",
        "facility": FACILITY,
        "id": "KB-1",
        "version": 1,
        "patient": patient(),
        "type": "01",
        "started": "2024-05-10T07:00",
        "diagnoses": [{"icd10": "E11.9", "name": "Đái tháo đường típ 2", "main": True}],
    }
    report = {
        "kind": "laboratory-report",
        "facility": FACILITY,
        "id": "XN-1",
        "version": 1,
        "patient": patient(),
        "reported": "2024-05-10T09:00",
        "name": "Sinh hóa máu",
        "results": [{"name": "Glucose", "value": 7.8, "unit": "mmol/L", "low": 3.9, "high": 6.4}],
    }
    waiting = running.record(visit)
    assert [issue.code for issue in waiting.issues] == ["record.visit_open"]
    running.record(report)
    running.settle()
    told = {key[0]: one for key, one in running.living(W).items()}
    assert told.keys() == {"DiagnosticReport", "Observation"}
    [limits] = told["Observation"]["referenceRange"]
    assert (limits["low"]["value"], limits["high"]["value"]) == (3.9, 6.4)

    running.record({**visit, "version": 2, "ended": "2024-05-10T10:00"})
    running.settle()
    assert {key[0] for key in running.living(W)} == {"DiagnosticReport", "Observation", "Encounter", "Condition"}
