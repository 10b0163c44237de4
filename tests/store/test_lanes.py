"""The SQL of lanes: want, take, settle, park; an expired lease is an unknown outcome and never "due" (P6, P7)."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from ehr_sync.store import lane_reports, lanes, settling
from ehr_sync.store.database import Database
from ehr_sync.store.lanes import Intent, Lane
from ehr_sync.store.settling import Delivered
from tests.store.waiting import wait_until_somebody_waits

BOOK: Final = "so-suc-khoe"
LEASE: Final = timedelta(seconds=60)
WHO: Final = UUID(int=1)


def want(database: Database, seq: int, who: UUID = WHO) -> None:
    with database.begin() as connection:
        lanes.want(connection, {who: seq}, BOOK)


def take(database: Database, limit: int = 10) -> Sequence[Lane]:
    """Take what is due as a worker does: intents for what was not sent, a hold on what was."""
    with database.begin() as connection:
        read = lanes.reserve_due(connection, BOOK, limit)
        ours = lanes.lock_unchanged(connection, read)
        taken = [x for x in read if x.person_id in ours]
        fresh = [x for x in taken if x.sent_to is None]
        lanes.hold(connection, [x for x in taken if x.sent_to is not None], LEASE)
        lanes.commit_intents(connection, [Intent(x, x.want, b"key", 3) for x in fresh], LEASE)
    return taken


def taken(database: Database) -> Lane:
    [found] = take(database)
    return found


def row(database: Database) -> Any:
    with database.begin() as connection:
        return connection.execute(
            text("SELECT *, coalesce(leased_until, due_at) - clock_timestamp() AS left FROM lane")
        ).one()


def outcomes(database: Database) -> list[str]:
    with database.begin() as connection:
        return list(connection.execute(text("SELECT outcome FROM delivery ORDER BY fence")).scalars())


def expire(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(
            text("UPDATE lane SET due_at = clock_timestamp(), leased_until = NULL WHERE due_at IS NOT NULL")
        )


def deliver(database: Database, *held: Lane) -> None:
    with database.begin() as connection:
        settling.settle_delivered(connection, [Delivered(x, x.want, x.epoch, 'W/"1"') for x in held])


def test_a_wanted_lane_is_due_now(database: Database) -> None:
    want(database, 1)
    found = row(database)
    assert (found.want, found.have, found.state, found.left <= timedelta(0)) == (1, 0, "open", True)


def test_p6_want_never_falls(database: Database) -> None:
    for seq in (5, 3):
        want(database, seq)
    assert row(database).want == 5


def test_a_taken_lane_is_not_taken_again_before_its_lease_ends(database: Database) -> None:
    want(database, 1)
    held = taken(database)
    assert (held.fence, row(database).fence, row(database).sent_to) == (0, 1, 1)
    assert timedelta(seconds=50) < row(database).left <= LEASE
    assert take(database) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE lane SET want = want",
        "UPDATE lane SET epoch = epoch + 1",
        "UPDATE lane SET etag = 'x'",
        "DELETE FROM lane",
    ],
)
def test_p6_a_lane_that_was_changed_since_it_was_read_is_not_taken(database: Database, change: str) -> None:
    want(database, 1)
    with database.begin() as connection:
        read = lanes.reserve_due(connection, BOOK, 10)
    with database.begin() as connection:
        connection.execute(text(change))
    with database.begin() as connection:
        assert lanes.lock_unchanged(connection, read) == set()


def test_a_lane_that_another_transaction_holds_is_passed_over(database: Database) -> None:
    want(database, 1)
    with database.begin() as connection, database.begin() as other:
        read = lanes.reserve_due(connection, BOOK, 10)
        assert lanes.lock_unchanged(connection, read) == {WHO}
        assert lanes.lock_unchanged(other, read) == set()


def test_what_one_reserves_another_passes_over_until_its_transaction_ends(database: Database) -> None:
    crowd = [UUID(int=n) for n in range(1, 6)]
    for who in crowd:
        want(database, 1, who)
    with database.begin() as other:
        with database.begin() as connection:
            mine = lanes.reserve_due(connection, BOOK, 3)
            assert [x.person_id for x in lanes.reserve_due(other, BOOK, 10)] == crowd[3:]
        assert [x.person_id for x in [*mine, *lanes.reserve_due(other, BOOK, 3)]] == crowd[:3] * 2


def test_whoever_writes_to_a_reserved_lane_does_not_wait(database: Database) -> None:
    want(database, 1)
    with database.begin() as connection:
        read = lanes.reserve_due(connection, BOOK, 1)
        want(database, 2)
        assert lanes.lock_unchanged(connection, read) == set()


def test_a_new_want_does_not_make_a_taken_lane_due(database: Database) -> None:
    want(database, 1)
    taken(database)
    want(database, 2)
    assert take(database) == []
    assert row(database).want == 2


def test_p7_an_expired_lease_is_an_unknown_outcome_and_never_due(database: Database) -> None:
    want(database, 1)
    taken(database)
    expire(database)
    held = taken(database)

    assert (held.sent_to, held.sent_key, held.sent_epoch) == (1, b"key", 0)
    assert (row(database).state, row(database).fence, outcomes(database)) == ("unknown", 2, ["sent"])


def test_p6_only_the_fence_that_holds_it_settles_a_lane(database: Database) -> None:
    want(database, 1)
    first = taken(database)
    expire(database)
    taken(database)
    deliver(database, first)
    assert (row(database).have, row(database).state) == (0, "unknown")


@pytest.mark.parametrize("settle", ["failed", "parked", "unknown", "not_applied"])
def test_p6_no_late_failure_moves_a_lane_that_another_holds(database: Database, settle: str) -> None:
    want(database, 1)
    first = taken(database)
    expire(database)
    taken(database)
    before = row(database)[:-1]
    with database.begin() as connection:
        SETTLE[settle](connection, first)
    assert row(database)[:-1] == before


SETTLE: Final[dict[str, Any]] = {
    "failed": lambda c, held: settling.settle_failed(c, held, "book.status_503", timedelta(seconds=30)),
    "parked": lambda c, held: settling.settle_parked(c, held, "book.refused"),
    "unknown": lambda c, held: settling.settle_unknown(c, held, "book.no_answer", timedelta(seconds=1)),
    "not_applied": lambda c, held: settling.settle_not_applied(c, held, etag='W/"7"'),
}


def test_a_delivered_lane_rests(database: Database) -> None:
    want(database, 1)
    deliver(database, taken(database))
    found = row(database)
    assert (found.have, found.base, found.state, found.due_at, found.since) == (1, 1, "open", None, None)
    assert (found.sent_to, found.sent_key, found.etag, outcomes(database)) == (None, None, 'W/"1"', ["delivered"])
    assert take(database) == []


def test_a_lane_that_wanted_more_meanwhile_is_due_again(database: Database) -> None:
    want(database, 1)
    held = taken(database)
    want(database, 2)
    deliver(database, held)
    found = row(database)
    assert (found.have, found.base, found.left <= timedelta(0), found.since is None) == (1, 1, True, False)


def test_p6_a_want_that_is_committed_while_a_push_is_being_settled_is_not_lost(database: Database) -> None:
    want(database, 1)
    held = taken(database)
    with ThreadPoolExecutor(1) as other:
        with database.begin() as connection:
            lanes.want(connection, {WHO: 2}, BOOK)
            settled = other.submit(deliver, database, held)
            wait_until_somebody_waits(database)
        settled.result()
    found = row(database)
    assert (found.want, found.have, found.base, found.left <= timedelta(0)) == (2, 1, 1, True)


def test_p6_many_are_settled_at_once_and_each_by_its_own_fence_alone(database: Database) -> None:
    crowd = [UUID(int=n) for n in range(1, 5)]
    for n, who in enumerate(crowd, start=1):
        want(database, n, who)
    first = take(database)
    expire(database)
    again = take(database, 2)
    deliver(database, *first)
    with database.begin() as connection:
        have = {who: have for who, have in connection.execute(text("SELECT person_id, have FROM lane"))}
    late = {lane.person_id for lane in again}
    assert have == {who: 0 if who in late else n for n, who in enumerate(crowd, start=1)}


def test_p6_have_never_falls_over_a_resync(database: Database) -> None:
    want(database, 3)
    deliver(database, taken(database))
    start_over(database)
    held = taken(database)
    with database.begin() as connection:
        settling.settle_delivered(connection, [Delivered(held, 2, held.epoch, "e")])
    found = row(database)
    assert (found.have, found.base, found.left <= timedelta(0)) == (3, 2, True)


def start_over(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE lane SET base = 0, epoch = epoch + 1, due_at = COALESCE(due_at, now())"))


def test_p6_a_push_from_before_a_resync_does_not_count_for_it(database: Database) -> None:
    want(database, 3)
    held = taken(database)
    start_over(database)
    deliver(database, held)
    found = row(database)
    assert (found.have, found.base, found.left <= timedelta(0)) == (3, 0, True)


def test_a_failed_lane_waits_and_remembers_how_often(database: Database) -> None:
    want(database, 1)
    held = taken(database)
    with database.begin() as connection:
        SETTLE["failed"](connection, held)
    found = row(database)
    assert (found.state, found.reason, found.attempts, found.sent_to) == ("open", "book.status_503", 1, None)
    assert timedelta(seconds=20) < found.left <= timedelta(seconds=30)
    want(database, 2)
    assert take(database) == []


def park(database: Database) -> None:
    held = taken(database)
    with database.begin() as connection:
        SETTLE["parked"](connection, held)


def test_a_parked_lane_waits_for_a_newer_want(database: Database) -> None:
    want(database, 2)
    park(database)
    assert (row(database).state, row(database).due_at, outcomes(database)) == ("parked", None, ["refused"])
    want(database, 2)
    want(database, 1)
    assert take(database) == []
    want(database, 3)
    assert (row(database).state, row(database).reason, row(database).attempts) == ("open", "", 0)
    assert [x.want for x in take(database)] == [3]


def test_a_lane_refused_while_a_newer_want_came_is_not_parked(database: Database) -> None:
    want(database, 1)
    held = taken(database)
    want(database, 2)
    with database.begin() as connection:
        SETTLE["parked"](connection, held)
    assert (row(database).state, row(database).left <= timedelta(0)) == ("open", True)


def test_a_lane_parked_before_anything_was_sent_opens_too(database: Database) -> None:
    want(database, 1)
    with database.begin() as connection:
        [held] = lanes.reserve_due(connection, BOOK, 1)
        lanes.park(connection, held, "gate.bundle_not_valid")
    assert take(database) == []
    want(database, 2)
    assert len(take(database)) == 1


def test_p7_an_unknown_lane_keeps_what_was_sent_until_it_is_known(database: Database) -> None:
    want(database, 1)
    held = taken(database)
    with database.begin() as connection:
        SETTLE["unknown"](connection, held)
    assert (row(database).state, row(database).sent_to, row(database).attempts) == ("unknown", 1, 1)
    want(database, 2)
    assert take(database) == []
    expire(database)
    assert taken(database).sent_key == b"key"


def test_p7_what_was_not_applied_is_free_to_be_sent_over_the_etag_just_seen(database: Database) -> None:
    want(database, 1)
    held = taken(database)
    with database.begin() as connection:
        SETTLE["not_applied"](connection, held)
    again = taken(database)
    assert (again.sent_to, again.etag, again.state, outcomes(database)) == (
        None,
        'W/"7"',
        "open",
        ["unavailable", "sent"],
    )


def test_a_lane_with_nothing_to_send_holds_what_it_wants(database: Database) -> None:
    want(database, 4)
    with database.begin() as connection:
        lanes.close_idle(connection, lanes.reserve_due(connection, BOOK, 1))
    assert (row(database).have, row(database).base, row(database).due_at, row(database).since) == (4, 4, None, None)


@pytest.mark.parametrize("analysed", [False, True])
def test_no_more_are_taken_than_asked_for_and_none_twice(database: Database, analysed: bool) -> None:
    for _ in range(40):
        want(database, 1, uuid4())
    if analysed:
        with database.begin() as connection:
            connection.execute(text("ANALYZE lane"))
    batches = [[x.person_id for x in take(database, 7)] for _ in range(7)]
    assert list(map(len, batches)) == [7, 7, 7, 7, 7, 5, 0]
    assert len({who for batch in batches for who in batch}) == 40


def test_workers_at_once_never_take_one_lane_twice(database: Database) -> None:
    for _ in range(60):
        want(database, 1, uuid4())
    with ThreadPoolExecutor(6) as threads:
        batches = list(threads.map(lambda _: [x.person_id for x in take(database, 5)], range(24)))
    everybody = [who for batch in batches for who in batch]
    assert len(everybody) == len(set(everybody)) <= 60


def test_the_oldest_are_taken_first(database: Database) -> None:
    crowd = [uuid4() for _ in range(5)]
    for who in crowd:
        want(database, 1, who)
    assert [take(database, 1)[0].person_id for _ in crowd] == crowd


def test_of_another_destination_nothing_is_taken(database: Database) -> None:
    want(database, 1)
    with database.begin() as connection:
        assert lanes.reserve_due(connection, "other", 10) == []


@pytest.mark.parametrize(("state", "found"), [(None, 2), ("open", 1), ("parked", 1), ("unknown", 0), ("behind", 2)])
def test_lanes_are_listed_by_state(database: Database, state: str | None, found: int) -> None:
    want(database, 1)
    park(database)
    want(database, 1, UUID(int=2))
    with database.begin() as connection:
        listed = lane_reports.listing(connection, state=state, after=None, limit=10)
        assert len(listed) == found


def test_lanes_are_listed_page_by_page(database: Database) -> None:
    for n in range(5):
        want(database, 1, UUID(int=n))
    with database.begin() as connection:
        first = lane_reports.listing(connection, state=None, after=None, limit=3)
        rest = lane_reports.listing(connection, state=None, after=(UUID(str(first[-1]["person_id"])), None), limit=3)
    assert [x["person_id"] for x in (*first, *rest)] == [UUID(int=n) for n in range(5)]


def test_p11_a_lane_does_not_show_its_key(database: Database) -> None:
    want(database, 1)
    taken(database)
    expire(database)
    assert "key" not in repr(taken(database)).replace("sent_key", "")


def pushed_twice(database: Database) -> tuple[Any, ...]:
    """The first attempt's row of a lane that failed once and was then delivered."""
    want(database, 1)
    first = taken(database)
    with database.begin() as connection:
        SETTLE["failed"](connection, first)
    ended = deliveries(database)
    expire(database)
    deliver(database, taken(database))
    assert deliveries(database)[:1] == ended
    return ended[0]


