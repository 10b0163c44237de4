"""Which fields of the health book a dossier leaves blank, and which of its codes are in no list
(rules: quality-of-data).

QĐ 1332/QĐ-BYT (2024) part A and the groups of QĐ 31/QĐ-BYT name what a book holds; these are the fields of XML1 that
say it. Whoever has no insurance card lacks nothing of one; a blood group is rarely known, and is not asked for.
"""

from __future__ import annotations

from typing import Final

from mappings.model import Dossier
from mappings.sources.source import Completeness

FIELDS: Final = (
    *("SO_CCCD", "GIOI_TINH", "MA_DANTOC", "MA_NGHE_NGHIEP", "DIEN_THOAI", "DIA_CHI", "MATINH_CU_TRU", "MAXA_CU_TRU"),
    *("NGAY_VAO", "NGAY_RA", "MA_LOAI_KCB", "CHAN_DOAN_RV", "MA_BENH_CHINH", "KET_QUA_DTRI", "MA_LOAI_RV"),
)
OF_A_CARD: Final = ("MA_DKBD", "GT_THE_TU", "GT_THE_DEN")
DAY_OF_BIRTH: Final = "NGAY_SINH"
_NOT_CODED: Final = frozenset({"value.code_unknown", "value.code_not_in_force", "value.code_replaced"})
_TABLES: Final = ("XML1[", "XML2[", "XML3[")


def completeness(dossier: Dossier) -> Completeness | None:
    """What it leaves blank, as names of fields; `code:` before those whose code is in no list of the day. None without
    XML1.
    """
    rows = dossier.tables.get("XML1", ())
    if not rows:
        return None
    row = rows[0]
    asked = (*FIELDS, *(OF_A_CARD if row.get("MA_THE_BHYT") else ()))
    blank = [name for name in asked if not row.get(name, "").strip()]
    if row.get(DAY_OF_BIRTH, "")[4:8] in ("", "0000"):
        blank.append(DAY_OF_BIRTH)
    coded = {i.path.rpartition(".")[2] for i in dossier.issues if i.code in _NOT_CODED and i.path.startswith(_TABLES)}
    return Completeness((*blank, *(f"code:{name}" for name in sorted(coded))), row.get("MAXA_CU_TRU", ""))
