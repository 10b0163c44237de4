"""Table XML2, drugs, blood, oxygen and fluids: its fields (QĐ 4750, QĐ 3176 table 2) and what must agree in a row."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mappings.model import Row
from mappings.sources.columns import Amount, Code, Minute, PersonalCode, TableSchema, Text, Whole
from mappings.sources.dossier.rows import OTHER_SOURCES, earlier, parts_differ, product_differs
from mappings.sources.lists import code_list
from mappings.sources.row_checks import RowProblem

# Blood and its products are not bought by tender (portal check list of QĐ 4750).
_WITHOUT_TENDER = frozenset({"7", "17"})
_CODE = re.compile(r"[0-9.+ ]+")
_WORDS = re.compile(r"[^\W\d_]{3}")


class Xml2(TableSchema):
    """The columns of XML2."""

    MA_LK = PersonalCode(100)
    STT = Whole(10, wanted="always")
    MA_THUOC = Code(255, wanted="always")
    MA_PP_CHEBIEN = Code(255)
    MA_CSKCB_THUOC = Code(10)
    MA_NHOM = Code(listed=code_list("MA_NHOM"), wanted="always")
    TEN_THUOC = Text(1024, wanted="always")
    DON_VI_TINH = Code(50, wanted="always")
    HAM_LUONG = Text(1024)
    DUONG_DUNG = Code(4, listed=code_list("DUONG_DUNG"), wanted="always")
    DANG_BAO_CHE = Text(1024)
    LIEU_DUNG = Text(1024, wanted="always")
    CACH_DUNG = Text(1024)
    SO_DANG_KY = Code(255)
    TT_THAU = Code(50)
    PHAM_VI = Code(listed=code_list("PHAM_VI"), wanted="insured")
    TYLE_TT_BH = Whole(3, wanted="insured")
    SO_LUONG = Amount(10, wanted="always")
    DON_GIA = Amount(15, wanted="insured")
    THANH_TIEN_BV = Amount(15, wanted="insured")
    THANH_TIEN_BH = Amount(15, wanted="insured")
    T_NGUONKHAC_NSNN = Amount(15, wanted="insured")
    T_NGUONKHAC_VTNN = Amount(15, wanted="insured")
    T_NGUONKHAC_VTTN = Amount(15, wanted="insured")
    T_NGUONKHAC_CL = Amount(15, wanted="insured")
    T_NGUONKHAC = Amount(15, wanted="insured")
    MUC_HUONG = Whole(4, wanted="insured")
    T_BNTT = Amount(15, wanted="insured")
    T_BNCCT = Amount(15, wanted="insured")
    T_BHTT = Amount(15, wanted="insured")
    MA_KHOA = Code(50, wanted="always")
    MA_BAC_SI = Code(255)
    MA_DICH_VU = Code(255)
    NGAY_YL = Minute(wanted="always")
    NGAY_TH_YL = Minute()
    MA_PTTT = Code(listed=code_list("MA_PTTT"), wanted="insured")
    NGUON_CTRA = Code(listed=code_list("NGUON_CTRA"), wanted="insured")
    VET_THUONG_TP = Code(pattern="1")
    DU_PHONG = Text()


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one row; all of it only warns (rules: what-refuses)."""
    if earlier(row, "NGAY_TH_YL", "NGAY_YL"):
        yield "date.order", "NGAY_TH_YL", ">= NGAY_YL"
    if product_differs(row, "THANH_TIEN_BV", "SO_LUONG", "DON_GIA"):
        yield "money.product_differs", "THANH_TIEN_BV", "SO_LUONG * DON_GIA"
    if "TT_THAU" not in row and row.get("MA_NHOM") not in _WITHOUT_TENDER and row.get("PHAM_VI") == "1":
        yield "value.required", "TT_THAU", "MA_NHOM <> 7, 17"
    if parts_differ(row, "T_NGUONKHAC", OTHER_SOURCES):
        yield "money.sum_differs", "T_NGUONKHAC", " + ".join(OTHER_SOURCES)
    if _CODE.fullmatch(row.get("TEN_THUOC", "")) and _WORDS.search(row.get("MA_THUOC", "")):
        yield "value.swapped", "TEN_THUOC", "MA_THUOC"
