"""What rows of more than one table have in common: whose visit they are of, times in order, and money that multiplies
and adds up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

from mappings.model import Row, Tables

# Who else pays, by source (QĐ 4750, tables 2 and 3): the state, abroad, at home, others.
OTHER_SOURCES = ("T_NGUONKHAC_NSNN", "T_NGUONKHAC_VTNN", "T_NGUONKHAC_VTTN", "T_NGUONKHAC_CL")
_NOTHING = frozenset({"0", "0.00"})
# Exporters round each row for themselves: a dong, and what three places of a price lose over a quantity.
DONG = 1.0


def is_of_episode(row: Row, episode: str) -> bool:
    """Whether a row belongs to the visit of this MA_LK: a blank one does. Capitals and blanks tell no two visits apart
    (a facility's database compares its keys without them); leading zeros may, and another person's row must never be
    shown (P4), so there the row is another's.
    """
    stated = row.get("MA_LK", episode)
    return stated == episode or _plain(stated) == _plain(episode)


def of_episode(tables: Tables, episode: str) -> Tables:
    """The tables without the rows of other visits: those are kept, told (`ma_lk.differs`) and never mapped."""
    if not episode:
        return tables
    return {
        name: tuple([row for row in rows if row.get("MA_LK") == episode or is_of_episode(row, episode)])
        for name, rows in tables.items()
    }


def _plain(value: str) -> str:
    return "".join(value.split()).casefold()


def earlier(row: Row, tag: str, first: str) -> bool:
    """Whether a time is earlier than the one that must come first; both must be there."""
    value, before = row.get(tag), row.get(first)
    # yyyymmddHHMM sorts as text, 2400 included; a day without its time is compared as a day.
    return bool(value and before and value < before[: len(value)])


def product_differs(row: Row, tag: str, quantity: str, price: str, percent: str = "") -> bool:
    """Whether an amount is not quantity x price (x percent / 100); unknown where one of them is no number."""
    stated, times, each = amount(row.get(tag)), amount(row.get(quantity)), amount(row.get(price))
    share = amount(row.get(percent, "100")) if percent else 100.0
    if stated is None or times is None or each is None or share is None:
        return False
    return abs(stated - times * each * share / 100) > DONG + abs(times) / 1000


def parts_differ(row: Row, tag: str, parts: Sequence[str]) -> bool:
    """Whether an amount is not the sum of its parts, blank ones 0; unknown where none is there, or one is no number."""
    given = {row[part] for part in parts if part in row}
    if given <= _NOTHING and row.get(tag, "0") in _NOTHING:
        return False  # nearly every row: nobody else pays
    stated, summed = amount(row.get(tag)), [amount(row[part]) for part in parts if part in row]
    return bool(given) and stated is not None and None not in summed and abs(stated - sum(filter(None, summed))) > DONG


def total(rows: Iterable[Row], tag: str) -> float | None:
    """The sum of a field over rows, blank as 0; None where one of them is no number."""
    try:
        values = [float(row.get(tag, "0")) for row in rows]
    except ValueError:
        return None
    return sum(values) if all(map(isfinite, values)) else None


def amount(text: str | None) -> float | None:
    """The number, or None for blank and for what is no finite number. For comparing only, never for storing."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None
