"""Orders and versions that come while the outcome of a push is unknown, and the death of who pushed."""

from __future__ import annotations

import pytest

from tests.faults.city import City, eventually
from tests.faults.forms import in_short
from tests.faults.watching import PUSH, Watch, order_resync, state_of, version

pytestmark = pytest.mark.faults

_PATIENTS = 4


@pytest.mark.parametrize(
    "boundary",
    in_short("before commit of settle_delivered", "after push", "after commit of settle_delivered", "before mark_some"),
)
def test_a_resync_ordered_during_a_push_pushes_all_again_and_ends(place: City, boundary: str) -> None:
    place.start_web(1)
    place.start_schedulers(2)
    watch = Watch(place)
    place.world.order("book", "delay_after", seconds=0.6, match=PUSH)
    for patient in range(_PATIENTS):
        watch.sender.send(version(1, patient=patient))
    assert eventually(lambda: len(watch.stored()) > 0, 30, every=0.02)

    place.tickets("scheduler").place(boundary)
    resync, before = order_resync(place), len(watch.stored())
    watch.sender.send(version(2))

    assert eventually(lambda: state_of(place, resync) == "done", 45)
    place.world.clear()
    assert watch.arrives()
    assert not place.tickets("scheduler").waits(boundary)
    assert {push.number for push in watch.stored()[before:]} == {push.number for push in watch.stored()}
    assert watch.faults(resynced=True) == []


@pytest.mark.parametrize("fate", in_short("drop_after", "drop_before", "garbage", "status_after"))
@pytest.mark.parametrize(
    "boundary", in_short("after commit of settle_unknown", "before settle_unknown", "after watermark")
)
def test_a_version_accepted_while_the_outcome_of_a_push_is_unknown_arrives_after_it(
    place: City, fate: str, boundary: str
) -> None:
    place.start_web(1)
    place.start_schedulers(2)
    watch = Watch(place)
    place.world.order("book", fate, times=1, status=502, match=PUSH)
    place.tickets("scheduler").place(boundary)
    watch.sender.send(version(1))
    assert eventually(lambda: not place.tickets("scheduler").waits(boundary), 30)

    watch.sender.send(version(2))

    assert watch.arrives()
    assert watch.faults() == []


@pytest.mark.long_form
def test_p7_what_a_book_has_stored_behind_a_gateway_that_says_503_is_not_stored_again(place: City) -> None:
    place.start_web(1)
    place.start_schedulers(2)
    watch = Watch(place)
    place.world.order("book", "status_after", times=1, status=503, match=PUSH)

    watch.sender.send(version(1))
    watch.sender.send(version(2))

    assert watch.arrives()
    assert watch.faults() == []
