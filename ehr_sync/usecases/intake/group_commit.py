"""Requests that wait at the same time in one process share one transaction (group commit).

Whoever comes first leads: while it keeps its chunk, others come and wait; whoever has waited longest leads next, and
takes with it all that waits. What cannot go together goes alone, and one bad dossier never fails its group: where
anything is wrong with a transaction of several, each of them is kept by its own request (P1, P2). Nor does one that
must wait for somebody else's lock hold up the others for long: a transaction of several gives up soon, and whoever has
waited too long for a turn goes alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Final

from ehr_sync.core.answers import HosoResult
from ehr_sync.usecases.intake.keep_records import Chunk, keep, keep_together
from ehr_sync.usecases.stores import Stores
from mappings.model import Uris

Results = tuple[HosoResult, ...]

_MOST: Final = 32
# Packed, which is 400 rows or so: the others would wait while a larger one is mapped.
_MOST_BYTES: Final = 8_192
_PATIENCE_SECONDS: Final = 0.5


class _Turn(Enum):
    LEAD = auto()
    ALONE = auto()
    DONE = auto()


@dataclass(slots=True, eq=False)
class _Waiting:
    chunk: Chunk
    called: threading.Event = field(default_factory=threading.Event)
    turn: _Turn = _Turn.LEAD
    results: Results = ()

    def call(self, turn: _Turn, results: Results = ()) -> None:
        self.turn, self.results = turn, results
        self.called.set()


class GroupCommit:
    """Keeps chunks of requests of this process. `together` keeps several in one transaction and returns the results of
    each, None for one that must go alone; it may raise anything, and then has kept nothing. Safe between threads.
    """

    def __init__(
        self,
        alone: Callable[[Chunk], Results],
        together: Callable[[Sequence[Chunk]], Sequence[Results | None]],
        *,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self._alone, self._together, self._patience = alone, together, patience
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._is_led = False

    def keep(self, chunk: Chunk) -> Results:
        """The chunk's results, when it is committed. Raises what `alone` raises."""
        if not _is_small(chunk):
            return self._alone(chunk)
        mine = _Waiting(chunk)
        with self._lock:
            self._waiting.append(mine)
            leads, self._is_led = not self._is_led, True
        if not leads and not mine.called.wait(self._patience) and not self._gives_up(mine):
            mine.called.wait()
        if mine.turn is _Turn.LEAD:
            self._lead(mine)
        return mine.results if mine.turn is _Turn.DONE else self._alone(chunk)

    def _gives_up(self, mine: _Waiting) -> bool:
        """Waits no longer, unless it was taken or called at this moment."""
        with self._lock:
            if mine.called.is_set() or mine not in self._waiting:
                return False
            self._waiting.remove(mine)
        mine.turn = _Turn.ALONE
        return True

    def _lead(self, mine: _Waiting) -> None:
        mine.turn = _Turn.ALONE
        with self._lock:
            group = self._taken()
        try:
            if len(group) > 1:
                self._commit(group)
            else:
                mine.call(_Turn.DONE, self._alone(mine.chunk))
        finally:
            self._hand_over([each for each in group if each is not mine and not each.called.is_set()])

    def _taken(self) -> list[_Waiting]:
        """The first that wait, as many as may go together, in their order."""
        group: list[_Waiting] = []
        left: list[_Waiting] = []
        records: set[tuple[str, str]] = set()
        while self._waiting and len(group) < _MOST:
            each = self._waiting.popleft()
            # The same bytes name the same record too.
            named = each.chunk.incoming[0].names
            (group if records.isdisjoint(named) else left).append(each)
            records |= named
        self._waiting.extendleft(reversed(left))
        return group

    def _commit(self, group: Sequence[_Waiting]) -> None:
        try:
            found = self._together([each.chunk for each in group])
        except Exception:
            return  # whose fault it is each finds out alone
        for each, results in zip(group, found, strict=True):
            if results is not None:
                each.call(_Turn.DONE, results)

    def _hand_over(self, undone: Sequence[_Waiting]) -> None:
        for each in undone:
            each.call(_Turn.ALONE)
        with self._lock:
            self._is_led = bool(self._waiting)
            if self._waiting:
                self._waiting[0].call(_Turn.LEAD)


def group_commit(stores: Stores, uris: Uris) -> GroupCommit:
    """That of a process, on these stores."""
    return GroupCommit(partial(keep, stores=stores, uris=uris), partial(keep_together, stores=stores, uris=uris))


def _is_small(chunk: Chunk) -> bool:
    """Whether it is one dossier, and all of its submission."""
    return (
        chunk.batch.first
        and chunk.ending is not None
        and len(chunk.incoming) == 1
        and not chunk.refused
        and len(chunk.incoming[0].piece) <= _MOST_BYTES
    )
