"""ehr-sync verify batch: a list in, a list out, and whatever ends it in the middle, begun again it ends the same."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from ehr_sync.cli import ehr_sync
from ehr_sync.runtime.processes import happens
from ehr_sync.sandbox.city.people import person
from mappings.formats.workbook import write_sheet
from tests.usecases.service import FACILITY, Running, number_of

HEADS: Final = ("Mã tham chiếu", "Số CCCD", "Họ tên", "Ngày sinh", "Ghi chú")


def rows_of(*indexes: int) -> list[list[str]]:
    people = [person(index) for index in indexes]
    return [[f"BN-{p.index}", p.number, p.name, f"{p.birth_date:%d/%m/%Y}", "x"] for p in people]


def written(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows([HEADS, *rows])
    return path


def verify(*words: object) -> Result:
    return CliRunner().invoke(ehr_sync, ["verify", "batch", *map(str, words)])


def told(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row[:5] for row in list(csv.reader(file))[1:]]


def test_each_row_is_told_by_the_senders_own_reference_and_what_is_wrong_with_it(
    running: Running, tmp_path: Path
) -> None:
    rows = [
        *rows_of(1001, 1002),
        ["KHÔNG TÊN", number_of(1003), "", "1990", ""],
        ["", "", "MẪU VĂN AN", "1/2/1990", ""],
    ]
    rows[1][2] = "NGUYỄN VĂN KHÁC"
    done = verify(written(tmp_path / "in.csv", rows), tmp_path / "out.csv", "--facility", FACILITY)

    assert (done.exit_code, done.stdout) == (
        0,
        "        1 no_number\n        1 not_proven\n        1 proven\n        1 unreadable\n",
    )
    assert "4 people, 0 answered before" in done.stderr
    assert told(tmp_path / "out.csv") == [
        ["2", "BN-1001", "proven", "certain", "registry.exact_but_sex"],
        ["3", "BN-1002", "not_proven", "possible", "registry.no_match"],
        ["4", "KHÔNG TÊN", "unreadable", "", "person.no_name"],
        ["5", "", "no_number", "", "claim.no_number"],
    ]


def test_a_workbook_is_a_list_too(running: Running, tmp_path: Path) -> None:
    listed = tmp_path / "in.xlsx"
    listed.write_bytes(write_sheet("người bệnh", [["Danh sách"], HEADS, *rows_of(1004)]))
    verify(listed, tmp_path / "out.csv", "--facility", FACILITY)
    assert told(tmp_path / "out.csv") == [["3", "BN-1004", "proven", "certain", "registry.exact_but_sex"]]


def test_begun_again_it_asks_once_more_about_whom_it_got_no_answer_and_about_nobody_else(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EHR_SYNC_RETRY_LONGEST_SECONDS", "0.01")
    monkeypatch.setenv("EHR_SYNC_RETRY_FIRST_SECONDS", "0.01")
    listed, out = written(tmp_path / "in.csv", rows_of(1010, 1011, 1012)), tmp_path / "out.csv"
    running.world.order("registry", "garbage_before", match={"contains": number_of(1011)})
    first = verify(listed, out, "--facility", FACILITY)
    assert (first.exit_code, [row[2] for row in told(out)]) == (1, ["proven", "not_answered", "proven"])
    running.world.clear("registry")

    again = verify(listed, out, "--facility", FACILITY)
    assert (again.exit_code, [row[2] for row in told(out)]) == (0, ["proven"] * 3)
    assert "3 people, 1 answered before" in again.stderr
    asked = Counter(entry["number"] for entry in running.journal("registry", kind="question"))
    assert (asked[number_of(1010)], asked[number_of(1012)]) == (1, 1)


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (b"anything\n", "Give as ANSWERS a new file, or one that this command began."),
        (
            b"row,reference,outcome,grade,reason,checked_at\n2,BN-9,proven,,,\n",
            "Give as ANSWERS a new file: this one was begun with another list.",
        ),
    ],
)
def test_a_file_that_is_another_is_left_as_it_is(
    running: Running, tmp_path: Path, answers: bytes, sentence: str
) -> None:
    out = tmp_path / "out.csv"
    out.write_bytes(answers)
    done = verify(written(tmp_path / "in.csv", rows_of(1001)), out, "--facility", FACILITY)
    assert (done.exit_code, done.stderr.splitlines()[-1], out.read_bytes()) == (2, sentence, answers)


@pytest.mark.parametrize(
    ("heads", "facility", "sentence"),
    [
        (("Tên", "Năm"), FACILITY, "The list does not name its columns, or lacks one of them."),
        (HEADS, "01099", "Give a facility that is registered"),
        (HEADS[:3], FACILITY, "The list does not name its columns, or lacks one of them."),
    ],
)
def test_what_cannot_be_begun_says_so_and_leaves_no_file_of_answers(
    running: Running, tmp_path: Path, heads: Sequence[str], facility: str, sentence: str
) -> None:
    (tmp_path / "in.csv").write_text(";".join(heads) + "\n" + ";".join(rows_of(1001)[0]) + "\n")
    done = verify(tmp_path / "in.csv", tmp_path / "out.csv", "--facility", facility)
    assert (done.exit_code, sentence in done.stderr) == (2, True)
    assert not (tmp_path / "out.csv").exists()


def test_killed_in_the_middle_and_begun_again_it_ends_the_same_and_asks_nothing_twice_but_what_was_under_way(
    running: Running, tmp_path: Path
) -> None:
    indexes, at_once = range(1050, 1080), 4
    listed, out = written(tmp_path / "in.csv", rows_of(*indexes)), tmp_path / "out.csv"
    running.world.order("registry", "delay", seconds=0.1)
    words = [sys.executable, "-m", "ehr_sync.cli", "verify", "batch", str(listed), str(out), "--facility", FACILITY]
    # Whoever was under way when it was killed is asked about anew when the lease has run out.
    quick = {
        "EHR_SYNC_LEASE_SECONDS": "2",
        "EHR_SYNC_BOOK_DEADLINE_SECONDS": "0.5",
        "EHR_SYNC_REGISTRY_CALLS": f"{at_once}",
    }
    paced = quick | {"EHR_SYNC_RETRY_FIRST_SECONDS": "0.5"}
    environment = {**os.environ, **paced}
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        assert happens(lambda: out.exists() and len(told(out)) >= 8, 60)
        process.send_signal(signal.SIGKILL)
    with out.open("ab") as torn:
        torn.write(b"99,torn")  # what a process that is killed while it writes may leave
    running.world.clear("registry")
    subprocess.run(words, env=environment, check=True, capture_output=True)

    assert told(out) == [
        [str(n), f"BN-{index}", "proven", "certain", "registry.exact_but_sex"] for n, index in enumerate(indexes, 2)
    ]
    asked = Counter((e["number"], e["name"]) for e in running.journal("registry", kind="question"))
    twice = {number for (number, _), times in asked.items() if times > 1}
    assert len(twice) <= at_once
    assert {number for number, _ in asked} >= {number_of(index) for index in indexes}


def test_a_long_list_is_read_as_it_goes(tmp_path: Path) -> None:
    """Fifty thousand rows take no more memory than one: measured in a process of its own."""
    listed = tmp_path / "in.csv"
    with listed.open("w", encoding="utf-8") as file:
        file.write("reference,number,name,birth_date\n")
        for n in range(50_000):
            file.write(f"R{n},0990900{n:05},NGUYỄN VĂN MẪU,15/03/1990\n")
    code = (
        "import resource, sys\n"
        "from mappings.formats.people_list import read_people\n"
        "with open(sys.argv[1], 'rb') as file:\n"
        "    rows = read_people(file); next(rows)\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    count = 1 + sum(row.issue is None for row in rows)\n"
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    count, grown = subprocess.run(
        [sys.executable, "-c", code, str(listed)], check=True, capture_output=True, text=True
    ).stdout.split()
    assert count == "50000"
    assert int(grown) < 2_000  # kB
