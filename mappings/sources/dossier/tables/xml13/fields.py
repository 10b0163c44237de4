"""Table XML13, the referral paper: its fields (QĐ 4750, QĐ 3176 table 13) and what must agree in one.

What XML1 says too is judged there; here it must be the same (`SourceTable.between`).
"""

from __future__ import annotations

from collections.abc import Iterator

from mappings.model import Row
from mappings.sources.columns import Birth, Code, Day, FacilityCode, Minute, PersonalCode, TableSchema, Text
from mappings.sources.dossier.rows import earlier
from mappings.sources.lists import code_list
from mappings.sources.row_checks import RowProblem


class Xml13(TableSchema):
    """The columns of XML13, of either edition."""

    MA_LK = PersonalCode(250)
    SO_HOSO = PersonalCode(100, wanted="always")
    SO_CHUYENTUYEN = PersonalCode(100, wanted="always")
    GIAY_CHUYEN_TUYEN = PersonalCode(100, wanted="always")
    MA_CSKCB = FacilityCode()
    MA_NOI_DI = FacilityCode(only=4750)
    MA_CSKCB_DI = FacilityCode(only=3176)
    MA_NOI_DEN = FacilityCode(only=4750)
    MA_CSKCB_DEN = FacilityCode(only=3176)
    HO_TEN = Text(255, wanted="always")
    NGAY_SINH = Birth()
    GIOI_TINH = Code(1)
    MA_QUOCTICH = Code(3)
    MA_DANTOC = Code(2, listed=code_list("MA_DANTOC"))
    MA_NGHE_NGHIEP = Code(5, listed=code_list("MA_NGHE_NGHIEP"))
    DIA_CHI = Text(1024)
    MA_THE_BHYT = PersonalCode(200)
    GT_THE_DEN = Day(many=True)
    NGAY_VAO = Minute()
    NGAY_VAO_NOI_TRU = Minute()
    NGAY_RA = Minute()
    DAU_HIEU_LS = Text(4000, wanted="always")
    CHAN_DOAN_RV = Text(4000)
    QT_BENHLY = Text(4000, wanted="always")
    TOMTAT_KQ = Text(4000)
    PP_DIEUTRI = Text(4000)
    MA_BENH_CHINH = Code(50)
    MA_BENH_KT = Code(200)
    MA_BENH_YHCT = Code(255)
    TINH_TRANG_CT = Text(only=3176)
    TEN_DICH_VU = Text(1024, wanted="always", only=4750)
    TEN_THUOC = Text(1024, only=4750)
    PP_DIEU_TRI = Text(4000, only=4750)
    MA_LOAI_RV = Code(1)
    MA_LYDO_CT = Code(listed=code_list("MA_LYDO_CT"), wanted="always")
    HUONG_DIEU_TRI = Text(4000, wanted="always")
    PHUONGTIEN_VC = Text(255, wanted="always")
    HOTEN_NGUOI_HT = Text(255)
    CHUCDANH_NGUOI_HT = Text(255)
    MA_BAC_SI = Code(255, wanted="always")
    MA_TTDV = PersonalCode(pattern=r"\d{10}|\d{12}", expected="10 or 12 digits", wanted="always")
    DU_PHONG = Text(4000)


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one paper; all of it only warns (rules: what-refuses)."""
    for tag in ("NGAY_RA", "NGAY_VAO_NOI_TRU"):
        if earlier(row, tag, "NGAY_VAO"):
            yield "date.order", tag, ">= NGAY_VAO"
