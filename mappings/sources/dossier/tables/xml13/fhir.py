"""The referral paper (QĐ 3176 table XML13) to FHIR ServiceRequest and Composition.

https://hl7.org/fhir/R4/servicerequest.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.fhir.elements import SUBJECT, Json, code, codes, coding, concept, text
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.dossier.papers import Field, Form, Section, paper, sections
from mappings.sources.dossier.unshown import is_death
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import Rows
from mappings.terminology import icd10
from mappings.terminology.editions import display

_FORM: Final = Form("XML13", "Giấy chuyển tuyến", "57133-1", "Referral note", "referral-paper")
_NUMBERS: Final = (
    ("referral-paper", "GIAY_CHUYEN_TUYEN"),
    ("referral-book", "SO_CHUYENTUYEN"),
    ("referral-dossier", "SO_HOSO"),
)
# Of QĐ 3176 and of QĐ 4750, the newer name first: of a row that has both, they say the same.
_TO: Final = ("MA_CSKCB_DEN", "MA_NOI_DEN")
_TREATMENT: Final = ("PP_DIEUTRI", "PP_DIEU_TRI")
_ASKED: Final = ("MA_LYDO_CT", "MA_BENH_CHINH", "MA_BENH_KT", "MA_BENH_YHCT", "MA_BAC_SI", *_TO)
_BEFORE: Final = (
    Field("DAU_HIEU_LS", "Dấu hiệu lâm sàng", "29545-1"),
    Field("QT_BENHLY", "Quá trình bệnh lý và diễn biến", "10164-2"),
    Field("TOMTAT_KQ", "Tóm tắt kết quả xét nghiệm, cận lâm sàng", "30954-2"),
    Field("CHAN_DOAN_RV", "Chẩn đoán", "29308-4"),
)
_DONE: Final = (
    Field("TEN_DICH_VU", "Dịch vụ đã thực hiện", "47519-4"),
    Field("TEN_THUOC", "Thuốc đã dùng", "10160-0"),
)
_AFTER: Final = (
    Field("TINH_TRANG_CT", "Tình trạng khi chuyển tuyến", "10210-3"),
    Field("HUONG_DIEU_TRI", "Hướng điều trị", "18776-5"),
    Field("PHUONGTIEN_VC", "Phương tiện vận chuyển"),
)
_MAPPED: Final = (
    *(tag for _, tag in _NUMBERS),
    *_ASKED,
    *_TREATMENT,
    *(one.tag for one in (*_BEFORE, *_DONE, *_AFTER)),
)


def requests(rows: Rows, visit: Visit) -> Iterator[Resource]:
    """What each paper asks for: that another facility goes on."""
    for row, key, ordinal in _numbered(rows):
        yield visit.resource("ServiceRequest", _FORM.table, key, ordinal, _request(row, visit))


def papers(rows: Rows, visit: Visit) -> Iterator[Resource]:
    """The Composition of each paper, which refers to what it asks for."""
    for row, key, ordinal in _numbered(rows):
        made = paper(
            _FORM,
            key,
            ordinal,
            _sections(row, visit, visit.reference("ServiceRequest", _FORM.table, key, ordinal)),
            visit,
            number=text(row.get("GIAY_CHUYEN_TUYEN")),
            doctors=visit.register.practitioners(row.get("MA_BAC_SI")),
        )
        if made is not None:
            yield made


def _numbered(rows: Rows) -> Iterator[tuple[Row, Key, int]]:
    return numbered(rows, _key, _content)


def _key(row: Row) -> Key:
    return (row.get("GIAY_CHUYEN_TUYEN", ""),)


def _content(row: Row) -> Key:
    return tuple([row.get(tag, "") for tag in _MAPPED])


def _sections(row: Row, visit: Visit, request: Json) -> Iterator[Section]:
    yield from sections(row, _BEFORE)
    stated = next((tag for tag in _TREATMENT if tag in row), _TREATMENT[0])
    yield from sections(row, (Field(stated, "Phương pháp điều trị", "62387-6"), *_DONE))
    yield Section("Lý do chuyển tuyến", _reason(row, visit), "42349-1", (request,))
    yield from sections(row, _AFTER)


def _request(row: Row, visit: Visit) -> Json:
    """Its time is that of the end of the visit: the patient leaves when referred (appendix of QĐ 130, NGAY_RA). What
    became of it no paper says: it stays active.
    """
    issuer = visit.register.organization(visit.facility)
    doctors = visit.register.practitioners(row.get("MA_BAC_SI"))
    body: Json = {}
    numbers = [
        {"system": visit.uris[name], "value": value, "assigner": issuer}
        for name, tag in _NUMBERS
        if (value := text(row.get(tag)))
    ]
    if numbers:
        body["identifier"] = numbers
    body |= {
        "status": "active",
        "intent": "order",
        "category": [concept(coding(visit.uris["own"], "referral"), words="Chuyển tuyến")],
        "code": concept(words="Khám bệnh, chữa bệnh tại cơ sở khác"),
        "subject": SUBJECT,
        "encounter": visit.encounter,
    }
    if visit.end:
        body["authoredOn"] = visit.end
    body["requester"] = doctors[0] if doctors else issuer
    if destination := next((found for tag in _TO if (found := visit.register.place(row.get(tag)))), None):
        body["performer"] = [destination]
    if reasons := [*_reasons(row, visit)]:
        body["reasonCode"] = reasons
    return body


def _reasons(row: Row, visit: Visit) -> Iterator[Json]:
    """Why referred, and the diseases for which; what has no form of a code is told in the words of the paper."""
    if stated := code(row.get("MA_LYDO_CT")):
        yield concept(visit.stated("referral-reason", stated), words=_reason(row, visit))
    for tag in ("MA_BENH_CHINH", "MA_BENH_KT"):
        for one in icd10.read(row.get(tag)).codes:
            if not is_death(one):
                yield concept(icd10.icd10(one, visit.on, visit.uris), words=icd10.words_for(one))
    for one in codes(row.get("MA_BENH_YHCT")):
        if not is_death(one):
            yield concept(coding(visit.uris["traditional-disease"], one), words=f"Mã bệnh y học cổ truyền {one}")


def _reason(row: Row, visit: Visit) -> str:
    """The reason in words; of a code that the list does not have, the code (rules: codes-have-words)."""
    stated = code(row.get("MA_LYDO_CT"))
    return display("referral-reason", stated, visit.on) or (f"Mã {stated}" if stated else "")
