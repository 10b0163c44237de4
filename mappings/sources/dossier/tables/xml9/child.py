"""The child that a row of XML9 is about: who it says it is
(rules: children-of-a-birth, parents-number, parents-name).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from mappings.dates import parse_minute
from mappings.model import ClaimedIdentity, Row
from mappings.numbers import birth_year_in, is_personal
from mappings.sources.dossier.identity import is_a_childs_stand_in, read_number
from mappings.text import canonical_code

_SEX: Final[dict[str, Literal["male", "female", "unknown"]]] = {"1": "male", "2": "female", "3": "unknown"}

# No birth has had more: whoever sends more has put other births into this one, and none is certain.
MOST_CHILDREN: Final = 12


def child_of(row: Row) -> ClaimedIdentity | None:
    """Who the child is; None where the row has no time of birth or no sex, and so is no child.

    The decree gives a child no number: it comes later (SO_CCCD_CON), and is the child's only where the year inside is
    that of the birth and the mother has another. Without a name of its own, or under one that stands in for it, nobody
    is asked about it.
    """
    born, sex = born_at(row), _SEX.get(row.get("GIOI_TINH_CON", ""))
    if born is None or sex is None:
        return None
    number = "" if states_anothers_number(row) else _stated_number(row)
    mother, name = canonical_code(row.get("HO_TEN_NND", "")), canonical_code(row.get("HO_TEN_CON", ""))
    return ClaimedIdentity(
        number=number,
        number_type="cccd" if number else "none",
        name=name or mother,
        birth_date=born.date().isoformat(),
        sex=sex,
        foreign=False,
        patient_code="",
        name_may_be_a_parents=not name or name.upper() == mother.upper() or is_a_childs_stand_in(name),
        role="child",
    )


def born_at(row: Row) -> datetime | None:
    """The minute of the birth, or None."""
    return parse_minute(row.get("NGAY_SINH_CON", ""))


def states_anothers_number(row: Row) -> bool:
    """Whether the number that stands as the child's cannot be: the mother's, or of another year than the birth."""
    number, born = _stated_number(row), born_at(row)
    if not number or born is None:
        return False
    return not is_personal(number) or birth_year_in(number) != born.year or number == _number(row, "SO_CCCD_NND", "")


def _stated_number(row: Row) -> str:
    born = born_at(row)
    return _number(row, "SO_CCCD_CON", str(born.year) if born else "")


def _number(row: Row, tag: str, birth_date: str) -> str:
    return read_number(row.get(tag, ""), birth_date, foreign=False)[0]
