"""Who somebody is, asked at a desk: what is told of whom, what the registry is asked, and that nobody can guess."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import uuid4

import pytest

from ehr_sync import bootstrap
from ehr_sync.core.call_quota import CallQuota
from ehr_sync.core.errors import NotFound, Unavailable
from ehr_sync.core.ports import Login, RegistryPerson, RegistryQuestion
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import dossier, with_values
from ehr_sync.sandbox.world import World
from ehr_sync.store import clients
from ehr_sync.usecases.book.erase_person import erase_person
from ehr_sync.usecases.book.who_looked import who_looked
from ehr_sync.usecases.desk.asking import Asker, desk_of, system
from ehr_sync.usecases.desk.verify_people import (
    Answer,
    Desk,
    find_answer,
    place_of,
    verify_all,
    verify_person,
    verify_some,
)
from ehr_sync.usecases.verification.limit_calls import CallLimits
from ehr_sync.usecases.verification.watch_tries import end_lock_outs, list_lock_outs
from mappings.formats.people_list import PersonRow, person_row
from tests.databases import Dsns
from tests.given import URIS
from tests.usecases.service import FACILITY, HOSPITAL, Running, number_of, open_running

OTHER: Final = "01005"
CLERK: Final = system(HOSPITAL)


@pytest.fixture(scope="module")
def running(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One a module: each test asks about people of its own."""
    world.clear()
    made = open_running(module_dsns, world, tmp_path_factory.mktemp("desk"))
    with made.stores.database.begin() as connection:
        clients.add_facility(connection, made.stores.keys, OTHER, name="Bệnh viện khác")
        clients.grant(connection, made.stores.keys, HOSPITAL, OTHER)
    yield made
    made.service.close()


@pytest.fixture
def desk(running: Running) -> Iterator[Desk]:
    with ThreadPoolExecutor(4) as pool:
        yield Desk(
            stores=running.stores,
            registry=bootstrap.registry_of(running.service),
            limits=CallLimits(retry=RetryPolicy(0.001, 0.001)),
            someone_waits=False,
            most=3,
            lease=timedelta(seconds=60),
            pool=pool,
            at_once=4,
            retry=RetryPolicy(0.001, 0.001),
        )


def of(index: int, **said: str) -> PersonRow:
    """The person as a list names them, with what is written otherwise."""
    who = person(index)
    right = {"SO_CCCD": who.number, "HO_TEN": who.name, "NGAY_SINH": f"{who.birth_date:%d/%m/%Y}", "reference": "A1"}
    return person_row(1, {**right, **said})


def born_later(index: int, days: int) -> PersonRow:
    return of(index, NGAY_SINH=f"{person(index).birth_date + timedelta(days=days):%Y%m%d}")


def asked(desk: Desk, row: PersonRow, facility: str = FACILITY, asker: Asker = CLERK) -> Answer:
    return verify_person(row, facility, asker, wait=30, desk=desk)


def questions(running: Running, index: int) -> int:
    return len(running.journal("registry", kind="question", number=number_of(index)))


@pytest.mark.parametrize(
    ("row", "outcome", "reason", "grade"),
    [
        (of(801), "proven", "registry.exact_but_sex", "certain"),
        (of(802, GIOI_TINH="Nam" if person(802).sex == "male" else "Nữ"), "proven", "registry.exact", "certain"),
        (of(803, NGAY_SINH=f"{person(803).birth_date:%Y-%m-%d}"), "proven", "registry.exact_but_sex", "certain"),
        (of(804, NGAY_SINH=str(person(804).birth_date.year)), "review", "registry.birth_year_only", "probable"),
        (of(805, HO_TEN="NGUYỄN THỊ KHÔNG PHẢI"), "not_proven", "registry.no_match", "possible"),
        (of(806, SO_CCCD=""), "no_number", "claim.no_number", None),
        (of(807, SO_CCCD="B1234567"), "no_number", "claim.number_not_askable", None),
        (of(808, SO_CCCD="123456789", MA_QUOCTICH="116"), "no_number", "claim.number_not_askable", None),
        (of(809, HO_TEN="CON BÀ NGUYỄN THỊ MẪU"), "not_asked", "claim.name_may_be_a_parents", None),
        (of(900_009), "review", "registry.name_only_loosely", "probable"),
        (of(900_006), "not_answered", "registry.status_500", None),
        (of(900_007), "not_answered", "registry.unreadable", None),
        (of(900_008), "not_answered", "registry.other_number", None),
        (of(810, HO_TEN=""), "unreadable", "person.no_name", None),
        (of(811, NGAY_SINH="31121"), "unreadable", "person.birth_unreadable", None),
    ],
)
def test_each_is_told_its_verdict_and_nothing_that_the_registry_holds(
    desk: Desk, row: PersonRow, outcome: str, reason: str, grade: str | None
) -> None:
    answer = asked(desk, row)
    told = answer.issue.code if answer.issue else answer.reason
    assert (answer.outcome, told, answer.grade) == (outcome, reason, grade)


