"""Table XML14, the slip with the day to come again: its fields (QĐ 4750, QĐ 3176 table 14) and what must agree in one.

What XML1 says too is judged there; here it must be the same (`SourceTable.between`).
"""

from __future__ import annotations

from collections.abc import Iterator

from mappings.dates import latest_appointment
from mappings.model import Row
from mappings.sources.columns import Birth, Code, Day, FacilityCode, Minute, PersonalCode, TableSchema, Text
from mappings.sources.dossier.rows import earlier
from mappings.sources.row_checks import RowProblem


class Xml14(TableSchema):
    """The columns of XML14."""

    MA_LK = PersonalCode(200)
    SO_GIAYHEN_KL = PersonalCode(100, wanted="always")
    MA_CSKCB = FacilityCode(wanted="always")
    HO_TEN = Text(255, wanted="always")
    NGAY_SINH = Birth()
    GIOI_TINH = Code(1)
    DIA_CHI = Text(1024)
    MA_THE_BHYT = PersonalCode(200)
    GT_THE_DEN = Day(many=True)
    NGAY_VAO = Minute()
    NGAY_VAO_NOI_TRU = Minute()
    NGAY_RA = Minute()
    NGAY_HEN_KL = Day(wanted="always", latest=latest_appointment)
    CHAN_DOAN_RV = Text(4000)
    MA_BENH_CHINH = Code(50)
    MA_BENH_KT = Code(200)
    MA_BENH_YHCT = Code(255)
    MA_DOITUONG_KCB = Code(10)
    MA_BAC_SI = Code(255, wanted="always")
    MA_TTDV = PersonalCode(pattern=r"\d{10}|\d{12}", expected="10 or 12 digits", wanted="always")
    NGAY_CT = Day(wanted="always")
    DU_PHONG = Text()


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one slip; all of it only warns (rules: what-refuses). Days are compared: a
    slip may say no time, and NGAY_RA may be the last minute of the last day of medicine.
    """
    if earlier(row, "NGAY_RA", "NGAY_VAO"):
        yield "date.order", "NGAY_RA", ">= NGAY_VAO"
    days = {tag: row.get(tag, "")[:8] for tag in ("NGAY_VAO", "NGAY_RA", "NGAY_HEN_KL", "NGAY_CT")}
    for tag, first in (("NGAY_HEN_KL", "NGAY_RA"), ("NGAY_CT", "NGAY_VAO")):
        if earlier(days, tag, first):
            yield "date.order", tag, f">= {first}"
