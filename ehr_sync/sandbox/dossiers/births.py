"""XML9 of a dossier: the certificates of the children whom its patient bore (QĐ 3176 table 9)."""

from __future__ import annotations

from datetime import datetime

from ehr_sync.sandbox.city.people import Person
from ehr_sync.sandbox.dossiers.catalogue import table_shapes
from ehr_sync.sandbox.dossiers.hoso import Hoso, Row, with_table


def with_births(hoso: Hoso, *rows: Row) -> Hoso:
    """A copy whose patient bore these children."""
    return with_table(hoso, "XML9", list(rows))


def birth_row(
    hoso: Hoso, born: datetime, sex: str, *, of: int = 1, certificate: str = "", child: Person | None = None
) -> Row:
    """The certificate of one child of a birth of so many. Whom the city has registered meanwhile has a name, a number
    and a sex of their own.
    """
    summary = hoso.summary
    row = dict.fromkeys(table_shapes()["XML9"].tags, "")
    row |= {tag: summary.get(tag, "") for tag in ("MA_LK", "MA_QUOCTICH", "MATINH_CU_TRU", "MAXA_CU_TRU", "MA_TTDV")}
    row |= {
        "HO_TEN_NND": summary["HO_TEN"],
        "NGAYSINH_NND": summary["NGAY_SINH"][:8],
        "MA_DANTOC_NND": summary["MA_DANTOC"],
        "SO_CCCD_NND": summary["SO_CCCD"],
        "NGAYCAP_CCCD_NND": "20210101",
        "NOICAP_CCCD_NND": "Cục Cảnh sát quản lý hành chính về trật tự xã hội",
        "NOI_CU_TRU_NND": summary["DIA_CHI"],
        "GIOI_TINH_CON": sex,
        "SO_CON": str(of),
        "LAN_SINH": "1",
        "SO_CON_SONG": str(of),
        "CAN_NANG_CON": "3150",
        "NGAY_SINH_CON": f"{born:%Y%m%d%H%M}",
        "NOI_SINH_CON": "Bệnh viện Mẫu, Hà Nội",
        "TINH_TRANG_CON": "Khỏe mạnh",
        "SINHCON_PHAUTHUAT": "0",
        "SINHCON_DUOI32TUAN": "0",
        "NGUOI_DO_DE": "TRẦN THỊ HỘ SINH",
        "NGUOI_GHI_PHIEU": "LÊ THỊ GHI PHIẾU",
        "NGAY_CT": f"{born:%Y%m%d}",
        "SO": certificate,
        "QUYEN_SO": "01/2026" if certificate else "",
        "MA_TTDV": "0199000001",
    }
    if child is not None:
        row |= {"HO_TEN_CON": child.name, "SO_CCCD_CON": child.number}
    return row
