"""The life line is derived from what stands at the moment, also while that moves."""

from __future__ import annotations

from typing import Final

import pytest
from sqlalchemy import Connection

from ehr_sync.sandbox.dossiers import dossier, with_values
from ehr_sync.store import people
from ehr_sync.store.people import KeptVerdict
from tests.usecases.service import Running

PERSON: Final = 402
FIRST: Final = dossier(402, person_index=PERSON, shape="outpatient", rows=6)
# Another claim with the same number: its proof moves it to the person whom the first one proved.
SECOND: Final = with_values(dossier(403, person_index=PERSON, shape="outpatient", rows=6), "XML1", GIOI_TINH="3")


def prove_just_before_the_verdict_is_read(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    read = people.claim_of

    def late(connection: Connection, claim_id: bytes) -> KeptVerdict | None:
        running.verify()
        return read(connection, claim_id)

    monkeypatch.setattr(people, "claim_of", late)


def test_a_claim_proven_while_its_life_line_is_read_is_on_its_way(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = running.post(FIRST)
    prove_just_before_the_verdict_is_read(running, monkeypatch)

    line = running.follow(sent.transaction_code)

    assert (line.state, line.next) == ("delivering", "book")


def test_a_record_moved_while_its_life_line_is_read_is_on_its_way(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.post(FIRST)
    running.settle()
    sent = running.post(SECOND)
    prove_just_before_the_verdict_is_read(running, monkeypatch)

    line = running.follow(sent.transaction_code)

    assert (line.state, line.next) == ("delivering", "book")