def deliveries(database: Database) -> list[tuple[Any, ...]]:
    with database.begin() as connection:
        return [tuple(r) for r in connection.execute(text("SELECT outcome, ended_at FROM delivery ORDER BY fence"))]


def test_a_delivery_that_has_ended_is_not_written_again(database: Database) -> None:
    outcome, ended_at = pushed_twice(database)
    assert (outcome, ended_at is None) == ("unavailable", False)
    assert outcomes(database) == ["unavailable", "delivered"]


def test_each_failure_counts_and_a_delivery_counts_from_the_start_again(database: Database) -> None:
    want(database, 1)
    for n, settle in enumerate(("failed", "unknown", "failed"), 1):
        held = taken(database)
        with database.begin() as connection:
            SETTLE[settle](connection, held)
        assert row(database).attempts == n
        expire(database)
    deliver(database, taken(database))
    assert row(database).attempts == 0


@pytest.mark.parametrize("later", [0, 1])
def test_a_lane_says_why_it_waits_until_it_no_longer_does(database: Database, later: int) -> None:
    want(database, 1)
    park(database)
    want(database, 1 + later)
    assert (row(database).state, row(database).reason) == [("parked", "book.refused"), ("open", "")][later]


def test_since_when_a_lane_is_behind_stays_until_it_is_not(database: Database) -> None:
    want(database, 1)
    since = row(database).since
    want(database, 2)
    held = taken(database)
    want(database, 3)
    deliver(database, held)
    assert row(database).since == since
    deliver(database, taken(database))
    assert row(database).since is None


