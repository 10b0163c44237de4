"""The International Patient Summary of a book: what enters it, what stays out, and that it is the same each time."""

from __future__ import annotations

import copy
from typing import Any, Final

import orjson
import pytest

from mappings.gate import findings
from mappings.gate.profiles import profile_findings, profiles_of
from mappings.summary.document import summary, told
from tests.mappings.summary.books import CHANGED, PERSON, book_of, written

Json = dict[str, Any]

SUBJECT: Final = {"reference": f"Patient/{PERSON}"}
VERIFIED: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ICD: Final = "http://fhir.hl7.org.vn/core/CodeSystem/vn-icd10-cs"
PLACE: Final[Json] = {
    "resourceType": "Organization",
    "id": "11111111-1111-8111-8111-111111111111",
    "name": "Bệnh viện <A> & B",
}
OTHER: Final[Json] = {"resourceType": "Organization", "id": "11111111-1111-8111-8111-222222222222", "name": "Trạm C"}
DOCTOR: Final[Json] = {
    "resourceType": "Practitioner",
    "id": "22222222-1111-8111-8111-111111111111",
    "identifier": [{"value": "x"}],
}
SECTIONS: Final = {
    "problems": "11450-4",
    "medicines": "10160-0",
    "allergies": "48765-2",
    "results": "30954-2",
    "procedures": "47519-4",
}


def id_of(kind: str, n: int) -> str:
    return f"{sum(map(ord, kind)) % 10_000:08d}-0000-8000-8000-{n:012d}"


def visit(n: int, day: str, *diagnoses: tuple[str, str], place: Json = PLACE, status: str = "confirmed") -> list[Json]:
    """A visit with its diagnoses (code, words), the main one first; "" for one that only stands beside it."""
    conditions: list[Json] = []
    uses: list[Json] = []
    for position, (code, words) in enumerate(diagnoses):
        id_ = id_of("condition", n * 100 + position)
        conditions.append(
            {
                "resourceType": "Condition",
                "id": id_,
                **({"verificationStatus": {"coding": [{"system": VERIFIED, "code": status}]}} if status else {}),
                "code": {"text": words} | ({"coding": [{"system": ICD, "code": code}]} if code else {}),
                "subject": SUBJECT,
                "encounter": {"reference": f"Encounter/{id_of('encounter', n)}"},
                "recordedDate": f"{day}T09:00:00+07:00",
            }
        )
        use: Json = {"condition": {"reference": f"Condition/{id_}"}, "use": {"coding": [{"code": "DD"}]}}
        uses.append(use | ({"rank": 1} if position == 0 else {}))
    encounter: Json = {
        "resourceType": "Encounter",
        "id": id_of("encounter", n),
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": SUBJECT,
        "period": {"start": f"{day}T08:00:00+07:00"},
        "serviceProvider": {"reference": f"Organization/{place['id']}"},
    }
    return [encounter | ({"diagnosis": uses} if uses else {}), *conditions]


def of_visit(n: int, type_: str, id_: int, **body: Any) -> Json:
    by = {"reference": f"Practitioner/{DOCTOR['id']}"}
    where = "context" if type_ == "MedicationAdministration" else "encounter"
    made = {
        "resourceType": type_,
        "id": id_of(type_, id_),
        "subject": SUBJECT,
        where: {"reference": f"Encounter/{id_of('encounter', n)}"},
        "note": [{"authorReference": by, "text": "Chỉ định của bác sĩ"}],
    }
    return made | body


def result(n: int, id_: int, code: str, day: str, value: str = "5.60", **body: Any) -> Json:
    category = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}
    return of_visit(
        n,
        "Observation",
        id_,
        status="final",
        category=[{"coding": [category]}],
        code={"coding": [{"system": "http://x/test", "code": code}], "text": f"Test {code}"},
        effectiveDateTime=f"{day}T08:30:00+07:00",
        performer=[{"reference": f"Practitioner/{DOCTOR['id']}"}],
        valueQuantity={"value": orjson.Fragment(value), "unit": "mmol/L"},
        **body,
    )


