"""How many lanes must meet the same before it is the book's fault: ten refused in a row, more than fifty behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from ehr_sync import bootstrap
from ehr_sync.sandbox.dossiers.generator import corrected, dossier, envelope
from ehr_sync.store import destinations
from ehr_sync.usecases.delivery.compose_bundle import lane_id
from tests.usecases.service import DAY, Running, number_of

PUSH: Final = {"method": "POST", "path": "/fhir", "contains": '"Patient/'}


def paused(running: Running) -> str:
    with running.stores.database.begin() as connection:
        return destinations.standing(connection, running.stores.destination).paused


def refused(running: Running, *indexes: int) -> list[str]:
    """Visits of these people, of which the book says no; returns what their life lines say."""
    visits = [dossier(index, person_index=index, rows=1) for index in indexes]
    codes = [result.transaction_code for result in running.results(envelope(visits, made_on=DAY))]
    running.world.order("book", "status", status=422, match=PUSH, times=len(indexes))
    running.verify()
    sweep = running.delivery(slots=1)
    sweep.run_dry()
    sweep.drain()
    return [running.follow(code).state for code in codes]


def test_p6_nine_refused_in_a_row_are_parked_and_the_tenth_is_the_books_fault(running: Running) -> None:
    people = range(1001, 1010)
    assert (refused(running, *people), paused(running)) == (["refused_by_book"] * 9, "")

    assert (refused(running, 1010), paused(running)) == (["delivering"], "book.refused.status_422")
    assert running.rows("SELECT DISTINCT state FROM lane") == [("open",)]


def test_p6_what_arrives_between_refusals_begins_the_row_anew(running: Running) -> None:
    assert refused(running, *range(1011, 1020)) == ["refused_by_book"] * 9
    running.post(dossier(1020, person_index=1020, rows=1))
    running.settle()
    assert len(running.stored(number_of(1020))) == 1

    assert (refused(running, 1021), paused(running)) == (["refused_by_book"], "")


@pytest.mark.parametrize(("before", "why"), [(49, ""), (50, "book.lost_data")])
def test_p8_fifty_lanes_of_an_hour_may_be_behind_and_no_more(running: Running, before: int, why: str) -> None:
    visit = dossier(1022, person_index=1022, rows=1)
    running.post(visit)
    running.settle()
    with running.stores.database.begin() as connection:
        for _ in range(before):
            destinations.note_lost(connection, running.stores.destination)
    mark = lane_id(running.stores.keys, running.person_of(number_of(1022)), running.stores.destination)
    bootstrap.book_of(running.service).delete_watermark(mark)
    running.post(corrected(visit, 1), made_on=DAY + timedelta(days=1))
    running.deliver()

    assert paused(running) == why
