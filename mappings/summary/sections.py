"""The sections of a patient summary: what of a book enters each, and what is said of it.

IPS 1.1.0, http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips; the rules stand in
docs/decisions/048-what-a-summary-says.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from mappings.dates import VIETNAM
from mappings.fhir.elements import NOT_STATED, coding, concept
from mappings.summary.conditions import LOINC, Diagnosis, OwnCondition, icd_code, loinc_code, own_conditions, words
from mappings.summary.gathered import Gathered, Json
from mappings.summary.medicines import prescribed_for
from mappings.summary.narrative import Both, Cell, Day

_ABSENT: Final = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
_CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFIED: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/condition-category"
_WHEN: Final[Both] = ("Khi nào", "When")
# What IPS demands that a facility need not have said.
_WHEN_DONE: Final = {"Observation": "effective", "DiagnosticReport": "effective", "Procedure": "performed"}
_WHERE: Final[Both] = ("Nơi khám", "Where")


@dataclass(frozen=True, slots=True)
class Section:
    """A section as it is told, with the resources that it is made of, if any; each row is one of them."""

    loinc: str
    name: str
    title: Both
    head: tuple[Both, ...]
    rows: tuple[tuple[Cell, ...], ...] = field(default=(), repr=False)
    entries: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    lines: tuple[Both, ...] = ()


def sections(book: Gathered, as_of: datetime) -> Iterator[Section]:
    """Those that every summary has, and of the others those in which there is anything."""
    said = list(book.diagnoses())
    own = own_conditions(diagnosis for diagnosis, _ in said)
    last_visit = book.last_visit()
    active = {each.code for each in own if each.is_active(last_visit)}
    yield _problems(book, [each for each in own if each.code in active], said)
    yield _medicines(book, as_of)
    yield _allergies(book)
    past = _past(active, (diagnosis for diagnosis, _ in said))
    for section in (_immunizations(book), _results(book), _procedures(book), past, _coming(book, as_of)):
        if section.rows:
            yield section


def _problems(book: Gathered, own: Sequence[OwnCondition], diagnoses: Sequence[tuple[Diagnosis, Json]]) -> Section:
    said = {(each.code, each.on, each.where): condition for each, condition in diagnoses}
    listed = [each for each in book.of("Condition") if _is_listed_problem(each)]
    codes = {icd_code(each) for each in listed}
    own = [each for each in own if each.code not in codes]
    entries = [book.exact(each) for each in listed]
    for each in own:
        named = each.named
        entries.append(
            {
                **_condition(book, f"problem/{each.code}"),
                "clinicalStatus": concept(coding(_CLINICAL, "active", "Active")),
                "verificationStatus": concept(coding(_VERIFIED, "confirmed", "Confirmed")),
                "category": [concept(coding(_CATEGORY, "problem-list-item", "Problem List Item"))],
                "code": book.exact(said[named.code, named.on, named.where])["code"],
                "subject": {"reference": _subject(book)},
            }
        )
    title = ("Bệnh hiện có", "Active problems")
    head = (("Bệnh", "Problem"), _WHEN, _WHERE)
    rows: list[tuple[Cell, ...]] = [
        (_named(words(each["code"]), icd_code(each)), Day(each.get("onsetDateTime") or each["recordedDate"]), "")
        for each in listed
    ]
    rows += [
        (_named(each.named.text, each.code), (Day(each.first), Day(each.last)), ", ".join(each.places)) for each in own
    ]
    if entries:
        return Section("11450-4", "Problem list", title, head, tuple(rows), tuple(entries))
    nothing = {
        **_condition(book, "problem/none"),
        "clinicalStatus": concept(coding(_CLINICAL, "active", "Active")),
        "code": concept(coding(_ABSENT, "no-problem-info", "No information about problems")),
        "subject": {"reference": _subject(book)},
    }
    none = ("Chưa có thông tin về bệnh hiện có.", "No information about active problems.")
    return Section("11450-4", "Problem list", title, head, (), (nothing,), (none,))


def _is_listed_problem(condition: Json) -> bool:
    """Whether a facility's own list of problems says that it is one now: no visits need be counted then."""
    kinds = {each.get("code") for one in condition.get("category", ()) for each in one.get("coding", ())}
    now = _status(condition, "clinicalStatus") & {"active", "recurrence", "relapse"}
    in_doubt = _status(condition, "verificationStatus") & {*_NOT_SO, "differential"}
    return "problem-list-item" in kinds and bool(now) and not in_doubt