def test_what_was_answered_is_told_again_without_a_question_and_what_is_proven_to_every_facility(
    running: Running, desk: Desk
) -> None:
    wrong = of(821, HO_TEN="NGUYỄN THỊ KHÁC")
    assert [asked(desk, of(820)).outcome for _ in range(2)] == ["proven"] * 2
    elsewhere = asked(desk, of(820), OTHER)
    # When, and that, somebody else has asked, it does not tell.
    assert (elsewhere.outcome, elsewhere.check_id is not None) == ("proven", True)
    assert elsewhere.at and elsewhere.at > asked(desk, of(820)).at  # type: ignore[operator]  # it was decided
    assert [asked(desk, wrong).outcome for _ in range(2)] == ["not_proven"] * 2
    assert (questions(running, 820), questions(running, 821)) == (1, 1)


def test_who_a_dossier_has_proven_is_told_without_a_question_and_of_the_sex_only_to_who_says_one(
    running: Running, desk: Desk
) -> None:
    running.post(dossier(822, person_index=822, rows=1))
    running.verify()
    before = questions(running, 822)
    assert asked(desk, of(822)).reason == "registry.exact_but_sex"
    assert asked(desk, of(822, GIOI_TINH=person(822).sex)).reason == "registry.exact"
    assert questions(running, 822) == before


def test_what_is_not_proven_is_asked_about_once_more_after_a_day(running: Running, desk: Desk) -> None:
    wrong = of(823, HO_TEN="NGUYỄN THỊ KHÁC")
    asked(desk, wrong)
    running.run("UPDATE verification SET asked_at = asked_at - interval '25 hours'")
    asked(desk, wrong)
    assert questions(running, 823) == 2


def test_p5_a_registry_in_trouble_is_no_verdict_and_the_next_one_asks_again(running: Running, desk: Desk) -> None:
    running.world.order("registry", "status", times=1, status=429, retry_after="7")
    first = asked(desk, of(824))
    assert (first.outcome, first.reason, first.retry_after) == ("not_answered", "registry.status_429", 7.0)
    assert asked(desk, of(824)).outcome == "proven"


def test_an_answer_that_takes_longer_is_pending_and_is_there_when_it_is_asked_for(running: Running, desk: Desk) -> None:
    running.world.order("registry", "delay", times=1, seconds=0.4)
    pending = verify_person(of(825), FACILITY, CLERK, wait=0.05, desk=desk)
    assert pending.outcome == "pending" and pending.check_id is not None
    # The same again is the same question, not another one.
    assert verify_person(of(825), FACILITY, CLERK, wait=0.0, desk=desk).check_id == pending.check_id
    assert find_answer(pending.check_id, CLERK, desk=desk).outcome == "pending"
    desk.pool.shutdown()
    assert find_answer(pending.check_id, CLERK, desk=desk).outcome == "proven"
    assert questions(running, 825) == 1
    for check_id, asker in ((pending.check_id, Asker("client:x", "someone-else")), (uuid4(), CLERK)):
        with pytest.raises(NotFound):
            find_answer(check_id, asker, desk=desk)


def test_a_question_whose_process_has_died_is_not_answered_and_asked_anew(running: Running, desk: Desk) -> None:
    running.world.order("registry", "status", times=1, status=500)
    check_id = asked(desk, of(826)).check_id
    running.run("UPDATE verification SET state = 'asked', decided_at = NULL WHERE check_id = :id", id=check_id)
    assert asked(desk, of(826)).outcome == "pending"
    running.run("UPDATE verification SET asked_at = asked_at - interval '2 minutes' WHERE check_id = :id", id=check_id)
    assert check_id and find_answer(check_id, CLERK, desk=desk).outcome == "not_answered"
    assert asked(desk, of(826)).outcome == "proven"


