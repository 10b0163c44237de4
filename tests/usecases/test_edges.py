"""Deciding edges inside the service: one that was turned stops its own item only, and an operator seals what is right.
What a thief with SQL meets over HTTP is in tests/api/test_edges.py.
"""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from click.testing import CliRunner

from ehr_sync import bootstrap
from ehr_sync.commands import audit as audit_command
from ehr_sync.commands import edges as command
from ehr_sync.commands import erase as erase_command
from ehr_sync.core.errors import Misconfigured, Unavailable, Unfit
from ehr_sync.core.ports import Login
from ehr_sync.runtime.logs import make_log
from ehr_sync.sandbox.dossiers.generator import corrected, dossier, envelope, with_number, with_values
from ehr_sync.store import clients, people
from ehr_sync.usecases.access.seal_edges import seal_edges, survey_edges
from ehr_sync.usecases.book.erase_person import erase_person, undone_erasures
from ehr_sync.usecases.book.search_book import Search, search_book
from ehr_sync.usecases.check_readiness import check_readiness
from ehr_sync.usecases.verification.watch_tries import end_lock_outs, watching_tries
from scheduler.__main__ import _loop as sweeping
from tests import given
from tests.usecases.service import FACILITY, HOSPITAL, Running, number_of

ALICE, BOB = 821, 822
A, B = number_of(ALICE), number_of(BOB)
VISITS: Final = envelope([dossier(one, person_index=one, rows=2) for one in (ALICE, BOB)])
# The same number, another claim.
SECOND: Final = with_values(dossier(823, person_index=ALICE, rows=1), "XML1", GIOI_TINH="3")
ELSEWHERE: Final = ((828, FACILITY), (829, "01005"))
FITS: Final = "Every edge fits its seal and the audit log.\n"

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """ehr-sync edges …: the exit code, and what it says."""
    settings = running.service.settings
    kept = {name: str(getattr(settings, name)) for name in ("dsn", "key_dsn", "key_file", "spool_folder")}
    for name, value in given.variables(running.world, **kept).items():
        monkeypatch.setenv(name, value)

    def invoke(*arguments: str, of: Any = command.edges) -> tuple[int, str]:
        result = CliRunner().invoke(of, list(arguments))
        if isinstance(result.exception, Misconfigured):
            return 2, result.exception.code
        return result.exit_code, result.output

    yield invoke


def entries(running: Running) -> list[str]:
    return [row.action for row in running.rows("SELECT action FROM audit_event ORDER BY n")]


def everybody(running: Running) -> dict[str, int]:
    return {number: running.everything(number).total for number in (A, B)}


def unsealed(running: Running) -> None:
    """As a database of before seals is."""
    for table in ("person", "identifier", "claim", "client", "facility"):
        running.run(f"UPDATE {table} SET seal = NULL, sealed_at = 0")  # noqa: S608
    running.run("DELETE FROM audit_event WHERE action = 'edge'")


# ---- what is written ----


def test_a_dossier_that_changes_no_edge_waits_for_no_head_of_the_log(running: Running) -> None:
    before = entries(running)
    running.post_bytes(VISITS)
    running.post(corrected(dossier(ALICE, person_index=ALICE, rows=2), 824))
    assert entries(running) == before


def test_a_proof_is_told_in_the_log_once_for_each_edge_that_it_changes(running: Running, run: Run) -> None:
    running.post(dossier(ALICE, person_index=ALICE, rows=1))
    before = len(entries(running))
    running.verify()
    assert entries(running)[before:] == ["verify", "edge", "edge", "edge"]  # claim, number, person
    assert run("verify") == (0, FITS)


def test_whatever_people_and_clients_go_through_every_edge_fits(running: Running, run: Run) -> None:
    running.post_bytes(VISITS)
    running.settle()
    running.post(SECOND)
    running.verify()  # moved into the person whom the first claim proved
    running.post(dossier(825, person_index=825, rows=1))
    running.post(with_values(dossier(826, person_index=826, rows=1), "XML1", HO_TEN="NGƯỜI LẠ"))
    running.verify()
    running.run("UPDATE claim SET decided_at = decided_at - interval '2 days'")
    running.post(with_values(dossier(827, person_index=826, rows=1), "XML1", HO_TEN="NGƯỜI LẠ"))  # asked again
    running.verify()
    # Refused at first, and accepted once the facility is registered.
    elsewhere = envelope(
        [dossier(one, person_index=one, rows=1, facility=at) for one, at in ELSEWHERE], facility=FACILITY
    )
    assert running.post_bytes(elsewhere).failed == 1
    with running.stores.database.begin() as connection:
        clients.add_facility(connection, running.stores.keys, "01005", name="Bệnh viện khác")
        clients.grant(connection, running.stores.keys, HOSPITAL, "01005")
    assert running.post_bytes(elsewhere).failed == 0
    running.settle()
    assert run("verify") == (0, FITS)
    for number in (B, number_of(829)):
        erase_person(running.person_of(number), by="ops", stores=running.stores)
    running.post_bytes(VISITS)
    running.settle()
    assert run("verify") == (0, FITS)


