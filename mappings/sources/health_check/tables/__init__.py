"""The parts of a health check that are known by their fields, in their order (QĐ 2062/QĐ-BYT, 2026)."""

from __future__ import annotations

from typing import Final

from mappings.sources.health_check.check import Check
from mappings.sources.health_check.tables.ksk1 import KSK1
from mappings.sources.health_check.tables.ksk2 import KSK2
from mappings.sources.health_check.tables.ksk7 import KSK7
from mappings.sources.health_check.tables.ksk10 import KSK10
from mappings.sources.health_check.tables.ksk11 import KSK11
from mappings.sources.health_check.tables.ksk12 import KSK12
from mappings.sources.table import SourceTable

TABLES: Final[tuple[SourceTable[Check], ...]] = (KSK1, KSK2, KSK7, KSK10, KSK11, KSK12)
PERSON, CHECK, EXAM, CONCLUSION = KSK1.name, KSK2.name, KSK7.name, KSK12.name
