"""Rows of XML2 to XML5 (QĐ 130/4750/3176), each with every tag in the decree's order."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from random import Random

from ehr_sync.sandbox.dossiers import money
from ehr_sync.sandbox.dossiers.catalogue import Drug, Index, Panel, Service, table_shapes
from ehr_sync.sandbox.dossiers.hoso import Row
from ehr_sync.sandbox.dossiers.visits import Visit


def minute(at: datetime) -> str:
    """yyyymmddHHMM."""
    return f"{at.year:04d}{at.month:02d}{at.day:02d}{at.hour:02d}{at.minute:02d}"


def blank(table: str, visit: Visit) -> Row:
    """An empty row of a table with MA_LK filled in."""
    row = dict(_blank(table))
    row["MA_LK"] = visit.ma_lk
    return row


def drug_row(visit: Visit, drug: Drug, at: datetime, draw: Random) -> Row:
    """XML2: a day's dose on the ward, or what an out-patient takes home."""
    days = 1 if visit.stays else min(visit.supply_days, 90)
    daily = round(float(drug.per_dose) * drug.times * 1000)
    quantity = daily * days if visit.stays or float(drug.per_dose) >= 1 else 1000
    row = blank("XML2", visit)
    row.update(
        {
            "MA_THUOC": drug.code,
            "MA_NHOM": "4",
            "TEN_THUOC": drug.name,
            "DON_VI_TINH": drug.unit,
            "HAM_LUONG": drug.strength,
            "DUONG_DUNG": drug.route,
            "DANG_BAO_CHE": drug.form,
            "LIEU_DUNG": _dose(drug, days, daily),
            "CACH_DUNG": "Uống sau ăn" if drug.route == "1.01" else "Theo y lệnh",
            "SO_DANG_KY": f"VD-{int(drug.code[3:]):05d}-00",
            "TT_THAU": "01/QĐ-MAU;G1;N1;2026",
            "SO_LUONG": money.text3(quantity),
            "DON_GIA": money.text3(drug.price),
            "MA_KHOA": visit.condition.department,
            "MA_BAC_SI": visit.doctor(1),
            "NGAY_YL": minute(at),
            "NGAY_TH_YL": minute(at + timedelta(minutes=draw.randint(5, 50))),
            "MA_PTTT": "1",
            "NGUON_CTRA": "1",
        }
    )
    row.update(money.OTHER_SOURCES)
    row.update(money.shares(money.amount(quantity, drug.price), visit.percent))
    return row


def service_row(visit: Visit, service: Service, at: datetime, draw: Random) -> Row:
    """XML3: a service, a bed day or a supply."""
    supply = service.group == "10"
    done = at + timedelta(minutes=draw.randint(5, 40))
    result = minute(done + timedelta(minutes=draw.randint(20, 120))) if service.group in {"1", "2", "3"} else ""
    row = blank("XML3", visit)
    row.update(
        {
            "MA_VAT_TU" if supply else "MA_DICH_VU": service.code,
            "TEN_VAT_TU" if supply else "TEN_DICH_VU": service.name,
            "MA_PTTT_QT": service.icd9,
            "MA_NHOM": service.group,
            "DON_VI_TINH": service.unit,
            "SO_LUONG": "1.000",
            "DON_GIA_BV": money.text3(service.price),
            "DON_GIA_BH": money.text3(service.price),
            "TT_THAU": "02/QĐ-MAU;G2;N3;2026" if supply else "",
            "TYLE_TT_DV": "100",
            "MA_KHOA": visit.condition.department,
            "MA_GIUONG": f"H{draw.randint(1, 40):03d}" if service.group == "15" else "",
            "MA_BAC_SI": visit.doctor(1),
            "NGUOI_THUC_HIEN": visit.doctor(2),
            "MA_BENH": visit.condition.code,
            "NGAY_YL": minute(at),
            "NGAY_TH_YL": minute(done),
            "NGAY_KQ": result,
            "MA_PTTT": "1",
            "PP_VO_CAM": "2" if service.group == "8" else "",
            "MA_MAY": f"{service.machine}.1.{visit.facility}.MAU1" if service.machine else "",
            "MA_HIEU_SP": "MAU-IOL-1" if service.key == "iol" else "",
        }
    )
    row.update(money.OTHER_SOURCES)
    row.update(money.shares(money.amount(1000, service.price), visit.percent))
    return row


def panel_rows(visit: Visit, panel: Panel, at: datetime, draw: Random) -> tuple[Row, list[Row]]:
    """The order in XML3 and its results in XML4; about one result in eighty has not come yet."""
    order = service_row(visit, panel.order, at, draw)
    return order, [_result_row(visit, order, i, draw) for i in panel.indices]


def imaging_rows(visit: Visit, service: Service, at: datetime, draw: Random) -> tuple[Row, list[Row]]:
    """The order in XML3 and, where the service is read by somebody, one row of findings in XML4."""
    order = service_row(visit, service, at, draw)
    if not service.findings:
        return order, []
    row = _xml4(visit, order)
    row["TEN_CHI_SO"] = service.name
    row["MO_TA"] = service.findings
    row["KET_LUAN"] = service.conclusion
    return order, [row]


def note_row(visit: Visit, at: datetime, draw: Random) -> Row:
    """XML5 with the vital signs as QĐ 4750 abbreviates them."""
    high = draw.randint(105, 150)
    row = blank("XML5", visit)
    row["DIEN_BIEN_LS"] = (
        f"{draw.choice(_COURSES)} M: {draw.randint(62, 104)} lần/phút; T: {draw.randint(362, 388) / 10}; "
        f"HA: {high}/{high - draw.randint(40, 55)}; NT: {draw.randint(16, 24)}; SP: {draw.randint(94, 99)}%"
    )
    row["THOI_DIEM_DBLS"] = minute(at)
    row["NGUOI_THUC_HIEN"] = visit.doctor(1)
    return row


def value_of(index: Index, draw: Random) -> str:
    """A plausible value: mostly a number in the index's range, else one of its texts."""
    if index.texts and (index.high == 0 or draw.random() < 0.15):
        return draw.choice(index.texts)
    return f"{draw.uniform(index.low, index.high):.{index.decimals}f}"


_COURSES = (
    "Tỉnh, tiếp xúc tốt.",
    "Đỡ đau, ăn ngủ được.",
    "Còn mệt, ăn kém.",
    "Hết sốt, đỡ ho.",
    "Phổi thông khí đều, không ran.",
    "Bụng mềm, không chướng.",
)


def _dose(drug: Drug, days: int, daily: int) -> str:
    unit = drug.unit.lower()
    per_day = money.text3(daily).rstrip("0").rstrip(".")
    return f"{drug.per_dose} {unit}/lần * {drug.times} lần/ngày * {days} ngày [{per_day} {unit}/ngày]"


def _result_row(visit: Visit, order: Row, index: Index, draw: Random) -> Row:
    row = _xml4(visit, order)
    row["MA_CHI_SO"] = index.code
    row["TEN_CHI_SO"] = index.name
    row["DON_VI_DO"] = index.unit
    if draw.random() < 0.0125:
        row["NGAY_KQ"] = ""
    else:
        row["GIA_TRI"] = value_of(index, draw)
    return row


def _xml4(visit: Visit, order: Row) -> Row:
    row = blank("XML4", visit)
    row["MA_DICH_VU"] = order["MA_DICH_VU"]
    row["NGAY_KQ"] = order["NGAY_KQ"]
    row["MA_BS_DOC_KQ"] = visit.doctor(3)
    return row


@cache
def _blank(table: str) -> Row:
    return dict.fromkeys(table_shapes()[table].tags, "")
