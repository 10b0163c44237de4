"""A list of problems to FHIR Conditions, one each.  https://hl7.org/fhir/R4/condition.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.fhir.elements import SUBJECT, Json, coding, concept, minute
from mappings.fhir.ids import numbered
from mappings.model import Issue, Resource, Tables
from mappings.sources.city.form import Kind, Making, content, diagnosed, diagnosis_key, example, form
from mappings.sources.city.values import WRONG, Icd10, Listed, Moment, Since, Words
from mappings.sources.dossier.unshown import is_death, shown

_NAME: Final = "problem-list"
_PROBLEMS: Final = "problems"
_CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFIED: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CATEGORY: Final = [
    concept(
        coding("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item", "Problem List Item")
    )
]
_OVER: Final = ("inactive", "remission", "resolved")


def _to_fhir(tables: Tables, making: Making) -> Iterator[Resource]:
    head = tables[_NAME][0]
    for row, key, ordinal in numbered(tables.get(_PROBLEMS, ()), diagnosis_key, content):
        name = shown(row["CHAN_DOAN"])
        if not name or is_death(row.get("MA_BENH", "")):
            continue
        status, verified = row["TINH_TRANG"], row.get("XAC_NHAN", "")
        body: Json = {
            "identifier": making.identifier(head),
            "clinicalStatus": concept(coding(_CLINICAL, status, status.capitalize())),
        }
        if verified:
            body["verificationStatus"] = concept(coding(_VERIFIED, verified, verified.capitalize()))
        body |= {"category": _CATEGORY, "code": diagnosed(row, name, making), "subject": SUBJECT}
        if since := row.get("KHOI_PHAT"):
            body["onsetDateTime"] = since
        if over := row.get("KET_THUC"):
            body["abatementDateTime"] = over
        body["recordedDate"] = minute(head["NGAY_GHI_NHAN"])
        if note := shown(row.get("GHI_CHU")):
            body["note"] = [{"text": note}]
        yield making.resource("Condition", body, key, ordinal)


def _between(tables: Tables) -> Iterator[Issue]:
    """What is over has an end, and only that (con-4)."""
    for number, row in enumerate(tables.get(_PROBLEMS, ())):
        if "KET_THUC" in row and row["TINH_TRANG"] not in _OVER:
            yield Issue(WRONG, f"/{_PROBLEMS}/{number}/clinicalStatus", ", ".join(_OVER))


PROBLEM_LIST: Final = Kind(
    name=_NAME,
    vi="Danh sách vấn đề sức khỏe",
    en="A list of problems",
    values={"recorded": Moment("NGAY_GHI_NHAN", "Thời điểm ghi nhận", "When the list was made", required=True)},
    rows={
        _PROBLEMS: form(
            icd10=Icd10("MA_BENH", "Mã bệnh ICD-10", "ICD-10 code", names=True),
            name=Words("CHAN_DOAN", "Tên bệnh, vấn đề", "The problem in words", required=True, names=True),
            clinicalStatus=Listed(
                "TINH_TRANG",
                "Hiện còn hay không",
                "Whether it is still so",
                ("active", "recurrence", "relapse", *_OVER),
                required=True,
            ),
            verificationStatus=Listed(
                "XAC_NHAN",
                "Đã xác nhận hay chưa",
                "How certain it is",
                ("unconfirmed", "provisional", "differential", "confirmed", "refuted"),
            ),
            onset=Since("KHOI_PHAT", "Có từ khi nào", "Since when"),
            abated=Since("KET_THUC", "Hết khi nào", "When it was over"),
            note=Words("GHI_CHU", "Ghi chú", "Note", 2000, lines=True),
        )
    },
    wanted=frozenset({_PROBLEMS}),
    dated_by="NGAY_GHI_NHAN",
    between=_between,
    to_fhir=_to_fhir,
    example=example(
        _NAME,
        "VD-BN-0184",
        version=3,
        recorded="2026-06-10",
        problems=[
            {
                "icd10": "E11.9",
                "name": "Đái tháo đường típ 2",
                "clinicalStatus": "active",
                "verificationStatus": "confirmed",
                "onset": "2021-04",
            },
            {"name": "Viêm loét dạ dày", "clinicalStatus": "resolved", "onset": "2023", "abated": "2024-01-15"},
        ],
    ),
)