def _past(active: set[str], diagnoses: Iterable[Diagnosis]) -> Section:
    """Main diagnoses that are no active problem, in words alone: a Condition of IPS must say whether it is over, and
    nobody did (docs/decisions/052-former-diagnoses-are-words.md).
    """
    found: dict[str, list[Diagnosis]] = {}
    for diagnosis in diagnoses:
        if diagnosis.is_main and diagnosis.is_certain and diagnosis.code not in active and diagnosis.text:
            found.setdefault(diagnosis.code or diagnosis.text, []).append(diagnosis)
    spans = [(min(met, key=_on), max(met, key=_on)) for _, met in sorted(found.items())]
    spans.sort(key=lambda span: span[1].on, reverse=True)
    line = (
        "Bệnh chính của những lần khám trước; không nói rằng bệnh còn hay đã hết.",
        "Main diagnoses of former visits; this does not say whether they are over.",
    )
    title = ("Bệnh đã khám trước đây", "Former main diagnoses")
    head = (("Bệnh", "Diagnosis"), _WHEN, _WHERE)
    rows = tuple((_named(last.text, last.code), (Day(first.on), Day(last.on)), last.place) for first, last in spans)
    return Section("29308-4", "Diagnosis", title, head, rows, lines=(line,))


def _on(diagnosis: Diagnosis) -> str:
    return diagnosis.on


def _medicines(book: Gathered, as_of: datetime) -> Section:
    """What was prescribed for the day of the summary or later (rules: drug-list-may-lack, given-or-prescribed)."""
    day = as_of.astimezone(VIETNAM).date().isoformat()
    spans = [(each, *prescribed_for(each)) for each in book.of("MedicationRequest")]
    taken = [(each, first, last) for each, first, last in spans if last[:10] >= day]
    taken.sort(key=lambda each: (each[1], each[0]["id"]), reverse=True)
    title = ("Thuốc được kê", "Prescribed medicines")
    head = (("Thuốc", "Medicine"), ("Cách dùng", "How"), _WHEN, _WHERE)
    note = (
        "Thuốc do cơ sở ghi, có thể thiếu thuốc tự mua.",
        "As facilities recorded it; medicines bought elsewhere may be missing.",
    )
    if taken:
        rows = tuple(
            (
                words(each["medicationCodeableConcept"]),
                "; ".join(dose["text"] for dose in each.get("dosageInstruction", ()) if "text" in dose),
                (Day(first), Day(last)),
                book.place_of(each),
            )
            for each, first, last in taken
        )
        entries = tuple(_by_place(book, each, _requested) for each, _, _ in taken)
        return Section("10160-0", "History of Medication use", title, head, rows, entries, (note,))
    nothing = {
        "resourceType": "MedicationStatement",
        "id": own_id(book, "medicines/none"),
        "status": "unknown",
        "medicationCodeableConcept": concept(coding(_ABSENT, "no-medication-info", "No information about medications")),
        "subject": {"reference": _subject(book)},
        "effectivePeriod": NOT_STATED,
    }
    none = ("Không có thuốc nào được kê cho ngày này.", "No medicine is known to be prescribed for this day.")
    return Section("10160-0", "History of Medication use", title, head, (), (nothing,), (none, note))