# ---- one that was turned stops its own item only ----


def test_p6_a_claim_that_was_turned_is_put_off_and_others_are_proven(running: Running) -> None:
    running.post_bytes(VISITS)
    mark = running.rows("SELECT number_mark FROM claim ORDER BY number_mark LIMIT 1")[0].number_mark
    running.run("UPDATE claim SET number_mark = :mark", mark=mark)
    sweep = running.verification()
    with pytest.raises(Unfit):
        sweep.run_dry()
    sweep.drain()

    states = running.rows("SELECT state, reason, due_at > now() FROM claim ORDER BY state")
    assert states == [("due", "edges.unfit", True), ("proven", "registry.exact", None)]
    assert entries(running).count("edge unfit") == 1


@pytest.mark.parametrize("how", ["after a day", "by an operator"])
def test_p4_a_claim_that_was_turned_and_dressed_as_held_back_is_not_sealed_as_it_stands(
    running: Running, how: str
) -> None:
    running.post_bytes(VISITS)
    running.settle()
    before = running.shown(A)
    alice, bob = (people.number_mark_of(running.stores.keys.index, number) for number in (A, B))
    running.run(
        "UPDATE claim SET number_mark = :alice, state = 'review', reason = 'claim.too_many_tries', family = '01001'"
        " WHERE number_mark = :bob",
        alice=alice,
        bob=bob,
    )
    if how == "after a day":
        watching_tries(stores=running.stores, most=3, tell=lambda _: None)()
    else:
        end_lock_outs("01001", lock=None, by="ops", stores=running.stores)
    with pytest.raises(Unfit):
        running.verification().run_dry()
    running.deliver()
    assert running.shown(A) == before
    assert entries(running).count("edge unfit") >= 1


def test_p6_a_lane_of_a_person_who_was_turned_is_parked_and_others_go_on(running: Running) -> None:
    running.post_bytes(VISITS)
    running.verify()
    alice = running.person_of(A)
    running.run("UPDATE claim SET reason = 'registry.exact_but_sex' WHERE person_id = :who", who=alice)
    running.deliver()
    running.deliver()

    [lane] = running.rows("SELECT person_id, reason FROM lane WHERE state = 'parked'")
    assert (lane.person_id, lane.reason) == (alice, "edges.unfit")
    assert (running.stored(A), len(running.stored(B)) > 0) == ([], True)


def test_p4_of_a_number_that_was_taken_out_nobody_else_is_proven(running: Running) -> None:
    running.post_bytes(VISITS)
    running.settle()
    alice = running.person_of(A)
    running.run("DELETE FROM identifier WHERE person_id = :who", who=alice)
    running.post(SECOND)
    with pytest.raises(Unfit):
        running.verify()

    assert running.rows("SELECT count(*) FROM identifier")[0][0] == 1
    assert running.rows("SELECT reason FROM claim WHERE state = 'due'") == [("edges.unfit",)]


def test_p4_a_claim_put_back_as_it_was_before_its_proof_proves_nobody_again(running: Running) -> None:
    running.post(dossier(ALICE, person_index=ALICE, rows=1))
    running.run("CREATE TABLE yesterday AS TABLE claim")
    running.verify()
    running.run("DELETE FROM claim")
    running.run("INSERT INTO claim SELECT * FROM yesterday")
    with pytest.raises(Unfit):
        running.verify()
    assert running.rows("SELECT state, reason FROM claim") == [("due", "edges.unfit")]


def test_a_new_version_does_not_leave_a_book_whose_number_was_taken_out(running: Running) -> None:
    running.post(dossier(ALICE, person_index=ALICE, rows=2))
    running.settle()
    running.run("DELETE FROM identifier")
    other = with_number(dossier(ALICE, person_index=ALICE, rows=2), B)
    with pytest.raises(Unfit):
        running.post(other)


def test_nobody_is_erased_as_moved_into_somebody_else_by_a_thief(running: Running) -> None:
    running.post_bytes(VISITS)
    running.settle()
    alice, bob = running.person_of(A), running.person_of(B)
    running.run("UPDATE person SET state = 'merged', merged_into = :bob WHERE person_id = :alice", alice=alice, bob=bob)
    with pytest.raises(Unfit):
        erase_person(bob, by="ops", stores=running.stores)
    assert running.stores.key_store.keys([alice, bob]).keys() == {alice, bob}


