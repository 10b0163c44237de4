"""Who the summary (XML1) says the patient is, and the facts of the visit that name a record
(rules: reused-code, personal-numbers).
"""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

from mappings.cards import IdentityCard, read_identity_card
from mappings.dates import parse_birth, parse_day, parse_minute
from mappings.legacy_encodings import decoded
from mappings.model import ClaimedIdentity, NumberType, Row, Tables
from mappings.numbers import birth_year_in, is_personal
from mappings.sources.source import VisitFacts
from mappings.text import canonical_code

# TT 07/2016/TT-BCA appendix 2 as exporters write it; blank means Viet Nam too.
VIETNAMESE = frozenset({"", "000", "VN", "VNM", "VIE"})
_SEX: dict[str, Literal["male", "female"]] = {"1": "male", "2": "female"}
_PASSPORT = re.compile(r"[A-Z]\d{7,8}")  # a letter and 7 digits, or 8 as some series have
_FOREIGN_PASSPORT = re.compile(r"[A-Z0-9]{5,15}")
# The code of an e-id account has no form in the decree: letters and digits, more than a passport has (ICAO 9303:
# nine), that are no insurance card's.
_ACCOUNT = re.compile(r"(?=.*[A-Z])(?=.*\d)(?![A-Z]{2}[1-5]\d{12}$)[A-Z0-9]{11,15}")
# What wards write for a child without a name: "CON BÀ …", "CB …", "BÉ TRAI …", "SƠ SINH …", "TRẺ CỦA …".
_CHILD_OF = re.compile(
    r"(CON\s+(BÀ|CỦA|MẸ|ÔNG|CHỊ|CÔ|SẢN PHỤ|TRAI|GÁI)|CB|C/B|BÉ(\s+(TRAI|GÁI|CON))?|(TRẺ\s+)?SƠ\s*SINH|TRẺ|SS)\b.*"
)
_TEMPORARY_CARD = re.compile(r"TE1\d{12}")


def visit_facts(tables: Tables) -> VisitFacts | None:
    """The facts of the visit, or None without XML1. A day without its time gives `admitted_on` alone."""
    row = _summary(tables)
    if row is None:
        return None
    admitted_text = row.get("NGAY_VAO", "")
    admitted = parse_minute(admitted_text)
    return VisitFacts(
        admitted=admitted,
        admitted_on=admitted.date() if admitted else parse_day(admitted_text),
        discharged=parse_minute(row.get("NGAY_RA", "")),
        patient_code=row.get("MA_BN", ""),
    )


def claimed_identity(tables: Tables) -> ClaimedIdentity | None:
    """Who the dossier says its patient is, in XML1, else at check-in (XML0); None without both, a name, or a birth date
    that can be (rules: check-in). A name in an encoding of before Unicode is read as what it says.
    """
    row = _summary(tables) or _check_in(tables)
    birth = parse_birth(row.get("NGAY_SINH", "")) if row else None
    row = with_card_read(row) if row else None
    name = decoded(canonical_code(row.get("HO_TEN", "")))[0] if row else ""
    if row is None or birth is None or not name:
        return None
    foreign = row.get("MA_QUOCTICH", "").upper() not in VIETNAMESE
    number, number_type = read_number(row.get("SO_CCCD", ""), birth[0], foreign=foreign)
    if number_type == "cmnd" and _summary(tables) is None:
        # XML0 has no nationality: nine digits may be a foreign passport, which is never asked about as an old card.
        foreign, number_type = True, "other"
    return ClaimedIdentity(
        number=number,
        number_type=number_type,
        name=name,
        birth_date=birth[0],
        sex=_SEX.get(row.get("GIOI_TINH", ""), "unknown"),
        foreign=foreign,
        patient_code=row.get("MA_BN", ""),
        name_may_be_a_parents=_name_may_be_a_parents(row, name, birth[0], number),
    )


def claims(tables: Tables) -> tuple[ClaimedIdentity, ...]:
    """Whose the dossier is: its one patient's, where it says so."""
    identity = claimed_identity(tables)
    return (identity,) if identity is not None else ()