def _allergies(book: Gathered) -> Section:
    """What a facility says that the person does not bear now, whoever says so; what was refuted is none."""
    title = ("Dị ứng", "Allergies and intolerances")
    said = [each for each in book.of("AllergyIntolerance") if not _status(each, "verificationStatus") & _NOT_SO]
    found = [each for each in said if _status(each, "clinicalStatus") <= {"active"}]
    if not found:
        nothing = {
            "resourceType": "AllergyIntolerance",
            "id": own_id(book, "allergies/none"),
            "clinicalStatus": concept(
                coding("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active", "Active")
            ),
            "code": concept(coding(_ABSENT, "no-allergy-info", "No information about allergies")),
            "patient": {"reference": _subject(book)},
        }
        line = _NO_ALLERGY_NOW if said else _NO_ALLERGY_TOLD
        return Section("48765-2", "Allergies and adverse reactions", title, (), (), (nothing,), (line,))
    found.sort(key=lambda each: (each.get("criticality") != "high", words(each.get("code", {})), each["id"]))
    high = list(dict.fromkeys(words(each["code"]) for each in found if each.get("criticality") == "high"))
    dangers = ((f"Nguy hiểm: {'; '.join(high)}.", f"High risk: {'; '.join(high)}."),) if high else ()
    rows = tuple(
        (words(each["code"]), _manifestations(each), Day(each.get("onsetDateTime") or each.get("recordedDate", "")))
        for each in found
    )
    head = (("Với gì", "To what"), ("Biểu hiện", "Reaction"), _WHEN)
    entries = tuple(book.exact(each) for each in found)
    return Section(
        "48765-2", "Allergies and adverse reactions", title, head, rows, entries, (*dangers, _ALLERGIES_MAY_LACK)
    )


_NOT_SO: Final = frozenset({"refuted", "entered-in-error"})
_NO_ALLERGY_TOLD: Final[Both] = (
    "Chưa cơ sở nào gửi thông tin dị ứng. Điều đó không có nghĩa là không dị ứng gì.",
    "No facility has sent anything about allergies. That does not mean that there are none.",
)
_NO_ALLERGY_NOW: Final[Both] = (
    "Những dị ứng mà cơ sở đã gửi đều được ghi là không còn. Điều đó không có nghĩa là không dị ứng gì.",
    "Facilities say that the allergies they sent are over. That does not mean that there are none.",
)
_ALLERGIES_MAY_LACK: Final[Both] = (
    "Dị ứng do cơ sở ghi, có thể còn thiếu.",
    "As facilities recorded them; there may be others.",
)


def _manifestations(allergy: Json) -> str:
    told = (words(each) for reaction in allergy.get("reaction", ()) for each in reaction["manifestation"])
    return "; ".join(dict.fromkeys(told))


def _status(resource: Json, element: str) -> set[str]:
    return {str(each.get("code")) for each in resource.get(element, {}).get("coding", ())}


def _immunizations(book: Gathered) -> Section:
    """The doses that were given, the last first."""
    given = [each for each in book.of("Immunization") if each["status"] == "completed"]
    given.sort(key=lambda each: (each["occurrenceDateTime"], each["id"]), reverse=True)
    rows = tuple((words(each["vaccineCode"]), Day(each["occurrenceDateTime"]), book.place_of(each)) for each in given)
    return Section(
        "11369-6",
        "History of Immunization Narrative",
        ("Tiêm chủng", "Immunizations"),
        (("Vắc xin", "Vaccine"), _WHEN, _WHERE),
        rows,
        tuple(book.exact(each) for each in given),
    )


def _results(book: Gathered) -> Section:
    """The newest value of each test of a laboratory, and the newest of each report that concludes anything."""
    tests = (each for each in book.of("Observation") if _is_of_laboratory(each) and _value(each))
    reports = (each for each in book.of("DiagnosticReport") if each.get("conclusion"))
    found = [*_newest(tests, _at), *_newest(reports, _at)]
    found.sort(key=lambda each: (_at(each), each["id"]), reverse=True)
    rows = tuple(
        (
            words(each["code"]),
            _value(book.exact(each)) or each.get("conclusion", ""),
            Day(_at(each)),
            book.place_of(each),
        )
        for each in found
    )
    return Section(
        "30954-2",
        "Relevant diagnostic tests/laboratory data",
        ("Kết quả gần nhất", "Latest results"),
        (("Tên", "Test"), ("Kết quả", "Result"), _WHEN, _WHERE),
        rows,
        tuple(_by_place(book, each, _performed) for each in found),
    )


def _procedures(book: Gathered) -> Section:
    """The last of each kind of procedure that was done; what was only begun is none (rules: operations-and-orders)."""
    done = (each for each in book.of("Procedure") if each["status"] == "completed" and words(each.get("code", {})))
    found = _newest(done, _done)
    found.sort(key=lambda each: (_done(each), each["id"]), reverse=True)
    return Section(
        "47519-4",
        "History of Procedures",
        ("Phẫu thuật, thủ thuật", "Procedures"),
        (("Tên", "Procedure"), _WHEN, _WHERE),
        tuple((words(each["code"]), Day(_done(each)), book.place_of(each)) for each in found),
        tuple(_by_place(book, each, _acted) for each in found),
    )


