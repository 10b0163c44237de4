"""XML12: what a council of medical assessment found, alone or in a dossier (QĐ 3176 table 12)."""

from __future__ import annotations

from ehr_sync.sandbox.city.people import Person
from ehr_sync.sandbox.dossiers.hoso import Hoso, Row, with_table


def assessment(of: Person, number: str, **values: str) -> Row:
    """A finding about somebody, as the record of this number."""
    return {
        "NGUOI_CHU_TRI": "TRẦN VĂN CHỦ TỊCH",
        "CHUC_VU": "1",
        "NGAY_HOP": "20240402",
        "HO_TEN": of.name,
        "NGAY_SINH": f"{of.birth_date:%Y%m%d}",
        "SO_CCCD": of.number,
        "DIA_CHI": of.address,
        "MA_DOI_TUONG": "TNLĐ",
        "KHAM_GIAM_DINH": "1",
        "SO_BIEN_BAN": number,
        "KET_QUA_KHAM": "Hạn chế vận động khớp gối phải",
        "TYLE_TTCT_MOI": "21",
        "DE_NGHI": "Phục hồi chức năng",
    } | values


def alone(row: Row, facility: str) -> Hoso:
    """A dossier that is an assessment and nothing else: it has no MA_LK."""
    return Hoso("", facility, {"XML12": [row]})


def beside(hoso: Hoso, row: Row) -> Hoso:
    """A copy with an assessment in it."""
    return with_table(hoso, "XML12", [row])
