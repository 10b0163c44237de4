"""Whom a row of XML12 is about, and whether it comes alone (rules: medical-assessments)."""

from __future__ import annotations

from mappings.dates import parse_birth
from mappings.model import APART, ClaimedIdentity, Row, Tables
from mappings.sources.dossier.identity import read_number
from mappings.text import canonical_code


def number_of(row: Row) -> str:
    """The number of the council's record, by which the row is known; "" where there is none."""
    return canonical_code(row.get("SO_BIEN_BAN", ""))


def known_as(row: Row) -> str:
    """What the record of a row is known by at its facility: councils begin their numbers anew each year."""
    return APART + APART.join(("XML12", row.get("NGAY_HOP", "")[:4], number_of(row)))


def assessed(row: Row) -> ClaimedIdentity | None:
    """Who was assessed; None without a name or a birth date that can be. XML12 has neither sex nor nationality, so that
    only a number of 12 digits is asked about.
    """
    birth, name = parse_birth(row.get("NGAY_SINH", "")), canonical_code(row.get("HO_TEN", ""))
    if birth is None or not name:
        return None
    number, number_type = read_number(row.get("SO_CCCD", ""), birth[0], foreign=False)
    return ClaimedIdentity(
        number=number,
        number_type="other" if number_type == "cmnd" else number_type,
        name=name,
        birth_date=birth[0],
        sex="unknown",
        foreign=number_type == "cmnd",
        patient_code="",
        name_may_be_a_parents=False,
    )


def is_alone(tables: Tables) -> bool:
    """Whether an assessment is all that came: nothing names a visit."""
    rows = tables.get("XML12", ())
    names_a_visit = "XML1" in tables or any("MA_LK" in row for each in tables.values() for row in each)
    return bool(rows and number_of(rows[0])) and not names_a_visit
