"""The embedded PostgreSQL: who may in, what it survives, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from ehr_sync.core.errors import Misconfigured
from ehr_sync.runtime import embedded_postgres, postgres_place
from ehr_sync.runtime.embedded_postgres import KEYS, MAIN, SUPERUSER, EmbeddedPostgres
from ehr_sync.runtime.processes import family_of, happens, runs
from tests.databases import database_folder

AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with database_folder() as folder:
        running = embedded_postgres.start(folder / "postgres")
        yield running
        running.stop("immediate")


def value(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes", "data_checksums"])
def test_what_durability_needs_is_on(server: EmbeddedPostgres, setting: str) -> None:
    assert value(server.dsn, f"SELECT current_setting('{setting}')") == "on"


@pytest.mark.parametrize(("setting", "expected"), [("listen_addresses", ""), ("max_connections", "200")])
def test_it_is_set_up_for_one_machine(server: EmbeddedPostgres, setting: str, expected: str) -> None:
    assert value(server.dsn, f"SELECT current_setting('{setting}')") == expected


def test_an_option_of_the_caller_wins(tmp_path: Path) -> None:
    with database_folder() as folder:
        other = embedded_postgres.start(folder / "postgres", options={"max_connections": "17"})
        try:
            assert value(other.dsn, "SELECT current_setting('max_connections')") == "17"
        finally:
            other.stop("immediate")


@pytest.mark.parametrize("role", [MAIN, KEYS, SUPERUSER])
def test_nobody_gets_in_without_a_password(server: EmbeddedPostgres, role: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"postgresql://{role}@/{role}?host={server.socket_folder}")


def test_passwords_are_checked_by_scram(server: EmbeddedPostgres) -> None:
    ways = server.psql("SELECT DISTINCT auth_method FROM pg_hba_file_rules").split()
    assert ways == ["scram-sha-256"]


@pytest.mark.parametrize(("role", "database"), [(MAIN, KEYS), (KEYS, MAIN)])
def test_one_databases_password_does_not_open_the_other(server: EmbeddedPostgres, role: str, database: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(server.dsn_of(role, database))


def test_only_its_owner_enters_the_socket_folder(server: EmbeddedPostgres) -> None:
    assert server.socket_folder.stat().st_mode & 0o777 == 0o700


def test_only_its_owner_reads_the_passwords(server: EmbeddedPostgres) -> None:
    for name in ("passwords.json", "postgres.log", "initdb.log"):
        assert (server.home / name).stat().st_mode & 0o777 == 0o600


def test_a_role_is_no_superuser(server: EmbeddedPostgres) -> None:
    assert value(server.dsn, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_the_uri_works_for_psql_too(server: EmbeddedPostgres) -> None:
    psql = postgres_place.installation_for(postgres_place.owner_needed()) / "bin" / "psql"
    answer = subprocess.check_output([psql, "-XAtc", "SELECT current_database()", server.key_dsn], text=True)
    assert answer.strip() == KEYS


def test_a_failing_statement_leaves_no_value_in_the_log(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TEMPORARY TABLE t (a text PRIMARY KEY)")
        connection.execute("INSERT INTO t VALUES (%s)", ["099200000001"])
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO t VALUES (%s)", ["099200000001"])
    assert "duplicate key" in (server.home / "postgres.log").read_text()
    assert "099200000001" not in (server.home / "postgres.log").read_text()


def test_committed_rows_survive_kill_9(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (42)")
    server.kill()
    server.restart()
    assert value(server.dsn, "SELECT number FROM kept") == 42


def test_kill_leaves_no_process(server: EmbeddedPostgres) -> None:
    family = family_of(server.pid)
    server.kill()
    assert len(family) > 1
    assert not any(runs(process) for process in family)
    server.restart()


def test_a_stale_pid_file_with_the_number_of_another_process_is_no_obstacle(server: EmbeddedPostgres) -> None:
    server.kill()
    pid_file = server.home / "data" / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(pid_file.read_text().split("\n")[0], str(os.getppid()), 1))
    server.restart()
    assert value(server.dsn, "SELECT 1") == 1


def test_a_folder_in_use_is_refused_in_one_sentence(server: EmbeddedPostgres) -> None:
    with pytest.raises(Misconfigured, match=r"^A PostgreSQL already runs on .*: stop it, or choose another folder\.$"):
        embedded_postgres.start(server.home)
    assert value(server.dsn, "SELECT 1") == 1


def test_a_folder_that_cannot_be_written_to_is_refused_in_one_sentence() -> None:
    with pytest.raises(Misconfigured, match=r"^Cannot write to .*: choose a folder of your own\.$"):
        embedded_postgres.start(Path("/proc/ehr-sync"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_taken_tcp_port_is_refused_and_nothing_is_left_running(server: EmbeddedPostgres) -> None:
    with database_folder() as folder:
        port = _free_port()
        first = embedded_postgres.start(folder / "first", port=port)
        try:
            with pytest.raises(Misconfigured, match=r"^PostgreSQL did not start in .*"):
                embedded_postgres.start(folder / "second", port=port)
            assert not [p for p in psutil.process_iter(["cmdline"]) if str(folder / "second") in str(p.info["cmdline"])]
        finally:
            first.stop("immediate")


def test_a_long_path_gets_a_short_socket_folder() -> None:
    with database_folder() as folder:
        other = embedded_postgres.start(folder / ("long" * 30))
        try:
            assert value(other.dsn, "SELECT 1") == 1
            assert other.socket_folder.stat().st_mode & 0o777 == 0o700
        finally:
            other.stop("immediate")
            other.socket_folder.rmdir()


def test_somebody_elses_socket_folder_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "socket").symlink_to(tmp_path / "there")
    with pytest.raises(Misconfigured, match="belongs to somebody else"):
        postgres_place.socket_folder_for(tmp_path, postgres_place.owner_needed())


def test_a_first_start_that_was_interrupted_is_begun_afresh() -> None:
    with database_folder() as folder:
        (folder / "postgres" / "data.half").mkdir(parents=True)
        (folder / "postgres" / "data.half" / "PG_VERSION").write_text("half")
        other = embedded_postgres.start(folder / "postgres")
        assert value(other.dsn, "SELECT 1") == 1
        other.stop("immediate")


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user runs PostgreSQL as itself")
def test_root_runs_it_as_another_user(server: EmbeddedPostgres) -> None:
    assert psutil.Process(server.pid).username() == postgres_place.USER


@pytest.mark.skipif(not AS_ROOT, reason="only root has folders that the database's owner cannot walk to")
def test_root_in_a_closed_folder_gets_a_stand_in_and_keeps_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database_folder() as state:
        monkeypatch.setattr(postgres_place, "STATE", state)
        first = embedded_postgres.start(tmp_path / "postgres")
        first.psql("CREATE TABLE kept ()", MAIN)
        first.stop()
        second = embedded_postgres.start(tmp_path / "postgres")
        try:
            assert second.home.parent == state
            assert value(second.dsn, "SELECT count(*) FROM pg_tables WHERE tablename = 'kept'") == 1
        finally:
            second.stop("immediate")


@pytest.mark.skipif(not AS_ROOT, reason="only root runs it as another user")
def test_programs_that_the_owner_cannot_reach_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with database_folder() as state:
        monkeypatch.setattr(postgres_place, "STATE", state)
        monkeypatch.setattr(postgres_place, "_reachable", lambda path: path.name != "postgres")
        running = embedded_postgres.start(state / "database")
        try:
            assert psutil.Process(running.pid).exe().startswith(str(state))
        finally:
            running.stop("immediate")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_the_process_that_started_it(how: signal.Signals) -> None:
    code = "import sys, time; from pathlib import Path; from ehr_sync.runtime import embedded_postgres\n"
    code += "print(embedded_postgres.start(Path(sys.argv[1])).pid, flush=True); time.sleep(60)"
    with database_folder() as folder:
        starter = subprocess.Popen([sys.executable, "-c", code, folder / "pg"], stdout=subprocess.PIPE, text=True)
        assert starter.stdout is not None
        family = family_of(int(starter.stdout.readline()))
        starter.send_signal(how)
        starter.communicate()
        assert happens(lambda: not any(runs(process) for process in family), seconds=10)
