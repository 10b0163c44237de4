"""ehr-sync terminology …: a new edition of a code list counts at once, is seen by others, and can be rolled back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
from click.testing import CliRunner, Result

from ehr_sync.bootstrap_web import web_application
from ehr_sync.commands.remap import remap_command
from ehr_sync.commands.terminology import terminology
from ehr_sync.core.errors import Misconfigured, Unavailable
from ehr_sync.sandbox.dossiers.generator import dossier, with_values
from ehr_sync.store.database import Database
from ehr_sync.usecases.terminology import follow_editions
from ehr_sync.usecases.terminology.follow_editions import LOOK_SECONDS, FollowedEditions
from mappings.terminology import editions
from tests.usecases.service import Running, number_of

HEAD: Final = "code,display,from,until,successors,limits\n"
AREAS: Final = HEAD + "K1,Khu vực 1,,,,\nK4,Khu vực 4,,,,\n"
LOAD: Final = ("--edition", "QĐ 1/QĐ-BYT", "--from", "2026-09-01")
VISIT: Final = with_values(
    dossier(652, person_index=652, shape="outpatient"), "XML1", MA_BENH_CHINH="U07.99", MA_BENH_KT="", CHAN_DOAN_RV=""
)


@pytest.fixture(autouse=True)
def nothing_loaded(running: Running) -> Iterator[None]:
    """What a test loads is gone when the next begins."""
    yield
    running.run("DELETE FROM code_list_edition")
    editions.install(())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good file of areas."""
    path = tmp_path / "areas.csv"
    path.write_text(AREAS, "utf-8")
    return path


def ran(*arguments: object) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(terminology, [str(one) for one in arguments])


def listed(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ran("list", name, "--json").output)
    return found


def test_an_edition_is_loaded_listed_shown_and_rolled_back_each_with_an_entry(running: Running, file: Path) -> None:
    told = ran("load", "area", file, *LOAD).output
    number = listed("area")[0]["number"]
    assert told.splitlines() == [
        "2 codes; 1 that the list of 2026-09-01 did not have, 2 of it are gone.",
        f"It is edition {number} of area; running services follow within seconds.",
        "Dossiers that are kept already: ehr-sync remap.",
    ]
    assert [(one["edition"], one["first"], one["codes"], one["counts"]) for one in listed("area")] == [
        ("QĐ 1/QĐ-BYT", "2026-09-01", 2, True),
        ("QĐ 130/QĐ-BYT", "", 3, True),
    ]
    assert f"area\t2026-09-01 to …\t2 codes\tQĐ 1/QĐ-BYT\tloaded, edition {number}\n" in ran("list").output
    assert "2026-09-01: K4 Khu vực 4 (QĐ 1/QĐ-BYT)" in ran("show", "area", "K4", "--on", "2026-09-01").output
    assert "2026-08-31: not in QĐ 130/QĐ-BYT." in ran("show", "area", "K4", "--on", "2026-08-31").output
    assert "not_checked" in ran("show", "icd10", "I10", "--on", "2026-07-01").output

    assert ran("withdraw", number).output.startswith(f"Edition {number} of area counts no more.")
    assert [one["counts"] for one in listed("area")] == [False, True]
    assert "not in QĐ 130/QĐ-BYT" in ran("show", "area", "K4", "--on", "2026-09-01").output
    again = ran("withdraw", number)
    assert isinstance(again.exception, Misconfigured)

    log = running.rows("SELECT action, detail FROM audit_event WHERE action LIKE '%code list' ORDER BY n")
    assert [action for action, _ in log] == ["load code list", "withdraw code list"]
    assert log[0][1].startswith(f"area number={number} from=2026-09-01 to=- codes=2 sha256=")
    assert log[1][1] == f"area number={number}"


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (HEAD + "K1,Khu vực 1,,,,\nK 9,,,,,\nK1,,,,,\n", (), "line 3: code has not the form"),
        ("mã,tên\nK1,Khu vực 1\n", (), "it has columns that are none"),
        (HEAD + "K1,,,,,\n", (), "Say --shrinks if it is whole: it has 1 codes, where the list had 3"),
        (AREAS, ("--until", "2026-08-31"), "end no earlier than it begins"),
        (AREAS, ("--edition", "<b>"), "Name the edition as its decree is called"),
    ],
)
def test_a_wrong_file_changes_nothing(
    running: Running, file: Path, content: str, options: tuple[str, ...], said: str
) -> None:
    file.write_text(content, "utf-8")
    done = ran("load", "area", file, *LOAD, *options)
    assert isinstance(done.exception, Misconfigured)
    assert said in done.exception.code
    assert running.rows("SELECT number FROM code_list_edition") == []


def test_a_dry_run_changes_nothing_and_a_partial_edition_may_be_short(running: Running, file: Path) -> None:
    assert "2 codes" in ran("load", "area", file, *LOAD, "--dry-run").output
    assert running.rows("SELECT number FROM code_list_edition") == []
    file.write_text(HEAD + "K4,,,,,\n", "utf-8")
    assert "1 codes" in ran("load", "area", file, *LOAD, "--partial").output
    assert listed("area")[0]["whole"] is False


def test_another_process_follows_within_seconds(running: Running, file: Path) -> None:
    seconds = [100.0]
    follow = FollowedEditions(running.stores.database, lambda: seconds[0])
    assert ran("load", "area", file, *LOAD).exit_code == 0
    editions.install(())  # as in a process that has not heard of it
    seconds[0] += LOOK_SECONDS - 0.1
    follow()
    assert len(editions.editions("area")) == 1
    seconds[0] += 0.2
    follow()
    assert [one.name for one in editions.editions("area")] == ["QĐ 1/QĐ-BYT", "QĐ 130/QĐ-BYT"]


def test_a_running_web_worker_asks_with_what_is_posted(
    running: Running, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_editions, "LOOK_SECONDS", 0.0)
    asked = web_application(running.service).test_client()
    assert ran("load", "area", file, *LOAD).exit_code == 0
    editions.install(())
    asked.get("/api/v1/rules", base_url="http://127.0.0.1:8080")
    assert len(editions.editions("area")) == 1
    asked.post("/oauth2/token", base_url="http://127.0.0.1:8080")
    assert len(editions.editions("area")) == 2


def test_a_web_worker_begins_though_the_database_is_gone_once_more(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that gave up would end all of gunicorn."""

    def gone(_: Database) -> NoReturn:
        raise Unavailable("database.stopping")

    monkeypatch.setattr(Database, "reading", gone)
    monkeypatch.setattr(Database, "begin", gone)
    assert web_application(running.service)


def test_what_is_kept_has_the_new_name_after_a_remap(running: Running, file: Path) -> None:
    running.post(VISIT)
    running.settle()
    assert [one["code"]["text"] for one in told(running)] == ["Mã bệnh U07.99"]

    file.write_text(HEAD + "U07.99,Bệnh mới,,,,\n", "utf-8")
    assert ran("load", "icd10", file, "--edition", "QĐ 2", "--from", "2000-01-01", "--partial").exit_code == 0
    done = CliRunner().invoke(remap_command, ["--all", "--yes", "--rate", "1000"])
    assert "1 come out otherwise; their books are told what differs" in done.output
    running.settle()
    [condition] = told(running)
    assert [(one["display"], one["version"]) for one in condition["code"]["coding"]] == [("Bệnh mới", "QĐ 2")]


def told(running: Running) -> list[dict[str, Any]]:
    """The main diagnosis in the patient's book."""
    book = running.book(number_of(652))
    return [one for (kind, _), one in book.items() if kind == "Condition" and one["code"].get("coding")]
