"""The corpus, put to `ehr-sync check`: of each file is heard what must be heard, and of a sound one nothing else."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from ehr_sync.cli import ehr_sync

SOUND, BROKEN = 300, 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus, written by the command."""
    place = tmp_path_factory.mktemp("corpus")
    written = CliRunner().invoke(ehr_sync, ["sandbox", "corpus", str(place)])
    assert (written.exit_code, written.output.split(" files, ")[1]) == (0, f"{place / 'corpus.csv'}\n")
    return place


@pytest.fixture(scope="module")
def index(folder: Path) -> list[dict[str, str]]:
    """What must be heard, by file."""
    return list(csv.DictReader((folder / "corpus.csv").read_text("utf-8-sig").splitlines()))


def test_there_are_enough_files_of_every_kind_and_each_says_what_it_is(
    folder: Path, index: list[dict[str, str]]
) -> None:
    kinds = [row["file"].partition("/")[0] for row in index]
    assert (kinds.count("sound") >= SOUND, kinds.count("broken") >= BROKEN) == (True, True)
    assert {row["file"] for row in index} == {str(path.relative_to(folder)) for path in folder.glob("*/*")}
    assert [row for row in index if not row["about"]] == []
    assert [row for row in index if row["file"].startswith("broken") and not (row["issue"] and row["message_vi"])] == []


def test_of_each_file_is_heard_what_must_be_heard(folder: Path, index: list[dict[str, str]]) -> None:
    checked = CliRunner().invoke(ehr_sync, ["check", "--json", "--language", "en", str(folder)])
    heard: dict[str, list[Any]] = defaultdict(list)
    for file in json.loads(checked.stdout)["files"]:
        heard[str(Path(file["name"].partition(":files")[0]).relative_to(folder))].append(file)
    wrong = [
        (row, told) for row in index if not _fits(row, told := list(_issues(heard[row["file"]])), heard[row["file"]])
    ]
    assert wrong == []


_ROW: Final = re.compile(r"\[\d+\]")


def _fits(row: dict[str, str], told: list[tuple[str, str]], files: list[Any]) -> bool:
    statuses = {dossier["status"] for file in files for dossier in file["hoSo"]}
    if ("taken" if statuses == {"accepted"} else "refused") != row["verdict"]:
        return False
    if row["file"].startswith("sound"):
        return {code for code, _ in told} - {"list.not_checked"} == {row["issue"]} - {""}
    return (row["issue"], row["path"]) in told


def _issues(files: list[Any]) -> Iterator[tuple[str, str]]:
    for file in files:
        for issue in (*file["issues"], *(one for dossier in file["hoSo"] for one in dossier["issues"])):
            yield issue["code"], _ROW.sub("", issue["path"])
