"""An allergy or intolerance to FHIR AllergyIntolerance.  https://hl7.org/fhir/R4/allergyintolerance.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.fhir.elements import SUBJECT, Json, coding, concept, minute, text
from mappings.model import Resource, Row, Tables
from mappings.sources.city.form import Kind, Making, example, form
from mappings.sources.city.values import Listed, Moment, Since, Words
from mappings.sources.dossier.unshown import shown

_NAME: Final = "allergy"
_REACTIONS: Final = "reactions"
_CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_VERIFIED: Final = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def _to_fhir(tables: Tables, making: Making) -> Iterator[Resource]:
    row = tables[_NAME][0]
    body: Json = {"identifier": making.identifier(row)}
    body["clinicalStatus"] = concept(coding(_CLINICAL, row["TINH_TRANG"], row["TINH_TRANG"].capitalize()))
    if verified := row.get("XAC_NHAN"):
        body["verificationStatus"] = concept(coding(_VERIFIED, verified, verified.capitalize()))
    if kind := row.get("LOAI_DI_UNG"):
        body["type"] = kind
    body["category"] = [row["NHOM_DI_NGUYEN"]]
    if criticality := row.get("MUC_NGUY_HIEM"):
        body["criticality"] = criticality
    body |= {"code": concept(words=text(row["DI_NGUYEN"])), "patient": SUBJECT}
    if since := row.get("KHOI_PHAT"):
        body["onsetDateTime"] = since
    body["recordedDate"] = minute(row["NGAY_GHI_NHAN"])
    if note := shown(row.get("GHI_CHU")):
        body["note"] = [{"text": note}]
    if reactions := [made for one in tables.get(_REACTIONS, ()) if (made := _reaction(one))]:
        body["reaction"] = reactions
    yield making.resource("AllergyIntolerance", body)


def _reaction(row: Row) -> Json:
    """What happened; nothing where it must not be shown."""
    manifested = shown(row.get("BIEU_HIEN"))
    if not manifested:
        return {}
    body: Json = {"manifestation": [concept(words=manifested)]}
    if at := row.get("THOI_DIEM"):
        body["onset"] = minute(at)
    if severity := row.get("MUC_DO"):
        body["severity"] = severity
    return body


ALLERGY: Final = Kind(
    name=_NAME,
    vi="Dị ứng",
    en="An allergy or intolerance",
    values={
        "recorded": Moment("NGAY_GHI_NHAN", "Thời điểm ghi nhận", "When it was recorded", required=True),
        "substance": Words("DI_NGUYEN", "Dị ứng với gì", "What the person reacts to", required=True, names=True),
        "category": Listed(
            "NHOM_DI_NGUYEN",
            "Nhóm dị nguyên",
            "The kind of substance",
            ("food", "medication", "environment", "biologic"),
            required=True,
        ),
        "type": Listed(
            "LOAI_DI_UNG", "Dị ứng hay không dung nạp", "Allergy or intolerance", ("allergy", "intolerance")
        ),
        "clinicalStatus": Listed(
            "TINH_TRANG",
            "Hiện còn hay không",
            "Whether it is still so",
            ("active", "inactive", "resolved"),
            required=True,
        ),
        "verificationStatus": Listed(
            "XAC_NHAN", "Đã xác nhận hay chưa", "How certain it is", ("unconfirmed", "confirmed", "refuted")
        ),
        "criticality": Listed(
            "MUC_NGUY_HIEM", "Mức nguy hiểm", "How dangerous it can be", ("low", "high", "unable-to-assess")
        ),
        "onset": Since("KHOI_PHAT", "Có từ khi nào", "Since when"),
        "note": Words("GHI_CHU", "Ghi chú", "Note", 2000, lines=True),
    },
    rows={
        _REACTIONS: form(
            manifestation=Words("BIEU_HIEN", "Biểu hiện", "What happened", required=True, names=True),
            severity=Listed("MUC_DO", "Mức độ", "How severe it was", ("mild", "moderate", "severe")),
            at=Moment("THOI_DIEM", "Khi nào", "When"),
        )
    },
    dated_by="NGAY_GHI_NHAN",
    to_fhir=_to_fhir,
    example=example(
        _NAME,
        "DU-2026-000031",
        recorded="2026-06-10",
        substance="Penicillin",
        category="medication",
        type="allergy",
        clinicalStatus="active",
        verificationStatus="confirmed",
        criticality="high",
        onset="2019",
        reactions=[{"manifestation": "Nổi mề đay, khó thở", "severity": "severe", "at": "2019-05-02"}],
    ),
)
