"""The pages on security name tests that exist, attacks that are tests, and all chapters of the standard."""

from __future__ import annotations

import re
from typing import Final

from tests.docs.markdown import ROOT, rows, section, text_of

ASVS, LOG = "docs/security/asvs.md", "docs/security/attack-log.md"
STATES: Final = {"met", "partly", "not yet", "not here"}


def sources() -> str:
    """All test code."""
    return "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))


def test_every_test_that_the_pages_name_exists() -> None:
    text, code = text_of(ASVS) + text_of(LOG), sources()
    named = set(re.findall(r"`(test_\w+)`", text))
    files = set(re.findall(r"`(?:tests/\w+/)?(test_\w+\.py)`", text))
    assert sorted(name for name in named if f"def {name}(" not in code) == []
    assert sorted(name for name in files if not list((ROOT / "tests").rglob(name))) == []
    assert len(named) > 50


def test_every_attack_that_runs_by_itself_is_a_row_and_every_such_row_runs() -> None:
    attacks = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests" / "attacks").glob("test_*.py"))
    run = {row[0] for row in rows(section(LOG, "## Run by make attack"))[1:]}
    assert run == set(re.findall(r"def test_(a\d{3})_", attacks))


def test_every_attack_has_one_number_and_says_what_happened() -> None:
    listed = [row for row in rows(text_of(LOG)) if re.fullmatch(r"a\d{3}", row[0])]
    assert len({row[0] for row in listed}) == len(listed)
    assert [row[0] for row in listed if len(row) != 5 or not all(row)] == []


def test_every_chapter_of_the_standard_is_there() -> None:
    assert re.findall(r"^## V(\d+) ", text_of(ASVS), re.MULTILINE) == [str(n) for n in range(1, 18)]


def test_every_requirement_has_a_state_and_all_but_those_that_are_not_here_a_reason() -> None:
    listed = [row for row in rows(text_of(ASVS)) if re.match(r"\d", row[0])]
    assert [row[0] for row in listed if row[1] not in STATES] == []
    assert [row[0] for row in listed if row[1] != "not here" and not row[2]] == []
