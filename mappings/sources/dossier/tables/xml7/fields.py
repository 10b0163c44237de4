"""Table XML7, the discharge paper: its fields (QĐ 4750, QĐ 3176 table 7) and what must agree in one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.model import Row
from mappings.sources.columns import Code, Day, Minute, PersonalCode, TableSchema, Text, Whole
from mappings.sources.dossier.rows import earlier
from mappings.sources.lists import code_list
from mappings.sources.row_checks import RowProblem

_INSURED: Final = r"\d{10}|\d{12}"
_LEAVE: Final = ("SO_NGAY_NGHI", "NGOAITRU_TUNGAY", "NGOAITRU_DENNGAY")
_OF_AN_END: Final = ("NGUYENNHAN_DINHCHI", "THOIGIAN_DINHCHI", "TUOI_THAI")
_LONGEST_PREGNANCY: Final = 42  # weeks


class Xml7(TableSchema):
    """The columns of XML7."""

    MA_LK = PersonalCode(100)
    SO_LUU_TRU = PersonalCode(200, wanted="always")
    MA_YTE = PersonalCode(200, wanted="always")
    MA_KHOA_RV = Code(200, wanted="always")
    NGAY_VAO = Minute(wanted="always")
    NGAY_RA = Minute(wanted="always")
    MA_DINH_CHI_THAI = Code(listed=code_list("MA_DINH_CHI_THAI"))
    NGUYENNHAN_DINHCHI = Text()
    THOIGIAN_DINHCHI = Minute()
    TUOI_THAI = Whole(2)
    CHAN_DOAN_RV = Text(1500, wanted="always")
    PP_DIEUTRI = Text(1500, wanted="always")
    GHI_CHU = Text(1500)
    MA_TTDV = PersonalCode(pattern=_INSURED, expected="10 or 12 digits", wanted="always")
    MA_BS = Code(200, wanted="always")
    TEN_BS = Text(255, wanted="always")
    NGAY_CT = Day(wanted="always")
    MA_CHA = PersonalCode(pattern=_INSURED, expected="10 or 12 digits")
    MA_ME = PersonalCode(pattern=_INSURED, expected="10 or 12 digits")
    MA_THE_TAM = PersonalCode(15)
    HO_TEN_CHA = Text(255)
    HO_TEN_ME = Text(255)
    SO_NGAY_NGHI = Whole(2)
    NGOAITRU_TUNGAY = Day()
    NGOAITRU_DENNGAY = Day()
    DU_PHONG = Text(4000)


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one paper; all of it only warns (rules: what-refuses)."""
    if earlier(row, "NGAY_RA", "NGAY_VAO"):
        yield "date.order", "NGAY_RA", ">= NGAY_VAO"
    if earlier(row, "NGOAITRU_DENNGAY", "NGOAITRU_TUNGAY"):
        yield "date.order", "NGOAITRU_DENNGAY", ">= NGOAITRU_TUNGAY"
    if row.get("MA_DINH_CHI_THAI") == "1":
        yield from (("value.required", tag, "MA_DINH_CHI_THAI = 1") for tag in _OF_AN_END if tag not in row)
    weeks = row.get("TUOI_THAI", "1")
    if weeks.isascii() and weeks.isdigit() and not 1 <= int(weeks) <= _LONGEST_PREGNANCY:
        yield "value.format", "TUOI_THAI", f"1-{_LONGEST_PREGNANCY}"
    # A leave is told by all three (portal check list of QĐ 4750).
    if any(tag in row for tag in _LEAVE):
        yield from (("value.required", tag, ", ".join(_LEAVE)) for tag in _LEAVE if tag not in row)
