"""Facilities have their claims asked about in turns, however many one has sent (rules: fair-turns)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import text

from ehr_sync.core.identity import State
from ehr_sync.core.verdict import Verdict
from ehr_sync.store import identity_claims
from ehr_sync.store.database import Database
from ehr_sync.store.identity_claims import NewClaim
from ehr_sync.usecases.verification.take_turns import Turns
from tests.keys import KEYS
from tests.store.test_people import FACTS, KEY, LEASE


def add(database: Database, sent: Mapping[str, int], *, at_desk: bool = False) -> None:
    """So many due claims of each family, the first family's the oldest."""
    for age, (family, claims) in enumerate(reversed(list(sent.items()))):
        fresh = {
            uuid4(): (KEY, NewClaim(f"{family}{n:03}".encode(), b"n", FACTS, Verdict(State.DUE, ""), family, at_desk))
            for n in range(claims)
        }
        with database.begin() as connection:
            identity_claims.add_claims(connection, KEYS.edges, fresh, database.now() - timedelta(hours=age))


def take(database: Database, turns: Turns, limit: int) -> str:
    """Of whom claims were taken, each a letter, in any order."""
    with database.begin() as connection:
        taken = turns.take(connection, KEYS.edges, LEASE, limit)
    return "".join(sorted(chr(each.claim_id[0]) for each in taken))


def test_one_that_sent_many_first_keeps_nobody_waiting(database: Database) -> None:
    add(database, {"A": 50, "B": 2, "C": 1})
    turns = Turns(at_desk=False)
    assert [take(database, turns, 1) for _ in range(8)] == ["A", "B", "C", "A", "B", "A", "A", "A"]


def test_places_that_are_left_over_are_shared_out_again(database: Database) -> None:
    add(database, {"A": 50, "B": 3, "C": 1})
    turns = Turns(at_desk=False)
    assert [take(database, turns, 8) for _ in range(2)] == ["AAAABBBC", "AAAAAAAA"]


def test_a_round_that_is_half_over_goes_on_before_the_next_begins(database: Database) -> None:
    add(database, {"A": 9, "B": 9, "C": 9})
    turns = Turns(at_desk=False)
    assert [take(database, turns, 2) for _ in range(3)] == ["AB", "AC", "BC"]


def test_patients_at_a_desk_are_in_a_line_of_their_own(database: Database) -> None:
    add(database, {"A": 5})
    add(database, {"B": 1}, at_desk=True)
    assert take(database, Turns(at_desk=True), 8) == "B"
    assert take(database, Turns(at_desk=False), 8) == "AAAAA"


def test_what_is_not_due_yet_and_what_another_worker_holds_is_passed_over(database: Database) -> None:
    add(database, {"A": 6, "B": 1})
    with database.begin() as connection:
        connection.execute(text("UPDATE claim SET due_at = clock_timestamp() + interval '1 h' WHERE family = 'B'"))
    first, second = Turns(at_desk=False), Turns(at_desk=False)
    with database.begin() as held:
        assert len(first.take(held, KEYS.edges, LEASE, 2)) == 2
        assert take(database, second, 2) == "AA"
    assert take(database, second, 8) == "AA"
