"""The real service under gunicorn: it starts or says why not, and lives through the death of its database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from ehr_sync.adapters import key_file
from ehr_sync.bootstrap import open_service
from ehr_sync.core.errors import Misconfigured
from ehr_sync.runtime import embedded_postgres
from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.runtime.processes import happens
from ehr_sync.settings import from_environment, settings_of
from ehr_sync.store.migrate import migrate
from tests import given
from tests.api import hospital, web
from tests.databases import Dsns, database_folder

NOWHERE = "postgresql://ehr_sync@127.0.0.1:1/ehr_sync"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return given.key_file_in(tmp_path)


def gunicorn(**variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EHR_SYNC_")}
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"]
    return subprocess.run(command, env={**clean, **variables}, capture_output=True, text=True, check=False, timeout=60)


def test_without_settings_it_says_which_is_missing() -> None:
    ended = gunicorn()
    assert (ended.returncode, "Set EHR_SYNC_DSN: " in ended.stderr) == (2, True)


def test_without_a_database_it_says_what_to_do(keys: Path) -> None:
    ended = gunicorn(**given.variables(dsn=NOWHERE, key_dsn=NOWHERE, key_file=str(keys)))
    assert (ended.returncode, "\nStart PostgreSQL, or mend EHR_SYNC_DSN" in ended.stderr) == (2, True)


def test_with_another_key_file_it_says_what_to_do(dsns: Dsns, keys: Path, tmp_path: Path) -> None:
    ours = given.settings(dsn=dsns.main, key_dsn=dsns.keys, key_file=str(keys))
    open_service(settings_of(ours)).close()
    key_file.create(tmp_path / "other.json")
    names = "audit and content and id and id_tokens and index and restricted and root and signing"
    with pytest.raises(Misconfigured, match=f"its {names} keys do not fit"):
        open_service(settings_of({**ours, "key_file": str(tmp_path / "other.json")}))


def test_with_one_foreign_key_it_names_the_key(dsns: Dsns, keys: Path) -> None:
    ours = given.variables(dsn=dsns.main, key_dsn=dsns.keys, key_file=str(keys), spool_folder=str(keys.parent))
    open_service(from_environment(ours)).close()
    document = json.loads(keys.read_text())
    document["index"] = document["audit"]
    keys.write_text(json.dumps(document))
    ended = gunicorn(**ours)
    assert (ended.returncode, "its index key does not fit the main database" in ended.stderr) == (2, True)


def test_what_our_uris_begin_with_is_that_of_the_first_start(dsns: Dsns, keys: Path) -> None:
    ours = given.settings(dsn=dsns.main, key_dsn=dsns.keys, key_file=str(keys))
    first = {**ours, "uri_base": "https://first.example/fhir"}
    for _ in range(2):
        service = open_service(settings_of(first))
        assert service.uris["watermark"] == "https://first.example/fhir/sid/watermark"
        assert service.uris["cccd"] == "http://fhir.hl7.org.vn/core/sid/cccd"
        service.close()
    with pytest.raises(Misconfigured) as refused:
        open_service(settings_of({**ours, "uri_base": "https://second.example/fhir"}))
    assert refused.value.code == (
        "Set EHR_SYNC_URI_BASE to https://first.example/fhir: it stands in all that this installation has told."
    )


def test_one_database_for_both_is_told_by_the_setting(dsns: Dsns, keys: Path) -> None:
    same = f"{dsns.main}&application_name=keys"
    ended = gunicorn(**given.variables(dsn=dsns.main, key_dsn=same, key_file=str(keys)))
    assert (ended.returncode, "Set EHR_SYNC_KEY_DSN to a database of its own" in ended.stderr) == (2, True)


def test_a_spool_that_others_can_write_to_ends_the_start(dsns: Dsns, keys: Path) -> None:
    ended = gunicorn(**given.variables(dsn=dsns.main, key_dsn=dsns.keys, key_file=str(keys), spool_folder="/tmp"))
    sentence = "Set EHR_SYNC_SPOOL_FOLDER to a folder of its own: others can write to /tmp."
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (2, sentence)


def test_without_our_certificate_at_the_registry_it_says_what_to_do(dsns: Dsns, keys: Path) -> None:
    ours = given.variables(dsn=dsns.main, key_dsn=dsns.keys, key_file=str(keys))
    ended = gunicorn(**ours, EHR_SYNC_REGISTRY_CERTIFICATE="/nowhere.pem", EHR_SYNC_REGISTRY_CERTIFICATE_KEY="/nowhere")
    assert (ended.returncode, "Booting worker" in ended.stderr) == (2, False)
    assert "\nSet EHR_SYNC_REGISTRY_CERTIFICATE, _CERTIFICATE_KEY and _AUTHORITY" in ended.stderr


def test_without_migrations_it_says_what_to_do(dsns: Dsns, keys: Path) -> None:
    migrate(dsns.main, dsns.keys, "base")
    ended = gunicorn(**given.variables(dsn=dsns.main, key_dsn=dsns.keys, key_file=str(keys)))
    assert (ended.returncode, "\nRun ehr-sync migrate: " in ended.stderr) == (2, True)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[EmbeddedPostgres]:
    with database_folder() as folder:
        server = embedded_postgres.start(folder / "postgres", options={"max_wal_size": "256MB"})
        migrate(server.dsn, server.key_dsn)
        yield server
        server.stop("immediate")


@pytest.fixture(scope="module")
def served(own_postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[web.Served]:
    folder = tmp_path_factory.mktemp("served")
    given.key_file_in(folder)
    ours = {"dsn": own_postgres.dsn, "key_dsn": own_postgres.key_dsn, "key_file": str(folder / "keys.json")}
    variables = given.variables(**ours, spool_folder=str(folder / "spool"))
    with web.behind_gunicorn("wsgi:app", folder / "log", **variables) as running:
        yield running


def core_limits(pid: int) -> str:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line for line in lines if line.startswith("Max core file size"))


def test_no_process_of_it_leaves_a_dump_with_keys(served: web.Served) -> None:
    processes = [served.pid, *(worker.pid for worker in psutil.Process(served.pid).children())]
    assert len(processes) == 3
    assert [core_limits(pid).split()[4:6] for pid in processes] == [["0", "0"]] * 3


def test_no_scheduler_leaves_a_dump_with_keys(own_postgres: EmbeddedPostgres, served: web.Served) -> None:
    ours = {"dsn": own_postgres.dsn, "key_dsn": own_postgres.key_dsn, "key_file": str(served.log.parent / "keys.json")}
    log = served.log.parent / "scheduler"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "scheduler"], env=os.environ | given.variables(**ours), stderr=out
        )
    try:
        assert happens(lambda: "scheduler_started" in log.read_text(), 30)
        assert core_limits(process.pid).split()[4:6] == ["0", "0"]
    finally:
        process.terminate()
        process.wait(30)


def ready(served: web.Served) -> int:
    return requests.get(f"{served.address}/readyz", timeout=20).status_code


def test_it_is_ready_when_it_has_started(served: web.Served) -> None:
    assert ready(served) == 200


def test_a_database_that_dies_makes_it_unready_and_one_that_returns_makes_it_ready(
    served: web.Served, own_postgres: EmbeddedPostgres
) -> None:
    own_postgres.kill()
    while_away = happens(lambda: ready(served) == 503, 20)  # what it says is up to a second old
    own_postgres.restart()

    assert (while_away, happens(lambda: ready(served) == 200, 20)) == (True, True)


def test_while_the_database_is_away_a_token_is_postponed_and_not_refused(
    served: web.Served, own_postgres: EmbeddedPostgres
) -> None:
    form = hospital.form(hospital.assertion(aud=f"{served.address}/oauth2/token", exp=int(time.time()) + 99))
    own_postgres.kill()
    answer = requests.post(f"{served.address}/oauth2/token", data=form, timeout=20)
    own_postgres.restart()

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_a_killed_worker_is_replaced_even_while_the_database_is_away(
    served: web.Served, own_postgres: EmbeddedPostgres
) -> None:
    own_postgres.kill()
    for worker in psutil.Process(served.pid).children():
        worker.kill()
    time.sleep(2)
    own_postgres.restart()

    assert happens(served.answers, 30)


def test_its_log_is_json_from_the_first_line_to_the_last(served: web.Served) -> None:
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    assert any(str(line.get("note", "")).startswith("Listening at: ") for line in lines)
