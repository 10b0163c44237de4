"""Which mapping made a body: another source, list or rule is another edition; how an issue is worded is none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mappings.sources.edition import SHIPPED

ROOT = Path(__file__).parents[3]


def edition_of(folder: Path) -> str:
    """What a fresh process says of the mapping in this folder."""
    command = [sys.executable, "-c", "from mappings.sources.edition import SHIPPED; print(SHIPPED)"]
    return subprocess.check_output(command, cwd=folder, text=True).strip()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_same_files_are_the_same_edition_wherever_they_stand(copied: Path) -> None:
    assert edition_of(copied) == SHIPPED
    assert len(SHIPPED) == 8


@pytest.mark.parametrize(
    "path", ["terminology/units.json", "restricted_terms.toml", "fhir/elements.py", "gate/r4.json", "text.py"]
)
def test_a_changed_list_or_rule_is_another_edition(copied: Path, path: str) -> None:
    with (copied / "mappings" / path).open("a") as file:
        file.write("\n")
    assert edition_of(copied) != SHIPPED


@pytest.mark.parametrize("path", ["issues/catalogue.py", "issues/issues.json"])
def test_another_wording_of_an_issue_is_none(copied: Path, path: str) -> None:
    with (copied / "mappings" / path).open("a") as file:
        file.write("\n")
    assert edition_of(copied) == SHIPPED