def prescription(n: int, id_: int, first: str, last: str | None) -> Json:
    days = {"validityPeriod": {"start": first, "end": last}} if last else {"quantity": {"value": 10}}
    return of_visit(
        n,
        "MedicationRequest",
        id_,
        status="active",
        intent="order",
        medicationCodeableConcept={"text": f"Medicine {id_}"},
        authoredOn=f"{first}T08:40:00+07:00",
        requester={"reference": f"Practitioner/{DOCTOR['id']}"},
        dosageInstruction=[{"text": "1 viên/lần * 2 lần/ngày"}],
        dispenseRequest=days,
    )


def made(*resources: Json, changed: str = CHANGED) -> Json:
    document: Json = orjson.loads(summary(written(PLACE, OTHER, DOCTOR, *resources, changed=changed)))
    return document


def section(document: Json, name: str) -> list[Json] | None:
    """The resources of a section; None where there is none."""
    by_url = {entry["fullUrl"]: entry["resource"] for entry in document["entry"]}
    for each in document["entry"][0]["resource"]["section"]:
        if each["code"]["coding"][0]["code"] == SECTIONS[name]:
            return [by_url[entry["reference"]] for entry in each["entry"]]
    return None


def past(document: Json) -> list[tuple[str, ...]]:
    """What the summary tells of main diagnoses of long ago."""
    return [row for each in told(document, "en") if each.title == "Former main diagnoses" for row in each.rows]


def codes(resources: list[Json] | None, name: str = "code") -> list[str]:
    return [each[name]["coding"][0]["code"] for each in resources or ()]


def texts(resources: list[Json] | None, name: str = "code") -> list[str]:
    return [each[name]["text"] for each in resources or ()]


def test_a_book_with_nothing_to_say_says_so_in_every_section_that_must_be_there() -> None:
    document = made(*visit(1, "2026-11-20"))
    assert codes(section(document, "problems")) == ["no-problem-info"]
    assert codes(section(document, "medicines"), "medicationCodeableConcept") == ["no-medication-info"]
    assert codes(section(document, "allergies")) == ["no-allergy-info"]
    assert [section(document, name) for name in ("results", "procedures")] == [None, None]
    assert past(document) == []
    assert findings(orjson.dumps(document)) == ()


def test_problems_are_own_conditions_each_once_and_active() -> None:
    document = made(
        *visit(1, "2026-03-01", ("I10", "Tăng huyết áp"), ("E78.5", "Rối loạn lipid")),
        *visit(2, "2026-11-20", ("I10", "Tăng huyết áp vô căn"), ("K29", "Viêm dạ dày"), place=OTHER),
        *visit(3, "2026-11-21", ("J20.9", "Viêm phế quản"), ("E78.5", "Rối loạn lipid máu"), place=OTHER),
    )
    problems = section(document, "problems") or []
    assert texts(problems) == ["Viêm phế quản", "Rối loạn lipid máu", "Tăng huyết áp vô căn"]  # K29: at one place only
    assert {each["clinicalStatus"]["coding"][0]["code"] for each in problems} == {"active"}
    assert past(document) == []


def test_a_main_diagnosis_of_long_ago_is_history_and_nothing_says_whether_it_is_over() -> None:
    document = made(
        *visit(1, "2023-03-01", ("A09", "Tiêu chảy"), ("E78.5", "Rối loạn lipid")),
        *visit(2, "2023-04-01", ("", "Chứng đau đầu, y học cổ truyền")),
        *visit(3, "2026-11-20", ("I10", "Tăng huyết áp")),
    )
    assert [row[0] for row in past(document)] == ["Chứng đau đầu, y học cổ truyền", "Tiêu chảy (A09)"]
    assert texts(section(document, "problems")) == ["Tăng huyết áp"]
    # Words alone: a Condition of IPS says whether it is over, and its section for past illness (11348-0) holds such.
    told_of = [each for each in document["entry"][0]["resource"]["section"] if "entry" not in each]
    assert [each["code"]["coding"][0]["code"] for each in told_of] == ["29308-4"]


