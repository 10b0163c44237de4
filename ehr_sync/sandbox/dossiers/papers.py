"""XML7 (discharge), XML8 (summary of the record), XML13 (referral) and XML14 (follow-up) of a dossier."""

from __future__ import annotations

from ehr_sync.sandbox.city.people import mother_of
from ehr_sync.sandbox.dossiers.hoso import Row, Tables
from ehr_sync.sandbox.dossiers.rows import blank
from ehr_sync.sandbox.dossiers.visits import Visit

_TREATMENT = "Điều trị theo phác đồ, nâng cao thể trạng"
# The time on a slip; many facilities say the day alone, in one form or another.
_HOURS = ("0730", "0900", "1330", "0000", "")


def papers_of(visit: Visit, summary: Row) -> Tables:
    """The papers that a visit of this shape comes with."""
    tables: Tables = {}
    if visit.stays:
        tables["XML7"] = [_discharge(visit, summary)]
    # Visits without insurance send it whatever their kind (letter 4395/BYT-KCB, 2023).
    if visit.stays or not visit.person.card:
        tables["XML8"] = [_record_summary(visit, summary)]
    if visit.shape == "referral":
        tables["XML13"] = [_referral(visit, summary)]
    if summary["NGAY_TAI_KHAM"]:
        tables["XML14"] = [_follow_up(visit, summary)]
    return tables


def _discharge(visit: Visit, summary: Row) -> Row:
    mother = mother_of(visit.person)
    return _filled(
        "XML7",
        visit,
        summary,
        {
            "SO_LUU_TRU": f"LT{visit.ma_lk[-7:]}",
            "MA_YTE": f"{visit.facility}/{visit.end:%y}/{visit.ma_lk[-7:]}",
            "MA_KHOA_RV": visit.condition.department,
            "MA_DINH_CHI_THAI": "0",
            "PP_DIEUTRI": _TREATMENT,
            "GHI_CHU": "Nghỉ ngơi, tái khám theo hẹn",
            "MA_BS": "0199000002",
            "TEN_BS": "TRẦN THỊ BÁC SĨ",
            "NGAY_CT": f"{visit.end:%Y%m%d}",
            "HO_TEN_ME": mother.name if mother else "",
        },
    )


def _record_summary(visit: Visit, summary: Row) -> Row:
    return _filled(
        "XML8",
        visit,
        summary,
        {
            "QT_BENHLY": f"Bệnh diễn biến vài ngày trước: {visit.condition.complaint.lower()}",
            "TOMTAT_KQ": "Các xét nghiệm trong hồ sơ; không có bất thường khác",
            "PP_DIEUTRI": _TREATMENT,
            "GHI_CHU": "",
            "NGAY_CT": f"{visit.end:%Y%m%d}",
        },
    )


def _referral(visit: Visit, summary: Row) -> Row:
    return _filled(
        "XML13",
        visit,
        summary,
        {
            "SO_HOSO": f"HS{visit.ma_lk[-7:]}",
            "SO_CHUYENTUYEN": f"CT{visit.ma_lk[-7:]}",
            "GIAY_CHUYEN_TUYEN": f"GCT{visit.ma_lk[-7:]}",
            "DAU_HIEU_LS": visit.condition.complaint,
            "QT_BENHLY": f"Bệnh diễn biến vài ngày trước: {visit.condition.complaint.lower()}",
            "TOMTAT_KQ": "Các xét nghiệm trong hồ sơ",
            "PP_DIEUTRI": summary["PP_DIEU_TRI"],
            "TEN_DICH_VU": "Khám Nội",
            "TEN_THUOC": "; ".join(d.name for d in visit.condition.drugs),
            "MA_LYDO_CT": "1",
            "HUONG_DIEU_TRI": "Chuyển tuyến trên điều trị tiếp",
            "PHUONGTIEN_VC": "Xe cứu thương",
            "MA_BAC_SI": visit.doctor(1),
        },
    )


def _follow_up(visit: Visit, summary: Row) -> Row:
    return _filled(
        "XML14",
        visit,
        summary,
        {
            "SO_GIAYHEN_KL": f"GH{visit.ma_lk[-7:]}",
            "NGAY_HEN_KL": f"{summary['NGAY_TAI_KHAM']}{_HOURS[visit.start.minute % len(_HOURS)]}",
            "MA_BAC_SI": visit.doctor(1),
            "NGAY_CT": f"{visit.end:%Y%m%d}",
        },
    )


def _filled(table: str, visit: Visit, summary: Row, own: Row) -> Row:
    """The fields that a paper repeats from XML1, then its own."""
    row = {tag: summary.get(tag, "") for tag in blank(table, visit)}
    return row | {"DU_PHONG": ""} | own
