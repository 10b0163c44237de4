"""Part XML10 of a health check: the physical measurements."""

from __future__ import annotations

from mappings.sources.health_check.check import Check
from mappings.sources.health_check.tables.ksk10.fhir import measured, physique
from mappings.sources.health_check.tables.ksk10.fields import Ksk10
from mappings.sources.table import SourceTable

KSK10: SourceTable[Check] = SourceTable(
    name="KSK10",
    root="KHAM_THE_LUC",
    package=__name__,
    schema=Ksk10,
    announce=physique,
    resources=measured,
)
