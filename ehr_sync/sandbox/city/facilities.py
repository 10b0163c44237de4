"""The sandbox's facilities: invented names under codes of the right shape, and the clients that send for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Facility:
    """One facility code. Codes of one place over time share `family`, the first code that it had."""

    code: str
    name: str
    kind: Literal["hospital", "district_centre", "commune_station", "clinic"]
    client: str
    family: str
    valid_from: str = "2020-01-01"
    valid_until: str = ""


_CLINIC = "phong-kham-mau"
_CENTRE = "trung-tam-mau"

FACILITIES: Final[tuple[Facility, ...]] = (
    Facility("01001", "Bệnh viện Mẫu 1", "hospital", "benh-vien-mau-1", "01001"),
    Facility("01005", "Bệnh viện Mẫu 2", "hospital", "benh-vien-mau-2", "01005"),
    Facility("01013", "Bệnh viện Mẫu 3", "hospital", "benh-vien-mau-3", "01013"),
    Facility("01M00", "Trung tâm Y tế Khu vực Mẫu", "district_centre", _CENTRE, "01M00"),
    Facility("01M01", "Trạm Y tế phường Mẫu 1", "commune_station", _CENTRE, "01M01"),
    Facility("01M02", "Trạm Y tế phường Mẫu 2", "commune_station", _CENTRE, "01M02"),
    Facility("01M03", "Trạm Y tế xã Mẫu 3", "commune_station", _CENTRE, "01M03"),
    # One place under three codes: the old one, the new one, and the 13-digit location number (MA_GTIN_CSKCB).
    Facility("01C51", "Phòng khám Đa khoa Mẫu (mã cũ)", "clinic", _CLINIC, "01C51", valid_until="2025-12-31"),
    Facility("01C52", "Phòng khám Đa khoa Mẫu", "clinic", _CLINIC, "01C51", valid_from="2026-01-01"),
    Facility("8939900000013", "Phòng khám Đa khoa Mẫu (GLN)", "clinic", _CLINIC, "01C51", valid_from="2026-01-01"),
)

DEMO: Final[tuple[str, ...]] = ("01001", "01005", "01013")
"""The three hospitals that the demo registers."""


def facility(code: str) -> Facility | None:
    """The facility with this code, or None."""
    return next((f for f in FACILITIES if f.code == code), None)