def test_every_resource_of_a_summary_with_former_diagnoses_passes_the_gate() -> None:
    document = made(*visit(1, "2023-03-01", ("A09", "Tiêu chảy")), *visit(2, "2026-11-20", ("I10", "Tăng huyết áp")))
    assert findings(orjson.dumps(document)) == ()
    assert profile_findings(document, profiles_of(document)) == ()
    told_wrong = {entry["resource"]["id"]: findings(orjson.dumps(entry["resource"])) for entry in document["entry"]}
    assert {id_: found for id_, found in told_wrong.items() if found} == {}


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Theo dõi viêm ruột thừa", "confirmed"),
        ("Viêm ruột thừa", "provisional"),
        ("Viêm ruột thừa", "refuted"),
        ("Sốt, khả năng viêm ruột thừa", ""),  # so the mapping leaves what it cannot lay to one code
    ],
)
def test_a_doubt_is_no_problem_and_no_history(words: str, status: str) -> None:
    document = made(*visit(1, "2020-01-01", ("K35", words), status=status), *visit(2, "2026-11-20"))
    assert codes(section(document, "problems")) == ["no-problem-info"]
    assert past(document) == []


def test_two_places_of_one_name_are_two_places_and_one_place_is_one_under_whatever_name() -> None:
    namesake = OTHER | {"name": PLACE["name"]}
    twice = ("E78.5", "Rối loạn lipid")
    at_two = made(
        namesake, *visit(1, "2026-03-01", ("", ""), twice), *visit(2, "2026-11-20", ("", ""), twice, place=namesake)
    )
    at_one = made(*visit(1, "2026-03-01", ("", ""), twice), *visit(2, "2026-11-20", ("", ""), twice))
    assert texts(section(at_two, "problems")) == ["Rối loạn lipid"]
    assert codes(section(at_one, "problems")) == ["no-problem-info"]


def test_a_records_own_diagnosis_is_never_in_the_document_and_no_code_is_called_the_whos() -> None:
    resources = visit(1, "2026-11-20", ("I10", "Tăng huyết áp"))
    document = made(*resources)
    ids = {entry["resource"]["id"] for entry in document["entry"]}
    assert resources[1]["id"] not in ids
    assert "http://hl7.org/fhir/sid/icd-10" not in orjson.dumps(document).decode()
    assert "clinicalStatus" not in resources[1]


def test_medicines_are_those_prescribed_for_the_day_of_the_last_change() -> None:
    document = made(
        *visit(1, "2026-11-20"),
        prescription(1, 1, "2026-11-20", "2026-11-24"),
        prescription(1, 2, "2026-11-20", "2026-11-25"),
        prescription(1, 3, "2026-11-21", "2026-12-20"),
        prescription(1, 4, "2026-11-20", None),
        of_visit(
            1,
            "MedicationAdministration",
            5,
            status="completed",
            medicationCodeableConcept={"text": "Given"},
            effectivePeriod={"start": "2026-11-20", "end": "2026-12-20"},
        ),
        changed="2026-11-24T18:00:00Z",  # the 25th in Viet Nam
    )
    assert texts(section(document, "medicines"), "medicationCodeableConcept") == ["Medicine 3", "Medicine 2"]


def test_of_each_test_the_newest_value_is_told_with_its_digits() -> None:
    document = made(
        *visit(1, "2026-11-20"),
        result(1, 1, "GLU", "2026-01-20"),
        result(1, 2, "GLU", "2026-11-20", "4.80"),
        result(1, 3, "PLT", "2026-11-20", "1234567"),
        result(1, 4, "CRE", "2026-10-20"),
    )
    assert texts(section(document, "results")) == ["Test PLT", "Test GLU", "Test CRE"]
    written_out = summary(written(PLACE, *visit(1, "2026-11-20"), result(1, 2, "GLU", "2026-11-20", "4.80")))
    assert b'"value":4.80' in written_out
    rows = next(each.rows for each in told(document, "vi") if each.title == "Kết quả gần nhất")
    assert [row[1] for row in rows] == ["1234567 mmol/L", "4.80 mmol/L", "5.60 mmol/L"]


