"""Part XML10, the physical measurements: its fields."""

from __future__ import annotations

from mappings.sources.columns import Amount, Code, TableSchema
from mappings.sources.health_check.columns import Class


class Ksk10(TableSchema):
    """The columns of XML10."""

    CHIEU_CAO = Amount(6)
    CAN_NANG = Amount(6)
    CHI_SO_BMI = Amount(6)
    MACH = Amount(6)
    HUYET_AP = Code(pattern=r"\d{2,3}/\d{2,3}", expected="120/80")
    KHAM_THE_LUC_PL = Class()
