"""Take due work, do it outside of any transaction on a few threads, write down what came of it; over and over.

A slow or dead other side holds one slot, never the sweep: work that has finished is settled while other work runs.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, TypeVar

# What ends this soon after another is settled with it, and its slot filled with it: to settle and to take many costs
# little more than to settle and to take one.
_TOGETHER_SECONDS: Final = 0.005

T = TypeVar("T")
R = TypeVar("R")


class Sweep(Generic[T, R]):
    """`take(n)` commits the intent of at most n pieces of work, `work` does one, `settle` commits what came of some.

    Where `work` raises, which is a fault of ours, that piece is not settled, its lease runs out, and its outcome
    counts as unknown; the fault is raised by the step that hears of it, once all else is settled. Not for sharing
    between threads.
    """

    def __init__(
        self,
        *,
        take: Callable[[int], Sequence[T]],
        work: Callable[[T], R],
        settle: Callable[[Sequence[tuple[T, R]]], None],
        slots: int,
    ) -> None:
        self._take, self._work, self._settle, self._slots = take, work, settle, slots
        self._executor = ThreadPoolExecutor(slots, thread_name_prefix="sweep")
        self._done: queue.SimpleQueue[tuple[T, R] | Exception] = queue.SimpleQueue()
        self._under_way = 0

    def step(self, wait: float) -> int:
        """Fill the free slots, then settle what is done, waiting at most `wait` seconds for the first.

        Returns how many pieces were taken or settled; 0 means that nothing is to be done now.
        """
        taken = self._fill()
        return taken + self._settle_done(wait if self._under_way else 0.0)

    def drain(self) -> None:
        """Settle all that is under way and take no more."""
        while self._under_way:
            self._settle_done(1.0)
        self._executor.shutdown()

    def run_dry(self) -> int:
        """Step until there is nothing due; returns how many pieces were settled."""
        settled = 0
        while self._fill() or self._under_way:
            settled += self._settle_done(1.0)
        return settled

    def _fill(self) -> int:
        free = self._slots - self._under_way
        if free <= 0:
            return 0
        taken = self._take(free)
        for piece in taken:
            self._under_way += 1
            self._executor.submit(self._do, piece)
        return len(taken)

    def _do(self, piece: T) -> None:
        # Whatever happens, the slot is free again.
        try:
            self._done.put((piece, self._work(piece)))
        except Exception as fault:
            self._done.put(fault)

    def _settle_done(self, wait: float) -> int:
        done = []
        try:
            done.append(self._done.get(timeout=wait) if wait else self._done.get_nowait())
            while len(done) < self._under_way:
                done.append(self._done.get(timeout=_TOGETHER_SECONDS))
        except queue.Empty:
            pass
        if done:
            self._under_way -= len(done)
            self._settle([pair for pair in done if not isinstance(pair, Exception)])
            for fault in (pair for pair in done if isinstance(pair, Exception)):
                raise fault
        return len(done)
