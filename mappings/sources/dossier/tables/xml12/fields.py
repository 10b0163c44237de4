"""Table XML12, medical assessments: its fields (QĐ 4750, QĐ 3176 table 12) and what must agree in one."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.model import Row
from mappings.sources.columns import Birth, Code, Day, PersonalCode, TableSchema, Text, Whole
from mappings.sources.dossier.tables.xml12.assessed import assessed, number_of
from mappings.sources.lists import code_list
from mappings.sources.row_checks import RowProblem


class Birthday(Birth):
    """A birth of which the decree asks the day alone."""

    def problem(self, value: str, on: object) -> tuple[str, str] | None:
        """Only what cannot be."""
        found = super().problem(value, on)  # type: ignore[arg-type]  # the day is of no matter here
        return found if found and found[0] == "date.impossible" else None


class Xml12(TableSchema):
    """The columns of XML12."""

    NGUOI_CHU_TRI = Text(255, wanted="always")
    CHUC_VU = Code(1, wanted="always")
    NGAY_HOP = Day(wanted="always")
    HO_TEN = Text(255, wanted="always")
    NGAY_SINH = Birthday(wanted="always")
    SO_CCCD = PersonalCode(15, wanted="always")
    NGAY_CAP_CCCD = PersonalCode(8, wanted="always")
    NOI_CAP_CCCD = Text(1024, wanted="always")
    DIA_CHI = Text(1024, wanted="always")
    MATINH_CU_TRU = Code(3, listed=code_list("MATINH_CU_TRU"), wanted="always")
    MAHUYEN_CU_TRU = Code(3)
    MAXA_CU_TRU = Code(5, listed=code_list("MAXA_CU_TRU"), wanted="always")
    MA_BHXH = PersonalCode(12, wanted="always")
    MA_THE_BHYT = PersonalCode(15)
    NGHE_NGHIEP = Text(100)
    DIEN_THOAI = PersonalCode(15, wanted="always")
    MA_DOI_TUONG = Code(20, wanted="always")
    KHAM_GIAM_DINH = Code(1, wanted="always")
    SO_BIEN_BAN = PersonalCode(200, wanted="always")
    TYLE_TTCT_CU = Whole(3)
    DANG_HUONG_CHE_DO = Code(10)
    NGAY_CHUNG_TU = Day(wanted="always")
    SO_GIAY_GIOI_THIEU = PersonalCode(200, wanted="always")
    NGAY_DE_NGHI = Day(wanted="always")
    MA_DONVI = Code(200, wanted="always")
    GIOI_THIEU_CUA = Text(1024, wanted="always")
    KET_QUA_KHAM = Text(wanted="always")
    SO_VAN_BAN_CAN_CU = Text(200, wanted="always")
    TYLE_TTCT_MOI = Whole(3, wanted="always")
    TONG_TYLE_TTCT = Whole(3)
    DANG_KHUYETTAT = Code(1)
    MUC_DO_KHUYETTAT = Code(1)
    DE_NGHI = Text(wanted="always")
    DUOC_XACDINH = Text()
    DU_PHONG = Text()


def within(row: Row) -> Iterator[RowProblem]:
    """What must be there for the row to be a record; all of it only warns (rules: what-refuses)."""
    if number_of(row) and assessed(row) is None:
        yield "assessment.nobody", "HO_TEN", ""
