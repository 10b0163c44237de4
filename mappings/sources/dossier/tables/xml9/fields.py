"""Table XML9, certificates of birth: its fields (QĐ 4750, QĐ 3176 table 9) and what must agree in a row."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.model import Issue, Row, Tables
from mappings.sources.columns import Amount, Code, Day, Minute, PersonalCode, TableSchema, Text, Whole
from mappings.sources.dossier.tables.xml9.child import MOST_CHILDREN, child_of, states_anothers_number
from mappings.sources.lists import code_list
from mappings.sources.row_checks import RowProblem

# What the certificate says of the mother's own papers is no date of care: a slip in it refuses nothing.
_DAY = r"\d{4}(?:\d{4})?"


class Xml9(TableSchema):
    """The columns of XML9, and the child's number, for which the decree has none."""

    MA_LK = PersonalCode(100)
    MA_BHXH_NND = PersonalCode(12)
    MA_THE_NND = PersonalCode(15)
    HO_TEN_NND = Text(255, wanted="always")
    NGAYSINH_NND = PersonalCode(8, wanted="always", pattern=_DAY, expected="yyyymmdd")
    MA_DANTOC_NND = Code(2, listed=code_list("MA_DANTOC"), wanted="always")
    SO_CCCD_NND = PersonalCode(15, wanted="always")
    NGAYCAP_CCCD_NND = PersonalCode(8, wanted="always", pattern=_DAY, expected="yyyymmdd")
    NOICAP_CCCD_NND = Text(1024, wanted="always")
    NOI_CU_TRU_NND = Text(1024, wanted="always")
    MA_QUOCTICH = Code(3, wanted="always")
    MATINH_CU_TRU = Code(3, listed=code_list("MATINH_CU_TRU"), wanted="always")
    MAHUYEN_CU_TRU = Code(3)
    MAXA_CU_TRU = Code(5, listed=code_list("MAXA_CU_TRU"), wanted="always")
    HO_TEN_CHA = Text(255)
    MA_THE_TAM = PersonalCode(15)
    HO_TEN_CON = Text(255)
    SO_CCCD_CON = PersonalCode(15)
    GIOI_TINH_CON = Code(1, listed=code_list("GIOI_TINH"), wanted="always")
    SO_CON = Whole(2, wanted="always")
    LAN_SINH = Whole(2, wanted="always")
    SO_CON_SONG = Whole(2, wanted="always")
    CAN_NANG_CON = Amount(10, wanted="always")
    NGAY_SINH_CON = Minute(wanted="always")
    NOI_SINH_CON = Text(1024, wanted="always")
    TINH_TRANG_CON = Text(wanted="always")
    SINHCON_PHAUTHUAT = Code(1, wanted="always")
    SINHCON_DUOI32TUAN = Code(1, wanted="always")
    GHI_CHU = Text()
    NGUOI_DO_DE = Text(255, wanted="always")
    NGUOI_GHI_PHIEU = Text(255, wanted="always")
    NGAY_CT = Day(wanted="always")
    SO = PersonalCode(200, wanted="always")
    QUYEN_SO = PersonalCode(200, wanted="always")
    MA_TTDV = PersonalCode(12, wanted="always")
    DU_PHONG = Text()


def births(tables: Tables) -> Iterator[Issue]:
    """A dossier is of one birth."""
    if sum(child_of(row) is not None for row in tables.get("XML9", ())) > MOST_CHILDREN:
        yield Issue("birth.too_many", "XML9", f"<= {MOST_CHILDREN}")


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one row; all of it only warns (rules: what-refuses, children-of-a-birth)."""
    child = child_of(row)
    if child is None:
        yield "birth.no_child", "NGAY_SINH_CON" if "GIOI_TINH_CON" in row else "GIOI_TINH_CON", ""
    elif states_anothers_number(row):
        yield "number.of_parent", "SO_CCCD_CON", ""
