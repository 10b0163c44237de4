"""Table XML4, results: its fields (QĐ 4750, QĐ 3176 table 4) and what must agree in a row."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mappings.model import Row
from mappings.sources.columns import Code, Minute, PersonalCode, TableSchema, Text, Whole
from mappings.sources.row_checks import RowProblem

_NUMBER = re.compile(r"[<>=]*\s*\d+([.,]\d+)?")
_DIGIT = re.compile(r"\d")


class Xml4(TableSchema):
    """The columns of XML4. MA_CHI_SO often repeats MA_DICH_VU, where no index code exists."""

    MA_LK = PersonalCode(100)
    STT = Whole(10, wanted="always")
    MA_DICH_VU = Code(50)
    MA_CHI_SO = Code(50)
    TEN_CHI_SO = Text(255)
    GIA_TRI = Text(50)
    DON_VI_DO = Code(50)
    MO_TA = Text()
    KET_LUAN = Text()
    NGAY_KQ = Minute()
    MA_BS_DOC_KQ = Code(255)
    DU_PHONG = Text()


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one row; all of it only warns (rules: what-refuses)."""
    if "TEN_CHI_SO" not in row:
        yield "result.name_missing", "TEN_CHI_SO", ""
    if "GIA_TRI" in row and "NGAY_KQ" not in row:
        yield "value.required", "NGAY_KQ", "GIA_TRI"
    if _NUMBER.fullmatch(row.get("DON_VI_DO", "")) and not _DIGIT.search(row.get("GIA_TRI", "1")):
        yield "value.swapped", "GIA_TRI", "DON_VI_DO"