def _coming(book: Gathered, as_of: datetime) -> Section:
    """When one is asked to come again, on the day of the summary or later. In words alone: entries of that section of
    IPS are CarePlans and DocumentReferences.
    """
    day = as_of.astimezone(VIETNAM).date().isoformat()
    asked = [(each, each.get("requestedPeriod", [{}])[0].get("start", "")) for each in book.of("Appointment")]
    coming = sorted(((each, at) for each, at in asked if at[:10] >= day), key=lambda each: (each[1], each[0]["id"]))
    return Section(
        "18776-5",
        "Plan of care note",
        ("Hẹn khám", "Appointments"),
        (_WHEN, ("Giờ", "Time"), _WHERE),
        tuple((Day(at), at[11:16], book.place(_visit_of(book, each))) for each, at in coming),
    )


def _visit_of(book: Gathered, appointment: Json) -> Json:
    named = (each.get("reference", "") for each in appointment.get("supportingInformation", ()))
    return next((book.resources[one] for one in named if one in book.resources), {})


def own_id(book: Gathered, what: str) -> str:
    """The id of something that a summary alone says of a person: the same each time."""
    return str(uuid5(UUID(book.patient["id"]), what))


def _condition(book: Gathered, what: str) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": own_id(book, what)}


def _subject(book: Gathered) -> str:
    return f"Patient/{book.patient['id']}"


def _named(text: str, code: str) -> str:
    return f"{text} ({code})" if code and code not in text else text


def _by_place(book: Gathered, resource: Json, said: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """A resource as it stands, done by the place: no person is named whose name nobody knows."""
    made = book.exact(resource)
    place = book.organization_of(resource)
    for name in ("performer", "requester", "recorder", "asserter", "resultsInterpreter"):
        made.pop(name, None)
    if place:
        made |= said(place)
    if resource["resourceType"] == "DiagnosticReport":
        made["category"] = made.get("category", [NOT_STATED])[:1]
    when = _WHEN_DONE.get(resource["resourceType"], "")
    if when and not any(key.startswith(when) for key in made):
        made[f"_{when}DateTime"] = NOT_STATED
    return made


def _performed(place: str) -> dict[str, Any]:
    return {"performer": [{"reference": place}]}


def _acted(place: str) -> dict[str, Any]:
    return {"performer": [{"actor": {"reference": place}}]}


def _requested(place: str) -> dict[str, Any]:
    return {"requester": {"reference": place}}


def _newest(resources: Iterable[Json], at: Callable[[Json], str]) -> list[Json]:
    newest: dict[tuple[str, str, str], Json] = {}
    for each in resources:
        first = (each["code"].get("coding") or [{}])[0]
        # Of several facilities one test, where that is certain (rules: known-tests).
        known = loinc_code(each["code"])
        own = (first.get("system", ""), first.get("code", words(each["code"])))
        key = (each["resourceType"], *((LOINC, known) if known else own))
        if key not in newest or (at(newest[key]), newest[key]["id"]) < (at(each), each["id"]):
            newest[key] = each
    return list(newest.values())


def _is_of_laboratory(observation: Json) -> bool:
    # A blood group that a facility states without a laboratory is none of them (rules: blood-group-doubts).
    codes = (each.get("code") for category in observation.get("category", ()) for each in category.get("coding", ()))
    return "laboratory" in codes


def _value(resource: Json) -> str:
    quantity = resource.get("valueQuantity", {})
    if "value" in quantity:
        return f"{quantity.get('comparator', '')}{quantity['value']} {quantity.get('unit', '')}".strip()
    return str(resource.get("valueString") or words(resource.get("valueCodeableConcept", {})))


def _at(resource: Json) -> str:
    return str(resource.get("effectiveDateTime") or resource.get("effectivePeriod", {}).get("start", ""))


def _done(procedure: Json) -> str:
    return str(procedure.get("performedDateTime") or procedure.get("performedPeriod", {}).get("start", ""))
