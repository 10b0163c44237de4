"""Part XML2, the check as a whole: its fields."""

from __future__ import annotations

from mappings.sources.columns import Code, FacilityCode, Minute, PersonalCode, TableSchema
from mappings.sources.health_check.columns import Gln
from mappings.sources.lists import code_list


class Ksk2(TableSchema):
    """The columns of XML2. MA_LK is wanted too: the check refuses without it."""

    MA_LK = PersonalCode(100)
    MA_CSKCB = FacilityCode(wanted="always")
    TYPE = Code(pattern="ChildUnder|Minor|Adult|Driver", expected="ChildUnder, Minor, Adult, Driver", wanted="always")
    MA_GTIN_CSKCB = Gln(wanted="always")
    DOI_TUONG = Code(pattern="0?[1-9]|1[0-6]", expected="1-16", many=True, wanted="always")
    NGUON_CHI_TRA = Code(pattern="[1-59]", expected="1-5, 9", wanted="always")
    MA_LOAI_KCB = Code(listed=code_list("MA_LOAI_KCB"), wanted="always")
    NGAY_VAO = Minute(wanted="always")
