"""P6 and P7: a book never goes backwards, one lane's trouble is its own, and every push is safe to repeat."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random
from threading import Event
from typing import Any, Final

import orjson
import pytest
from sqlalchemy import text

from ehr_sync import bootstrap
from ehr_sync.adapters.client_sign_in import client_secret_basic
from ehr_sync.adapters.fhir_book import FhirBook
from ehr_sync.core.ports import HealthBook, Receipt, Watermark
from ehr_sync.core.record_body import Manifest
from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.runtime.logs import make_log
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import (
    Hoso,
    corrected,
    dossier,
    planted,
    with_patient,
    with_values,
    without_row,
)
from ehr_sync.store import book_entries
from ehr_sync.store.register import REGISTER
from ehr_sync.store.resyncs import Scope
from ehr_sync.usecases.book.open_book import leaving
from ehr_sync.usecases.delivery import compose_bundle, deliver_due
from ehr_sync.usecases.delivery import prepare_pushes as preparing
from ehr_sync.usecases.delivery.prepare_pushes import Prepared, prepare_pushes
from ehr_sync.usecases.delivery.resync_lanes import carry_on_resyncs, follow_resync, order_resync
from mappings.gate import GATE
from tests.usecases.service import DAY, Running, backup_of, is_clinical, number_of

INDEX: Final = 701
NUMBER: Final = number_of(INDEX)
VISIT: Final = dossier(701, person_index=INDEX, shape="outpatient", rows=6)
LATER: Final = DAY + timedelta(days=1)


def visits(count: int, first: int = 710) -> list[Hoso]:
    """As many visits of one person."""
    return [dossier(first + n, person_index=INDEX, shape="outpatient", rows=5) for n in range(count)]


def lane(running: Running) -> Any:
    """The only person's lane there is."""
    # Counted from the end of the last delivery: a machine's clock may be set back while a test runs.
    [row] = running.rows(
        "SELECT *, coalesce(leased_until, due_at) - coalesce((SELECT max(ended_at) FROM delivery"
        " WHERE person_id <> :register), clock_timestamp()) AS left FROM lane WHERE person_id <> :register",
        register=REGISTER,
    )
    return row


def assert_settled(running: Running, number: str = NUMBER) -> None:
    """The book shows what the citizen is shown, its watermark never fell, and the lane rests."""
    shown = {key for key, value in running.shown(number).items() if is_clinical(value)}
    assert running.living(number).keys() == shown
    assert_never_backwards(running, number)
    assert [
        (row.want == row.have == row.base, row.state, row.due_at) for row in running.rows("SELECT * FROM lane")
    ] == [(True, "open", None)] * running.counts("lane")["lane"]


def assert_never_backwards(running: Running, number: str = NUMBER) -> None:
    marks = [push["watermarks"][0] for push in running.stored(number)]
    assert all(mark["seq"] >= (mark["seq_before"] or 0) for mark in marks)


class Wrapped:
    """A real book, of which a test has changed something."""

    def __init__(self, book: HealthBook) -> None:
        self._book = book

    def push(self, bundle: bytes, *, idempotency_key: str) -> Receipt:
        return self._book.push(bundle, idempotency_key=idempotency_key)

    def watermark(self, lane_id: str) -> Watermark | None:
        return self._book.watermark(lane_id)

    def put_watermark(self, lane_id: str, basic: bytes) -> str:
        return self._book.put_watermark(lane_id, basic)

    def delete_watermark(self, lane_id: str) -> None:
        self._book.delete_watermark(lane_id)

    def closed(self, lane_id: str) -> str:
        return self._book.closed(lane_id)


class Stopped(Wrapped):
    """A worker that is stopped just before it sends, until it is let go: a real book behind it."""

    def __init__(self, book: HealthBook) -> None:
        super().__init__(book)
        self.reached, self.go = Event(), Event()

    def push(self, bundle: bytes, *, idempotency_key: str) -> Receipt:
        self.reached.set()
        assert self.go.wait(20)
        return super().push(bundle, idempotency_key=idempotency_key)


