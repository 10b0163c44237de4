"""What a scanner reads off a card: the QR code of the identity card and that of the health-insurance card
(rules: card-codes). Pure; whoever reads a card forgets it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from mappings.dates import parse_day
from mappings.numbers import is_personal
from mappings.text import canonical, canonical_code

Sex = Literal["male", "female", "unknown"]

LONGEST: Final = 2_000
"""Letters of a code: the longest address in hexadecimal digits is far below."""

_IDENTITY_PARTS: Final = 7  # cards of 2024 have more
_INSURANCE_PARTS: Final = 10
_OLD_NUMBER: Final = re.compile(r"\d{9}|\d{12}")
_CARD: Final = re.compile(r"(?:[A-Z]{2}[1-5]\d{2})?(\d{10})|\d{12}", re.ASCII)
_FACILITY: Final = re.compile(r"(\d{2})\s*-\s*([0-9A-Z]{3})", re.ASCII)
_SEXES: Final[dict[str, Sex]] = {"NAM": "male", "NỮ": "female", "1": "male", "2": "female"}
_YEAR: Final = re.compile(r"\d{4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IdentityCard:
    """CCCD|CMND|name|ddMMyyyy|Nam or Nữ|address|ddMMyyyy. Dates are "yyyy-mm-dd"; "" where the card has none."""

    number: str = field(repr=False)
    old_number: str = field(repr=False)
    name: str = field(repr=False)
    birth_date: str = field(repr=False)
    sex: Sex
    address: str = field(repr=False)
    issued_on: str


@dataclass(frozen=True, slots=True)
class InsuranceCard:
    """Number, name in hexadecimal UTF-8, birth, sex, address, facility, validity. `number` is the card's, of 15
    characters or, since 01/04/2021, 10 digits; `birth_date` may be a year alone.
    """

    number: str = field(repr=False)
    insurance_number: str = field(repr=False)
    name: str = field(repr=False)
    birth_date: str = field(repr=False)
    sex: Sex
    address: str = field(repr=False)
    facility: str  # MA_DKBD
    valid_from: str
    valid_to: str
    issued_on: str
    five_years_on: str  # since when insured for five years without a gap


def read_card(text: str) -> IdentityCard | InsuranceCard | None:
    """The card whose code this is; None where it is that of neither."""
    return read_identity_card(text) or read_insurance_card(text)


def read_identity_card(text: str) -> IdentityCard | None:
    """The identity card whose code this is, or None."""
    parts = _parts(text)
    if len(parts) < _IDENTITY_PARTS or not is_personal(parts[0]):
        return None
    number, old, name, born, sex, address, issued = parts[:_IDENTITY_PARTS]
    birth_date = _day(born)
    if not name or not birth_date or (old and not _OLD_NUMBER.fullmatch(old)):
        return None
    return IdentityCard(number, old, name, birth_date, _SEXES.get(sex.upper(), "unknown"), address, _day(issued))


def read_insurance_card(text: str) -> InsuranceCard | None:
    """The health-insurance card whose code this is, or None."""
    parts = _parts(text)
    if len(parts) < _INSURANCE_PARTS:
        return None
    number = parts[0].upper()
    card, name, birth_date = _CARD.fullmatch(number), _words(parts[1]), _birth(parts[2])
    if not card or not name or not birth_date:
        return None
    facility = _FACILITY.fullmatch(parts[5].upper())
    return InsuranceCard(
        number=number,
        insurance_number=card[1] or number,
        name=name,
        birth_date=birth_date,
        sex=_SEXES.get(parts[3], "unknown"),
        address=_words(parts[4]),
        facility="".join(facility.groups()) if facility else "",
        valid_from=_day(parts[6]),
        valid_to=_day(parts[7]),
        issued_on=_day(parts[8]),
        five_years_on=_day(parts[12]) if len(parts) > 12 else "",
    )


def _parts(text: str) -> list[str]:
    if len(text) > LONGEST or "|" not in text:
        return []
    return [canonical_code(part) for part in canonical(text).split("|")]


def _day(text: str) -> str:
    """A day of ddMMyyyy or dd/MM/yyyy; "" for anything else."""
    digits = text.replace("/", "")
    day = parse_day(digits[4:] + digits[2:4] + digits[:2]) if len(digits) == 8 else None
    return day.isoformat() if day else ""


def _birth(text: str) -> str:
    return text if _YEAR.fullmatch(text) else _day(text)


def _words(text: str) -> str:
    """Hexadecimal UTF-8 in words; "" where it is none, or the sign for nothing."""
    try:
        return canonical_code(bytes.fromhex(text).decode())
    except ValueError:
        return ""
