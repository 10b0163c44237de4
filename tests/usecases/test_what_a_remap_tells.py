"""What an operator is told of a remap: by which maGiaoDich a record goes, and whether it held what was asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ehr_sync.sandbox.dossiers.generator import dossier, with_table, with_values, without_table
from ehr_sync.store.remaps import Reach
from ehr_sync.usecases.intake.remap_version import Fate
from tests.usecases.older import older_mapping
from tests.usecases.service import DAY, FACILITY, Running
from tests.usecases.test_remap import remapped

VISIT: Final = dossier(661, person_index=661, shape="inpatient", rows=8)


def test_an_open_visit_is_named_by_the_version_that_stands_whatever_came_beside_it(running: Running) -> None:
    opened = running.post(with_values(VISIT, "XML1", NGAY_RA=""))
    beside = running.post(with_values(VISIT, "XML1", LOI_DAN="Kiêng muối"), made_on=DAY - timedelta(days=1))
    [outcome] = remapped(running)

    assert beside.transaction_code != opened.transaction_code
    assert (outcome.transaction_code, outcome.fate) == (opened.transaction_code, Fate.VISIT_OPEN)


def test_a_record_of_which_nothing_stands_is_named_by_what_came_last(running: Running) -> None:
    running.post(without_table(VISIT, "XML1"), facility=FACILITY)
    last = running.post(without_table(without_table(VISIT, "XML1"), "XML2"), facility=FACILITY)
    [outcome] = remapped(running)

    assert (outcome.transaction_code, outcome.fate) == (last.transaction_code, Fate.WAITING)


def test_a_dossier_whose_table_is_empty_does_not_hold_it(running: Running) -> None:
    with older_mapping(tables=lambda tables: {"XML1": tables["XML1"]}):
        running.post(with_table(VISIT, "XML5", []))
    assert [outcome.fate for outcome in remapped(running, Reach(table="XML5"))] == [Fate.OTHER_TABLES]
    assert [outcome.fate for outcome in remapped(running, Reach(table="XML2"))] == [Fate.KEPT]
