"""Table XML15, treatments of tuberculosis: its fields (QĐ 4750, QĐ 3176 table 15) and what must agree in a row."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.model import Row
from mappings.sources.columns import Code, Day, FacilityCode, PersonalCode, TableSchema, Text, Whole
from mappings.sources.lists import code_list
from mappings.sources.row_checks import RowProblem


class Xml15(TableSchema):
    """The columns of XML15. Nothing is said of those that tell of HIV: what is said is kept with the answer."""

    MA_LK = PersonalCode(200)
    STT = Whole(10)
    MA_BN = PersonalCode(200, wanted="always")
    HO_TEN = Text(255)
    SO_CCCD = PersonalCode(15)
    PHANLOAI_LAO_VITRI = Code(1, listed=code_list("PHANLOAI_LAO_VITRI"), wanted="always")
    PHANLOAI_LAO_TS = Code(1, listed=code_list("PHANLOAI_LAO_TS"), wanted="always")
    PHANLOAI_LAO_HIV = PersonalCode()
    PHANLOAI_LAO_VK = Code(1, listed=code_list("PHANLOAI_LAO_VK"), wanted="always")
    PHANLOAI_LAO_KT = Code(1, listed=code_list("PHANLOAI_LAO_KT"))
    LOAI_DTRI_LAO = Code(1, listed=code_list("LOAI_DTRI_LAO"), wanted="always")
    NGAYBD_DTRI_LAO = Day(wanted="always")
    PHACDO_DTRI_LAO = Code(2, listed=code_list("PHACDO_DTRI_LAO"), wanted="always")
    NGAYKT_DTRI_LAO = Day()
    KET_QUA_DTRI_LAO = Code(1, listed=code_list("KET_QUA_DTRI_LAO"))
    MA_CSKCB = FacilityCode(5)
    NGAYKD_HIV = PersonalCode()
    BDDT_ARV = PersonalCode()
    NGAY_BAT_DAU_DT_CTX = PersonalCode()
    DU_PHONG = Text()


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one row; all of it only warns (rules: what-refuses)."""
    began, ended = row.get("NGAYBD_DTRI_LAO", ""), row.get("NGAYKT_DTRI_LAO", "")
    if began and ended and ended[:8] < began[:8]:
        yield "date.order", "NGAYKT_DTRI_LAO", ">= NGAYBD_DTRI_LAO"