@contextmanager
def stopped_worker(running: Running) -> Iterator[Stopped]:
    """A sweep that has committed what it is about to send and sends it when the block ends; then it has settled."""
    book = Stopped(bootstrap.book_of(running.service))
    sweep = running.delivery(book)
    while not book.reached.is_set():
        sweep.step(0.05)
    try:
        yield book
    finally:
        book.go.set()
        sweep.drain()


# ---- Late workers ----


def test_p6_a_worker_stopped_in_mid_push_never_takes_the_book_back(running: Running) -> None:
    running.post(VISIT)
    running.ready()
    with stopped_worker(running):
        running.post(corrected(VISIT, 1), made_on=LATER)
        running.deliver()
        running.deliver()
        newest = running.living(NUMBER)
    running.deliver()

    assert [push["status"] for push in running.pushes(NUMBER)] == [200, 412]
    assert running.living(NUMBER) == newest
    assert_settled(running)


def test_p6_a_worker_stopped_before_a_later_push_never_takes_the_book_back(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    running.post(corrected(VISIT, 1), made_on=LATER)
    with stopped_worker(running):
        running.post(corrected(VISIT, 2), made_on=LATER)
        running.deliver()
        running.deliver()
    running.deliver()

    assert [push["status"] for push in running.pushes(NUMBER)] == [200, 200, 412]
    assert_settled(running)


def test_p4_a_late_first_push_of_what_was_withdrawn_is_withdrawn_again(running: Running) -> None:
    running.post(VISIT)
    running.ready()
    with stopped_worker(running) as first:
        running.hurry()
        running.post(with_patient(VISIT, person(702)), made_on=LATER)
        running.hurry()
        with stopped_worker(running):
            # The second worker has asked and found nothing; now the first one's push lands before its own.
            first.go.set()
            wait_for_stored(running, 1)
    running.deliver()
    running.settle()

    assert running.living(NUMBER) == {}
    assert_never_backwards(running)


def wait_for_stored(running: Running, count: int) -> None:
    pause = Event()
    for _ in range(200):
        if len(running.stored(NUMBER)) >= count:
            return
        pause.wait(0.02)
    raise AssertionError("nothing was stored")


class Killed(RuntimeError):
    """What a killed worker leaves behind in this process."""


class Dying(Wrapped):
    """A worker that dies in its push, before or after the book has taken it."""

    def __init__(self, book: HealthBook, *, after: bool) -> None:
        super().__init__(book)
        self._after = after

    def push(self, bundle: bytes, *, idempotency_key: str) -> Receipt:
        if self._after:
            self._book.push(bundle, idempotency_key=idempotency_key)
        raise Killed


@pytest.mark.parametrize(("after", "heard"), [(True, ["read", "push", "read"]), (False, ["read", "read", "push"])])
def test_p7_a_push_whose_worker_died_is_asked_about_before_anything_is_sent(
    running: Running, after: bool, heard: list[str]
) -> None:
    running.post(VISIT)
    running.ready()
    before = len(running.journal("book"))
    dies = running.delivery(Dying(bootstrap.book_of(running.service), after=after))
    with pytest.raises(Killed):
        dies.run_dry()
    dies.drain()
    assert timedelta(seconds=5) < lane(running).left <= timedelta(seconds=10)
    running.deliver()

    assert [entry["kind"] for entry in running.journal("book")[before:] if entry["kind"] in {"push", "read"}] == heard
    assert_settled(running)


def test_two_schedulers_at_once_push_everybody_once(running: Running) -> None:
    people = [720 + n for n in range(12)]
    for index in people:
        running.post(dossier(index, person_index=index, rows=1))
    running.ready()
    sweeps = [running.delivery(slots=3) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda sweep: (sweep.run_dry(), sweep.drain()), sweeps))
    assert [len(running.pushes(number_of(index))) for index in people] == [1] * 12


