"""The ministry's small code lists with their validity: code_lists.json, one code a line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class _Entry:
    display: str
    valid_from: date
    valid_until: date


def display(name: str, code: str, on: date) -> str:
    """The Vietnamese name of a code of a list on a day; "" where the list has no such code then.

    Raises KeyError for a list that does not exist.
    """
    entry = _lists()[name].get(code)
    return entry.display if entry is not None and entry.valid_from <= on <= entry.valid_until else ""


def starts(name: str) -> dict[str, date]:
    """Every code of a list with its first day, date.min where it was always in it; KeyError as of `display`."""
    return {code: entry.valid_from for code, entry in _lists()[name].items()}


@cache
def _lists() -> dict[str, dict[str, _Entry]]:
    stored = json.loads(files(__package__).joinpath("code_lists.json").read_text("utf-8"))
    return {name: {row["code"]: _entry(row) for row in one["codes"]} for name, one in stored.items()}


def _entry(row: dict[str, str]) -> _Entry:
    starts, ends = row.get("from"), row.get("until")
    return _Entry(
        row["display"],
        date.fromisoformat(starts) if starts else date.min,
        date.fromisoformat(ends) if ends else date.max,
    )
