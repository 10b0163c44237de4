"""Requests that wait at the same time share a transaction, and none of them fares worse for it (P1, P2)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from ehr_sync.core.answers import HosoResult
from ehr_sync.core.errors import Unfit
from ehr_sync.sandbox.dossiers.generator import Hoso, corrected, dossier, envelope
from ehr_sync.store import number_tries
from ehr_sync.store.people import number_mark_of
from ehr_sync.usecases.intake import keep_records
from ehr_sync.usecases.intake.group_commit import GroupCommit
from ehr_sync.usecases.intake.keep_records import Chunk
from tests.usecases.service import DAY, Running, number_of

TRANSACTIONS = "SELECT count(DISTINCT xmin::text)::int FROM record_version WHERE version = 1"


class Groups:
    """Keeps as the service does, and writes down what went together. While `held`, whoever keeps waits."""

    def __init__(self, running: Running, *, patience: float = 60) -> None:
        self.running, self.held, self.sizes = running, threading.Event(), list[int]()
        self.held.set()
        stores, uris = running.stores, running.service.uris

        def alone(chunk: Chunk) -> tuple[HosoResult, ...]:
            if len(chunk.incoming[0].piece) <= 8_192:
                self.held.wait(60)
            self.sizes.append(1)
            return keep_records.keep(chunk, stores=stores, uris=uris)

        def together(chunks: Sequence[Chunk]) -> Sequence[tuple[HosoResult, ...] | None]:
            self.sizes.append(len(chunks))
            return keep_records.keep_together(chunks, stores=stores, uris=uris)

        self.group = GroupCommit(alone, together, patience=patience)

    @contextmanager
    def posting(self, *bodies: bytes) -> Iterator[list[Future[list[HosoResult]]]]:
        """These bodies on their way at once: the first is being kept while the others come."""
        self.held.clear()
        self.running.kept_by(self.group)
        with ThreadPoolExecutor(len(bodies)) as threads:
            sent = [threads.submit(self.running.results, bodies[0])]
            _until(lambda: self.group._is_led)
            for number, body in enumerate(bodies[1:], start=1):
                sent.append(threads.submit(self.running.results, body))
                _until(lambda number=number: len(self.group._waiting) == number)  # type: ignore[misc]
            self.held.set()
            yield sent


def _until(question: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not question():
        assert time.monotonic() < ends
        time.sleep(0.005)


def body(hoso: Hoso) -> bytes:
    return envelope([hoso], made_on=DAY)


def visits(first: int, count: int) -> list[Hoso]:
    return [dossier(first + n, person_index=first + n, rows=1) for n in range(count)]


def test_p1_those_that_come_while_one_is_kept_share_the_next_transaction(running: Running) -> None:
    groups = Groups(running)
    sent = visits(900, 6)
    with groups.posting(*map(body, sent)) as answers:
        results = [one for answer in answers for one in answer.result()]

    assert groups.sizes == [1, 5]
    assert running.rows(TRANSACTIONS) == [(2,)]
    assert [(each.source_id, each.status) for each in results] == [(hoso.ma_lk, "accepted") for hoso in sent]
    running.settle()
    assert all(running.stored(number_of(900 + n)) for n in range(6))


def test_p2_two_with_the_same_record_take_turns(running: Running) -> None:
    first, other = visits(910, 2)
    groups = Groups(running)
    with groups.posting(body(other), body(first), body(corrected(first, 1)), body(corrected(first, 2))) as answers:
        codes = [answer.result()[0].transaction_code for answer in answers]

    assert groups.sizes == [1, 1, 1, 1]
    assert len(set(codes)) == 4
    assert running.counts("record", "record_version") == {"record": 2, "record_version": 4}


def test_p2_what_is_known_already_goes_alone_and_has_its_answer_again(running: Running) -> None:
    sent = visits(920, 4)
    before = running.results(body(sent[2]))
    groups = Groups(running)
    with groups.posting(*map(body, sent)) as answers:
        results = [answer.result() for answer in answers]

    assert sorted(groups.sizes) == [1, 1, 3]
    assert results[2] == before
    assert running.rows(TRANSACTIONS) == [(3,)]


def test_p1_one_that_cannot_be_kept_fails_nobody_else(running: Running) -> None:
    sent = visits(930, 4)
    running.post(sent[3])
    # Whose claim somebody turned is nobody's that we know: 503, for this one dossier.
    running.run("UPDATE claim SET state = 'proven'")
    groups = Groups(running)
    with groups.posting(*map(body, (*sent[:3], corrected(sent[3], 1)))) as answers:
        assert [answer.result()[0].status for answer in answers[:3]] == ["accepted"] * 3
        with pytest.raises(Unfit):
            answers[3].result()
    assert groups.sizes == [1, 3, 1, 1, 1]


def test_p1_a_large_dossier_waits_for_no_turn(running: Running) -> None:
    groups = Groups(running)
    running.kept_by(groups.group)
    groups.held.clear()
    with ThreadPoolExecutor(1) as one:
        small = one.submit(running.results, body(visits(941, 1)[0]))
        _until(lambda: groups.group._is_led)
        large = running.results(body(dossier(940, person_index=940, shape="inpatient", rows=1000)))
        assert (large[0].status, small.done()) == ("accepted", False)
        groups.held.set()
        assert small.result()[0].status == "accepted"


def test_nobody_of_a_group_waits_for_the_lock_that_one_of_it_needs(running: Running) -> None:
    first, blocked, other = visits(960, 3)
    groups = Groups(running)
    mark = number_mark_of(running.stores.keys.index, number_of(961))
    with running.stores.database.begin() as holding:
        number_tries.lock_numbers(holding, [mark])
        with groups.posting(*map(body, (first, blocked, other))) as answers:
            assert answers[2].result(5)[0].status == "accepted"
            assert not answers[1].done()
            holding.commit()
    assert answers[1].result()[0].status == "accepted"
    assert groups.sizes == [1, 2, 1, 1]


def test_nobody_waits_long_for_one_that_leads_and_waits_for_a_lock(running: Running) -> None:
    blocked, other = visits(970, 2)
    groups = Groups(running, patience=0.5)
    mark = number_mark_of(running.stores.keys.index, number_of(970))
    with running.stores.database.begin() as holding:
        number_tries.lock_numbers(holding, [mark])
        with groups.posting(body(blocked), body(other)) as answers:
            assert answers[1].result(5)[0].status == "accepted"
            assert not answers[0].done()
            holding.commit()
    assert answers[0].result()[0].status == "accepted"


def test_whoever_waits_is_called_also_where_the_one_before_fails(running: Running) -> None:
    groups = Groups(running)
    first, second = visits(950, 2)
    running.post(first)
    running.run("UPDATE claim SET state = 'proven'")
    with groups.posting(body(corrected(first, 1)), body(second)) as answers:
        with pytest.raises(Unfit):
            answers[0].result()
        assert answers[1].result()[0].status == "accepted"
