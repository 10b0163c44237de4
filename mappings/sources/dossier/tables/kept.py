"""The tables of the national dossier that are read and kept, and not mapped yet (QĐ 3176 tables 0, 6, 9 to 12, 15)."""

from __future__ import annotations

from typing import Final

from mappings.sources.dossier.repeated import repeats
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import SourceTable, always_stays

# Certificates and registrations are made once and are not sent again with every correction. XML6 and XML15 stay too: a
# version that merely lacks them must not show what the one before withheld (P9).
KEPT: Final[tuple[SourceTable[Visit], ...]] = (
    SourceTable(name="XML0", root="CHI_TIEU_TRANG_THAI_KCB", item="TRANG_THAI_KCB"),
    SourceTable(
        name="XML6",
        root="CHI_TIEU_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
        item="HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
        between=repeats("XML6"),
        stays=always_stays,
    ),
    SourceTable(
        name="XML9", root="CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH", item="DU_LIEU_GIAY_CHUNG_SINH", stays=always_stays
    ),
    SourceTable(name="XML10", root="CHI_TIEU_DU_LIEU_GIAY_NGHI_DUONG_THAI"),
    SourceTable(name="XML11", root="CHI_TIEU_DU_LIEU_GIAY_CHUNG_NHAN_NGHI_VIEC_HUONG_BAO_HIEM_XA_HOI"),
    SourceTable(
        name="XML15",
        root="CHI_TIEU_DIEUTRI_BENHLAO",
        item="CHITIET_DIEUTRI_BENHLAO",
        between=repeats("XML15"),
        stays=always_stays,
    ),
)
