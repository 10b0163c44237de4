"""Money as QĐ 130/4750 computes it, in whole hundredths of a dong, so that sums agree to the last digit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ehr_sync.sandbox.dossiers.hoso import Row

OTHER_SOURCES: Final[Row] = {
    "T_NGUONKHAC_NSNN": "0",
    "T_NGUONKHAC_VTNN": "0",
    "T_NGUONKHAC_VTTN": "0",
    "T_NGUONKHAC_CL": "0",
    "T_NGUONKHAC": "0",
}


def amount(quantity: int, price: int) -> int:
    """SO_LUONG * DON_GIA in hundredths, half rounded up; both are given in thousandths."""
    return (quantity * price + 5000) // 10000


def text(hundredths: int) -> str:
    """Two decimals, as THANH_TIEN_BV."""
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def text3(thousandths: int) -> str:
    """Three decimals, as SO_LUONG and DON_GIA."""
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"


def shares(total: int, percent: int) -> Row:
    """How one row is paid: `percent` (MUC_HUONG) by the fund, the rest of what is in scope by the patient;
    0 is a patient without insurance, who pays all (PHAM_VI 2).
    """
    insured = total if percent else 0
    fund = (insured * percent + 50) // 100
    return {
        "PHAM_VI": "1" if percent else "2",
        "TYLE_TT_BH": "100" if percent else "0",
        "THANH_TIEN_BV": text(total),
        "THANH_TIEN_BH": text(insured),
        "MUC_HUONG": str(percent),
        "T_BHTT": text(fund),
        "T_BNCCT": text(insured - fund),
        "T_BNTT": text(total - insured),
    }


def totals(drugs: Iterable[Row], services: Iterable[Row]) -> Row:
    """The sums of XML1 over the rows of XML2 and XML3; T_BHTT = T_TONGCHI_BH - T_BNCCT."""
    drug_rows, service_rows = list(drugs), list(services)
    both = drug_rows + service_rows
    insured, co_paid = _sum(both, "THANH_TIEN_BH"), _sum(both, "T_BNCCT")
    return {
        "T_THUOC": text(_sum(drug_rows, "THANH_TIEN_BV")),
        "T_VTYT": text(_sum([r for r in service_rows if r["MA_VAT_TU"]], "THANH_TIEN_BV")),
        "T_TONGCHI_BV": text(_sum(both, "THANH_TIEN_BV")),
        "T_TONGCHI_BH": text(insured),
        "T_BNTT": text(_sum(both, "T_BNTT")),
        "T_BNCCT": text(co_paid),
        "T_BHTT": text(insured - co_paid),
        "T_NGUONKHAC": "0.00",
        "T_BHTT_GDV": text(insured - co_paid),
    }


def hundredths(written: str) -> int:
    """The amount of a text with two decimals; 0 for an empty one."""
    return int(written.replace(".", "")) if written else 0


def _sum(rows: Iterable[Row], tag: str) -> int:
    return sum(hundredths(r[tag]) for r in rows)
