"""Part XML7 of a health check: the clinical examination."""

from __future__ import annotations

from mappings.sources.health_check.check import Check
from mappings.sources.health_check.tables.ksk7.fhir import examination
from mappings.sources.health_check.tables.ksk7.fields import Ksk7
from mappings.sources.table import SourceTable

KSK7: SourceTable[Check] = SourceTable(
    name="KSK7",
    root="KHAM_LAM_SANG",
    package=__name__,
    schema=Ksk7,
    announce=examination,
)
