"""A record that is told in several Bundles, and changes while one of them is on its way (P6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ehr_sync import bootstrap
from ehr_sync.sandbox.dossiers.generator import dossier, with_values
from tests.usecases.service import DAY, Running, is_clinical, number_of
from tests.usecases.test_p6_p7_delivery import Stopped, assert_settled, deliver_cut

VISIT: Final = dossier(1041, person_index=1041, shape="outpatient", rows=6)
NUMBER: Final = number_of(1041)


def test_p6_a_record_that_changes_while_a_part_of_it_is_on_its_way_is_told_anew_from_its_start(
    running: Running,
) -> None:
    running.post(VISIT)
    running.ready()
    book = Stopped(bootstrap.book_of(running.service))
    sweep = running.delivery(book, entries=8, slots=1)
    while not book.reached.is_set():
        sweep.step(0.05)
    running.post(with_values(VISIT, "XML1", PP_DIEU_TRI="Khác hẳn"), made_on=DAY + timedelta(days=1))
    book.go.set()
    sweep.drain()
    deliver_cut(running, 8)

    assert_settled(running, NUMBER)
    shown = {key: one for key, one in running.shown(NUMBER).items() if is_clinical(one)}
    assert {
        key for key, one in running.living(NUMBER).items() if {**shown[key], "meta": None} != {**one, "meta": None}
    } == set()
