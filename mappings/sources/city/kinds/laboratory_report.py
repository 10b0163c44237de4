"""A report of a laboratory to FHIR DiagnosticReport and Observations, with the ranges that the laboratory printed.

https://hl7.org/fhir/R4/diagnosticreport.html  https://hl7.org/fhir/R4/observation.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.fhir.elements import SUBJECT, UCUM, Json, coding, concept, minute, number, text
from mappings.fhir.ids import Key, numbered
from mappings.model import Issue, Resource, Row, Tables
from mappings.sources.city.form import Kind, Making, content, example, form
from mappings.sources.city.values import MISSING, WRONG, Listed, Loinc, Moment, Number, Words
from mappings.sources.dossier.unshown import shown, tells_death
from mappings.terminology.loinc import with_loinc
from mappings.terminology.systems import listed
from mappings.terminology.units import ucum

_NAME: Final = "laboratory-report"
_RESULTS: Final = "results"
_LABORATORY: Final = [concept(coding("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory"))]
_SECTION: Final = [concept(coding("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB"))]
_INTERPRETATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_INTERPRETED: Final = {
    "LL": "Critical low",
    "L": "Low",
    "N": "Normal",
    "H": "High",
    "HH": "Critical high",
    "A": "Abnormal",
    "POS": "Positive",
    "NEG": "Negative",
}


def _to_fhir(tables: Tables, making: Making) -> Iterator[Resource]:
    head = tables[_NAME][0]
    made = [
        _observation(row, head, key, ordinal, making)
        for row, key, ordinal in numbered(tables.get(_RESULTS, ()), _key, content)
        if not any(map(tells_death, (row["TEN_CHI_SO"], row.get("GIA_TRI_CHU", ""))))
    ]
    # Of a report nothing is left but its name where what it was made for is withheld.
    if not made:
        return
    yield from made
    body: Json = {"identifier": making.identifier(head), "status": _status(head), "category": _SECTION}
    body["code"] = _coded("service", head.get("MA_DICH_VU", ""), head["TEN_DICH_VU"], making)
    body |= {"subject": SUBJECT, "effectiveDateTime": minute(_taken(head))}
    if "T" in (reported := minute(head["NGAY_KQ"])):
        body["issued"] = reported
    body["performer"] = [making.by]
    if specimen := text(head.get("LOAI_MAU")):
        body["specimen"] = [{"display": specimen}]
    body["result"] = [{"reference": f"Observation/{one.id}"} for one in made]
    if conclusion := shown(head.get("KET_LUAN")):
        body["conclusion"] = conclusion
    yield making.resource("DiagnosticReport", body)


def _status(head: Row) -> str:
    return head.get("TINH_TRANG") or "final"


def _taken(head: Row) -> str:
    return head.get("NGAY_LAY_MAU") or head["NGAY_KQ"]


def _observation(row: Row, head: Row, key: Key, ordinal: int, making: Making) -> Resource:
    code, value = _coded("result-index", row.get("MA_CHI_SO", ""), row["TEN_CHI_SO"], making), _value(row)
    if loinc := row.get("MA_LOINC"):
        code = {**code, "coding": [*code.get("coding", ()), coding(making.uris["loinc"], loinc)]}
    else:
        ordered, specimen = head["TEN_DICH_VU"], head.get("LOAI_MAU", "")
        code = with_loinc(code, row["TEN_CHI_SO"], value, making.uris, ordered=ordered, specimen=specimen)
    body: Json = {"status": _status(head), "category": _LABORATORY, "code": code, "subject": SUBJECT}
    body |= {"effectiveDateTime": minute(_taken(head)), "performer": [making.by], **value}
    if said := row.get("DANH_GIA"):
        body["interpretation"] = [concept(coding(_INTERPRETATION, said, _INTERPRETED[said]))]
    if note := shown(row.get("GHI_CHU")):
        body["note"] = [{"text": note}]
    if reference := _range(row):
        body["referenceRange"] = [reference]
    return making.resource("Observation", body, key, ordinal)


def _value(row: Row) -> Json:
    """A quantity where number and unit are there (rules: certain-quantities); else the words as they came."""
    digits, unit = row.get("GIA_TRI", ""), text(row.get("DON_VI_DO"))
    if not digits:
        return {"valueString": text(row["GIA_TRI_CHU"])}
    quantity = _quantity(digits, row)
    if not quantity.keys() & {"unit", "code"}:
        return {"valueString": f"{row.get('SO_SANH', '')}{digits}{f' {unit}' if unit else ''}"}
    if compared := row.get("SO_SANH"):
        quantity["comparator"] = compared
    return {"valueQuantity": quantity}


def _quantity(digits: str, row: Row) -> Json:
    unit = text(row.get("DON_VI_DO"))
    made: Json = {"value": number(digits)}
    if unit:
        made["unit"] = unit
    if known := ucum(unit, row["TEN_CHI_SO"]):
        made |= {"system": UCUM, "code": known}
    return made


def _range(row: Row) -> Json:
    """What the laboratory takes for normal, as it says so."""
    ends = {"low": row.get("CSBT_THAP"), "high": row.get("CSBT_CAO")}
    made: Json = {end: _quantity(digits, row) for end, digits in ends.items() if digits}
    if words := shown(row.get("CSBT")):
        made["text"] = words
    return made


def _coded(kind: str, value: str, name: str, making: Making) -> Json:
    found = listed(kind, value, making.facility, making.uris)
    return concept(*([found] if found else []), words=text(name))


def _key(row: Row) -> Key:
    return row.get("MA_CHI_SO", "") or row.get("MA_LOINC", "") or row["TEN_CHI_SO"], ""


def _between(tables: Tables) -> Iterator[Issue]:
    """A result has one value, and a range its lower end below."""
    for number_, row in enumerate(tables.get(_RESULTS, ())):
        at = f"/{_RESULTS}/{number_}"
        if "GIA_TRI" not in row and "GIA_TRI_CHU" not in row:
            yield Issue(MISSING, f"{at}/value", Number.expected)
        if "GIA_TRI" in row and "GIA_TRI_CHU" in row:
            yield Issue(WRONG, f"{at}/valueText")
        if "CSBT_THAP" in row and "CSBT_CAO" in row and float(row["CSBT_THAP"]) > float(row["CSBT_CAO"]):
            yield Issue(WRONG, f"{at}/low", f"<= {at}/high")


LABORATORY_REPORT: Final = Kind(
    name=_NAME,
    vi="Phiếu kết quả xét nghiệm",
    en="A laboratory report",
    values={
        "status": Listed(
            "TINH_TRANG",
            "Tình trạng; không có là final",
            "How far it is; none is final",
            ("preliminary", "final", "amended"),
        ),
        "collected": Moment("NGAY_LAY_MAU", "Thời điểm lấy mẫu", "When the specimen was taken"),
        "reported": Moment("NGAY_KQ", "Thời điểm trả kết quả", "When the result came", required=True),
        "code": Words("MA_DICH_VU", "Mã dịch vụ xét nghiệm", "The service's code", 50, names=True),
        "name": Words("TEN_DICH_VU", "Tên xét nghiệm", "What was tested", required=True, names=True),
        "specimen": Words("LOAI_MAU", "Loại mẫu", "The kind of specimen"),
        "conclusion": Words("KET_LUAN", "Kết luận", "Conclusion", 4000, lines=True),
    },
    rows={
        _RESULTS: form(
            code=Words("MA_CHI_SO", "Mã chỉ số", "The index's code", 50, names=True),
            loinc=Loinc("MA_LOINC", "Mã LOINC", "LOINC code", names=True),
            name=Words("TEN_CHI_SO", "Tên chỉ số", "The index", required=True, names=True),
            value=Number("GIA_TRI", "Giá trị số", "The value, a number"),
            comparator=Listed("SO_SANH", "Dấu so sánh", "Comparator", ("<", "<=", ">=", ">")),
            valueText=Words("GIA_TRI_CHU", "Giá trị bằng chữ", "The value in words", 1000, names=True),
            unit=Words("DON_VI_DO", "Đơn vị đo", "Unit", 50, names=True),
            low=Number("CSBT_THAP", "Ngưỡng thấp của phòng xét nghiệm", "The laboratory's lower limit"),
            high=Number("CSBT_CAO", "Ngưỡng cao của phòng xét nghiệm", "The laboratory's upper limit"),
            range=Words("CSBT", "Khoảng tham chiếu bằng chữ", "The range in words", names=True),
            interpretation=Listed("DANH_GIA", "Đánh giá", "Interpretation", _INTERPRETED),
            note=Words("GHI_CHU", "Ghi chú", "Note", 2000, lines=True, names=True),
        )
    },
    wanted=frozenset({_RESULTS}),
    dated_by="NGAY_KQ",
    between=_between,
    to_fhir=_to_fhir,
    example=example(
        _NAME,
        "XN-2026-002210",
        collected="2026-06-10T07:15+07:00",
        reported="2026-06-10T09:40+07:00",
        name="Sinh hóa máu",
        specimen="Huyết thanh",
        results=[
            {
                "loinc": "14749-6",
                "name": "Glucose lúc đói",
                "value": 7.80,
                "unit": "mmol/L",
                "low": 3.9,
                "high": 6.4,
                "interpretation": "H",
            },
            {"name": "HBsAg", "valueText": "Âm tính", "range": "Âm tính", "interpretation": "NEG"},
        ],
        conclusion="Đường huyết lúc đói cao",
    ),
)
