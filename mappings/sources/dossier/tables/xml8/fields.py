"""Table XML8, the summary of the medical record: its fields (QĐ 4750, QĐ 3176 table 8) and what must agree in one."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.model import Row
from mappings.sources.columns import Code, Day, Minute, PersonalCode, PersonalDay, TableSchema, Text, Whole
from mappings.sources.dossier.rows import earlier
from mappings.sources.lists import code_list
from mappings.sources.row_checks import RowProblem


class Xml8(TableSchema):
    """The columns of XML8."""

    MA_LK = PersonalCode(100)
    MA_LOAI_KCB = Code(listed=code_list("MA_LOAI_KCB"), wanted="always")
    HO_TEN_CHA = Text(255)
    HO_TEN_ME = Text(255)
    NGUOI_GIAM_HO = Text(255)
    DON_VI = Text(1024)
    NGAY_VAO = Minute(wanted="always")
    NGAY_RA = Minute(wanted="always")
    CHAN_DOAN_VAO = Text(wanted="always")
    CHAN_DOAN_RV = Text(wanted="always")
    QT_BENHLY = Text(wanted="always")
    TOMTAT_KQ = Text(wanted="always")
    PP_DIEUTRI = Text(wanted="always")
    NGAY_SINHCON = PersonalDay()
    NGAY_CONCHET = PersonalDay()
    SO_CONCHET = Whole(2)
    KET_QUA_DTRI = Code(listed=code_list("KET_QUA_DTRI"), wanted="always")
    GHI_CHU = Text()
    MA_TTDV = PersonalCode(pattern=r"\d{10}|\d{12}", expected="10 or 12 digits", wanted="always")
    NGAY_CT = Day(wanted="always")
    MA_THE_TAM = PersonalCode(15)
    DU_PHONG = Text()


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one summary; all of it only warns (rules: what-refuses)."""
    if earlier(row, "NGAY_RA", "NGAY_VAO"):
        yield "date.order", "NGAY_RA", ">= NGAY_VAO"
    if earlier(row, "NGAY_CONCHET", "NGAY_SINHCON"):
        yield "date.order", "NGAY_CONCHET", ">= NGAY_SINHCON"
