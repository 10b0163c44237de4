"""A remap beside a hospital that goes on sending, killed at its boundaries and begun again, ends as if let be."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import defaultdict
from typing import Any

import pytest

from tests.facts import Key, facts_held, is_in_error
from tests.faults.city import City, eventually
from tests.faults.forms import LONG, in_short
from tests.faults.newer import TOUCHED
from tests.faults.watching import Watch, version

pytestmark = pytest.mark.faults

_PATIENTS = 24 if LONG else 6


def remap(place: City) -> int:
    """Map everything anew by the newer mapping; returns the exit code."""
    command = [sys.executable, "-m", "tests.faults.newer", str(place.folder / "tickets")]
    arguments = ["remap", "--all", "--yes", "--rate", "1000"]
    done = subprocess.run([*command, *arguments], env=place.settings, capture_output=True, check=False, timeout=60)
    return done.returncode


def held(watch: Watch) -> dict[str, dict[Key, Any]]:
    """What every book shows, by number and by the journal."""
    books: dict[str, dict[Key, Any]] = defaultdict(dict)
    for push in watch.stored():
        books[push.number].update(push.entries)
    return books


def is_as_sent(watch: Watch) -> bool:
    """Whether every book says what was sent last, each of its Encounters as the newer mapping writes it."""
    books = held(watch)
    living = [value for book in books.values() for value in book.values() if value and not is_in_error(value)]
    statuses = {value["status"] for value in living if value["resourceType"] == TOUCHED}
    return statuses == {"unknown"} and {n: facts_held(book) for n, book in books.items()} == watch.wanted().books()


def told_twice(watch: Watch) -> list[Key]:
    """Resources that a book was told again although nothing of them had changed."""
    last: dict[Key, Any] = {}
    twice = []
    for push in watch.stored():
        for key, value in push.entries.items():
            twice += [key] if last.get(key) == value else []
            last[key] = value
    return twice


@pytest.mark.parametrize(
    "boundary",
    in_short(
        "before commit of set_body",
        "after commit of set_body",
        "before set_body",
        "before put_entries",
        "before want",
        "before commit of set_records",
    ),
)
def test_a_remap_killed_in_the_middle_and_begun_again_ends_the_same(place: City, boundary: str) -> None:
    place.start_web(1)
    place.start_schedulers(2)
    watch = Watch(place)
    for patient in range(_PATIENTS):
        watch.sender.send(version(1, patient=patient))
    assert watch.arrives()
    place.tickets("remap").place(boundary)

    sending = threading.Thread(target=lambda: [watch.sender.send(version(n, patient=0)) for n in range(2, 8)])
    sending.start()
    killed, ended = remap(place), remap(place)
    sending.join()
    # What the running service has mapped meanwhile by its own, older mapping.
    again = remap(place)

    assert (killed, ended, again) == (-9, 0, 0)
    assert eventually(lambda: is_as_sent(watch), 45, every=0.2)
    assert told_twice(watch) == []
    assert watch.ledger.wrong == []
