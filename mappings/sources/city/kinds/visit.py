"""A visit and its diagnoses to FHIR Encounter and Conditions.

https://hl7.org/fhir/R4/encounter.html  https://hl7.org/fhir/R4/condition.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mappings.fhir.elements import SUBJECT, Json, coding, concept, minute, period
from mappings.fhir.ids import numbered
from mappings.model import Issue, Resource, Row, Tables
from mappings.sources.city.form import Kind, Making, content, diagnosed, diagnosis_key, example, form
from mappings.sources.city.values import WRONG, Coded, Flag, Icd10, Moment, Words
from mappings.sources.dossier.tables.xml1.encounter import class_of
from mappings.sources.dossier.unshown import is_death, shown
from mappings.terminology import icd10
from mappings.terminology.editions import display

_NAME: Final = "visit"
_DIAGNOSES: Final = "diagnoses"
_CATEGORY: Final = [
    concept(
        coding("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis", "Encounter Diagnosis")
    )
]
_CONFIRMED: Final = concept(
    coding("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed", "Confirmed")
)
_DISCHARGE: Final = concept(coding("http://terminology.hl7.org/CodeSystem/diagnosis-role", "DD", "Discharge diagnosis"))


def _to_fhir(tables: Tables, making: Making) -> Iterator[Resource]:
    head = tables[_NAME][0]
    encounter = {"reference": f"Encounter/{making.id_of('Encounter')}"}
    told = [
        (row, key, ordinal)
        for row, key, ordinal in numbered(tables.get(_DIAGNOSES, ()), diagnosis_key, content)
        if shown(row["CHAN_DOAN"]) and not is_death(row.get("MA_BENH", ""))
    ]
    ids = {row["MA_BENH"]: making.id_of("Condition", key) for row, key, _ in told if "MA_BENH" in row}
    named = [
        (row, making.resource("Condition", _condition(row, head, encounter, ids, making), key, ordinal))
        for row, key, ordinal in told
    ]
    yield _encounter(head, named, making)
    yield from (condition for _, condition in named)


def _encounter(head: Row, named: list[tuple[Row, Resource]], making: Making) -> Resource:
    kind = head["MA_LOAI_KCB"]
    ended = minute(head.get("NGAY_RA", ""))  # one without waits, and is seen by nobody but who tries it
    status = "finished" if ended else "in-progress"
    body: Json = {"identifier": making.identifier(head), "status": status, "class": class_of(kind)}
    if name := display("visit-type", kind, making.received):
        body["type"] = [concept(coding(making.uris["visit-type"], kind, name), words=name)]
    body |= {"subject": SUBJECT, "period": period(minute(head["NGAY_VAO"]), ended)}
    if reason := shown(head.get("LY_DO_VV")):
        body["reasonCode"] = [concept(words=reason)]
    if named:
        body["diagnosis"] = [
            {"condition": {"reference": f"Condition/{condition.id}"}, "use": _DISCHARGE}
            | ({"rank": 1} if "LA_CHINH" in row else {})
            for row, condition in named
        ]
    body["serviceProvider"] = making.by
    return making.resource("Encounter", body)


def _condition(row: Row, head: Row, encounter: Json, ids: Mapping[str, str], making: Making) -> Json:
    # Only of the main one it is said to be certain, as of a dossier's (rules: doubted-diagnoses).
    body: Json = {"verificationStatus": _CONFIRMED} if "LA_CHINH" in row else {}
    body |= {"category": _CATEGORY, "code": diagnosed(row, shown(row["CHAN_DOAN"]), making), "subject": SUBJECT}
    cause = icd10.cause_of(row.get("MA_BENH", ""), ids)
    of_cause = icd10.due_to({"reference": f"Condition/{ids[cause]}"}) if cause else {}
    return {**of_cause, **body, "encounter": encounter, "recordedDate": minute(head.get("NGAY_RA", head["NGAY_VAO"]))}


def _between(tables: Tables) -> Iterator[Issue]:
    """A visit ends after it began, and is about one disease first of all."""
    head = tables[_NAME][0]
    began, ended = head["NGAY_VAO"], head.get("NGAY_RA", "")
    size = min(len(began), len(ended))  # of a day and a time only the days can be put in order
    if ended[:size] < began[:size]:
        yield Issue(WRONG, "/ended", ">= /started")
    mains = [number for number, row in enumerate(tables.get(_DIAGNOSES, ())) if "LA_CHINH" in row]
    yield from (Issue(WRONG, f"/{_DIAGNOSES}/{number}/main") for number in mains[1:])


VISIT: Final = Kind(
    name=_NAME,
    vi="Lần khám bệnh",
    en="A visit",
    values={
        "type": Coded(
            "MA_LOAI_KCB", "Mã loại khám chữa bệnh", "The kind of visit (MA_LOAI_KCB)", "visit-type", required=True
        ),
        "started": Moment("NGAY_VAO", "Thời điểm đến khám", "When it began", required=True),
        "ended": Moment(
            "NGAY_RA",
            "Thời điểm kết thúc; chưa có thì chưa đưa lên sổ",
            "When it ended; without it, it is kept and waits",
        ),
        "reason": Words("LY_DO_VV", "Lý do đến khám", "Why the patient came", 1000),
    },
    rows={
        _DIAGNOSES: form(
            icd10=Icd10("MA_BENH", "Mã bệnh ICD-10", "ICD-10 code", names=True),
            name=Words("CHAN_DOAN", "Chẩn đoán", "The diagnosis in words", required=True, names=True),
            main=Flag("LA_CHINH", "Bệnh chính", "The main diagnosis"),
        )
    },
    dated_by="NGAY_RA",
    between=_between,
    to_fhir=_to_fhir,
    example=example(
        _NAME,
        "KB-2026-003318",
        type="01",
        started="2026-06-10T07:05+07:00",
        ended="2026-06-10T10:10+07:00",
        reason="Tái khám định kỳ",
        diagnoses=[
            {"icd10": "E11.9", "name": "Đái tháo đường típ 2", "main": True},
            {"icd10": "I10", "name": "Tăng huyết áp"},
        ],
    ),
)
