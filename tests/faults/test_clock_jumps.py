"""One clock, the database's: a host whose clock jumps by a day, either way, harms nothing (P12)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.faults import clocks
from tests.faults.city import City, eventually
from tests.faults.forms import in_short
from tests.faults.watching import Watch, order_resync, state_of, version

pytestmark = pytest.mark.faults


@pytest.mark.long_form
@pytest.mark.parametrize("days", [1, -1])
def test_a_host_clock_that_jumps_by_a_day_harms_nothing(place: City, days: int) -> None:
    clocks.make(place.clock)
    place.start_web(1)
    place.start_schedulers(2)
    watch = Watch(place)
    watch.sender.send(version(1))
    assert watch.arrives()

    clocks.jump(place.clock, timedelta(days=days))
    watch.sender.send(version(2))
    watch.sender.send(version(1, patient=1))

    assert watch.arrives()
    assert watch.faults() == []


@pytest.mark.parametrize("days", in_short(-1, 1))
def test_the_timetable_goes_on_when_the_host_clock_jumps_by_a_day(place: City, days: int) -> None:
    clocks.make(place.clock)
    place.start_web(1)
    place.start_schedulers(1)
    watch = Watch(place)
    watch.sender.send(version(1))
    assert watch.arrives()

    clocks.jump(place.clock, timedelta(days=days))
    resync = order_resync(place)

    assert eventually(lambda: state_of(place, resync) == "done", 45)
