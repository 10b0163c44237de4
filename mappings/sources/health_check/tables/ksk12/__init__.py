"""Part XML12 of a health check: the conclusion."""

from __future__ import annotations

from mappings.sources.health_check.check import Check
from mappings.sources.health_check.tables.ksk12.fhir import conclusion, found
from mappings.sources.health_check.tables.ksk12.fields import Ksk12
from mappings.sources.table import SourceTable

KSK12: SourceTable[Check] = SourceTable(
    name="KSK12",
    root="KET_LUAN",
    package=__name__,
    schema=Ksk12,
    announce=conclusion,
    resources=found,
)
