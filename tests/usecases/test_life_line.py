"""The life line is derived from what stands at the moment, also while that moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from sqlalchemy import Connection

from ehr_sync.sandbox.dossiers.generator import RESTRICTED_KINDS, dossier, with_values, without_table
from ehr_sync.store import identity_claims
from ehr_sync.store.identity_claims import VerdictRow
from ehr_sync.usecases.intake.follow_transaction import LifeLine
from tests.usecases.service import DAY, Running

PERSON: Final = 402
FIRST: Final = dossier(402, person_index=PERSON, shape="outpatient", rows=6)
# Another claim with the same number: its proof moves it to the person whom the first one proved.
SECOND: Final = with_values(dossier(403, person_index=PERSON, shape="outpatient", rows=6), "XML1", GIOI_TINH="3")

THE_DAY_BEFORE: Final = DAY - timedelta(days=1)


def prove_just_before_the_verdict_is_read(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    read = identity_claims.claim_of

    def late(connection: Connection, edge_key: bytes, claim_id: bytes) -> VerdictRow | None:
        running.verify()
        return read(connection, edge_key, claim_id)

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


def step_names(line: LifeLine) -> list[tuple[str, str]]:
    return [(step.name, step.reason) for step in line.steps]


@pytest.mark.parametrize(
    ("index", "state", "waits_for", "steps"),
    [
        (900_001, "held", "identity_correction", [("received", ""), ("not_proven", "registry.no_match")]),
        (900_009, "held", "review", [("received", ""), ("review", "registry.name_only_loosely")]),
        (900_006, "verifying", "registry", [("received", "")]),
        (
            404,
            "delivered",
            "nothing",
            [("received", ""), ("verified", "registry.exact"), ("mapped", ""), ("delivered", "")],
        ),
        (
            900_025,
            "refused_by_book",
            "operator",
            [
                ("received", ""),
                ("verified", "registry.exact"),
                ("mapped", ""),
                ("refused_by_book", "book.refused.status_400"),
            ],
        ),
    ],
)
def test_a_life_line_tells_each_step_and_who_acts_next(
    running: Running, index: int, state: str, waits_for: str, steps: list[tuple[str, str]]
) -> None:
    sent = running.post(dossier(404, person_index=index, shape="outpatient", rows=2))
    running.settle()
    line = running.follow(sent.transaction_code)
    assert (line.state, line.next, step_names(line)) == (state, waits_for, steps)


def test_a_visit_without_a_number_waits_for_one(running: Running) -> None:
    sent = running.post(with_values(FIRST, "XML1", SO_CCCD=""))
    running.settle()
    line = running.follow(sent.transaction_code)
    assert (line.state, line.next) == ("held", "personal_number")


def test_a_visit_that_may_not_be_shown_is_kept_and_nothing_is_waited_for(running: Running) -> None:
    sent = running.post(dossier(405, person_index=PERSON, shape="outpatient", rows=2, restricted=RESTRICTED_KINDS[0]))
    running.settle()
    line = running.follow(sent.transaction_code)
    assert (line.state, line.next, step_names(line)) == (
        "kept",
        "nothing",
        [("received", ""), ("verified", "registry.exact")],
    )


def test_what_waits_says_for_what(running: Running) -> None:
    opened = running.post(with_values(FIRST, "XML1", NGAY_RA=""))
    alone = running.post(without_table(SECOND, "XML1"))
    told = [running.follow(each.transaction_code) for each in (opened, alone)]
    assert [(line.state, line.next) for line in told] == [
        ("visit_open", "discharge_time"),
        ("waiting_for_xml1", "summary_table"),
    ]


def test_the_times_of_a_life_line_never_go_back(running: Running) -> None:
    sent = running.post(FIRST)
    running.settle()
    line = running.follow(sent.transaction_code)

    times = [step.at for step in line.steps if step.at is not None]
    assert [step.name for step in line.steps] == ["received", "verified", "mapped", "delivered"]
    assert (len(times), times) == (4, sorted(times))
    assert times[0] < times[1] == times[2] < times[3]  # what is proven is in the book here at once
