"""The invented population: every index from 0 to 999,999 is one person, always the same one.

Numbers follow NĐ 137/2015 art. 13 and TT 07/2016/TT-BCA (province, sex and century, year, six digits) under province
099, which no real number has; the last six digits are the index. In every 50 indexes the first 40 are adults, the
next eight children, then one foreigner and one newborn; from 900,000 on all are adults, some of them magic.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Final, Literal

from ehr_sync.sandbox.city.communes import communes
from ehr_sync.sandbox.city.magic import FIRST_MAGIC_INDEX, REGISTRY
from ehr_sync.sandbox.city.names import foreign_name, kinh_name, rare_name

Sex = Literal["male", "female"]
Kind = Literal["adult", "child", "newborn", "foreigner"]

POPULATION: Final = 1_000_000
PROVINCE: Final = "099"
TODAY: Final = date(2026, 11, 20)
"""The day on which the invented world stands still: newborns are newborn around it."""


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person. `number` is "" for newborns and foreigners, `card` "" for the uninsured."""

    index: int
    kind: Kind
    sex: Sex
    number: str = field(repr=False)
    name: str = field(repr=False)  # upper case, NFC
    birth_date: date = field(repr=False)
    passport: str = field(repr=False)
    nationality: str  # MA_QUOCTICH
    ethnicity: str  # MA_DANTOC
    card: str = field(repr=False)
    commune: str  # MAXA_CU_TRU
    address: str = field(repr=False)
    phone: str = field(repr=False)
    mother_index: int | None


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """What the population registry holds of a person. `birth_date` is "yyyymmdd", or "yyyy" alone."""

    number: str = field(repr=False)
    name: str = field(repr=False)
    birth_date: str = field(repr=False)
    sex: Sex


@lru_cache(maxsize=4096)
def person(index: int) -> Person:
    """The person with this index. Raises ValueError outside 0..999,999."""
    if not 0 <= index < POPULATION:
        raise ValueError("a person's index is between 0 and 999999")
    kind = _kind(index)
    draw = Random(index * 4 + 1)
    sex, name, ethnicity = _name(draw, index, kind)
    born = _birth_date(draw, kind)
    number = "" if kind in {"newborn", "foreigner"} else _number(index, sex, born.year)
    code, commune = draw.choice(communes())
    return Person(
        index=index,
        kind=kind,
        sex=sex,
        number=number,
        name=name,
        birth_date=born,
        passport=f"{draw.choice('ABCEKMPX')}{1_000_000 + index}" if kind == "foreigner" else "",
        # The list of TT 07/2016 appendix 2 is not public as data: any code but 000 is a foreign country.
        nationality=draw.choice(("101", "116", "128", "142")) if kind == "foreigner" else "000",
        ethnicity=ethnicity,
        card=_card(draw, index, kind, born),
        commune=code,
        address=f"Số {draw.randint(1, 480)} phố Mẫu {draw.randint(1, 60)}, {commune}, Thành phố Hà Nội",
        phone=f"0100{index:06d}",  # no operator has the prefix 010: nobody's telephone rings
        mother_index=_mother(index, born.year) if kind in {"child", "newborn"} else None,
    )


def by_number(number: str) -> Person | None:
    """The person who has exactly this 12-digit number, or None where it is nobody's."""
    if len(number) != 12 or not number.isascii() or not number.isdigit():
        return None
    found = person(int(number[6:]))
    return found if found.number == number else None


def registry_entry(of: Person) -> RegistryEntry | None:
    """What the registry holds of a person; None for newborns, foreigners and the magic number "not_found"."""
    magic = REGISTRY.get(of.index)
    if not of.number or magic == "not_found":
        return None
    entry = RegistryEntry(of.number, of.name, of.birth_date.strftime("%Y%m%d"), of.sex)
    if magic == "tone_name":
        return replace(entry, name=of.name.replace("HÒA", "HOÀ"))
    if magic == "other_name":
        return replace(entry, name="VŨ THỊ HOÀN TOÀN KHÁC")
    if magic == "year_only":
        return replace(entry, birth_date=f"{of.birth_date.year}")
    if magic == "marks_dropped":
        return replace(entry, name="PHAM VAN HUNG")
    return entry


def mother_of(child: Person) -> Person | None:
    """The mother of a child or newborn."""
    return None if child.mother_index is None else person(child.mother_index)


def _kind(index: int) -> Kind:
    place = index % 50
    if index >= FIRST_MAGIC_INDEX or place < 40:
        return "adult"
    if place < 48:
        return "child"
    return "foreigner" if place == 48 else "newborn"


_MAGIC_NAMES: Final[dict[str, tuple[Sex, str]]] = {
    "tone_name": ("male", "NGUYỄN VĂN HÒA"),
    "marks_dropped": ("male", "PHẠM VĂN HÙNG"),
}


def _name(draw: Random, index: int, kind: Kind) -> tuple[Sex, str, str]:
    sex: Sex = "female" if draw.random() < 0.5 else "male"
    magic = _MAGIC_NAMES.get(REGISTRY.get(index, ""))
    if magic:
        return *magic, "01"
    if kind == "foreigner":
        name, foreign_sex = foreign_name(draw)
        return _as_sex(foreign_sex), name, "55"
    if draw.random() < 0.06 and index < FIRST_MAGIC_INDEX:
        name, rare_sex, ethnicity = rare_name(draw)
        return _as_sex(rare_sex), name, ethnicity
    return sex, kinh_name(draw, sex), "01"


def _as_sex(text: str) -> Sex:
    return "female" if text == "female" else "male"


def _birth_date(draw: Random, kind: Kind) -> date:
    if kind == "newborn":
        return TODAY - timedelta(days=draw.randint(8, 24))
    if kind == "child":
        return TODAY - timedelta(days=draw.randint(70, 15 * 365))
    # Ages as in a hospital's waiting room: older than the street.
    return TODAY - timedelta(days=int(365.25 * draw.triangular(18, 95, 58)))


def _number(index: int, sex: Sex, year: int) -> str:
    century_and_sex = (year // 100 - 19) * 2 + (sex == "female")
    return f"{PROVINCE}{century_and_sex}{year % 100:02d}{index:06d}"


def _card(draw: Random, index: int, kind: Kind, born: date) -> str:
    insured = draw.random()
    if kind == "foreigner" or insured > 0.95:
        return ""
    insurance_number = f"01{9_900_000_000 + index:010d}"
    if kind == "newborn" or (TODAY - born).days < 6 * 365:
        return "TE1" + insurance_number
    if kind == "child":
        return "HS4" + insurance_number
    if (TODAY - born).days > 60 * 365 and insured < 0.6:
        return "HT3" + insurance_number
    return draw.choice(("DN4", "DN4", "GD4", "HC4", "HN2", "CN3", "BT2")) + insurance_number


def _mother(index: int, child_year: int) -> int:
    candidate = index * 7919 % FIRST_MAGIC_INDEX
    while _kind(candidate) != "adult" or not _could_be_mother(person(candidate), child_year):
        candidate = (candidate + 1) % FIRST_MAGIC_INDEX
    return candidate


def _could_be_mother(other: Person, child_year: int) -> bool:
    return other.sex == "female" and 19 <= child_year - other.birth_date.year <= 44
