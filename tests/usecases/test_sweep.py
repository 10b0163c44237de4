"""Sweeps: no more at once than there are slots, nobody waits for a slow one, and what fails frees its slot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Lock
from typing import Final

import pytest

from ehr_sync.usecases.sweep import Sweep

WAIT: Final = 5.0


class Desk:
    """Work that is numbers; remembers what was settled and how much was under way at once."""

    def __init__(self, count: int) -> None:
        self.left = list(range(count))
        self.settled: list[tuple[int, int]] = []
        self.under_way = self.most = 0
        self._lock = Lock()

    def take(self, free: int) -> Sequence[int]:
        taken, self.left = self.left[:free], self.left[free:]
        return taken

    def settle(self, done: Sequence[tuple[int, int]]) -> None:
        self.settled += done

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        yield
        with self._lock:
            self.under_way -= 1

    def double(self, n: int) -> int:
        with self.counted():
            return n * 2


def sweep_of(desk: Desk, work: Callable[[int], int], slots: int = 3) -> Sweep[int, int]:
    return Sweep(take=desk.take, work=work, settle=desk.settle, slots=slots)


def test_everything_is_done_once_and_settled_with_its_result() -> None:
    desk = Desk(50)
    sweep = sweep_of(desk, desk.double)
    assert sweep.run_dry() == 50
    sweep.drain()
    assert sorted(desk.settled) == [(n, n * 2) for n in range(50)]
    assert desk.most <= 3


def test_an_idle_step_says_so() -> None:
    desk = Desk(0)
    sweep = sweep_of(desk, desk.double)
    assert sweep.step(0.0) == 0
    sweep.drain()


def test_p6_a_slow_one_holds_its_slot_and_no_other() -> None:
    desk, go = Desk(10), Event()

    def work(n: int) -> int:
        assert n or go.wait(WAIT)
        return desk.double(n)

    sweep = sweep_of(desk, work)
    while len(desk.settled) < 9:
        sweep.step(WAIT)
    assert 0 not in dict(desk.settled)
    go.set()
    sweep.drain()
    assert len(desk.settled) == 10


def test_p7_what_raises_is_told_is_not_settled_and_frees_its_slot() -> None:
    desk = Desk(9)

    def work(n: int) -> int:
        if n % 3 == 0:
            raise ValueError
        return desk.double(n)

    sweep = sweep_of(desk, work, slots=1)
    for _ in range(3):
        with pytest.raises(ValueError):
            sweep.run_dry()
    sweep.run_dry()
    sweep.drain()
    assert sorted(n for n, _ in desk.settled) == [1, 2, 4, 5, 7, 8]


def test_a_settlement_that_fails_loses_nothing_else() -> None:
    desk = Desk(6)
    failing = iter([True])

    def settle(done: Sequence[tuple[int, int]]) -> None:
        if next(failing, False):
            raise ConnectionError
        desk.settle(done)

    sweep = Sweep(take=desk.take, work=desk.double, settle=settle, slots=1)
    with pytest.raises(ConnectionError):
        sweep.run_dry()
    sweep.run_dry()
    sweep.drain()
    assert [n for n, _ in desk.settled] == [1, 2, 3, 4, 5]


def test_draining_settles_what_is_under_way_and_takes_no_more() -> None:
    desk, go = Desk(10), Event()

    def work(n: int) -> int:
        assert go.wait(WAIT)
        return desk.double(n)

    sweep = sweep_of(desk, work)
    assert sweep.step(0.0) == 3
    go.set()
    sweep.drain()
    assert (len(desk.settled), len(desk.left)) == (3, 7)


def test_no_more_is_taken_than_there_are_free_slots() -> None:
    # What is taken beyond them waits in a queue while its lease runs out.
    desk, go = Desk(20), Event()
    asked: list[int] = []

    def take(free: int) -> Sequence[int]:
        asked.append(free)
        return desk.take(free)

    def work(n: int) -> int:
        assert n != 1 or go.wait(WAIT)
        return n

    sweep = Sweep(take=take, work=work, settle=desk.settle, slots=3)
    sweep.step(WAIT)
    while len(desk.settled) < 19:
        sweep.step(WAIT)
    go.set()
    sweep.drain()
    assert (asked[0], max(asked[1:])) == (3, 2)  # one of the three is held all the time


def test_a_step_counts_what_it_took_and_what_it_settled() -> None:
    desk = Desk(2)
    sweep = sweep_of(desk, desk.double, slots=2)
    counted = 0
    while counted < 4:
        counted += sweep.step(WAIT)
    sweep.drain()
    assert (counted, len(desk.settled), sweep.run_dry()) == (4, 2, 0)
