"""Returned drugs and cancelled services: a row with a negative SO_LUONG takes back what others gave
(rules: returned-goods).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from mappings.fhir.elements import trimmed_decimal
from mappings.fhir.ids import Key
from mappings.model import Row


def netted(rows: Sequence[Row], same: Callable[[Row], Key], content: Callable[[Row], Key]) -> Sequence[Row]:
    """The rows after returns. `same` says which rows are of one thing, `content` orders rows of one time.

    A return takes back the latest order before it first, then any other; a row taken back whole is left out, and
    so is what was returned without having been given.
    """
    returns: dict[Key, list[Row]] = {}
    given: list[Row] = []
    for row in rows:
        if row.get("SO_LUONG", "").startswith("-"):
            returns.setdefault(same(row), []).append(row)
        else:
            given.append(row)
    if not returns:
        return rows
    concerned: dict[Key, list[Row]] = {key: [] for key in returns}
    kept: list[Row] = []
    for row in given:
        concerned.get(same(row), kept).append(row)
    for key, lines in concerned.items():
        lines.sort(key=lambda row: (row.get("NGAY_YL", ""), content(row)), reverse=True)
        kept += _left(lines, sorted(returns[key], key=_ordered))
    return kept


def alike(row: Row, *tags: str) -> Key:
    """What says that rows are of one thing: "viên", "Viên" and "viên " are one unit."""
    return tuple(["".join(row.get(tag, "").split()).casefold() for tag in tags])


def is_nothing(row: Row) -> bool:
    """Whether nothing of it was used: SO_LUONG is what was used in fact (appendix of QĐ 130). Blank says nothing."""
    amount = row.get("SO_LUONG", "")
    # What begins with another digit is something: nearly every row.
    return amount[:1] < "1" and trimmed_decimal(amount).strip("-") == "0"


def taken_back(rows: Sequence[Row], same: Callable[[Row], Key]) -> list[Row]:
    """The rows of things of which something was taken back, or nothing used: their returns, and what these were of."""
    concerned = {same(row) for row in rows if row.get("SO_LUONG", "").startswith("-") or is_nothing(row)}
    return [row for row in rows if same(row) in concerned] if concerned else []


def _left(lines: Sequence[Row], returns: Sequence[Row]) -> Iterator[Row]:
    """What is left of the lines, the latest of which stands first, after returns in the order of time. One sweep:
    a table may hold thousands of both.
    """
    given = [_amount(row) for row in lines]
    left = given.copy()
    ahead = list(range(len(lines)))
    before: list[int] = []
    due = Decimal(0)
    for row in returns:
        at = _ordered(row)
        while ahead and _ordered(lines[ahead[-1]])[: len(at)] <= at:
            before.append(ahead.pop())
        due += _taken(left, before, _amount(row))
    _taken(left, [*before, *reversed(ahead)], due)
    for row, had, has in zip(lines, given, left, strict=True):
        if has == had:
            yield row
        elif has:
            yield {**row, "SO_LUONG": str(has)}


def _taken(left: list[Decimal], candidates: list[int], back: Decimal) -> Decimal:
    """Takes from the last candidate first, and forgets those with nothing left; what could not be taken."""
    while back and candidates:
        taken = min(back, left[candidates[-1]])
        left[candidates[-1]] -= taken
        back -= taken
        if not left[candidates[-1]]:
            candidates.pop()
    return back


def _ordered(row: Row) -> str:
    return row.get("NGAY_YL", "")


def _amount(row: Row) -> Decimal:
    digits = trimmed_decimal(row.get("SO_LUONG"))
    return abs(Decimal(digits)) if digits else Decimal(0)
