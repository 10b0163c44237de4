"""make tells in one sentence what a machine lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
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
    assert [line.split()[1] for line in done.stdout.splitlines()][:5] == ["help", "demo", "test", "slow", "quick"]


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


def wheel(folder: Path) -> str:
    """A package of one file and no code, for pip to find in the folder; the hash of its wheel."""
    path, inside = folder / "part-1.0-py3-none-any.whl", "part-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(f"{inside}/METADATA", "Metadata-Version: 2.1\nName: part\nVersion: 1.0\n")
        packed.writestr(f"{inside}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{inside}/RECORD", "")
    return sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("target", [".service", ".tools"])
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("part==1.0 --hash=sha256:" + 64 * "0", "THESE PACKAGES DO NOT MATCH THE HASHES"),
        ("part==1.0", "Hashes are required"),
    ],
)
def test_a_package_that_is_not_the_locked_one_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, line: str, sentence: str
) -> None:
    wheel(tmp_path)
    done = installed(tmp_path, monkeypatch, target, line)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not (tmp_path / "installed").exists()


def test_a_package_that_is_the_locked_one_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch, ".service", f"part==1.0 --hash=sha256:{wheel(tmp_path)}")
    assert [path.name for path in (tmp_path / "installed").iterdir()] == ["part-1.0.dist-info"]


def installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, target: str, line: str
) -> subprocess.CompletedProcess[str]:
    """A project whose lock has this one line, where pip asks nobody but this folder and installs beside it."""
    pip = {"NO_INDEX": "1", "FIND_LINKS": folder, "CONFIG_FILE": os.devnull, "TARGET": folder / "installed"}
    for name, value in pip.items():
        monkeypatch.setenv(f"PIP_{name}", str(value))
    for name in ("lock", ".venv"):
        (folder / name).mkdir()
    for name in ("setup.cfg", "pyproject.toml", ".venv/.made"):
        (folder / name).touch()
    for name in ("service", "tools"):
        (folder / "lock" / f"{name}.txt").write_text(line)
    return make(folder, f"BIN={Path(sys.executable).parent}", "ITSELF=true", f".venv/{target}")
