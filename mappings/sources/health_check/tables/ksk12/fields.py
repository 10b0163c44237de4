"""Part XML12, the conclusion: its fields."""

from __future__ import annotations

from mappings.sources.columns import Code, TableSchema, Text
from mappings.sources.health_check.columns import Class
from mappings.sources.lists import Icd10List


class Ksk12(TableSchema):
    """The columns of XML12."""

    PHAN_LOAI_SK = Class(wanted="always")
    KET_LUAN_BENH = Code(255, listed=Icd10List(), many=True)
    CAC_VAN_DE_SUC_KHOE = Text()
    CAC_BENH_TAT_NEU_CO = Text()
