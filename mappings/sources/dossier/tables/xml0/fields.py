"""Table XML0, the check-in: its fields (QĐ 4750, QĐ 3176 table 0)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.model import Issue, Tables
from mappings.sources.columns import Birth, Code, Day, FacilityCode, Minute, PersonalCode, TableSchema, Text, Whole
from mappings.sources.dossier.rows import is_of_episode
from mappings.sources.lists import code_list

_MOST: Final = 20


class Xml0(TableSchema):
    """The columns of XML0."""

    MA_LK = PersonalCode(100)
    STT = Whole(10, wanted="always")
    MA_BN = PersonalCode(100, wanted="always")
    HO_TEN = Text(255, wanted="always")
    SO_CCCD = PersonalCode(15)
    NGAY_SINH = Birth(wanted="always")
    GIOI_TINH = Code(1, listed=code_list("GIOI_TINH"), wanted="always")
    MA_THE_BHYT = PersonalCode()
    MA_DKBD = FacilityCode(many=True)
    GT_THE_TU = Day(many=True)
    GT_THE_DEN = Day(many=True)
    MA_DOITUONG_KCB = Code(listed=code_list("MA_DOITUONG_KCB"), wanted="always")
    NGAY_VAO = Minute(wanted="always")
    NGAY_VAO_NOI_TRU = Minute()
    LY_DO_VNT = Text()
    MA_LY_DO_VNT = Code(10)
    MA_LOAI_KCB = Code(listed=code_list("MA_LOAI_KCB"), wanted="always")
    MA_CSKCB = FacilityCode(wanted="always")
    MA_DICH_VU = Code(50)
    TEN_DICH_VU = Text(1024)
    MA_THUOC = Code(255)
    TEN_THUOC = Text(2000)
    MA_VAT_TU = Code(255)
    TEN_VAT_TU = Text(1024)
    NGAY_YL = Minute()
    DU_PHONG = Text()


def of_one_visit(tables: Tables) -> Iterator[Issue]:
    """A check-in that comes alone is of one visit: who else is in it is not asked about."""
    if tables.get("XML1") or not (rows := tables.get("XML0", ())):
        return
    episode = rows[0].get("MA_LK", "")
    others = [n for n, row in enumerate(rows, 1) if not is_of_episode(row, episode)]
    yield from (Issue("ma_lk.differs", f"XML0[{n}].MA_LK") for n in others[:_MOST])
