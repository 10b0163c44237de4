"""XML15 of a dossier: a treatment of tuberculosis, told by each of its visits (QĐ 3176 table 15)."""

from __future__ import annotations

from datetime import date

from ehr_sync.sandbox.dossiers.catalogue import table_shapes
from ehr_sync.sandbox.dossiers.hoso import Hoso, with_table


def with_treatment(hoso: Hoso, began: date, ended: date | None = None, **values: str) -> Hoso:
    """A copy whose patient is treated for tuberculosis of the lungs since a day, and until one where it has ended."""
    row = dict.fromkeys(table_shapes()["XML15"].tags, "")
    row |= {tag: hoso.summary[tag] for tag in ("MA_LK", "MA_BN", "HO_TEN", "SO_CCCD", "MA_CSKCB")}
    row |= {
        "STT": "1",
        "PHANLOAI_LAO_VITRI": "1",
        "PHANLOAI_LAO_TS": "1",
        "PHANLOAI_LAO_VK": "1",
        "LOAI_DTRI_LAO": "2",
        "NGAYBD_DTRI_LAO": f"{began:%Y%m%d}",
        "PHACDO_DTRI_LAO": "1",
        "NGAYKT_DTRI_LAO": f"{ended:%Y%m%d}" if ended else "",
        "KET_QUA_DTRI_LAO": "1" if ended else "",
    }
    return with_table(hoso, "XML15", [row | values])