def test_appointments_to_come_are_told_with_their_time_and_place_in_words() -> None:
    def appointment(n: int, at: str) -> Json:
        asked = {
            "requestedPeriod": [{"start": at, "end": at}],
            "participant": [{"actor": SUBJECT, "status": "needs-action"}],
        }
        visited = {"supportingInformation": [{"reference": f"Encounter/{id_of('encounter', 1)}"}]}
        return {"resourceType": "Appointment", "id": id_of("appointment", n), "status": "proposed", **asked, **visited}

    days = ("2026-12-15", "2026-12-01T08:30:00+07:00", "2026-11-25", "2026-11-24")
    document = made(*visit(1, "2026-11-20"), *(appointment(n, at) for n, at in enumerate(days)))
    [rows] = [each.rows for each in told(document, "en") if each.title == "Appointments"]
    assert rows == (
        ("25 November 2026", "", PLACE["name"]),
        ("1 December 2026", "08:30", PLACE["name"]),
        ("15 December 2026", "", PLACE["name"]),
    )
    [plan] = [
        one for one in document["entry"][0]["resource"]["section"] if one["code"]["coding"][0]["code"] == "18776-5"
    ]
    assert "entry" not in plan
    assert findings(orjson.dumps(document)) == ()
    assert "Appointments" not in [each.title for each in told(made(*visit(1, "2026-11-20")), "en")]


def test_what_no_laboratory_said_is_no_result() -> None:
    stated = result(1, 1, "882-1", "2026-11-20")
    del stated["category"]
    vital = result(1, 2, "29463-7", "2026-11-20")
    vital["category"][0]["coding"][0]["code"] = "vital-signs"
    empty = result(1, 3, "X", "2026-11-20")
    del empty["valueQuantity"]
    assert section(made(*visit(1, "2026-11-20"), stated, vital, empty), "results") is None


def test_reports_and_procedures_are_told_as_the_places_and_name_no_person() -> None:
    by = {"reference": f"Practitioner/{DOCTOR['id']}"}
    report = of_visit(
        1,
        "DiagnosticReport",
        1,
        status="final",
        category=[{"text": "a"}, {"text": "b"}],
        code={"text": "X quang phổi"},
        effectiveDateTime="2026-11-20T09:00:00+07:00",
        conclusion="Không có tổn thương",
        performer=[by],
        resultsInterpreter=[by],
        basedOn=[{"reference": "ServiceRequest/33333333-1111-8111-8111-111111111111"}],
        result=[{"reference": f"Observation/{id_of('Observation', 9)}"}],
    )
    del report["note"]
    operation = of_visit(
        1,
        "Procedure",
        2,
        status="completed",
        code={"text": "Mổ ruột thừa"},
        performedPeriod={"start": "2026-11-20T10:00:00+07:00"},
        performer=[{"actor": by}],
    )
    stopped = operation | {"id": id_of("Procedure", 3), "status": "stopped", "code": {"text": "Mổ dở"}}
    document = made(*visit(1, "2026-11-20"), report, operation, stopped, prescription(1, 1, "2026-11-20", "2026-12-20"))
    place = {"reference": f"urn:uuid:{PLACE['id']}"}
    [told_report] = section(document, "results") or []
    assert (told_report["category"], told_report["performer"]) == ([{"text": "a"}], [place])
    assert not {"basedOn", "result", "encounter", "resultsInterpreter"} & told_report.keys()
    [told_operation] = section(document, "procedures") or []
    assert (told_operation["code"]["text"], told_operation["performer"]) == ("Mổ ruột thừa", [{"actor": place}])
    assert (section(document, "medicines") or [])[0]["requester"] == place
    assert "Practitioner" not in orjson.dumps(document).decode()
    assert told_operation["note"] == [{"text": "Chỉ định của bác sĩ"}]
    assert findings(orjson.dumps(document)) == ()


