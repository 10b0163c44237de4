"""Table XML3, services and supplies: its fields (QĐ 4750, QĐ 3176 table 3) and what must agree in a row."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.model import Row
from mappings.sources.columns import Amount, Code, Minute, PersonalCode, TableSchema, Text, Whole
from mappings.sources.dossier.rows import OTHER_SOURCES, earlier, parts_differ, product_differs
from mappings.sources.lists import Icd10List, code_list
from mappings.sources.row_checks import RowProblem

# Laboratory, imaging, function tests, operations and procedures: somebody did them at some time.
_PERFORMED = frozenset({"1", "2", "3", "8", "18"})
_TRANSPORT = "12"


class Xml3(TableSchema):
    """The columns of XML3."""

    MA_LK = PersonalCode(100)
    STT = Whole(10, wanted="always")
    MA_DICH_VU = Code(50)
    MA_PTTT_QT = Code(255)
    MA_VAT_TU = Code(255)
    MA_NHOM = Code(listed=code_list("MA_NHOM"), wanted="always")
    GOI_VTYT = Code(4, pattern=r"G[1-9]\d{0,2}", expected="G1-G999")
    TEN_VAT_TU = Text(1024)
    TEN_DICH_VU = Text(1024)
    MA_XANG_DAU = Code(20)
    DON_VI_TINH = Code(50, wanted="always")
    PHAM_VI = Code(listed=code_list("PHAM_VI"), wanted="insured")
    SO_LUONG = Amount(10, wanted="always")
    DON_GIA_BV = Amount(15, wanted="insured")
    DON_GIA_BH = Amount(15, wanted="insured")
    TT_THAU = Code(100)
    TYLE_TT_DV = Whole(3, wanted="insured")
    TYLE_TT_BH = Whole(3, wanted="insured")
    THANH_TIEN_BV = Amount(15, wanted="insured")
    THANH_TIEN_BH = Amount(15, wanted="insured")
    T_TRANTT = Amount(15)
    MUC_HUONG = Whole(4, wanted="insured")
    T_NGUONKHAC_NSNN = Amount(15, wanted="insured")
    T_NGUONKHAC_VTNN = Amount(15, wanted="insured")
    T_NGUONKHAC_VTTN = Amount(15, wanted="insured")
    T_NGUONKHAC_CL = Amount(15, wanted="insured")
    T_NGUONKHAC = Amount(15, wanted="insured")
    T_BNTT = Amount(15, wanted="insured")
    T_BNCCT = Amount(15, wanted="insured")
    T_BHTT = Amount(15, wanted="insured")
    MA_KHOA = Code(50, wanted="always")
    MA_GIUONG = Code(50, pattern=r"[HTCK]\d{3}", expected="H, T, C or K and 3 digits", many=True)
    MA_BAC_SI = Code(255, wanted="always")
    NGUOI_THUC_HIEN = Code(255)
    MA_BENH = Code(100, listed=Icd10List(), many=True)
    MA_BENH_YHCT = Code(255)
    NGAY_YL = Minute(wanted="always")
    NGAY_TH_YL = Minute()
    NGAY_KQ = Minute()
    MA_PTTT = Code(listed=code_list("MA_PTTT"), wanted="insured")
    VET_THUONG_TP = Code(pattern="1")
    PP_VO_CAM = Code(listed=code_list("PP_VO_CAM"))
    VI_TRI_TH_DVKT = Code(3)
    MA_MAY = Code(1024)
    MA_HIEU_SP = Code(255)
    TAI_SU_DUNG = Code(pattern="1")
    DU_PHONG = Text()


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one row; all of it only warns (rules: what-refuses)."""
    if "MA_DICH_VU" not in row and "MA_VAT_TU" not in row:
        yield "value.required", "MA_DICH_VU", "MA_DICH_VU, MA_VAT_TU"
    if row.get("MA_NHOM") in _PERFORMED:
        for tag in ("NGUOI_THUC_HIEN", "NGAY_TH_YL"):
            if tag not in row:
                yield "value.required", tag, "MA_NHOM = 1, 2, 3, 8, 18"
    if row.get("MA_NHOM") == _TRANSPORT and "MA_XANG_DAU" not in row:
        yield "value.required", "MA_XANG_DAU", "MA_NHOM = 12"
    for tag in ("NGAY_TH_YL", "NGAY_KQ"):
        if earlier(row, tag, "NGAY_YL"):
            yield "date.order", tag, ">= NGAY_YL"
    if product_differs(row, "THANH_TIEN_BV", "SO_LUONG", "DON_GIA_BV", percent="TYLE_TT_DV"):
        yield "money.product_differs", "THANH_TIEN_BV", "SO_LUONG * DON_GIA_BV * TYLE_TT_DV / 100"
    if parts_differ(row, "T_NGUONKHAC", OTHER_SOURCES):
        yield "money.sum_differs", "T_NGUONKHAC", " + ".join(OTHER_SOURCES)