def test_a_number_is_no_riddle_right_or_wrong_the_fourth_of_a_day_is_told_alike_and_asked_of_nobody(
    running: Running, desk: Desk
) -> None:
    began = running.rows("SELECT max(n) FROM audit_event")[0][0]
    assert [asked(desk, born_later(830, n)).outcome for n in (1, 2, 3)] == ["not_proven"] * 3
    held = [asked(desk, row) for row in (of(830), born_later(830, 4))]
    assert [(each.outcome, each.reason, each.check_id) for each in held] == [
        ("held_back", "claim.too_many_tries", None)
    ] * 2
    assert questions(running, 830) == 3
    # What it heard it may hear again; another facility may still try; and it is told to operators and in the log.
    assert asked(desk, born_later(830, 1)).outcome == "not_proven"
    assert asked(desk, of(830), OTHER).outcome == "proven"
    assert asked(desk, of(830)).outcome == "held_back"
    [lock] = list_lock_outs(stores=running.stores)
    assert (lock.family, lock.held) == (FACILITY, 2)
    entries = running.rows(
        "SELECT actor, detail FROM audit_event WHERE action = 'refused check identity' AND n > :n", n=began
    )
    assert [tuple(row) for row in entries] == [(f"client:{HOSPITAL}", HOSPITAL)]

    end_lock_outs(FACILITY, lock=lock.lock, by="ops", stores=running.stores)
    assert asked(desk, of(830)).outcome == "proven"
    assert list_lock_outs(stores=running.stores) == []


def test_tries_of_dossiers_and_of_the_desk_are_counted_together(running: Running, desk: Desk) -> None:
    born = person(831).birth_date
    for n in (1, 2):
        later = f"{born + timedelta(days=n):%Y%m%d}0000"
        running.post(with_values(dossier(8310 + n, person_index=831, rows=1), "XML1", NGAY_SINH=later))
    assert asked(desk, born_later(831, 3)).outcome == "not_proven"
    assert asked(desk, born_later(831, 4)).outcome == "held_back"
    sent = running.post(with_values(dossier(8319, person_index=831, rows=1), "XML1", NGAY_SINH=f"{born:%Y%m%d}0000"))
    assert running.follow(sent.transaction_code).steps[-1].reason == "claim.too_many_tries"
    end_lock_outs(FACILITY, lock=None, by="ops", stores=running.stores)


def test_in_whose_name_a_client_of_several_places_asks_it_must_say(running: Running) -> None:
    assert place_of(OTHER, CLERK, stores=running.stores) == OTHER
    for facility in ("", "01099"):
        with pytest.raises(NotFound, match=r"facility\.unknown"):
            place_of(facility, CLERK, stores=running.stores)
    assert place_of("", Asker("ops:x", desk_of(FACILITY)), stores=running.stores) == FACILITY


def test_p10_each_question_is_an_entry_before_it_is_asked_that_its_person_can_read(
    running: Running, desk: Desk
) -> None:
    running.post(dossier(832, person_index=832, rows=1))
    running.settle()
    answer = asked(desk, of(832, HO_TEN="NGUYỄN THỊ KHÁC"))
    [entry] = running.rows("SELECT actor FROM audit_event WHERE detail = :d", d=f"{HOSPITAL} {answer.check_id}")
    assert entry.actor == f"client:{HOSPITAL}"
    looks = who_looked(
        "who looked", login=Login("c", number_of(832)), before=None, count=50, stores=running.stores, uris=URIS
    )
    assert [(look.who, look.name) for look in looks or () if look.action == "check identity"] == [
        ("facility", "Bệnh viện")
    ]


def test_p11_what_is_kept_names_nobody_and_goes_with_the_person_who_is_erased(running: Running, desk: Desk) -> None:
    running.post(dossier(833, person_index=833, rows=1))
    running.verify()
    asked(desk, of(833, HO_TEN="NGUYỄN THỊ KHÁC"))
    kept = running.rows("SELECT v::text FROM verification v")
    assert kept and not [row for row in kept if number_of(833) in row[0] or "KHÁC" in row[0]]
    before = running.counts("verification")["verification"]
    erase_person(running.person_of(number_of(833)), by="ops", stores=running.stores)
    assert running.counts("verification")["verification"] == before - 1


# ---- lists ----


class Troubled:
    """A registry that finds everybody but for troubles on order: by number how often, "" for the next of all."""

    def __init__(self, **troubles: int) -> None:
        self.troubles, self.asked = troubles, list[str]()

    def look_up(self, question: RegistryQuestion) -> RegistryPerson | None:
        self.asked.append(question.number)
        for who in (question.number, "all"):
            if self.troubles.get(who, 0) > 0:
                self.troubles[who] -= 1
                raise Unavailable("registry.status_429" if who == "all" else "registry.unreadable")
        return RegistryPerson(question.number, question.name, question.birth_date, "unknown")


