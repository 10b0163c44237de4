"""make tells in one sentence what a machine lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(MAKEFILE, folder)
    # Without what the make that runs these tests hands down.
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *arguments], cwd=folder, env=clean, capture_output=True, text=True, check=False)


def python_that(folder: Path, script: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"PYTHON={path}"


def sentences(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if not line.startswith("make")]


def test_the_default_is_a_list_of_words(tmp_path: Path) -> None:
    done = make(tmp_path)
    assert [line.split()[1] for line in done.stdout.splitlines()][:5] == ["help", "demo", "test", "quick", "mutants"]


def test_a_missing_python_is_told(tmp_path: Path) -> None:
    done = make(tmp_path, "PYTHON=/nowhere/python3", ".venv/.made")
    assert done.returncode == 2
    assert [line.split(":")[0] for line in sentences(done)] == ["Python is missing"]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ('case "$*" in *version_info*) exit 1;; esac', "is older than 3.11"),
        ('case "$*" in *ensurepip*) exit 1;; esac', "Python's venv module is missing"),
        ('case "$*" in *--clear*) exit 1;; esac', "Cannot make .venv here"),
    ],
)
def test_a_python_that_will_not_do_is_told(tmp_path: Path, script: str, sentence: str) -> None:
    done = make(tmp_path, python_that(tmp_path, script), ".venv/.made")
    assert done.returncode == 2
    assert len(sentences(done)) == 1
    assert sentence in sentences(done)[0]


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    make(tmp_path, "PYTHON=/nowhere/python3", ".venv/.made")
    assert not (tmp_path / ".venv" / ".made").exists()
