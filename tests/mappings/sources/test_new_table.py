"""README's recipe for a source table, followed to the letter: a folder, and a line that registers it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a copy of the project knows of a table that was added to it so."""
    copy = tmp_path_factory.mktemp("project")
    for package in ("ehr_sync", "mappings"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    tables = copy / "mappings" / "sources" / "dossier" / "tables"
    shutil.copytree(HERE / "new_table", tables / "xml77", ignore=shutil.ignore_patterns("__pycache__"))
    registry = tables / "__init__.py"
    text = registry.read_text("utf-8")
    text = text.replace("    XML5,\n", "    XML5,\n    XML77,\n")
    text = text.replace(
        "from mappings.sources.dossier.visit import",
        "from mappings.sources.dossier.tables.xml77 import XML77\nfrom mappings.sources.dossier.visit import",
    )
    registry.write_text(text, "utf-8")
    script = copy / "try_new_table.py"
    shutil.copy(HERE / "try_new_table.py", script)
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run([sys.executable, script], cwd=copy, env=environment, capture_output=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_sandbox_sends_a_row_like_its_example(known: dict[str, Any]) -> None:
    (row,) = known["generated"]
    assert row == {"MA_LK": "01001.2026.0000007", "NGAY_DO": "202611100900", "NHIP_THO": "18"}


def test_its_rows_are_read_and_not_told_as_kept(known: dict[str, Any]) -> None:
    assert known["read"] == known["generated"]
    assert "XML77" not in known["unmapped"]
    assert known["issues"] == []


def test_its_fields_are_checked(known: dict[str, Any]) -> None:
    assert known["issues of a wrong value"] == [["value.not_a_number", "XML77[1].NHIP_THO"]]


def test_its_rows_are_mapped_and_pass_the_gate(known: dict[str, Any]) -> None:
    (observation,) = known["mapped"]
    assert observation["resourceType"] == "Observation"
    assert observation["effectiveDateTime"] == "2026-11-10T09:00:00+07:00"
    assert observation["valueQuantity"]["value"] == 18
    assert observation["encounter"]["reference"].startswith("Encounter/")
    assert known["found by the gate"] == []


def test_the_page_of_fields_lists_it(known: dict[str, Any]) -> None:
    assert known["listed"] == ["| NHIP_THO | mapped | Observation.valueQuantity |"]
