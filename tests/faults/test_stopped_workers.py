"""A worker that is stopped in mid-push and comes back after others have gone on: the book never goes back (P6, P7)."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from tests.faults.city import LEASE_SECONDS, City, eventually
from tests.faults.watching import PUSH, Watch, version

pytestmark = pytest.mark.faults


def stopped(place: City, part: int) -> list[int]:
    return [child.pid for child in place.children(part) if child.status() == psutil.STATUS_STOPPED]


def goes_on_without_it(watch: Watch) -> None:
    """Another scheduler brings the next version, for which the lease of the stopped one must run out."""
    watch.place.start_schedulers(1)
    watch.sender.send(version(2))
    assert watch.arrives()


@pytest.mark.long_form
@pytest.mark.parametrize("boundary", ["after push", "before push", "after commit of commit_intents"])
def test_a_worker_stopped_at_a_push_does_no_harm_when_it_goes_on(place: City, boundary: str) -> None:
    place.start_web(1)
    part, watch = place.start_schedulers(1), Watch(place)
    place.tickets("scheduler").place(boundary, signal.SIGSTOP)
    watch.sender.send(version(1))
    assert eventually(lambda: bool(stopped(place, part)), 30)
    goes_on_without_it(watch)

    os.kill(stopped(place, part)[0], signal.SIGCONT)
    watch.sender.send(version(3))

    assert watch.arrives()
    assert watch.faults() == []


def test_a_stopped_workers_late_push_is_turned_away_by_the_fence(place: City) -> None:
    # Time enough for the late push to leave, however busy the machine is.
    place.settings |= {"EHR_SYNC_BOOK_DEADLINE_SECONDS": "2.4", "EHR_SYNC_LEASE_SECONDS": "5"}
    place.start_web(1)
    part, watch = place.start_schedulers(1), Watch(place)
    place.tickets("scheduler").place("before push", signal.SIGSTOP)
    watch.sender.send(version(1))
    assert eventually(lambda: bool(stopped(place, part)), 30)
    goes_on_without_it(watch)

    os.kill(stopped(place, part)[0], signal.SIGCONT)

    assert eventually(lambda: watch.declined() == [412], 20)
    assert watch.arrives()
    assert watch.faults() == []


@pytest.mark.long_form
def test_a_worker_stopped_while_the_book_answers_does_no_harm_when_it_goes_on(place: City) -> None:
    place.start_web(1)
    part, watch = place.start_schedulers(1), Watch(place)
    place.world.order("book", "delay_after", times=1, seconds=0.9, match=PUSH)
    watch.sender.send(version(1))
    assert eventually(lambda: len(watch.stored()) == 1, 30, every=0.02)
    worker = place.children(part)[0]
    worker.suspend()
    goes_on_without_it(watch)

    worker.resume()
    watch.sender.send(version(3))

    assert watch.arrives()
    assert watch.faults() == []


@pytest.mark.long_form
def test_a_push_that_reaches_the_book_long_after_its_sender_gave_up_changes_nothing(place: City) -> None:
    place.start_web(1)
    place.start_schedulers(2)
    watch = Watch(place)
    place.world.order("book", "delay", times=1, seconds=LEASE_SECONDS * 2, match=PUSH)
    watch.sender.send(version(1))
    watch.sender.send(version(2))

    assert eventually(lambda: watch.declined() == [412], 30)
    assert watch.arrives()
    assert watch.faults() == []
