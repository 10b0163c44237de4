"""Part XML1 of a health check: who was checked, and what they say of their health."""

from __future__ import annotations

from mappings.sources.health_check.check import Check
from mappings.sources.health_check.tables.ksk1.fhir import blood, history
from mappings.sources.health_check.tables.ksk1.fields import Ksk1, within
from mappings.sources.table import SourceTable

KSK1: SourceTable[Check] = SourceTable(
    name="KSK1",
    root="THONG_TIN_HANH_CHINH",
    package=__name__,
    schema=Ksk1,
    within=within,
    announce=history,
    resources=blood,
)
