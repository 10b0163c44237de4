"""No line is kept from bandit without its rule and a reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SERVICE: Final = ("ehr_sync", "mappings", "scheduler")


def without_reason(text: str) -> list[int]:
    """The lines, from 1, that are kept from bandit without naming a rule, or without a comment just above."""
    lines = ["", *text.splitlines()]
    kept = [number for number, line in enumerate(lines) if "# nosec" in line]
    return [
        number
        for number in kept
        if not (re.search(r"# nosec B\d{3}$", lines[number]) and lines[number - 1].lstrip().startswith("# "))
    ]


def test_what_is_kept_from_bandit_says_why() -> None:
    files = [path for package in SERVICE for path in (ROOT / package).rglob("*.py")]
    assert {str(path): told for path in files if (told := without_reason(path.read_text("utf-8")))} == {}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("# It reads none.\nimport x  # nosec B406", []),
        ("import x  # nosec B406", [1]),
        ("# It reads none.\nimport x  # nosec", [2]),
        ("import y\nimport x  # nosec B406", [2]),
    ],
)
def test_a_line_that_is_kept_without_a_reason_is_found(text: str, lines: list[int]) -> None:
    assert without_reason(text) == lines
