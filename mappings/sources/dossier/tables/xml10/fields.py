"""Table XML10, leave for a pregnancy: its fields (QĐ 4750, QĐ 3176 table 10) and what must agree in one."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.model import Row
from mappings.sources.columns import Code, Day, PersonalCode, TableSchema, Text, Whole
from mappings.sources.dossier.rows import earlier
from mappings.sources.row_checks import RowProblem


class Xml10(TableSchema):
    """The columns of XML10."""

    MA_LK = PersonalCode(100)
    SO_SERI = PersonalCode(200, wanted="always")
    SO_CT = PersonalCode(200, wanted="always")
    SO_NGAY = Whole(3, wanted="always")
    DON_VI = Text(1024, wanted="always")
    CHAN_DOAN_RV = Text(wanted="always")
    TU_NGAY = Day(wanted="always")
    DEN_NGAY = Day(wanted="always")
    MA_TTDV = PersonalCode(12, wanted="always")
    TEN_BS = Text(255, wanted="always")
    MA_BS = Code(200, wanted="always")
    NGAY_CT = Day(wanted="always")
    DU_PHONG = Text()


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one paper; all of it only warns (rules: what-refuses)."""
    if earlier(row, "DEN_NGAY", "TU_NGAY"):
        yield "date.order", "DEN_NGAY", ">= TU_NGAY"