def test_no_refused_dossier_is_destroyed_by_a_number_that_a_thief_gave_somebody(running: Running) -> None:
    running.post_bytes(VISITS)
    running.settle()
    alice, bob = running.person_of(A), running.person_of(B)
    running.run(
        "UPDATE claim SET number_mark = (SELECT mark FROM identifier WHERE person_id = :alice) WHERE person_id = :bob",
        alice=alice,
        bob=bob,
    )
    with pytest.raises(Unfit):
        erase_person(bob, by="ops", stores=running.stores)
    assert running.stores.key_store.keys([bob]).keys() == {bob}


def test_who_also_takes_the_entry_out_of_the_log_is_found_by_its_chain(running: Running, run: Run) -> None:
    running.post(dossier(ALICE, person_index=ALICE, rows=1))
    running.run("CREATE TABLE yesterday AS TABLE claim")
    running.verify()
    running.run("DELETE FROM claim")
    running.run("INSERT INTO claim SELECT * FROM yesterday")
    running.run("DELETE FROM audit_event WHERE action = 'edge'")
    assert run("verify", of=audit_command.audit)[0] == 1


# ---- what an operator seals ----


def test_a_database_of_before_seals_is_not_served_until_an_operator_has_sealed_it(running: Running, run: Run) -> None:
    running.post_bytes(VISITS)
    running.settle()
    before = everybody(running)
    unsealed(running)

    with pytest.raises(Misconfigured, match="Run ehr-sync edges seal"):
        bootstrap.open_service(running.service.settings)
    code, said = run("seal", "--dry-run")
    assert (code, said.splitlines()) == (
        0,
        [
            "claim: 2 rows have no seal yet",
            "client: 1 rows have no seal yet",
            "facility: 1 rows have no seal yet",
            "identifier: 2 rows have no seal yet",
            "person: 2 rows have no seal yet",
        ],
    )
    assert running.rows("SELECT count(seal) FROM person")[0][0] == 0
    assert run("seal", "--yes")[1].endswith("8 edges are sealed.\n")

    assert run("verify") == (0, FITS)
    assert entries(running)[-4:] == ["seal edges", "edge", "edge", "edge"]  # a client and two numbers
    bootstrap.open_service(running.service.settings).close()
    assert everybody(running) == before


def test_what_contradicts_itself_is_shown_and_never_sealed(running: Running, run: Run) -> None:
    running.post_bytes(VISITS)
    running.settle()
    alice, bob = running.person_of(A), running.person_of(B)
    unsealed(running)
    running.run("UPDATE identifier SET person_id = :alice WHERE person_id = :bob", alice=alice, bob=bob)

    _, said = run("seal", "--yes")
    assert said.count("leads to nobody, or to somebody whom another number proved") == 1
    assert everybody_or_unfit(running) == {A: "own", B: "edges.unfit"}
    assert run("verify")[0] == 1


def everybody_or_unfit(running: Running) -> dict[str, str]:
    def ask(number: str) -> str:
        try:
            return "own" if running.everything(number).total else "none"
        except Unavailable as unavailable:
            return unavailable.code

    return {number: ask(number) for number in (A, B)}


def test_sql_by_hand_is_shown_and_sealed_at_an_operators_word(running: Running, run: Run) -> None:
    running.post(dossier(ALICE, person_index=ALICE, rows=1))
    running.settle()
    running.run("UPDATE client SET scopes = scopes || '{transactions.read}'")
    running.run("UPDATE claim SET reason = 'registry.exact_but_sex'")
    running.run("UPDATE facility SET family_id = '01001'")
    code, said = run("seal", "--yes")

    assert (code, said.count("was changed, or put in")) == (0, 2)
    assert run("verify") == (0, FITS)
    assert running.everything(A).total


def test_without_a_yes_nothing_is_sealed(running: Running, run: Run) -> None:
    running.run("UPDATE client SET scopes = '{}'")
    assert run("seal")[0] == 1
    assert run("verify") == (1, f"client {HOSPITAL} was changed, or put in\n")


def test_what_changed_after_it_was_shown_is_not_sealed(running: Running) -> None:
    running.run("UPDATE client SET scopes = '{}'")
    shown = list(survey_edges(stores=running.stores))
    running.run("UPDATE client SET scopes = '{ops}'")
    assert seal_edges(shown, by="ops", stores=running.stores) == 0
    assert [found.says for found in survey_edges(stores=running.stores)] == ["changed"]


