"""A remap beside a hospital that goes on sending, killed at its boundaries and begun again, ends as if let be."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import defaultdict
from typing import Any

import orjson
import pytest

from tests.faults.city import City, eventually
from tests.faults.expected import Key, tombstone
from tests.faults.forms import LONG, in_short
from tests.faults.newer import AFTER, BEFORE, TOUCHED
from tests.faults.watching import Watch, version

pytestmark = pytest.mark.faults

_PATIENTS = 24 if LONG else 6


def remap(place: City) -> int:
    """Map everything anew by the newer mapping; returns the exit code."""
    command = [sys.executable, "-m", "tests.faults.newer", str(place.folder / "tickets")]
    arguments = ["remap", "--all", "--yes", "--rate", "1000"]
    done = subprocess.run([*command, *arguments], env=place.settings, capture_output=True, check=False, timeout=60)
    return done.returncode


def by_newer(resource: Any) -> Any:
    """A resource of today's mapping as the newer one writes it."""
    return orjson.loads(orjson.dumps(resource).replace(BEFORE.encode(), AFTER.encode()))


def wanted(watch: Watch) -> dict[str, dict[Key, Any]]:
    """What every book must show in the end, by number, from what the senders were told."""
    return {
        number: {key: by_newer(value) if key[0] == TOUCHED else value for key, value in book.items()}
        for number, book in watch.wanted().books().items()
    }


def held(watch: Watch) -> dict[str, dict[Key, Any]]:
    """What every book shows, by the journal, the patient taken out."""
    books: dict[str, dict[Key, Any]] = defaultdict(dict)
    for push in watch.stored():
        for key, value in push.entries.items():
            text = orjson.dumps(value).replace(push.patients[0].encode(), b"00000000-0000-0000-0000-000000000000")
            books[push.number][key] = orjson.loads(text)
    return {number: {k: v for k, v in book.items() if v != tombstone(k)} for number, book in books.items()}


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
    assert eventually(lambda: held(watch) == wanted(watch), 45, every=0.2)
    assert told_twice(watch) == []
    assert watch.ledger.wrong == []
