"""The tables of the national dossier that are read and kept, and not mapped yet (QĐ 3176 tables 0, 6 to 15)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.model import Issue, Tables
from mappings.sources.dossier.visit import Visit, is_insured
from mappings.sources.table import SourceTable, always_stays

_SUMMARISED_VISITS: Final = frozenset({"03", "04", "06"})


def _wanted(tables: Tables) -> Iterator[Issue]:
    """XML8 is of inpatients. Visits without insurance send it whatever their type (letter 4395/BYT-KCB, 2023)."""
    for summary in tables.get("XML1", ())[:1]:
        if tables.get("XML8") and is_insured(summary) and summary.get("MA_LOAI_KCB") not in _SUMMARISED_VISITS:
            yield Issue("xml8.visit_type", "XML8", ", ".join(sorted(_SUMMARISED_VISITS)))


# Papers and registrations are made once and are not sent again with every correction. XML6 and XML15 stay too: a
# version that merely lacks them must not show what the one before withheld (P9).
KEPT: Final[tuple[SourceTable[Visit], ...]] = (
    SourceTable(
        name="XML6",
        root="CHI_TIEU_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
        item="HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
        stays=always_stays,
    ),
    SourceTable(name="XML7", root="CHI_TIEU_DU_LIEU_GIAY_RA_VIEN", stays=always_stays),
    SourceTable(name="XML8", root="CHI_TIEU_DU_LIEU_TOM_TAT_HO_SO_BENH_AN", between=_wanted, stays=always_stays),
    SourceTable(name="XML13", root="CHI_TIEU_GIAYCHUYENTUYEN", stays=always_stays),
    SourceTable(name="XML14", root="CHI_TIEU_GIAYHEN_KHAMLAI", stays=always_stays),
)
