"""Readiness and figures tell the truth about the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from ehr_sync.core.figures import PUSH_BUCKETS, Figures
from ehr_sync.runtime.metrics import exposition, scraper
from ehr_sync.store.database import Database
from ehr_sync.store.figures import figures
from ehr_sync.store.migrate import migrate
from ehr_sync.store.tables import claim, delivery, lane, submission
from ehr_sync.usecases.check_readiness import check_readiness
from tests.databases import Dsns

NONE = Figures(0, {}, {}, {}, {}, {}, {})


@pytest.fixture
def opened(dsns: Dsns) -> Iterator[Database]:
    database = Database(dsns.main, connections=1)
    yield database
    database.close()


def checks(main: str, keys: str) -> set[str]:
    """The names of the checks that fail."""
    database, key_database = Database(main, connections=1), Database(keys, connections=1)
    found = check_readiness(database=database, key_database=key_database, undone_erasures=set)
    database.close()
    key_database.close()
    return {name for name, holds in found.items() if not holds}


def test_migrated_and_durable_databases_are_ready(dsns: Dsns) -> None:
    assert checks(dsns.main, dsns.keys) == set()


@pytest.mark.parametrize(("which", "failing"), [("main", "durability"), ("keys", "key_store_durability")])
def test_a_database_that_forgets_in_a_power_cut_is_not_ready(dsns: Dsns, which: str, failing: str) -> None:
    with psycopg.connect(getattr(dsns, which), autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    assert checks(dsns.main, dsns.keys) == {failing}


def test_databases_without_migrations_are_not_ready(dsns: Dsns) -> None:
    migrate(dsns.main, dsns.keys, "base")
    assert checks(dsns.main, dsns.keys) == {"migrations", "key_store_migrations"}


@pytest.mark.parametrize(
    ("which", "table", "failing"),
    [("main", "audit_event", "untouched"), ("keys", "audit_checkpoint", "key_store_untouched")],
)
def test_p10_a_database_with_a_foreign_rule_is_not_ready(dsns: Dsns, which: str, table: str, failing: str) -> None:
    with psycopg.connect(getattr(dsns, which), autocommit=True) as connection:
        connection.execute(f"CREATE RULE mute AS ON DELETE TO {table} DO INSTEAD NOTHING".encode())
    assert checks(dsns.main, dsns.keys) == {failing}


def test_databases_that_are_away_are_not_ready() -> None:
    nowhere = "postgresql://ehr_sync@127.0.0.1:1/ehr_sync"
    assert len(checks(nowhere, nowhere)) == 8


def add_lane(database: Database, state: str, behind: bool, now: datetime) -> None:
    since = now - timedelta(seconds=90) if behind else None
    row = {"person_id": uuid4(), "destination": "book", "want": 2, "state": state}
    with database.begin() as connection:
        connection.execute(insert(lane).values(**row, due_at=since, since=since))


def add_delivery(database: Database, outcome: str, seconds: float, now: datetime) -> None:
    started = now - timedelta(seconds=30)
    row = {"person_id": uuid4(), "destination": "book", "fence": 1, "target": 1, "entries": 3}
    ended = started + timedelta(seconds=seconds)
    with database.begin() as connection:
        connection.execute(insert(delivery).values(**row, started_at=started, ended_at=ended, outcome=outcome))


def read(database: Database) -> Figures:
    with database.begin() as connection:
        return figures(connection, 0)


def test_an_empty_database_has_no_figures(opened: Database) -> None:
    found = read(opened)
    assert replace(found, flow=replace(found.flow, at=None)) == NONE


def test_lanes_are_counted_by_what_they_wait_for(opened: Database) -> None:
    now = opened.now()
    add_lane(opened, "open", True, now)
    add_lane(opened, "open", False, now)
    add_lane(opened, "unknown", True, now)
    add_lane(opened, "parked", False, now)

    found = read(opened)
    assert found.lanes == {("book", "behind"): 2, ("book", "unknown"): 1, ("book", "parked"): 1}
    assert 90 <= found.oldest_seconds["book"] < 120


def test_pushes_that_arrived_are_timed(opened: Database) -> None:
    now = opened.now()
    add_delivery(opened, "delivered", 0.2, now)
    add_delivery(opened, "delivered", 3.0, now)
    add_delivery(opened, "unavailable", 9.0, now)
    add_delivery(opened, "delivered", 1.0, now - timedelta(minutes=10))

    found = read(opened)
    assert found.recent_deliveries == {("book", "delivered"): 2, ("book", "unavailable"): 1}
    counts = dict(zip((*PUSH_BUCKETS, None), found.recent_push_counts["book"], strict=True))
    assert (counts[0.1], counts[0.25], counts[5.0], counts[None]) == (0, 1, 2, 2)
    assert found.recent_push_seconds["book"] == pytest.approx(3.2)


def test_claims_and_submissions_are_counted(opened: Database) -> None:
    with opened.begin() as connection:
        connection.execute(insert(claim).values(claim_id=b"c" * 16, person_id=UUID(int=1), state="review", facts=b""))
        for number in range(3):
            row = {"submission_id": bytes([number]) * 16, "client_id": "bv", "media_type": "xml"}
            connection.execute(insert(submission).values(**row, wrapped_key=b"", skeleton=b""))

    found = read(opened)
    assert (found.claims, found.recent_submissions) == ({"review": 1}, 3)


def test_figures_are_shown_as_prometheus_reads_them() -> None:
    counts = tuple(range(len(PUSH_BUCKETS) + 1))
    shown = exposition(
        Figures(7, {"proven": 5}, {("book", "behind"): 2}, {"book": 1.5}, {}, {"book": counts}, {"book": 8.0})
    )
    samples = {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(shown.decode())
        for sample in family.samples
    }
    assert samples["ehr_sync_submissions_5m", ()] == 7
    assert samples["ehr_sync_claims", ("proven",)] == 5
    assert samples["ehr_sync_lanes", ("behind", "book")] == 2
    assert samples["ehr_sync_oldest_lane_seconds", ("book",)] == 1.5
    assert samples["ehr_sync_push_seconds_5m_bucket", ("+Inf", "book")] == len(PUSH_BUCKETS)
    assert samples["ehr_sync_push_seconds_5m_gsum", ("book",)] == 8.0
    bounds = [labels[0] for name, labels in samples if name == "ehr_sync_push_seconds_5m_bucket"]
    assert sorted(bounds, key=float) == ["0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "20.0", "+Inf"]


def test_many_scrapes_ask_the_database_once_in_five_seconds() -> None:
    asked: list[float] = []
    seconds = [0.0]

    def count() -> Figures:
        asked.append(seconds[0])
        return NONE

    scrape = scraper(count, lambda: seconds[0])
    for seconds[0] in (0.0, 1.0, 4.9, 5.0, 6.0, 10.1):
        scrape()
    assert asked == [0.0, 5.0, 10.1]
