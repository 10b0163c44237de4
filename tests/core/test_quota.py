"""Token buckets, with a clock that the test moves."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from ehr_sync.core.errors import Unavailable
from ehr_sync.core.kept import kept
from ehr_sync.core.quota import Buckets, Lease, LeasedBuckets, Quota
from ehr_sync.core.tally import Counts, Tally

SIXTY = Quota("x", 60)


class Watch:
    """A stopwatch that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def times(take: Callable[[], bool], most: int) -> int:
    """How often in a row it is admitted."""
    return next((n for n in range(most) if not take()), most)


def test_a_bucket_holds_a_minutes_worth_and_fills_up_evenly() -> None:
    watch = Watch()
    buckets = Buckets(SIXTY, watch)
    assert times(lambda: buckets.take("a").admitted, 100) == 60
    watch.seconds += 2.5
    assert times(lambda: buckets.take("a").admitted, 100) == 2


def test_it_says_how_long_to_wait_and_is_right() -> None:
    watch = Watch()
    buckets = Buckets(SIXTY, watch)
    times(lambda: buckets.take("a").admitted, 100)
    wait = buckets.take("a").wait_seconds
    watch.seconds += wait / 2
    assert not buckets.take("a").admitted
    watch.seconds += wait / 2
    assert (wait, buckets.take("a").admitted) == (1.0, True)


def test_who_is_refused_again_and_again_waits_no_longer_for_it() -> None:
    watch = Watch()
    buckets = Buckets(SIXTY, watch)
    assert {buckets.take("a").wait_seconds for _ in range(200)} == {0.0, 1.0}


def test_asking_how_long_takes_nothing() -> None:
    buckets = Buckets(Quota("x", 1), Watch())
    assert [buckets.seconds_until_one("a") for _ in range(3)] == [0.0] * 3
    buckets.take("a")
    assert buckets.seconds_until_one("a") == 60.0


def test_everybody_has_a_bucket_of_their_own() -> None:
    buckets = Buckets(Quota("x", 1), Watch())
    assert [buckets.take(who).admitted for who in ("a", "a", "b")] == [True, False, True]


def test_of_too_many_the_one_seen_longest_ago_is_forgotten() -> None:
    buckets = Buckets(Quota("x", 1), Watch(), most=2)
    for who in ("a", "b", "b", "c"):
        buckets.take(who)
    assert [buckets.take(who).admitted for who in ("b", "a")] == [False, True]


class Shared:
    """The bucket that processes share: so many are in it, and nothing fills it up."""

    def __init__(self, left: int) -> None:
        self.left, self.asked = left, 0

    def lease(self, _who: str) -> Lease:
        self.asked += 1
        granted = min(SIX_HUNDRED.chunk, self.left)
        self.left -= granted
        return Lease(granted, self.left)


SIX_HUNDRED = Quota("x", 600)


def test_two_processes_get_no_more_than_the_shared_bucket_holds() -> None:
    shared = Shared(35)
    processes = [LeasedBuckets(SIX_HUNDRED, shared.lease, Watch()) for _ in range(2)]
    admitted = Counter(process.take("a").admitted for _ in range(50) for process in processes)
    assert admitted == {True: 35, False: 65}


def test_the_shared_bucket_is_asked_once_for_a_chunk() -> None:
    shared = Shared(1000)
    process = LeasedBuckets(SIX_HUNDRED, shared.lease, Watch())
    for _ in range(100):
        process.take("a")
    assert shared.asked == 10


def test_an_empty_shared_bucket_is_asked_again_when_there_can_be_one() -> None:
    shared, watch = Shared(0), Watch()
    process = LeasedBuckets(SIX_HUNDRED, shared.lease, watch)
    waits = {process.take("a").wait_seconds for _ in range(50)}
    assert (waits, shared.asked) == ({0.1}, 1)
    watch.seconds += 0.11
    shared.left = 3
    assert (process.take("a").admitted, shared.asked) == (True, 2)


def test_what_was_taken_out_long_ago_is_used_no_more() -> None:
    shared, watch = Shared(1000), Watch()
    process = LeasedBuckets(SIX_HUNDRED, shared.lease, watch)
    process.take("a")
    watch.seconds += 11
    process.take("a")
    assert shared.asked == 2


def test_it_says_how_many_are_left_here_and_elsewhere() -> None:
    process = LeasedBuckets(SIX_HUNDRED, Shared(100).lease, Watch())
    assert [process.take("a").left for _ in range(3)] == [99, 98, 97]


def test_what_is_counted_is_handed_on_every_five_seconds_and_never_twice() -> None:
    watch, there = Watch(), Counter[str]()
    tally = Tally(there.update, watch)
    for _ in range(3):
        tally.count("a")
    assert there == {}
    watch.seconds += 5
    tally.count("b")
    tally.keep()
    assert there == {"a": 3, "b": 1}


def test_what_many_threads_count_at_once_is_handed_on_once_in_five_seconds() -> None:
    watch, kept_ = Watch(), list[int]()
    tally = Tally(lambda counted: kept_.append(sum(counted.values())), watch)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(300):
                watch.seconds += 5
                list(pool.map(tally.count, "aaaaaaaa"))
    finally:
        sys.setswitchinterval(before)
    assert len(kept_) == 300
    tally.keep()
    assert sum(kept_) == 2_400


def test_what_a_server_counted_is_taken_over_once() -> None:
    counts, there = Counts(), Counter[str]()
    tally = Tally(there.update, Watch())
    counts.add("a")
    for _ in range(2):
        tally.take_over(counts)
    tally.keep()
    assert there == {"a": 1}


def test_what_cannot_be_kept_now_is_kept_later() -> None:
    there, away = Counter[str](), [True]

    def keep(counted: Mapping[str, int]) -> None:
        if away.pop():
            raise Unavailable("database.away")
        there.update(counted)

    tally = Tally(keep, Watch())
    tally.count("a")
    tally.keep()
    away.append(False)
    tally.keep()
    assert there == {"a": 1}


def test_a_kept_answer_is_made_again_when_it_is_old() -> None:
    watch, made = Watch(), iter(range(10))
    give = kept(lambda: next(made), 1.0, watch)
    assert (give(), give()) == (0, 0)
    watch.seconds += 1.0
    assert (give(), give()) == (1, 1)
