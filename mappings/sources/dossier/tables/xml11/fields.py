"""Table XML11, leave that social insurance pays: its fields (QĐ 4750, QĐ 3176 table 11) and what must agree in one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.model import Row
from mappings.sources.columns import Code, Day, PersonalCode, TableSchema, Text, Whole
from mappings.sources.dossier.rows import earlier
from mappings.sources.row_checks import RowProblem

_OF_AN_END: Final = ("NGUYENNHAN_DINHCHI", "TUOI_THAI")


class Xml11(TableSchema):
    """The columns of XML11."""

    MA_LK = PersonalCode(100)
    SO_CT = PersonalCode(200, wanted="always")
    SO_SERI = PersonalCode(200, wanted="always")
    SO_KCB = PersonalCode(200, wanted="always")
    DON_VI = Text(1024, wanted="always")
    MA_BHXH = PersonalCode(12, wanted="always")
    MA_THE_BHYT = PersonalCode()
    CHAN_DOAN_RV = Text(wanted="always")
    PP_DIEUTRI = Text(wanted="always")
    MA_DINH_CHI_THAI = Code(1)
    NGUYENNHAN_DINHCHI = Text()
    TUOI_THAI = Whole(2)
    SO_NGAY_NGHI = Whole(3, wanted="always")
    TU_NGAY = Day(wanted="always")
    DEN_NGAY = Day(wanted="always")
    HO_TEN_CHA = Text(255)
    HO_TEN_ME = Text(255)
    MA_TTDV = PersonalCode(12, wanted="always")
    MA_BS = Code(200, wanted="always")
    NGAY_CT = Day(wanted="always")
    MA_THE_TAM = PersonalCode(15)
    MAU_SO = Code(5)
    DU_PHONG = Text()


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one paper; all of it only warns (rules: what-refuses)."""
    if earlier(row, "DEN_NGAY", "TU_NGAY"):
        yield "date.order", "DEN_NGAY", ">= TU_NGAY"
    if row.get("MA_DINH_CHI_THAI") == "1":
        yield from (("value.required", tag, "MA_DINH_CHI_THAI = 1") for tag in _OF_AN_END if tag not in row)
