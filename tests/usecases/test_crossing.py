"""Everything at once: senders, verifiers and deliverers on the same few records and people, and a book that drops."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Final

import pytest

from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import corrected, dossier, with_patient, without_row
from ehr_sync.store import audit
from ehr_sync.usecases.intake.make_current import make_current
from tests.usecases.service import DAY, HOSPITAL, Running, is_clinical, number_of

PEOPLE: Final = (901, 902)
RECORDS: Final = [dossier(901 + n, person_index=901, shape="outpatient", rows=4) for n in range(3)]


def post(running: Running, draw: Random) -> None:
    hoso = draw.choice(RECORDS)
    changed = draw.choice([hoso, corrected(hoso, draw.randint(1, 4)), without_row(hoso, "XML2")])
    whose = person(draw.choice(PEOPLE))
    running.post(with_patient(changed, whose), made_on=DAY + timedelta(days=draw.randint(0, 3)))


def choose(running: Running, draw: Random) -> None:
    result = running.post(draw.choice(RECORDS))
    make_current(result.transaction_code, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)


def verify(running: Running, draw: Random) -> None:
    sweep = running.verification()
    sweep.run_dry()
    sweep.drain()


def deliver(running: Running, draw: Random) -> None:
    sweep = running.delivery(entries=draw.choice([10, 500]))
    sweep.run_dry()
    sweep.drain()


def lose(running: Running, draw: Random) -> None:
    kind = draw.choice(["drop_after", "drop_before"])
    running.world.order("book", kind, times=1, match={"method": "POST", "path": "/fhir"})


ROLES: Final[list[list[Callable[[Running, Random], None]]]] = [
    [post] * 10,
    [post] * 10,
    [post, choose] * 4,
    [verify] * 8,
    [deliver] * 8,
    [deliver, lose] * 4,
]


@pytest.mark.parametrize("seed", range(3))
def test_p3_p4_p6_whatever_crosses_each_record_ends_in_one_book_as_it_stands(running: Running, seed: int) -> None:
    def play(role: int) -> None:
        draw = Random(seed * 10 + role)
        for step in ROLES[role]:
            step(running, draw)

    with ThreadPoolExecutor(len(ROLES)) as threads:
        list(threads.map(play, range(len(ROLES))))
    running.world.clear()
    for _ in range(3):
        running.settle()

    encounters = []
    for number in map(number_of, PEOPLE):
        shown = {key for key, value in running.shown(number).items() if is_clinical(value)}
        assert running.living(number).keys() == shown
        encounters += [key for key in shown if key[0] == "Encounter"]
        marks = [push["watermarks"][0] for push in running.stored(number)]
        assert all(mark["seq"] >= (mark["seq_before"] or 0) for mark in marks)
    assert len(encounters) == len(set(encounters)) == running.counts("record")["record"]
    assert running.rows("SELECT count(*) FROM lane WHERE have < want OR state <> 'open'") == [(0,)]
    with running.stores.database.begin() as connection:
        assert list(audit.faults(connection, running.stores.keys.audit, {})) == []