def test_a_lane_parked_with_nothing_sent_stays_so_for_the_same_want(database: Database) -> None:
    want(database, 2)
    with database.begin() as connection:
        [held] = lanes.reserve_due(connection, BOOK, 1)
        lanes.park(connection, held, "gate.bundle_not_valid")
    want(database, 2)
    found = row(database)
    assert (found.state, found.reason, found.parked_want, found.due_at) == ("parked", "gate.bundle_not_valid", 2, None)


def test_a_lane_that_is_asked_about_is_held_as_unknown_for_its_lease(database: Database) -> None:
    want(database, 1)
    taken(database)
    expire(database)
    taken(database)
    found = row(database)
    assert (found.state, timedelta(seconds=50) < found.left <= LEASE) == ("unknown", True)


def test_lanes_are_settled_in_the_order_of_their_people_whatever_order_they_are_named_in(database: Database) -> None:
    # Whoever writes several lanes takes them in this order: else two of them wait for each other for ever.
    crowd = [UUID(int=n) for n in range(1, 10)]
    for who in crowd:
        want(database, 1, who)
    held = take(database)
    in_the_middle = crowd[4]
    with ThreadPoolExecutor(1) as other:
        with database.begin() as connection:
            connection.execute(text("SELECT 1 FROM lane WHERE person_id = :who FOR UPDATE"), {"who": in_the_middle})
            settled = other.submit(deliver, database, *sorted(held, key=lambda x: x.person_id, reverse=True))
            wait_until_somebody_waits(database)
            with database.begin() as third:
                free = third.execute(text("SELECT person_id FROM lane ORDER BY 1 FOR UPDATE SKIP LOCKED")).scalars()
                untouched = list(free)
        settled.result()
    assert untouched == crowd[5:]
