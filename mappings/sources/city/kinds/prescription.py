"""A prescription to FHIR MedicationRequests, one a medicine.  https://hl7.org/fhir/R4/medicationrequest.html"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from mappings.fhir.elements import SUBJECT, UCUM, Json, coding, concept, day, minute, number, text
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row, Tables
from mappings.sources.city.form import Kind, Making, content, diagnosed, example, form
from mappings.sources.city.values import Icd10, Moment, Number, Whole, Words
from mappings.sources.dossier.unshown import is_death, shown
from mappings.terminology.systems import listed
from mappings.terminology.units import ucum

_NAME: Final = "prescription"
_MEDICINES: Final = "medicines"


def _to_fhir(tables: Tables, making: Making) -> Iterator[Resource]:
    head = tables[_NAME][0]
    for row, key, ordinal in numbered(tables.get(_MEDICINES, ()), _key, content):
        body: Json = {"identifier": making.identifier(head), "status": _status(row, head, making), "intent": "order"}
        body |= {"medicationCodeableConcept": _medicine(row, making), "subject": SUBJECT}
        body["authoredOn"] = minute(head["NGAY_YL"])
        if doctors := making.register.practitioners(head.get("MA_BAC_SI")):
            body["requester"] = doctors[0]
        if reason := _reason(head, making):
            body["reasonCode"] = [reason]
        if note := shown(row.get("GHI_CHU")):
            body["note"] = [{"text": note}]
        if dosage := _dosage(row):
            body["dosageInstruction"] = [dosage]
        if dispensed := _dispensed(row, head):
            body["dispenseRequest"] = dispensed
        yield making.resource("MedicationRequest", body, key, ordinal)


def _status(row: Row, head: Row, making: Making) -> str:
    """Whether the medicine lasts beyond the day that the record came; where nobody says how long, nobody knows."""
    last = _last_day(row, head)
    if last is None:
        return "unknown"
    return "active" if last >= making.received else "completed"


def _last_day(row: Row, head: Row) -> date | None:
    first = day(head["NGAY_YL"])
    return first + timedelta(days=int(row["SO_NGAY"]) - 1) if first is not None and "SO_NGAY" in row else None


def _medicine(row: Row, making: Making) -> Json:
    said = (text(row.get(tag)) for tag in ("TEN_THUOC", "HAM_LUONG", "DANG_BAO_CHE"))
    codings = [found] if (found := listed("drug", row.get("MA_THUOC", ""), making.facility, making.uris)) else []
    if licence := row.get("SO_DANG_KY"):
        codings.append(coding(making.uris["drug-registration"], licence))
    return concept(*codings, words=", ".join(filter(None, said)))


def _reason(head: Row, making: Making) -> Json:
    words = shown(head.get("CHAN_DOAN"))
    return diagnosed(head, words, making) if words and not is_death(head.get("MA_BENH", "")) else {}


def _dosage(row: Row) -> Json:
    """How it is to be taken, in the words of who prescribed it: a sum made of them could be wrong."""
    said = [words for tag in ("LIEU_DUNG", "CACH_DUNG") if (words := shown(row.get(tag)))]
    dosage: Json = {"text": ". ".join(said)} if said else {}
    if route := text(row.get("DUONG_DUNG")):
        dosage["route"] = concept(words=route)
    return dosage


def _dispensed(row: Row, head: Row) -> Json:
    made: Json = {}
    if last := _last_day(row, head):
        made["validityPeriod"] = {"start": minute(head["NGAY_YL"])[:10], "end": last.isoformat()}
    if digits := row.get("SO_LUONG"):
        unit = text(row.get("DON_VI_TINH"))
        made["quantity"] = {"value": number(digits)} | ({"unit": unit} if unit else {})
        if known := ucum(unit):
            made["quantity"] |= {"system": UCUM, "code": known}
    if days := row.get("SO_NGAY"):
        made["expectedSupplyDuration"] = {"value": int(days), "unit": "ngày", "system": UCUM, "code": "d"}
    return made


def _key(row: Row) -> Key:
    return row.get("MA_THUOC", ""), row["TEN_THUOC"], row.get("HAM_LUONG", "")


PRESCRIPTION: Final = Kind(
    name=_NAME,
    vi="Đơn thuốc",
    en="A prescription",
    values={
        "prescribed": Moment("NGAY_YL", "Thời điểm kê đơn", "When it was written", required=True),
        "prescriber": Words(
            "MA_BAC_SI", "Số chứng chỉ hành nghề người kê đơn", "The licence number of who wrote it", 100
        ),
        "icd10": Icd10("MA_BENH", "Mã bệnh ICD-10", "ICD-10 code of the diagnosis"),
        "diagnosis": Words("CHAN_DOAN", "Chẩn đoán", "The diagnosis in words", 1000),
    },
    rows={
        _MEDICINES: form(
            code=Words("MA_THUOC", "Mã thuốc, hoạt chất", "The medicine's code", 100, names=True),
            name=Words("TEN_THUOC", "Tên thuốc", "The medicine", required=True, names=True),
            ingredient=Words("HOAT_CHAT", "Hoạt chất", "Active ingredient", 1000, names=True),
            strength=Words("HAM_LUONG", "Hàm lượng", "Strength", names=True),
            form=Words("DANG_BAO_CHE", "Dạng bào chế", "Form"),
            registration=Words("SO_DANG_KY", "Số đăng ký", "Registration number", 100),
            dose=Words("LIEU_DUNG", "Liều dùng", "How much, how often", 1000, lines=True),
            instructions=Words("CACH_DUNG", "Cách dùng", "How it is taken", 1000, lines=True),
            route=Words("DUONG_DUNG", "Đường dùng", "Route"),
            quantity=Number("SO_LUONG", "Số lượng", "How much is handed out"),
            unit=Words("DON_VI_TINH", "Đơn vị tính", "Unit", 50),
            days=Whole("SO_NGAY", "Số ngày dùng", "For how many days", 366),
            note=Words("GHI_CHU", "Ghi chú", "Note", 2000, lines=True),
        )
    },
    wanted=frozenset({_MEDICINES}),
    dated_by="NGAY_YL",
    to_fhir=_to_fhir,
    example=example(
        _NAME,
        "DT-2026-001907",
        prescribed="2026-06-10T10:05+07:00",
        prescriber="004711/HNO-CCHN",
        icd10="E11.9",
        diagnosis="Đái tháo đường típ 2",
        medicines=[
            {
                "name": "Metformin",
                "strength": "500 mg",
                "form": "Viên nén",
                "dose": "Ngày uống 2 lần, mỗi lần 1 viên",
                "instructions": "Uống sau ăn",
                "quantity": 60,
                "unit": "viên",
                "days": 30,
            }
        ],
    ),
)