def test_every_reference_is_within_the_document() -> None:
    document = orjson.loads(summary(book_of(5)))
    urls = {entry["fullUrl"] for entry in document["entry"]}
    assert set(_references(document)) <= urls
    assert {entry["resource"]["resourceType"] for entry in document["entry"]} >= {"Composition", "Patient", "Device"}


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [each for one in value.values() for each in _references(one)]
    return [each for one in value for each in _references(one)] if isinstance(value, list) else []


@pytest.mark.parametrize("visits", [1, 5])
def test_a_summary_of_generated_visits_is_good_fhir(visits: int) -> None:
    assert findings(summary(book_of(visits))) == ()


def test_a_summary_is_the_same_as_long_as_the_book_is() -> None:
    resources = book_of(3)
    first = summary(resources)
    assert summary(list(resources)) == first
    document = orjson.loads(first)
    assert document["timestamp"] == document["entry"][0]["resource"]["date"] == CHANGED


@pytest.mark.parametrize(
    "change", [(b'"versionId":"1"', b'"versionId":"2"'), (CHANGED.encode(), b"2026-11-26T03:00:00Z")]
)
def test_another_state_of_a_book_has_another_identifier(change: tuple[bytes, bytes]) -> None:
    resources = book_of(1)
    changed = [resources[0].replace(*change), *resources[1:]]
    before, after = (orjson.loads(summary(each))["identifier"]["value"] for each in (resources, changed))
    assert before != after


def test_what_facilities_wrote_is_words_in_both_languages() -> None:
    hostile = '<script>alert(1)</script> & "x" \''
    document = made(*visit(1, "2026-11-20", ("I10", hostile)))
    for language, when in (("vi", "20/11/2026"), ("en", "20 November 2026")):
        problems = told(document, language)[0]  # type: ignore[arg-type]  # both are languages
        assert problems.rows == ((f"{hostile} (I10)", when, "Bệnh viện <A> & B"),)
    div = document["entry"][0]["resource"]["section"][0]["text"]["div"]
    assert "<script" not in div
    assert findings(orjson.dumps(document)) == ()


@pytest.mark.parametrize("letter", ["\ufffe", "\uffff", "\x0b", "\x00"])
def test_a_letter_that_no_xml_holds_is_left_out_of_the_narrative(letter: str) -> None:
    document = made(*visit(1, "2026-11-20", ("I10", f"Tăng{letter} huyết áp")))
    assert told(document, "vi")[0].rows[0][0] == "Tăng huyết áp (I10)"


def test_titles_and_sentences_are_in_the_readers_language() -> None:
    document = made(*visit(1, "2026-11-20"))
    assert [each.title for each in told(document, "vi")] == ["Bệnh hiện có", "Thuốc được kê", "Dị ứng"]
    assert [each.title for each in told(document, "en")] == [
        "Active problems",
        "Prescribed medicines",
        "Allergies and intolerances",
    ]
    assert told(document, "en")[2].lines == (
        "No facility has sent anything about allergies. That does not mean that there are none.",
    )


def test_a_person_without_a_birthday_is_given_none() -> None:
    resources = written(PLACE, *visit(1, "2026-11-20"))
    patient = orjson.loads(resources[0])
    without = copy.deepcopy(patient)
    del without["birthDate"]
    document = orjson.loads(summary([orjson.dumps(without), *resources[1:]]))
    told_patient = document["entry"][1]["resource"]
    assert "birthDate" not in told_patient
    assert told_patient["_birthDate"]["extension"][0]["valueCode"] == "unknown"