def test_p6_a_version_accepted_between_composing_and_intent_is_what_is_sent(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.post(VISIT)
    running.ready()
    overtaken(monkeypatch, lambda: running.post(corrected(VISIT, 1), made_on=LATER))
    running.deliver()
    assert running.pushes(NUMBER) == []
    running.deliver()

    assert [push["watermarks"][0]["seq"] for push in running.stored(NUMBER)] == [2]
    assert_settled(running)


def test_p6_a_resync_ordered_between_composing_and_intent_is_what_is_sent(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for visit in visits(2):
        running.post(visit)
        running.settle()
    running.post(corrected(visits(2)[1], 1), made_on=LATER)
    overtaken(monkeypatch, lambda: resync_all(running))
    running.deliver()
    running.deliver()

    assert len([e for e in running.stored(NUMBER)[-1]["entries"] if e["type"] == "Encounter"]) == 2
    assert_settled(running)


def test_p6_what_one_worker_composes_no_other_does(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    running.post(VISIT)
    running.ready()
    other, settled = running.delivery(), []
    overtaken(monkeypatch, lambda: settled.append(other.run_dry()))
    running.deliver()
    other.drain()

    assert (settled, len(running.pushes(NUMBER))) == ([0], 1)
    assert_settled(running)


def overtaken(monkeypatch: pytest.MonkeyPatch, event: Callable[[], object]) -> None:
    """Let something happen once, just after the next push was composed and before its intent is written."""
    events = iter([event])

    def prepare(*args: Any, **named: Any) -> list[Prepared]:
        prepared = prepare_pushes(*args, **named)
        next(events, lambda: None)()
        return prepared

    monkeypatch.setattr(deliver_due, "prepare_pushes", prepare)


# ---- Unknown outcomes ----


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after"},
        {"kind": "status_after", "status": 500},
        {"kind": "status_after", "status": 503},
        {"kind": "garbage"},
    ],
)
def test_p7_what_was_stored_without_an_answer_is_asked_about_and_pushed_once(
    running: Running, fault: dict[str, Any]
) -> None:
    running.post(VISIT)
    running.ready()
    running.world.order("book", **fault, times=1, match={"method": "POST", "path": "/fhir"})
    running.deliver()
    assert (lane(running).state, lane(running).have) == ("unknown", 0)
    running.deliver()

    assert len(running.pushes(NUMBER)) == 1
    assert_settled(running)


def test_p7_the_magic_number_that_is_stored_without_an_answer_is_pushed_once(running: Running) -> None:
    running.post(dossier(730, person_index=900_027, rows=1))
    running.settle()
    assert len(running.pushes(number_of(900_027))) == 1
    assert_settled(running, number_of(900_027))


@pytest.mark.parametrize("kind", ["drop_before", "garbage_before"])
def test_p7_what_was_not_stored_is_asked_about_and_pushed_again(running: Running, kind: str) -> None:
    running.post(VISIT)
    running.ready()
    running.world.order("book", kind, times=1, match={"method": "POST", "path": "/fhir"})
    running.deliver()
    assert lane(running).state == "unknown"
    running.deliver()

    assert len(running.stored(NUMBER)) == 1
    assert_settled(running)


def test_p7_a_book_that_asks_for_time_is_not_asked_before(running: Running) -> None:
    running.post(VISIT)
    running.ready()
    running.world.order("book", "drop_after", times=1, match={"method": "POST", "path": "/fhir"})
    running.world.order(
        "book", "status", status=503, retry_after="3600", match={"method": "GET", "path": "/fhir/Basic"}
    )
    running.deliver()
    running.deliver()
    assert timedelta(seconds=3590) < lane(running).left <= timedelta(seconds=3600)


def test_p7_a_push_that_never_has_an_outcome_is_tried_less_and_less_often(running: Running) -> None:
    running.post(VISIT)
    running.ready()
    running.world.order("book", "drop_before", match={"method": "POST", "path": "/fhir"})
    running.deliver()
    assert lane(running).left <= timedelta(seconds=1)
    running.deliver()
    assert (len(running.pushes(NUMBER)), lane(running).attempts) == (0, 2)
    assert lane(running).left > timedelta(minutes=29)


def test_p7_a_book_that_cannot_say_is_not_pushed_to(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    running.post(corrected(VISIT, 1), made_on=LATER)
    running.world.order("book", "drop_after", times=1, match={"method": "POST", "path": "/fhir"})
    running.world.order("book", "status", status=503, match={"method": "GET", "path": "/fhir/Basic"})
    for _ in range(3):
        running.deliver()
    assert (lane(running).state, len(running.pushes(NUMBER))) == ("unknown", 2)
    assert (lane(running).reason, lane(running).attempts) == ("book.status_503", 3)
    running.world.clear("book")
    running.deliver()
    assert_settled(running)


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
def test_p6_a_version_accepted_while_an_older_push_is_unknown_comes_after_it(running: Running, kind: str) -> None:
    running.post(VISIT)
    running.ready()
    running.world.order("book", kind, times=1, match={"method": "POST", "path": "/fhir"})
    running.deliver()
    running.post(corrected(VISIT, 1), made_on=LATER)
    assert lane(running).state == "unknown"
    running.deliver()

    assert [push["watermarks"][0]["seq"] for push in running.stored(NUMBER)] == {"drop_after": [1, 2]}.get(kind, [2])
    assert_settled(running)


def test_p7_a_watermark_that_somebody_else_moved_is_read_anew(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    running.run("""UPDATE lane SET etag = 'W/"999"'""")
    running.post(corrected(VISIT, 1), made_on=LATER)
    running.deliver()

    assert [push["status"] for push in running.pushes(NUMBER)] == [200, 412, 200]
    assert_settled(running)


def test_p6_a_book_that_is_ahead_of_a_restored_database_is_not_taken_back(
    running: Running, postgres: EmbeddedPostgres
) -> None:
    running.post(VISIT)
    running.settle()
    with backup_of(running, postgres) as restored:
        for n in (1, 2):
            running.post(corrected(VISIT, n), made_on=LATER)
            running.settle()
        restored.post(corrected(VISIT, 3), made_on=LATER)
        restored.settle()
        assert (lane(restored).state, lane(restored).reason) == ("parked", "book.ahead_of_us")
    assert [push["status"] for push in running.pushes(NUMBER)] == [200, 200, 200, 412]


# ---- Failures of the book ----


@pytest.mark.parametrize(
    ("status", "state", "asked_about"), [(429, "open", None), (503, "unknown", 1), (502, "unknown", 1)]
)
def test_p7_a_busy_book_is_given_the_time_it_asks_for(
    running: Running, status: int, state: str, asked_about: int | None
) -> None:
    running.post(VISIT)
    running.ready()
    to_fhir = {"method": "POST", "path": "/fhir"}
    running.world.order("book", "status", status=status, retry_after="3600", times=1, match=to_fhir)
    running.deliver()

    found = lane(running)
    assert (found.state, found.reason, found.attempts) == (state, f"book.status_{status}", 1)
    assert found.sent_to == asked_about
    assert timedelta(seconds=3590) < found.left <= timedelta(seconds=3600)
    running.deliver()
    assert len(running.stored(NUMBER)) == 1
    assert_settled(running)


@pytest.mark.parametrize("index", [900_021, 900_022])
def test_the_magic_numbers_that_are_busy_three_times_are_delivered_at_the_fourth(running: Running, index: int) -> None:
    running.post(dossier(731, person_index=index, rows=1))
    running.ready()
    for _ in range(4):
        running.deliver()
    assert [push["outcome"] for push in running.pushes(number_of(index))] == ["refused"] * 3 + ["stored"]


def test_p6_a_book_out_of_reach_changes_nothing_but_the_time(running: Running, free_port: int) -> None:
    running.post(VISIT)
    running.ready()
    nowhere = f"http://127.0.0.1:{free_port}/fhir"
    gone = FhirBook(url=nowhere, token_url=nowhere, sign_in=client_secret_basic("x", "x"), deadline_seconds=1)
    sweep = running.delivery(gone)
    sweep.run_dry()
    sweep.drain()

    assert (lane(running).state, lane(running).have, lane(running).sent_to) == ("open", 0, None)
    running.deliver()
    assert_settled(running)


@pytest.mark.parametrize("index", [900_025, 900_026])
def test_p6_a_refused_person_is_parked_and_blocks_nobody(running: Running, index: int) -> None:
    refused = running.post(dossier(732, person_index=index, rows=1)).transaction_code
    taken = running.post(VISIT).transaction_code
    running.settle()

    line = running.follow(refused)
    assert (line.state, line.next, line.steps[-1].name) == ("refused_by_book", "operator", "refused_by_book")
    # The time of the refusal itself, which came after all else.
    assert line.steps[-1].at is not None
    assert line.steps[-1].at >= max(step.at for step in line.steps[:-1] if step.at)
    assert running.follow(taken).state == "delivered"
    running.deliver()
    assert len(running.pushes(number_of(index))) == 1


def test_p6_a_parked_lane_opens_for_a_newer_version_and_no_other(running: Running) -> None:
    visit = dossier(733, person_index=900_025, shape="outpatient", rows=3)
    running.post(visit)
    running.settle()
    running.post(visit)
    running.deliver()
    assert len(running.pushes(number_of(900_025))) == 1
    running.post(corrected(visit, 1), made_on=LATER)
    running.deliver()
    assert (len(running.pushes(number_of(900_025))), lane(running).state) == (2, "parked")


def test_p6_a_version_that_comes_while_another_is_being_refused_is_tried(running: Running) -> None:
    running.post(VISIT)
    running.ready()
    running.world.order("book", "status", status=400, times=1, match={"method": "POST", "path": "/fhir"})
    with stopped_worker(running):
        running.post(corrected(VISIT, 1), made_on=LATER)
    running.deliver()
    assert_settled(running)


def test_p6_a_record_that_cannot_be_opened_parks_its_own_lane_alone(running: Running) -> None:
    codes = [running.post(dossier(740 + n, person_index=740 + n, rows=1)).transaction_code for n in range(4)]
    running.ready()
    running.run(
        "UPDATE book_entry SET manifest = 'x' WHERE person_id = (SELECT min(person_id::text)::uuid FROM book_entry)"
    )
    running.deliver()

    assert sorted(running.follow(code).state for code in codes) == ["delivered"] * 3 + ["refused_by_book"]
    assert [reason for (reason,) in running.rows("SELECT reason FROM lane WHERE state = 'parked'")] == [
        "record.unreadable"
    ]


def test_p6_a_record_that_contradicts_itself_parks_its_own_lane_alone(running: Running) -> None:
    codes = [running.post(dossier(780 + n, person_index=780 + n, rows=1)).transaction_code for n in range(4)]
    running.ready()
    with running.stores.database.begin() as connection:
        query = text("SELECT person_id, record_id FROM book_entry ORDER BY person_id")
        [(first, record_id), *_] = connection.execute(query)
        keys = running.stores.key_store.keys([first])
        [found] = book_entries.entries(connection, keys, [record_id])
        cut = replace(found.entry, manifest=Manifest(found.entry.manifest.last_changes[1:]))
        book_entries.put_entries(connection, [cut], keys)
    running.deliver()

    assert sorted(running.follow(code).state for code in codes) == ["delivered"] * 3 + ["refused_by_book"]
    assert running.rows("SELECT reason FROM lane WHERE state = 'parked'") == [("record.fault",)]


@pytest.mark.parametrize("gate", [GATE, "another"])
def test_p6_two_resources_of_one_name_park_the_lane(
    running: Running, monkeypatch: pytest.MonkeyPatch, gate: str
) -> None:
    monkeypatch.setattr(compose_bundle, "leaving", lambda entry: [*leaving(entry)] * 2)
    monkeypatch.setattr(compose_bundle, "GATE", gate)
    running.post(VISIT)
    running.ready()
    running.deliver()

    assert (lane(running).state, lane(running).reason) == ("parked", "gate.bundle_not_valid")
    assert running.pushes(NUMBER) == []


def test_a_fault_of_ours_on_a_lane_is_logged_with_its_place(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = io.StringIO()
    monkeypatch.setattr(preparing, "compose_push", lambda *_, **__: 1 / 0)
    running.post(VISIT)
    running.ready()
    sweep = bootstrap.delivery(replace(running.service, log=make_log(stream=lines)))
    sweep.run_dry()
    sweep.drain()

    [line] = map(orjson.loads, lines.getvalue().splitlines())
    assert (line["event"], line["lane"]) == ("lane_parked", str(lane(running).person_id))
    assert (line["error"], "prepare_pushes.py" in line["place"]) == ("builtins.ZeroDivisionError", True)


def test_lanes_with_much_to_tell_are_composed_a_few_at_a_time(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed = []

    def prepare(*args: Any, **named: Any) -> list[Prepared]:
        composed.append(len(prepared := prepare_pushes(*args, **named)))
        return prepared

    for n in range(3):
        running.post(dossier(790 + n, person_index=790 + n, rows=1))
    running.ready()
    monkeypatch.setattr(preparing, "_AT_ONCE_BYTES", 1)
    monkeypatch.setattr(deliver_due, "prepare_pushes", prepare)
    running.deliver()

    assert (max(composed), len(running.pushes_of_people())) == (1, 3)


def test_p6_lanes_of_erased_people_are_closed_and_hold_no_slot(running: Running) -> None:
    for n in range(3):
        running.post(dossier(760 + n, person_index=760 + n, rows=1))
    running.ready()
    for (erased,) in running.rows("SELECT person_id FROM lane"):
        # Erased, and died before their rows were taken out.
        running.stores.key_store.erase(erased)
    running.post(VISIT)
    running.ready()
    running.hurry()
    sweep = running.delivery(slots=2)
    sweep.run_dry()
    sweep.drain()

    assert [push["number"] for push in running.pushes_of_people()] == [NUMBER]
    assert_settled(running)


@pytest.mark.parametrize("change", ["DELETE FROM person_key", "UPDATE person_key SET wrapped = 'x'"])
def test_p6_a_lane_whose_key_is_missing_or_broken_is_parked_and_blocks_nobody(running: Running, change: str) -> None:
    running.post(dossier(770, person_index=770, rows=1))
    running.ready()
    with running.service.key_database.begin() as connection:
        connection.execute(text(f"{change} WHERE person_id = :id"), {"id": lane(running).person_id})
    running.post(VISIT)
    running.ready()
    restarted = replace(running, service=bootstrap.open_service(running.service.settings))
    restarted.deliver()
    restarted.service.close()

    assert [push["number"] for push in running.pushes_of_people()] == [NUMBER]
    assert sorted(running.rows("SELECT state, reason FROM lane")) == [
        ("open", ""),
        ("open", ""),
        ("parked", "keys.missing"),
    ]


# ---- Big people ----


def deliver_cut(running: Running, entries: int) -> None:
    running.hurry()
    sweep = running.delivery(entries=entries)
    sweep.run_dry()
    sweep.drain()


def test_p6_a_big_person_is_cut_into_bundles_that_move_the_book_step_by_step(running: Running) -> None:
    for visit in visits(5):
        running.post(visit)
    running.ready()
    deliver_cut(running, 20)

    pushes = running.stored(NUMBER)
    assert len(pushes) > 2
    assert all(len(push["entries"]) <= 20 or visits_in(push) == 1 for push in pushes)
    assert [push["watermarks"][0]["seq"] for push in pushes] == sorted({p["watermarks"][0]["seq"] for p in pushes})
    assert_settled(running)


def visits_in(push: dict[str, Any]) -> int:
    return len([entry for entry in push["entries"] if entry["type"] == "Encounter"])


def test_p6_no_bundle_of_several_visits_has_more_entries_than_allowed(running: Running) -> None:
    for visit in visits(6):
        running.post(visit)
    running.ready()
    deliver_cut(running, 60)
    assert max(map(visits_in, running.stored(NUMBER))) > 1
    assert all(len(push["entries"]) <= 60 for push in running.stored(NUMBER))


@pytest.mark.parametrize("entries", [1, 25, 500])
def test_p6_a_visit_corrected_before_its_first_push_arrives_whole(running: Running, entries: int) -> None:
    first, second = visits(2)
    running.post(first)
    running.ready()
    running.post(second)
    running.post(with_values(first, "XML1", PP_DIEU_TRI="Khác", NHOM_MAU="AB+"), made_on=LATER)
    deliver_cut(running, entries)
    assert_settled(running)


@pytest.mark.parametrize("entries", [1, 25])
def test_p6_a_resync_in_several_bundles_tells_everything_again_and_takes_nothing_back(
    running: Running, entries: int
) -> None:
    for visit in visits(4):
        running.post(visit)
    running.settle()
    running.post(without_row(visits(4)[0], "XML2"), made_on=LATER)
    running.settle()
    order = order_resync(Scope(), by="ops", reason="yc-1", stores=running.stores)
    running.resync()
    before = len(running.stored(NUMBER))
    deliver_cut(running, entries)
    running.resync()

    told = {(e["type"], e["id"]) for push in running.stored(NUMBER)[before:] for e in push["entries"]}
    assert told >= running.living(NUMBER).keys()
    assert_settled(running)
    assert follow_resync(order.resync_id, stores=running.stores).state == "done"


def test_p6_a_resync_ordered_during_a_push_starts_over_after_it(running: Running) -> None:
    running.post(VISIT)
    running.ready()
    order = order_resync(Scope(), by="ops", reason="yc-2", stores=running.stores)
    with stopped_worker(running):
        assert carry_on_resyncs(stores=running.stores) == 2
    assert (lane(running).have, lane(running).base, lane(running).due_at is None) == (1, 0, False)
    running.deliver()
    running.resync()

    assert len(running.stored(NUMBER)) == 2
    assert_settled(running)
    assert follow_resync(order.resync_id, stores=running.stores).state == "done"


def test_a_resync_opens_a_parked_lane(running: Running) -> None:
    running.post(VISIT)
    running.ready()
    running.world.order("book", "status", status=400, times=1, match={"method": "POST", "path": "/fhir"})
    running.deliver()
    assert lane(running).state == "parked"
    order_resync(Scope(patient=lane(running).person_id), by="ops", reason="yc-3", stores=running.stores)
    running.resync()
    running.deliver()
    assert_settled(running)


def test_a_lane_that_is_up_to_date_is_left_alone(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    running.deliver()
    assert len(running.pushes_of_people()) == 1


def test_p6_lanes_with_nothing_to_send_keep_no_other_waiting(running: Running) -> None:
    for n in range(5):
        running.post(dossier(750 + n, person_index=750 + n, rows=1))
    running.ready()
    for n in range(5):
        running.post(planted(dossier(750 + n, person_index=750 + n, rows=1), "icd_main"), made_on=LATER)
    running.post(VISIT)
    running.ready()
    sweep = running.delivery(slots=2)
    sweep.run_dry()
    sweep.drain()
    assert [push["number"] for push in running.pushes_of_people()] == [NUMBER]
    assert_settled(running)


def test_a_book_that_never_heard_of_a_record_is_not_told_that_it_is_gone(running: Running) -> None:
    running.post(VISIT)
    running.ready()
    running.post(without_row(VISIT, "XML2"), made_on=LATER)
    running.deliver()
    resources = [e.get("resource", {}) for e in orjson.loads(running.stored(NUMBER)[0]["received"])["entry"]]
    assert "entered-in-error" not in [resource.get("status") for resource in resources]


def resync_all(running: Running) -> None:
    order_resync(Scope(), by="ops", reason="yc", stores=running.stores)
    running.resync()


STEPS: Final[dict[str, Callable[[Running, int], object]]] = {
    "post": lambda running, n: running.post(visits(6)[n % 6], made_on=DAY + timedelta(days=n)),
    "correct": lambda running, n: running.post(corrected(visits(6)[n % 6], n), made_on=DAY + timedelta(days=n)),
    "shrink": lambda running, n: running.post(without_row(visits(6)[n % 6], "XML2"), made_on=DAY + timedelta(days=n)),
    "move": lambda running, n: running.post(
        with_patient(visits(6)[n % 6], person(702)), made_on=DAY + timedelta(days=n)
    ),
    "verify": lambda running, n: running.verify(),
    "push": lambda running, n: deliver_cut(running, 15 + n % 3 * 30),
    "lose": lambda running, n: running.world.order("book", "drop_after", times=1, match={"method": "POST"}),
    "miss": lambda running, n: running.world.order("book", "drop_before", times=1, match={"method": "POST"}),
    "resync": lambda running, n: resync_all(running),
}


@pytest.mark.parametrize("seed", range(4))
def test_p6_whatever_happens_in_whatever_order_the_books_end_as_the_citizens_are_shown(
    running: Running, seed: int
) -> None:
    draw = Random(seed)
    for n in range(24):
        STEPS[draw.choice(list(STEPS))](running, n)
    running.world.clear()
    running.verify()
    for _ in range(4):
        running.deliver()
    for number in (NUMBER, number_of(702)):
        assert_never_backwards(running, number)
    assert_settled(running)
    assert_settled(running, number_of(702))
