"""A database of before is migrated, taken back and migrated again: its lanes stay, and go on delivering.

What the older version of migration 0001 wrote is put in its place here: ETags of watermarks under their old ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from ehr_sync import bootstrap
from ehr_sync.bootstrap import Service
from ehr_sync.core.ports import WatermarkDeleted
from ehr_sync.sandbox.dossiers.generator import corrected, dossier
from ehr_sync.store import clients
from ehr_sync.store.database import Database
from ehr_sync.store.migrate import migrate
from ehr_sync.usecases.delivery import compose_bundle, send_or_ask
from ehr_sync.usecases.delivery.compose_bundle import old_lane_id
from tests.usecases.service import DAY, Running, number_of

PUSHED, UNKNOWN, UNSENT = 921, 922, 923
LATER: Final = DAY + timedelta(days=1)
LATEST: Final = DAY + timedelta(days=2)
# All of a lane but what the migrations are about.
LANES: Final = (
    "SELECT person_id, destination, want, have, base, epoch, state, fence, attempts, sent_to, sent_key, sent_epoch,"
    " due_at FROM lane WHERE person_id <> '00000000-0000-0000-0000-000000000000' ORDER BY person_id"
)
KEPT: Final = ("person", "identifier", "claim", "record", "record_version", "book_entry", "piece")


def visit(index: int) -> Any:
    return dossier(index, person_index=index, rows=4)


@pytest.fixture
def of_0001(running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """Three people on a database of 0001: one pushed, one whose push arrived unheard, one unsent."""
    with monkeypatch.context() as before:
        before.setattr(compose_bundle, "lane_id", old_lane_id)
        before.setattr(send_or_ask, "lane_id", old_lane_id)
        for index in (PUSHED, UNKNOWN):
            running.post(visit(index))
        running.settle()
        running.post(corrected(visit(UNKNOWN), 1), made_on=LATER)
        running.ready()
        running.world.order("book", "drop_after", match={"method": "POST", "path": "/fhir"}, times=1)
        sweep = running.delivery()
        sweep.run_dry()
        sweep.drain()
    running.post(visit(UNSENT))
    running.verify()
    etags = running.rows("SELECT person_id, etag FROM lane WHERE etag IS NOT NULL")
    with moved(running, "0001") as older:
        for person_id, etag in etags:
            older.run("UPDATE lane SET etag = :etag WHERE person_id = :who", etag=etag, who=person_id)
        older.run("UPDATE lane SET due_at = clock_timestamp() - interval '1 h' WHERE due_at IS NOT NULL")
        yield older


@contextmanager
def moved(running: Running, revision: str) -> Iterator[Running]:
    """The service started anew on its database, which has gone to another revision meanwhile; of an older one only the
    database, as today's service does not run on it. What the way down forgets is sealed again, as an operator would.
    """
    settings, newest = running.service.settings, revision == "head"
    running.service.close()
    migrate(settings.dsn, settings.key_dsn, revision)
    service = bootstrap.open_service(settings, to_mend=True) if newest else _databases_alone(running.service)
    opened = replace(running, service=service)
    if newest:
        opened.seal()
    yield opened
    service.close()


def _databases_alone(service: Service) -> Service:
    databases = Database(service.settings.dsn), Database(service.settings.key_dsn)
    return replace(service, stores=replace(service.stores, database=databases[0]), key_database=databases[1])


def held(running: Running) -> dict[str, Any]:
    return {"lane": running.rows(LANES), **running.counts(*KEPT)}


def assert_all_arrived(running: Running) -> None:
    rows = running.rows("SELECT state, reason, due_at, sent_to, want - have FROM lane")
    assert set(rows) == {("open", "", None, None, 0)}
    for index in (PUSHED, UNKNOWN, UNSENT):
        assert running.living(number_of(index)).keys() == {
            key for key in running.shown(number_of(index)) if key[0] not in NOT_CLINICAL
        }


NOT_CLINICAL: Final = {"Patient", "Organization", "Practitioner", "Provenance"}


def test_p6_lanes_of_before_stay_and_deliver_after_the_migration(of_0001: Running) -> None:
    before = held(of_0001)
    assert sorted(row.state for row in before["lane"]) == ["open", "open", "unknown"]
    with moved(of_0001, "head") as newer:
        assert held(newer) == before
        pushed = len(newer.stored(number_of(UNKNOWN)))
        newer.post(corrected(visit(PUSHED), 1), made_on=LATER)
        newer.settle()

        assert_all_arrived(newer)
        # What had arrived unheard was asked about, and not sent again.
        assert len(newer.stored(number_of(UNKNOWN))) == pushed
        assert len(newer.stored(number_of(PUSHED))) == 2

        newer.post(corrected(visit(UNKNOWN), 2), made_on=LATEST)
        newer.settle()
        assert_all_arrived(newer)
        assert len(newer.stored(number_of(UNKNOWN))) == pushed + 1
        assert newer.rows("SELECT count(*) FROM delivery WHERE outcome = 'fence_lost'") == [(0,)]


def assert_old_watermarks_are_gone(running: Running) -> None:
    """Whoever still pushes under the old ids is turned away."""
    book = bootstrap.book_of(running.service)
    for index in (PUSHED, UNKNOWN):
        who = running.person_of(number_of(index))
        with pytest.raises(WatermarkDeleted):
            book.watermark(old_lane_id(running.stores.keys, who, running.stores.destination))


def nothing(running: Running) -> None:
    """Nobody works between the migrations."""


@pytest.mark.parametrize("between", [nothing, Running.settle], ids=["at once", "after deliveries"])
def test_p6_a_step_down_and_up_again_keeps_lanes_that_go_on_delivering(
    of_0001: Running, between: Callable[[Running], None]
) -> None:
    with moved(of_0001, "head") as newer:
        between(newer)
        before = held(newer)
        with newer.stores.database.begin() as connection:
            clients.add_facility(connection, newer.stores.keys, "8930000000019", name="Bệnh viện có GLN")
        with moved(newer, "0001") as older:
            assert held(older) == before
            assert older.rows("SELECT filter_version FROM lane GROUP BY 1") == [(1,)]
            with moved(older, "head") as again:
                assert held(again) == before
                for index in (PUSHED, UNKNOWN, UNSENT):
                    again.post(corrected(visit(index), 2), made_on=LATEST)
                again.settle()
                again.deliver()

                assert_all_arrived(again)
                assert again.rows("SELECT count(*) FROM destination WHERE lost > 0") == [(0,)]
                assert_old_watermarks_are_gone(again)
                assert again.rows("SELECT count(*) FROM facility WHERE code = '8930000000019'") == [(1,)]
