"""Rows as CSV (RFC 4180) that a spreadsheet opens: what it would take for a formula stays a text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

_FORMULAS: Final = ("=", "+", "-", "@")


def written_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows below the names of the first one's members; a list is one cell, None a blank one."""
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(rows[0].keys() if rows else ())
    lines.writerows([_cell(value) for value in row.values()] for row in rows)
    return written.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return "; ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else str(value)
