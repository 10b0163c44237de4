"""The list of the service's parts says what is locked, in the form that CycloneDX defines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

from tests.supply.locked import read

ROOT: Final = Path(__file__).parents[2]
LOCK: Final = read((ROOT / "lock" / "service.txt").read_text())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """As make sbom writes it, in a folder of the test's own."""
    path = tmp_path_factory.mktemp("sbom") / "sbom.json"
    tools = [f"BIN={Path(sys.executable).parent}", f"SBOM={path}", "--old-file=.venv/.tools"]
    subprocess.run(["make", "--silent", *tools, "sbom"], cwd=ROOT, check=True, capture_output=True, timeout=120)
    return path.read_text()


@pytest.fixture(scope="module")
def parts(written: str) -> dict[str, Any]:
    """Each part by its name."""
    return {str(canonicalize_name(part["name"])): part for part in json.loads(written)["components"]}


def test_the_list_of_parts_has_the_form_of_cyclonedx(written: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None


def test_each_locked_package_is_a_part_in_its_version(parts: dict[str, Any]) -> None:
    assert {name: part["version"] for name, part in parts.items()} == {n: one.version for n, one in LOCK.items()}


def test_each_part_has_an_address_that_advisories_know_it_by(parts: dict[str, Any]) -> None:
    assert {name: part["purl"] for name, part in parts.items()} == {
        name: f"pkg:pypi/{name}@{package.version}" for name, package in LOCK.items()
    }
