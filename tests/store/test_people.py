"""The SQL of people and claims: one person behind a number, verdicts by their own fence, never over a proof."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Connection, text

from ehr_sync.core.identity import Claim, State
from ehr_sync.core.verdict import Verdict
from ehr_sync.store import due_claims, edges, identity_claims, people
from ehr_sync.store.database import Database
from ehr_sync.store.due_claims import TakenClaim
from ehr_sync.store.edges import Edge
from ehr_sync.store.identity_claims import ClaimRow, NewClaim
from ehr_sync.store.identity_edges import edge_of_person
from ehr_sync.store.people import ProvenFacts
from ehr_sync.store.sealing import Unreadable
from tests.databases import Dsns
from tests.keys import KEYS
from tests.store.plans import JOINS, join_by
from tests.store.waiting import wait_until_somebody_waits

KEY: Final = bytes(32)
LEASE: Final = timedelta(seconds=60)
FACTS: Final = Claim("099200000001", "cccd", "MẪU", "1990-01-01", "male", foreign=False, name_may_be_a_parents=False)
PROVEN: Final = Verdict(State.PROVEN, "registry.exact")
REFUTED: Final = Verdict(State.NOT_PROVEN, "registry.no_match")


def add(database: Database, *claim_ids: bytes, state: State = State.DUE) -> list[UUID]:
    fresh = {uuid4(): (KEY, NewClaim(c, b"number", FACTS, Verdict(state, ""))) for c in claim_ids}
    at = database.now()
    with database.begin() as connection:
        identity_claims.add_claims(connection, KEYS.edges, fresh, at)
    return list(fresh)


def seal(connection: Connection, *changed: Edge) -> None:
    """What a use case does with what it changed."""
    edges.write(connection, KEYS, changed)


def take(database: Database, limit: int = 10) -> list[TakenClaim]:
    with database.begin() as connection:
        turn = due_claims.whose_turn(connection, at_desk=False)
        return due_claims.take_due(connection, KEYS.edges, LEASE, turn, each=limit, limit=limit)


def expire(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE claim SET due_at = clock_timestamp()"))


def decide(database: Database, taken: TakenClaim, verdict: Verdict) -> bool:
    with database.begin() as connection:
        return identity_claims.decide_claim(connection, taken, verdict, 1)


def row(database: Database) -> Any:
    with database.begin() as connection:
        return connection.execute(text("SELECT *, due_at - clock_timestamp() AS left FROM claim")).one()


def test_a_claim_is_taken_once_within_its_lease(database: Database) -> None:
    add(database, b"1")
    [taken] = take(database)
    assert (taken.claim_id, taken.fence, take(database)) == (b"1", 1, [])
    expire(database)
    assert [again.fence for again in take(database)] == [2]


@pytest.mark.parametrize("state", [s for s in State if s is not State.DUE])
def test_a_claim_that_was_decided_at_once_is_never_taken(database: Database, state: State) -> None:
    add(database, b"1", state=state)
    assert take(database) == []


@pytest.mark.parametrize("analysed", [False, True])
def test_no_more_claims_are_taken_than_asked_for(database: Database, analysed: bool) -> None:
    add(database, *(bytes([n]) for n in range(50)))
    if analysed:
        with database.begin() as connection:
            connection.execute(text("ANALYZE claim"))
    batches = [len(take(database, 8)) for _ in range(8)]
    assert batches == [8, 8, 8, 8, 8, 8, 2, 0]


def test_workers_at_once_never_take_one_claim_twice(database: Database) -> None:
    add(database, *(bytes([n]) for n in range(60)))
    with ThreadPoolExecutor(6) as threads:
        batches = list(threads.map(lambda _: [t.claim_id for t in take(database, 5)], range(24)))
    taken = [claim_id for batch in batches for claim_id in batch]
    assert len(taken) == len(set(taken)) <= 60


def test_p5_a_verdict_by_an_older_fence_is_dropped(database: Database) -> None:
    add(database, b"1")
    [late] = take(database)
    expire(database)
    [current] = take(database)
    assert not decide(database, late, REFUTED)
    assert decide(database, current, PROVEN)
    assert row(database).state == "proven"


@pytest.mark.parametrize("verdict", [REFUTED, Verdict(State.REVIEW, "x"), PROVEN])
def test_p5_nothing_is_written_over_a_proof(database: Database, verdict: Verdict) -> None:
    add(database, b"1")
    [taken] = take(database)
    assert decide(database, taken, PROVEN)
    before = row(database)
    assert not decide(database, taken, verdict)
    with database.begin() as connection:
        identity_claims.postpone_claim(connection, taken, "registry.no_answer", LEASE, 1)
    assert row(database) == before


def test_p5_a_postponed_claim_stays_due(database: Database) -> None:
    add(database, b"1")
    [taken] = take(database)
    with database.begin() as connection:
        identity_claims.postpone_claim(connection, taken, "registry.no_answer", timedelta(seconds=90), 2)
    found = row(database)
    assert (found.state, found.reason, found.attempts, found.calls) == ("due", "registry.no_answer", 1, 2)
    assert timedelta(seconds=80) < found.left <= timedelta(seconds=90)


def test_p4_of_many_who_take_one_number_one_gets_it(database: Database) -> None:
    crowd = [uuid4() for _ in range(16)]

    def grab(who: UUID) -> bool:
        with database.begin() as connection:
            return people.take_number(connection, b"number", who)

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(grab, crowd)) == [False] * 15 + [True]


def test_p4_a_proven_person_keeps_the_first_proof(database: Database) -> None:
    [who] = add(database, b"1")
    with database.begin() as connection:
        people.prove(connection, who, b"1")
        people.prove(connection, who, b"2")
        seal(connection, edge_of_person(who, "proven", None, b"1"))
        facts = people.proven_facts(connection, KEYS.edges, [who]).get(who)
    assert isinstance(facts, ProvenFacts)
    assert facts.claim_id == b"1"


def test_p4_before_a_proof_a_person_has_no_facts_to_show(database: Database) -> None:
    [who] = add(database, b"1")
    with database.begin() as connection:
        assert people.proven_facts(connection, KEYS.edges, [who]).get(who) is None


def test_two_who_keep_one_claim_at_once_keep_it_once(database: Database) -> None:
    def keep(_: int) -> bool:
        fresh = {uuid4(): (KEY, NewClaim(b"1", b"number", FACTS, Verdict(State.DUE, "")))}
        at = database.now()
        with database.begin() as connection:
            added = identity_claims.add_claims(connection, KEYS.edges, fresh, at)
            if not added:
                connection.rollback()
            return added

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(keep, range(8))) == [False] * 7 + [True]
    assert row(database).claim_id == b"1"


def test_crowds_locked_in_any_order_never_lock_each_other_out(database: Database) -> None:
    crowd = add(database, *(bytes([n]) for n in range(40)))

    def lock(n: int) -> int:
        order = crowd[n:] + crowd[:n]
        with database.begin() as connection:
            return len(people.lock(connection, KEYS.edges, order if n % 2 else order[::-1]))

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lock, range(40))) == {40}


def test_somebody_moved_twice_is_found_under_the_last(database: Database) -> None:
    first, second, third = add(database, b"1", b"2", b"3")
    with database.begin() as connection:
        people.merge(connection, first, second)
        people.merge(connection, second, third)
        seal(connection, edge_of_person(first, "merged", second, None), edge_of_person(second, "merged", third, None))
        assert set(people.merged_into(connection, KEYS.edges, [third])) == {first, second}
        assert people.merged_into(connection, KEYS.edges, [first]) == []


def test_p4_facts_open_for_their_person_and_claim_only(database: Database) -> None:
    who, sealed = uuid4(), b""
    sealed = identity_claims.seal_facts(KEY, who, b"1", FACTS)
    assert identity_claims.open_facts(KEY, who, b"1", sealed) == FACTS
    for other, claim_id in [(uuid4(), b"1"), (who, b"2")]:
        with pytest.raises(Unreadable):
            identity_claims.open_facts(KEY, other, claim_id, sealed)


@pytest.mark.parametrize(("text_of_id", "found"), [("", False), ("x", False), (str(UUID(int=5)), False)])
def test_a_text_that_is_nobodys_id_is_nobodys(database: Database, text_of_id: str, found: bool) -> None:
    with database.begin() as connection:
        assert (people.known(connection, text_of_id) is not None) == found


NEW_LANE: Final = "INSERT INTO lane (person_id, destination, want, {}) VALUES (gen_random_uuid(), 'x', 1, {})"


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("INSERT INTO person VALUES (gen_random_uuid(), 'lost')", "person_state_is_known"),
        ("INSERT INTO person VALUES (gen_random_uuid(), 'merged')", "merged_people_say_into_whom"),
        ("UPDATE claim SET state = 'perhaps'", "claim_state_is_known"),
        (NEW_LANE.format("state", "'lost'"), "lane_state_is_known"),
        (NEW_LANE.format("sent_to", "1"), "what_was_sent_has_a_key"),
    ],
)
def test_what_must_hold_of_data_is_held_by_the_table(database: Database, dsns: Dsns, statement: str, rule: str) -> None:
    add(database, b"1")
    with psycopg.connect(dsns.main) as connection, pytest.raises(psycopg.errors.CheckViolation, match=rule):
        connection.execute(statement.encode())


def test_claims_are_kept_in_the_order_of_their_fingerprints_whatever_order_they_come_in(database: Database) -> None:
    # Two submissions that name the same forty people: else each would hold what the other waits for.
    names = [bytes([n]) for n in range(1, 10)]
    with ThreadPoolExecutor(1) as other:
        with database.begin() as connection:
            fresh = {uuid4(): (KEY, NewClaim(names[4], b"number", FACTS, Verdict(State.DUE, "")))}
            identity_claims.add_claims(connection, KEYS.edges, fresh, database.now())
            added = other.submit(add, database, *reversed(names))
            wait_until_somebody_waits(database)
            kept = [name for name in names if is_being_kept(database, name)]
        added.result()
    assert kept == names[:5]


def is_being_kept(database: Database, claim_id: bytes) -> bool:
    """Whether a transaction that has not ended has kept it already: whoever comes second has to wait."""
    fresh = {uuid4(): (KEY, NewClaim(claim_id, b"number", FACTS, Verdict(State.DUE, "")))}
    at = database.now()
    try:
        with database.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '100ms'"))
            identity_claims.add_claims(connection, KEYS.edges, fresh, at)
            raise Waited
    except Waited:
        return False
    except Exception:
        return True


class Waited(Exception):
    """Ends a transaction that had nothing to wait for."""


@pytest.mark.parametrize(
    ("state", "age", "asked"),
    [
        ("not_proven", timedelta(days=1, seconds=1), True),
        ("review", timedelta(days=1, seconds=1), True),
        ("not_proven", timedelta(hours=23, minutes=59), False),
        ("review", timedelta(hours=23, minutes=59), False),
        ("no_number", timedelta(days=9), False),
        ("not_asked", timedelta(days=9), False),
        ("proven", timedelta(days=9), False),
    ],
)
def test_what_was_decided_a_day_ago_and_may_change_is_asked_again(
    database: Database, state: str, age: timedelta, asked: bool
) -> None:
    [who] = add(database, b"1")
    add(database, b"2")
    now = database.now()
    with database.begin() as connection:
        connection.execute(
            text("UPDATE claim SET state = :state, reason = 'x', due_at = NULL, decided_at = :at"),
            {"state": state, "at": now - age},
        )
        identity_claims.ask_again(connection, KEYS, [ClaimRow(b"1", who, b"number", State(state), 0)], now)
        found = {bytes(r.claim_id): r for r in connection.execute(text("SELECT * FROM claim"))}
    assert found[b"2"].state == state
    again = found[b"1"]
    expected = ("due", True, True) if asked else (state, False, False)
    assert (again.state, again.due_at == now, again.decided_at is None) == expected


def test_p5_each_postponement_counts_and_the_verdict_counts_from_the_start_again(database: Database) -> None:
    add(database, b"1")
    for n in (1, 2, 3):
        [taken] = take(database)
        assert taken.attempts == n - 1
        with database.begin() as connection:
            identity_claims.postpone_claim(connection, taken, "registry.no_answer", timedelta(seconds=100), 2)
        found = row(database)
        assert (found.attempts, found.calls, found.state, found.reason) == (n, 2 * n, "due", "registry.no_answer")
        assert timedelta(seconds=90) < found.left <= timedelta(seconds=100)
        expire(database)
    [taken] = take(database)
    assert decide(database, taken, REFUTED)
    found = row(database)
    assert (found.attempts, found.calls, found.due_at, found.decided_at is None) == (0, 7, None, False)


def test_the_oldest_due_claims_are_taken_first(database: Database) -> None:
    add(database, b"1", b"2", b"3")
    with database.begin() as connection:
        for claim_id, minutes in ((b"1", 2), (b"2", 3), (b"3", 1)):
            connection.execute(
                text("UPDATE claim SET due_at = clock_timestamp() - :age WHERE claim_id = :id"),
                {"age": timedelta(minutes=minutes), "id": claim_id},
            )
    assert [take(database, 1)[0].claim_id for _ in range(3)] == [b"2", b"1", b"3"]


@pytest.mark.parametrize("join", JOINS)
def test_no_more_are_taken_than_asked_for_whatever_the_plan(database: Database, join: str) -> None:
    add(database, b"1", b"2", b"3")
    expire(database)
    with database.begin() as connection:
        join_by(connection, join)
        turn = due_claims.whose_turn(connection, at_desk=False)
        assert len(due_claims.take_due(connection, KEYS.edges, LEASE, turn, each=2, limit=1)) == 1