def claimed_number(tables: Tables) -> str:
    """The personal number in a dossier of which nothing else need be right: of XML1, else of another table; else ""."""
    rows = (*tables.get("XML1", ()), *(row for others in tables.values() for row in others))
    row = next((row for row in rows if row.get("SO_CCCD", "").strip()), None)
    if row is None:
        return ""
    birth = parse_birth(row.get("NGAY_SINH", ""))
    foreign = row.get("MA_QUOCTICH", "").upper() not in VIETNAMESE
    return read_number(with_card_read(row)["SO_CCCD"], birth[0] if birth else "", foreign=foreign)[0]


def with_card_read(row: Row) -> Row:
    """The row, with what an identity card says where a scanner put its whole code into SO_CCCD or HO_TEN; a number that
    is blank comes from the card too (rules: card-codes).
    """
    in_number, in_name = card_in(row, "SO_CCCD"), card_in(row, "HO_TEN")
    card = in_number or in_name
    if card is None:
        return row
    read = {"SO_CCCD": card.number} if in_number or not row.get("SO_CCCD", "").strip() else {}
    return {**row, **read, **({"HO_TEN": in_name.name} if in_name else {})}


def card_in(row: Row, tag: str) -> IdentityCard | None:
    """The identity card whose whole code stands in a field."""
    return read_identity_card(row.get(tag, ""))


def read_number(text: str, birth_date: str, *, foreign: bool) -> tuple[str, NumberType]:
    """SO_CCCD without blanks, padded to 12 digits where its century and year digits then agree with the birth.

    A number of a foreigner is never a CMND: foreign passports are often 9 digits.
    """
    number = "".join(text.split()).upper()
    if not number:
        return "", "none"
    if _is_digits(number) and len(number) in (10, 11) and not foreign:
        number = _padded_number(number, birth_date)
    if is_personal(number):
        return number, "cccd"
    if foreign:
        return number, "passport" if _FOREIGN_PASSPORT.fullmatch(number) else "other"
    if _is_digits(number) and len(number) == 9:
        return number, "cmnd"
    if _PASSPORT.fullmatch(number):
        return number, "passport"
    return number, "account" if _ACCOUNT.fullmatch(number) else "other"


def is_a_childs_stand_in(name: str) -> bool:
    """Whether a ward wrote this for a child that has no name yet (rules: parents-name)."""
    return _CHILD_OF.fullmatch(name.upper()) is not None


def _padded_number(number: str, birth_date: str) -> str:
    wide = number.zfill(12)
    return wide if str(birth_year_in(wide)) == birth_date[:4] else number


def _name_may_be_a_parents(row: Row, name: str, birth_date: str, number: str) -> bool:
    """Whether a registry call would ask for a parent under a child's birth date (rules: parents-name).

    A child's own number, whose year is the birth year, shows that the birth is registered and the name its own.
    """
    if is_a_childs_stand_in(name):
        return True
    if not _under_one_year(birth_date, row.get("NGAY_VAO", "")):
        return False
    own_number = is_personal(number) and str(birth_year_in(number)) == birth_date[:4]
    return not own_number and (bool(number) or _has_newborn_card(row))


def _has_newborn_card(row: Row) -> bool:
    cards = row.get("MA_THE_BHYT", "").upper().replace(" ", "")
    return not cards or any(_TEMPORARY_CARD.fullmatch(card) for card in cards.split(";"))


def _under_one_year(birth_date: str, admitted: str) -> bool:
    day = parse_day(admitted[:8])
    if day is None:
        return False
    if len(birth_date) == 4:
        return day.year - int(birth_date) < 1
    born = date.fromisoformat(birth_date)
    return (day.year, day.month, day.day) < (born.year + 1, born.month, born.day)


def _summary(tables: Tables) -> Row | None:
    rows = tables.get("XML1", ())
    return rows[0] if rows else None


def _check_in(tables: Tables) -> Row | None:
    rows = tables.get("XML0", ())
    return rows[0] if rows else None


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
