"""Returned drugs and cancelled services: a row with a negative SO_LUONG takes back what others gave (trade
rules 8).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from mappings.elements import trimmed_decimal
from mappings.ids import Key
from mappings.model import Row


def netted(rows: Sequence[Row], same: Callable[[Row], Key], content: Callable[[Row], Key]) -> Sequence[Row]:
    """The rows after returns. `same` says which rows are of one thing, `content` orders rows of one time.

    The latest order is taken back first; a row taken back whole is left out, and so is what was returned
    without having been given.
    """
    returned: dict[Key, Decimal] = {}
    kept = []
    for row in rows:
        if row.get("SO_LUONG", "").startswith("-"):
            returned[same(row)] = returned.get(same(row), Decimal(0)) + _amount(row)
        else:
            kept.append(row)
    if not returned:
        return rows
    kept.sort(key=lambda row: (row.get("NGAY_YL", ""), content(row)), reverse=True)
    return [left for row in kept if (left := _without(row, same(row), returned)) is not None]


def _without(row: Row, key: Key, returned: dict[Key, Decimal]) -> Row | None:
    """The row less what was returned of it; what is still to be taken back stays in `returned`."""
    back = returned.get(key)
    given = _amount(row)
    if not back or not given:
        return row
    taken = min(back, given)
    returned[key] = back - taken
    return None if taken == given else {**row, "SO_LUONG": str(given - taken)}


def _amount(row: Row) -> Decimal:
    digits = trimmed_decimal(row.get("SO_LUONG"))
    return abs(Decimal(digits)) if digits else Decimal(0)
