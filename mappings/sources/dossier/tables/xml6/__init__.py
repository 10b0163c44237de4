"""Table XML6 of the national dossier: care for people with HIV, read, kept under a key of its own, and never mapped
(QĐ 3176 table 6).
"""

from __future__ import annotations

from typing import Final

from mappings.sources.dossier.repeated import repeats
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import SourceTable, always_stays

# A version that merely lacks it must not show what the one before withheld (P9).
XML6: Final[SourceTable[Visit]] = SourceTable(
    name="XML6",
    root="CHI_TIEU_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
    item="HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
    between=repeats("XML6"),
    stays=always_stays,
)