def test_a_row_taken_out_by_hand_is_shown_and_accepted_as_gone(running: Running, run: Run) -> None:
    running.post(dossier(ALICE, person_index=ALICE, rows=1))
    running.settle()
    running.run("DELETE FROM identifier")
    assert "was taken out: the audit log knows it" in run("seal", "--yes")[1]
    assert running.everything(A).total == 0


def test_a_facilitys_name_and_what_its_day_means_are_no_edge(running: Running, run: Run) -> None:
    running.run("UPDATE facility SET made_on_means = 'visit_day', name = 'Tên mới' WHERE code = :code", code=FACILITY)
    assert run("verify") == (0, FITS)


# ---- keys that are missing, or are there again ----


def read(running: Running) -> int:
    login = Login("citizen", A)
    return search_book(
        "search Patient", ("Patient",), Search(), login=login, stores=running.stores, uris=running.service.uris
    ).total


def forgotten(running: Running) -> Running:
    """The same, opened anew: no key is remembered."""
    service = bootstrap.open_service(running.service.settings)
    return Running(service, running.world, running.began)


def test_whoever_has_a_book_is_never_told_of_none_as_their_key_is_missing(running: Running) -> None:
    running.post(dossier(ALICE, person_index=ALICE, rows=1))
    running.settle()
    alice = running.person_of(A)
    with running.service.key_database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM person_key WHERE person_id = %s", (alice,))
    again = forgotten(running)
    with pytest.raises(Unavailable, match=r"keys\.missing"):
        read(again)
    again.service.close()


def test_while_a_person_is_being_erased_they_have_no_book(running: Running) -> None:
    running.post(dossier(ALICE, person_index=ALICE, rows=1))
    running.settle()
    running.stores.key_store.erase(running.person_of(A))
    assert read(running) == 0


@pytest.fixture
def older_key_store(running: Running) -> Running:
    """Alice was erased, and the key store is from before that."""
    running.post(dossier(ALICE, person_index=ALICE, rows=1))
    running.settle()
    with running.service.key_database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE older AS TABLE person_key")
    erase_person(running.person_of(A), by="ops", stores=running.stores)
    with running.service.key_database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM erasure")
        connection.exec_driver_sql("INSERT INTO person_key SELECT * FROM older ON CONFLICT DO NOTHING")
    return running


def test_nothing_starts_on_a_key_store_of_before_an_erasure(older_key_store: Running) -> None:
    with pytest.raises(Misconfigured, match=r"before the erasure of 1 people \(keys\.older\)"):
        bootstrap.open_service(older_key_store.service.settings)


def test_a_service_that_runs_on_such_a_key_store_is_not_ready(older_key_store: Running) -> None:
    service = older_key_store.service
    told = check_readiness(
        database=service.stores.database,
        key_database=service.key_database,
        undone_erasures=lambda: undone_erasures(stores=service.stores),
    )
    assert [name for name, so in told.items() if not so] == ["erasures"]


def test_whom_an_older_key_store_brings_back_is_erased_again(older_key_store: Running, run: Run) -> None:
    assert run("--again", of=erase_command.erase) == (0, "The keys of 1 people are destroyed again.\n")
    again = bootstrap.open_service(older_key_store.service.settings)
    [row] = older_key_store.rows("SELECT person_id FROM person WHERE state = 'erased'")
    assert again.stores.key_store.keys([row.person_id]) == {}
    again.close()


def test_a_tombstone_that_a_thief_put_up_keeps_nobody_from_starting(running: Running) -> None:
    running.post(dossier(ALICE, person_index=ALICE, rows=1))
    running.run("UPDATE person SET state = 'erased'")
    bootstrap.open_service(running.service.settings).close()


def test_a_sweep_that_meets_an_edge_that_does_not_fit_tells_so_and_goes_on(running: Running) -> None:
    running.post_bytes(VISITS)
    running.run("UPDATE claim SET person_id = gen_random_uuid() WHERE claim_id = (SELECT min(claim_id) FROM claim)")
    log, stop = io.StringIO(), threading.Event()
    sweep = threading.Thread(
        target=sweeping, args=("verify", running.verification(), 0.05, stop, make_log("info", log)), daemon=True
    )
    sweep.start()
    until = time.monotonic() + 20
    while (
        running.rows("SELECT count(*) FROM claim WHERE state = 'proven'")[0][0] < 1
        or "edge_unfit" not in log.getvalue()
    ):
        assert time.monotonic() < until
        time.sleep(0.05)
    stop.set()
    sweep.join()

    [line] = [row for row in map(json.loads, log.getvalue().splitlines()) if row["event"] != "audited"]
    assert (line["event"], line["level"], line["sweep"], line["code"]) == (
        "edge_unfit",
        "error",
        "verify",
        "edges.unfit",
    )