def listed(desk: Desk, registry: Troubled, first: int, count: int) -> tuple[list[str], list[str], list[float]]:
    """The outcomes of a list of people in their order, what was told of trouble, and the pauses."""
    told: list[str] = []
    pauses: list[float] = []
    rows = [replace(of(index), number=n) for n, index in enumerate(range(first, first + count), 1)]
    troubled = replace(desk, registry=registry, pause=pauses.append)
    answers = list(verify_all(iter(rows), FACILITY, CLERK, told=told.append, desk=troubled))
    assert [row.number for row, _ in answers] == list(range(1, count + 1))
    return [answer.outcome for _, answer in answers], told, pauses


def test_a_list_waits_for_a_registry_that_answers_nobody_and_ends_as_if_it_had_always_been_there(desk: Desk) -> None:
    registry = Troubled(all=60)
    outcomes, told, pauses = listed(desk, registry, 900, 9)
    assert outcomes == ["proven"] * 9
    assert set(told) == {"registry.status_429"} and len(pauses) >= 10
    assert len(registry.asked) == 60 + 9  # who was answered is not asked about again


def test_one_whom_alone_the_registry_does_not_answer_is_told_so_and_keeps_nobody_waiting(desk: Desk) -> None:
    registry = Troubled(**{number_of(862): 10**6})
    outcomes, _, pauses = listed(desk, registry, 860, 9)
    assert outcomes == ["proven", "proven", "not_answered", *["proven"] * 6]
    assert len(pauses) == 5


def test_a_list_holds_no_more_rows_than_are_under_way(desk: Desk) -> None:
    taken = 0

    def rows() -> Iterator[PersonRow]:
        nonlocal taken
        for index in range(950, 970):
            taken += 1
            yield of(index)

    answers = verify_all(rows(), FACILITY, CLERK, told=print, desk=replace(desk, registry=Troubled()))
    for n, _ in enumerate(answers, 1):
        assert taken <= n + desk.at_once - 1


def test_a_list_that_has_only_so_long_leaves_the_rest_pending_and_begun_again_asks_only_about_that(
    running: Running, desk: Desk
) -> None:
    rows = [of(index) for index in range(870, 880)]
    ticks = iter(range(1000))
    hurried = replace(desk, stopwatch=lambda: float(next(ticks)), at_once=1)
    registry = Troubled()
    first = verify_some(rows, FACILITY, CLERK, seconds=8, desk=replace(hurried, registry=registry))
    desk.pool.submit(int).result()
    outcomes = [answer.outcome for _, answer in first]
    assert set(outcomes) == {"proven", "pending"}
    assert len(registry.asked) < len(rows)
    second = verify_some(rows, FACILITY, CLERK, seconds=60, desk=replace(desk, registry=registry))
    assert [answer.outcome for _, answer in second] == ["proven"] * 10
    assert len(registry.asked) == len(rows)


def test_a_list_keeps_to_the_registrys_quota_and_leaves_the_desks_their_part(running: Running, desk: Desk) -> None:
    with running.stores.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM registry_calls")
    limits = CallLimits(retry=RetryPolicy(0.001, 0.001), quota=CallQuota(per_minute=12), deadline=timedelta(seconds=1))
    of_list = replace(desk, limits=limits, pause=lambda _: None)
    at_desk = replace(of_list, someone_waits=True)
    # Of twelve calls a minute two are kept for desks. A person is begun where three are left, and takes one.
    answers = [asked(of_list, of(n)) for n in range(700, 712)]
    assert [each.outcome for each in answers] == ["proven"] * 8 + ["not_answered"] * 4
    assert {(each.reason, each.retry_after) for each in answers[8:]} == {("registry.quota", 1.0)}
    assert [questions(running, n) for n in range(708, 712)] == [0] * 4
    assert asked(at_desk, of(711)).outcome == "proven"


def test_nobody_of_a_list_is_given_up_as_the_quota_was_used_up(running: Running, desk: Desk) -> None:
    limits = CallLimits(retry=RetryPolicy(0.001, 0.001), quota=CallQuota(per_minute=12), deadline=timedelta(seconds=1))
    with running.stores.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM registry_calls")
        limits.count(connection, 4, at_desk=False)  # all twelve
    told: list[str] = []

    def tell(reason: str) -> None:
        told.append(reason)
        if len(told) == 20:  # a minute later, when the registry has a bad moment
            running.world.order("registry", "status", times=2, status=503)
            with running.stores.database.begin() as connection:
                connection.exec_driver_sql("DELETE FROM registry_calls")

    alone = replace(desk, limits=limits, pause=lambda _: None)
    [(_, answer)] = verify_all([of(720)], FACILITY, CLERK, told=tell, desk=alone)
    assert answer.outcome == "proven"
    assert told == ["registry.quota"] * 20 + ["registry.status_503"] * 2
