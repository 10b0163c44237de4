"""P5: a registry that is down, slow, throttling or talking nonsense is never read as "no match"; a proof stays one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import text

from ehr_sync import bootstrap
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import RegistryPerson, RegistryQuestion
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import dossier, with_number, with_values
from ehr_sync.usecases.book.erase_person import erase_person
from tests.usecases.service import Running, number_of

VISIT: Final = dossier(601, person_index=601, rows=2)
NUMBER: Final = number_of(601)


def claim(running: Running) -> Any:
    [row] = running.rows(
        "SELECT state, reason, attempts, calls, due_at - clock_timestamp() AS left, decided_at, due_at FROM claim"
    )
    return row


BEHAVIOURS: Final = [
    (900_001, "not_proven", "registry.no_match", 1),
    (900_002, "proven", "registry.exact", 2),  # the other tone placement is asked too
    (900_003, "not_proven", "registry.no_match", 1),
    (900_004, "not_proven", "registry.no_match", 1),
    (900_009, "review", "registry.name_only_loosely", 1),
]


@pytest.mark.parametrize(("index", "state", "reason", "calls"), BEHAVIOURS)
def test_each_answer_of_the_registry_has_its_verdict(
    running: Running, index: int, state: str, reason: str, calls: int
) -> None:
    running.post(dossier(602, person_index=index, rows=1))
    running.verify()
    found = claim(running)
    assert (found.state, found.reason, found.calls, found.due_at) == (state, reason, calls, None)


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        (900_005, "registry.no_answer"),
        (900_006, "registry.status_500"),
        (900_007, "registry.unreadable"),
        (900_008, "registry.other_number"),
    ],
)
def test_p5_a_registry_in_trouble_leaves_the_claim_due_later(running: Running, index: int, reason: str) -> None:
    running.post(dossier(603, person_index=index, rows=1))
    running.verify()
    found = claim(running)

    assert (found.state, found.reason, found.attempts, found.decided_at) == ("due", reason, 1, None)
    assert timedelta(minutes=29) < found.left <= timedelta(hours=1)
    running.verify()
    assert claim(running).attempts == 2


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "garbage", "garbage_before"])
def test_p5_a_registry_that_breaks_is_asked_again_and_then_believed(running: Running, fault: str) -> None:
    running.world.order("registry", fault, times=1)
    running.post(VISIT)
    running.verify()
    assert claim(running).state == "due"
    running.verify()
    assert claim(running).state == "proven"


def test_p5_a_throttling_registry_is_given_the_time_it_asks_for(running: Running) -> None:
    running.world.order("registry", "status", status=429, retry_after="3000", times=1)
    running.post(VISIT)
    running.verify()
    found = claim(running)
    assert (found.state, found.reason) == ("due", "registry.status_429")
    assert timedelta(seconds=2990) < found.left


class Says:
    """A registry of one answer: the port as it may behave at its worst."""

    def __init__(self, answer: RegistryPerson | Exception | None, meanwhile: Any = None) -> None:
        self._answer, self._meanwhile = answer, meanwhile

    def look_up(self, question: RegistryQuestion) -> RegistryPerson | None:
        if self._meanwhile:
            self._meanwhile()
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize("answer", [None, Unavailable("registry.no_answer")])
def test_p5_a_proof_is_never_downgraded_by_a_later_failure(running: Running, answer: Any) -> None:
    running.post(VISIT)
    running.settle()
    proven = claim(running)
    running.run("UPDATE claim SET due_at = clock_timestamp()")
    running.verification(Says(answer)).step(5.0)

    assert claim(running)[:2] == proven[:2]
    assert running.living(NUMBER)


def test_p5_a_later_contradiction_is_told_keeps_the_proof_and_ends_with_the_next_proof(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    proven = claim(running)
    told: list[Any] = []
    for answer in (None, bootstrap.registry_of(running.service)):
        running.run("UPDATE claim SET due_at = clock_timestamp()")
        running.verification(answer or Says(None)).step(5.0)
        told += running.rows("SELECT contradiction, contradicted_at IS NOT NULL AS noted, due_at FROM claim")

    assert told == [("registry.no_match", True, None), ("", False, None)]
    assert claim(running)[:2] == proven[:2]
    [(person_id,)] = running.rows("SELECT person_id FROM person")
    entries = running.rows("SELECT person_id, detail FROM audit_event WHERE action = 'contradiction'")
    assert [(who, detail.partition(" ")[2]) for who, detail in entries] == [(person_id, "registry.no_match")]


def test_the_outcome_of_each_field_is_kept_and_no_value(running: Running) -> None:
    running.post(VISIT)
    running.verify()
    kept = running.rows("SELECT grade, rules_version, name_found, birth_found, sex_found FROM claim")
    assert kept == [("certain", 1, "equal", "equal", "equal")]


def test_p5_a_verdict_that_comes_after_another_worker_took_the_claim_is_dropped(running: Running) -> None:
    running.post(VISIT)

    def overtaken() -> None:
        running.run("UPDATE claim SET due_at = clock_timestamp()")  # the lease has run out
        sweep = running.verification()
        sweep.run_dry()
        sweep.drain()

    late = running.verification(Says(None, overtaken))
    late.run_dry()
    late.drain()
    assert claim(running).state == "proven"


def test_p5_a_worker_that_dies_leaves_the_claim_due_after_its_lease(running: Running) -> None:
    running.post(VISIT)
    dies = running.verification(Says(RuntimeError()))
    with pytest.raises(RuntimeError):
        dies.run_dry()
    dies.drain()
    found = claim(running)
    assert (found.state, found.attempts) == ("due", 0)
    assert timedelta(0) < found.left <= timedelta(seconds=10)
    running.verify()
    assert claim(running).state == "proven"


def test_p5_a_claim_that_cannot_be_opened_stops_no_other(running: Running) -> None:
    for n in range(4):
        running.post(dossier(610 + n, person_index=610 + n, rows=1))
    running.run("UPDATE claim SET facts = 'x' WHERE claim_id = (SELECT min(claim_id) FROM claim)")
    running.verify()
    states = sorted(state for (state,) in running.rows("SELECT state FROM claim"))
    assert states == ["due", "proven", "proven", "proven"]


def test_p6_a_claim_whose_key_was_changed_stops_no_other(running: Running) -> None:
    for n in range(4):
        running.post(dossier(610 + n, person_index=610 + n, rows=1))
    [(first,), *_] = running.rows("SELECT person_id FROM claim")
    with running.service.key_database.begin() as connection:
        connection.execute(text("UPDATE person_key SET wrapped = 'x' WHERE person_id = :id"), {"id": first})
    restarted = replace(running, service=bootstrap.open_service(running.service.settings))
    restarted.verify()
    restarted.service.close()
    states = sorted(state for (state,) in running.rows("SELECT state FROM claim"))
    assert states == ["due", "proven", "proven", "proven"]


def test_p6_a_record_that_cannot_be_opened_stops_no_other_proof(running: Running) -> None:
    codes = [running.post(dossier(620 + n, person_index=620 + n, rows=1)).transaction_code for n in range(4)]
    running.run("UPDATE record_version SET body = 'x' WHERE record_id = (SELECT min(record_id) FROM record_version)")
    sweep = running.verification()
    with pytest.raises(Exception, match="unreadable"):
        sweep.run_dry()
    sweep.drain()
    running.deliver()
    assert sorted(running.follow(code).state for code in codes) == ["delivered"] * 3 + ["verifying"]


def test_a_person_erased_while_the_registry_is_asked_stays_erased(running: Running) -> None:
    running.post(VISIT)
    [(person_id,)] = running.rows("SELECT person_id FROM person")
    sweep = running.verification(
        Says(
            RegistryPerson(NUMBER, person(601).name, person(601).birth_date.strftime("%Y%m%d"), person(601).sex),
            lambda: erase_person(person_id, by="ops", stores=running.stores),
        )
    )
    sweep.run_dry()
    sweep.drain()
    assert running.counts("claim", "identifier", "lane", "record_version") == {
        "claim": 0,
        "identifier": 0,
        "lane": 0,
        "record_version": 0,
    }


def test_at_most_three_calls_are_made_for_one_claim(running: Running) -> None:
    nobody = dossier(630, person_index=900_001, rows=1)
    asked = with_values(nobody, "XML1", HO_TEN="NGUYỄN VĂN HÒA", NGAY_SINH=nobody.summary["NGAY_SINH"][:4] + "01010000")
    running.post(asked)
    running.verify()
    assert [entry["name"] for entry in running.journal("registry")] == [
        "NGUYỄN VĂN HÒA",
        "NGUYỄN VĂN HOÀ",
        "NGUYỄN VĂN HÒA",
    ]
    assert [len(entry["birth_date"]) for entry in running.journal("registry")] == [8, 8, 4]


def test_a_claim_without_a_number_is_not_asked_about(running: Running) -> None:
    running.post(with_number(VISIT, ""))
    running.verify()
    assert (running.journal("registry"), claim(running).state) == ([], "no_number")


def test_one_claim_of_many_records_is_asked_about_once(running: Running) -> None:
    for n in range(3):
        running.post(dossier(640 + n, person_index=601, rows=1))
    running.settle()
    assert len(running.journal("registry")) == 1
    assert len([key for key in running.living(NUMBER) if key[0] == "Encounter"]) == 3


@pytest.mark.parametrize(("age", "state"), [("25 hours", "due"), ("23 hours", "not_proven")])
def test_a_new_record_has_a_claim_that_was_not_proven_asked_again_but_not_on_the_same_day(
    running: Running, age: str, state: str
) -> None:
    running.post(dossier(640, person_index=900_001, rows=1))
    running.verify()
    running.run("UPDATE claim SET decided_at = decided_at - CAST(:age AS interval)", age=age)
    running.post(dossier(641, person_index=900_001, rows=1))
    assert claim(running).state == state


def test_a_new_version_of_a_known_record_asks_nobody_again(running: Running) -> None:
    visit = dossier(642, person_index=900_001, rows=1)
    running.post(visit)
    running.verify()
    running.run("UPDATE claim SET decided_at = decided_at - interval '2 days'")
    running.post(with_values(visit, "XML1", LOI_DAN="Tái khám sau một tuần"))
    assert claim(running).state == "not_proven"


def test_what_a_mended_register_proves_at_last_comes_with_all_its_records(running: Running) -> None:
    first = dossier(643, person_index=643, rows=1)
    running.world.order("registry", "status", status=500, times=1)
    running.post(first)
    running.verify()
    running.run("UPDATE claim SET state = 'not_proven', decided_at = now() - interval '2 days', due_at = NULL")
    running.seal()
    running.post(dossier(644, person_index=643, rows=1))
    running.settle()
    assert claim(running).state == "proven"
    assert len([key for key in running.living(number_of(643)) if key[0] == "Encounter"]) == 2
