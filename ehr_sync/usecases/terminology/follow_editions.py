"""Each process has the code lists that operators have loaded, and hears of others within seconds, without a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from ehr_sync.core.errors import Unavailable
from ehr_sync.store import code_lists
from ehr_sync.store.code_lists import LoadedEdition
from ehr_sync.store.database import Database
from mappings.terminology import edition_file, editions
from mappings.terminology.editions import Edition, Loaded

LOOK_SECONDS: Final = 5.0


class FollowedEditions:
    """What was loaded since the service was opened, put in place in this process whenever it is called. The database is
    asked at most once in five seconds, by one thread; who comes meanwhile goes on with what there is.
    """

    def __init__(self, database: Database, stopwatch: Callable[[], float]) -> None:
        self._database, self._stopwatch = database, stopwatch
        self._looking = threading.Lock()
        self._looked_at = self._stopwatch()
        # Of what was in place when the service was opened; not asked here, where nobody would wait for a database.
        self._state: tuple[int, int] | None = None

    def __call__(self) -> None:
        """Look whether anything was loaded or withdrawn. Where the database is away it is looked later: who needs it
        now will say so.
        """
        if self._stopwatch() - self._looked_at < LOOK_SECONDS or not self._looking.acquire(blocking=False):
            return
        try:
            self._looked_at = self._stopwatch()
            with self._database.reading() as connection:
                state = code_lists.state(connection)
            if state != self._state:
                self._state = install_editions(self._database)
        except Unavailable:
            return
        finally:
            self._looking.release()


def install_editions(database: Database) -> tuple[int, int]:
    """Put what counts of all that was loaded in place in this process; returns the state that this is of."""
    with database.reading() as connection:
        state = code_lists.state(connection)  # before: what comes between is found at the next look
        found = code_lists.loaded(connection)
    editions.install(counted(found))
    return state


def counted(found: Sequence[LoadedEdition]) -> list[Loaded]:
    """Those that were not withdrawn, as the mappings read them. A list that this version does not know is passed over:
    a newer one may have loaded it.
    """
    return [
        Loaded(one.list, one.number, read_loaded(one))
        for one in found
        if one.withdrawn_at is None and one.list in editions.names()
    ]


def read_loaded(one: LoadedEdition) -> Edition:
    """The edition that its file holds."""
    last = one.last or date.max
    return edition_file.read(one.content, of=one.list, name=one.name, first=one.first, last=last, whole=one.whole)
