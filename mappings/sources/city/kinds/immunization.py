"""A dose of a vaccine to FHIR Immunization.  https://hl7.org/fhir/R4/immunization.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.fhir.elements import SUBJECT, UCUM, Json, code, coding, concept, day, minute, number, text
from mappings.model import Resource, Row, Tables
from mappings.sources.city.form import EXAMPLE_PATIENT, Kind, Making, example
from mappings.sources.city.values import Coded, Listed, Moment, Number, Whole, Words
from mappings.sources.dossier.unshown import shown
from mappings.terminology.editions import display

_NAME: Final = "immunization"
_VACCINES: Final = "vaccine"


def _to_fhir(tables: Tables, making: Making) -> Iterator[Resource]:
    row = tables[_NAME][0]
    body: Json = {"identifier": making.identifier(row), "status": row.get("TINH_TRANG") or "completed"}
    if reason := shown(row.get("LY_DO")):
        body["statusReason"] = concept(words=reason)
    body |= {"vaccineCode": _vaccine(row, making), "patient": SUBJECT, "occurrenceDateTime": minute(row["NGAY_TIEM"])}
    body["primarySource"] = True
    if maker := text(row.get("HANG_SX")):
        body["manufacturer"] = {"display": maker}
    if lot := text(row.get("SO_LO")):
        body["lotNumber"] = lot
    if expires := day(row.get("NGAY_HET_HAN")):
        body["expirationDate"] = expires.isoformat()
    for element, tag in (("site", "VI_TRI_TIEM"), ("route", "DUONG_TIEM")):
        if words := text(row.get(tag)):
            body[element] = concept(words=words)
    if millilitres := row.get("LIEU_ML"):
        body["doseQuantity"] = {"value": number(millilitres), "unit": "mL", "system": UCUM, "code": "mL"}
    body["performer"] = [{"actor": making.by}]
    if note := shown(row.get("GHI_CHU")):
        body["note"] = [{"text": note}]
    if dose := row.get("MUI_THU"):
        protocol: Json = {"series": series} if (series := text(row.get("PHAC_DO"))) else {}
        if disease := text(row.get("PHONG_BENH")):
            protocol["targetDisease"] = [concept(words=disease)]
        body["protocolApplied"] = [protocol | {"doseNumberPositiveInt": int(dose)}]
    yield making.resource("Immunization", body)


def _vaccine(row: Row, making: Making) -> Json:
    """The vaccine by its name, with its code where the list has it: any other code could be of any list."""
    found = code(row.get("MA_VAC_XIN"))
    name = display(_VACCINES, found, making.received) if found else ""
    known = [coding(making.uris[_VACCINES], found, name)] if name else []
    return concept(*known, words=text(row["TEN_VAC_XIN"]))


IMMUNIZATION: Final = Kind(
    name=_NAME,
    vi="Tiêm chủng",
    en="A dose of a vaccine",
    values={
        "status": Listed(
            "TINH_TRANG",
            "Đã tiêm hay không; không có là đã tiêm",
            "Given or not; none is given",
            ("completed", "not-done"),
        ),
        "statusReason": Words("LY_DO", "Vì sao không tiêm", "Why it was not given"),
        "occurred": Moment(
            "NGAY_TIEM", "Thời điểm tiêm, hoặc quyết định không tiêm", "When it was given, or not", required=True
        ),
        "vaccineCode": Coded("MA_VAC_XIN", "Mã vắc xin (CVX)", "The vaccine's code (CVX)", _VACCINES, names=True),
        "vaccineName": Words(
            "TEN_VAC_XIN", "Tên vắc xin như trên nhãn", "The vaccine's name as on its label", required=True, names=True
        ),
        "manufacturer": Words("HANG_SX", "Hãng sản xuất", "Manufacturer"),
        "lotNumber": Words("SO_LO", "Số lô", "Lot number", 100),
        "expires": Moment("NGAY_HET_HAN", "Hạn dùng", "Expiry date", past=False),
        "site": Words("VI_TRI_TIEM", "Vị trí tiêm", "Where in the body"),
        "route": Words("DUONG_TIEM", "Đường dùng", "Route"),
        "doseMl": Number("LIEU_ML", "Liều, mililit", "The dose in millilitres"),
        "doseNumber": Whole("MUI_THU", "Mũi thứ mấy", "Which dose of the series", 50),
        "series": Words("PHAC_DO", "Tên phác đồ, lịch tiêm", "The series or schedule"),
        "targetDisease": Words("PHONG_BENH", "Phòng bệnh gì", "The disease it protects against", names=True),
        "note": Words("GHI_CHU", "Ghi chú", "Note", 2000, lines=True),
    },
    dated_by="NGAY_TIEM",
    to_fhir=_to_fhir,
    example=example(
        _NAME,
        "TC-2026-000184",
        patient={**EXAMPLE_PATIENT, "code": "BN-0184"},
        occurred="2026-06-10T08:30+07:00",
        vaccineCode="03",
        vaccineName="MMR II",
        manufacturer="Hãng Mẫu",
        lotNumber="K004711",
        expires="2027-05-31",
        site="Cánh tay trái",
        route="Tiêm dưới da",
        doseMl=0.5,
        doseNumber=1,
        targetDisease="Sởi, quai bị, rubella",
    ),
)
