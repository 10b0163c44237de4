"""The life line is derived from what stands at the moment, also while that moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from sqlalchemy import Connection

from ehr_sync.sandbox.dossiers.generator import dossier, with_values
from ehr_sync.store import identity_claims
from ehr_sync.store.identity_claims import KeptVerdict
from tests.usecases.service import DAY, Running

PERSON: Final = 402
FIRST: Final = dossier(402, person_index=PERSON, shape="outpatient", rows=6)
# Another claim with the same number: its proof moves it to the person whom the first one proved.
SECOND: Final = with_values(dossier(403, person_index=PERSON, shape="outpatient", rows=6), "XML1", GIOI_TINH="3")

THE_DAY_BEFORE: Final = DAY - timedelta(days=1)


def prove_just_before_the_verdict_is_read(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    read = identity_claims.claim_of

    def late(connection: Connection, claim_id: bytes) -> KeptVerdict | None:
        running.verify()
        return read(connection, claim_id)

    monkeypatch.setattr(identity_claims, "claim_of", late)


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


def test_an_open_visit_that_was_closed_since_is_superseded_by_its_discharge(running: Running) -> None:
    opened = running.post(with_values(FIRST, "XML1", NGAY_RA=""))
    closed = running.post(FIRST)

    line = running.follow(opened.transaction_code)

    assert (line.state, line.next, line.superseded_by) == ("superseded", "nothing", closed.transaction_code)


def test_an_unclear_version_is_superseded_once_a_later_one_stands(running: Running) -> None:
    running.post(FIRST)
    unclear = running.post(with_values(FIRST, "XML1", LOI_DAN="Uống nhiều nước"), made_on=THE_DAY_BEFORE)
    assert running.follow(unclear.transaction_code).state == "order_unclear"

    later = running.post(with_values(FIRST, "XML1", LOI_DAN="Tái khám sau một tuần"))

    line = running.follow(unclear.transaction_code)
    assert (line.state, line.superseded_by) == ("superseded", later.transaction_code)
