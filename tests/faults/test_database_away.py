"""The database dies, the cable to it breaks, an answer to COMMIT is lost: nothing acknowledged is missing (P1, P2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.sandbox.world import World
from tests.databases import Dsns, fresh_databases
from tests.faults.cable import Cable
from tests.faults.city import City, city, eventually
from tests.faults.forge import Forge
from tests.faults.forms import LONG
from tests.faults.senders import Crowd
from tests.faults.watching import Watch, version

pytestmark = pytest.mark.faults

_POSTS = 60 if LONG else 24


def posted(watch: Watch) -> Crowd:
    """Eight threads begin to post."""
    crowd = Crowd(watch.place.url, watch.place.world.folder, watch.ledger)
    crowd.release(version(1, patient=patient) for patient in range(_POSTS))
    return crowd


def posted_around(watch: Watch, times: int, fail: Callable[[], None], mend: Callable[[], None]) -> Crowd:
    """Eight threads post; so many times the database goes once one more was acknowledged, and comes back only when a
    sender has heard of it. However quick the machine is, some are always under way.
    """
    crowd, ledger = Crowd(watch.place.url, watch.place.world.folder, watch.ledger), watch.ledger
    posts = [version(1, patient=patient) for patient in range(_POSTS)]
    for turn in range(times):
        before, after = posts[turn :: 2 * times], posts[turn + times :: 2 * times]
        acknowledged, unavailable = len(ledger.acknowledged), ledger.unavailable
        crowd.release(before)
        assert eventually(partial(lambda n: len(ledger.acknowledged) > n, acknowledged), 30)
        fail()
        crowd.release(after)
        assert eventually(partial(lambda n: ledger.unavailable > n, unavailable), 30)
        mend()
    return crowd


def test_a_killed_database_costs_nothing_but_time_and_no_restart(place: City, power: EmbeddedPostgres) -> None:
    parts = [place.start_web(), place.start_schedulers()]
    processes, watch = [place.children(part) for part in parts], Watch(place)
    crowd = posted_around(watch, 2, power.kill, power.restart)

    assert crowd.finish(60)
    assert watch.arrives()
    assert watch.faults() == []
    assert [place.children(part) for part in parts] == processes


@contextmanager
def cabled(dsns: Dsns, power: EmbeddedPostgres) -> Iterator[tuple[Cable, Dsns]]:
    with TemporaryDirectory() as folder:  # a short path: a socket's name has 107 bytes
        cable = Cable(Path(folder), power.socket_folder)
        yield cable, Dsns(cable.through(dsns.main), cable.through(dsns.keys))
        cable.cut()


@pytest.fixture
def far(power: EmbeddedPostgres, world: World, forge: Forge, tmp_path: Path) -> Iterator[tuple[Cable, City]]:
    """A city whose database is behind a cable."""
    with (
        fresh_databases(power) as dsns,
        cabled(dsns, power) as (cable, ends),
        city(tmp_path, ends, world, forge) as made,
    ):
        yield cable, made


@pytest.mark.long_form
def test_a_cut_cable_is_a_503_and_heals_by_itself(far: tuple[Cable, City]) -> None:
    cable, place = far
    place.start_web()
    place.start_schedulers()
    watch = Watch(place)
    crowd = posted_around(watch, 3, cable.cut, cable.join)

    assert crowd.finish(60)
    assert watch.arrives()
    assert watch.faults() == []


def test_commits_whose_answers_are_lost_are_repeated_without_a_second_effect(far: tuple[Cable, City]) -> None:
    cable, place = far
    place.start_web()
    place.start_schedulers()
    watch = Watch(place)
    cable.lose_commits(15)
    crowd = posted(watch)

    assert crowd.finish(60)
    assert watch.arrives()
    assert cable.lost_all
    assert watch.faults() == []
