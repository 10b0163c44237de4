"""The communes and wards of the invented city: Hanoi's own."""

from __future__ import annotations

from functools import cache

from ehr_sync.sandbox.lists import rows_of


@cache
def communes() -> tuple[tuple[str, str], ...]:
    """(code, name) of Hanoi's 126 communes and wards since 01/07/2025 (QĐ 19/2025/QĐ-TTg)."""
    return tuple((r["code"], r["name"]) for r in rows_of("communes.csv"))
