"""Which visits make one claim of who their patient is, to be asked about once and decided for all of them."""

from __future__ import annotations

from datetime import date
from typing import Final

import pytest

from ehr_sync.sandbox.dossiers.generator import dossier, with_values, without_table
from ehr_sync.usecases.book.erase_person import erase_person
from tests.usecases.service import FACILITY, Running, number_of

# A child under its mother's number: below one year nobody asks, as the name may be hers; later it is asked.
MOTHER: Final = number_of(1031)
CHILD: Final = {"SO_CCCD": MOTHER, "HO_TEN": "NGUYỄN MẪU AN", "NGAY_SINH": "202501150800"}
AT_ELEVEN_MONTHS: Final = with_values(
    dossier(1032, person_index=1031, rows=1, visit_day=date(2025, 12, 20)), "XML1", 0, **CHILD
)
AT_THIRTEEN_MONTHS: Final = with_values(
    dossier(1033, person_index=1031, rows=1, visit_day=date(2026, 2, 20)), "XML1", 0, **CHILD
)


@pytest.mark.parametrize("older_first", [True, False])
def test_a_child_is_asked_about_from_one_year_on_and_not_before(running: Running, older_first: bool) -> None:
    visits = [AT_THIRTEEN_MONTHS, AT_ELEVEN_MONTHS] if older_first else [AT_ELEVEN_MONTHS, AT_THIRTEEN_MONTHS]
    codes = {visit.ma_lk: running.post(visit).transaction_code for visit in visits}
    running.settle()
    lines = {ma_lk: running.follow(code) for ma_lk, code in codes.items()}

    assert lines[AT_ELEVEN_MONTHS.ma_lk].next == "personal_number"
    assert lines[AT_THIRTEEN_MONTHS.ma_lk].next == "identity_correction"
    assert {asked["number"] for asked in running.journal("registry")} == {MOTHER}


def test_an_amendment_sent_again_after_the_erasure_of_its_patient_is_kept_and_waits(running: Running) -> None:
    visit = dossier(1034, person_index=1034, shape="outpatient", rows=3)
    amendment = without_table(visit, "XML1")
    running.post(amendment, facility=FACILITY)
    running.post(visit)
    running.settle()
    erase_person(running.person_of(number_of(1034)), by="ops", stores=running.stores)

    again = running.post(amendment, facility=FACILITY)
    assert (again.status, running.follow(again.transaction_code).state) == ("accepted", "waiting_for_xml1")
