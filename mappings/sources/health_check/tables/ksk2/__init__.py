"""Part XML2 of a health check: the check as a whole."""

from __future__ import annotations

from mappings.sources.health_check.check import Check
from mappings.sources.health_check.tables.ksk2.fhir import whole
from mappings.sources.health_check.tables.ksk2.fields import Ksk2
from mappings.sources.table import SourceTable

KSK2: SourceTable[Check] = SourceTable(
    name="KSK2",
    root="THONG_TIN_CHUNG_VE_LAN_KHAM",
    package=__name__,
    schema=Ksk2,
    documents=whole,
)
