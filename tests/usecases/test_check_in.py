"""A check-in (XML0) starts the verification: what is wrong with a number is told while its patient is at the desk
(rules: check-in).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from ehr_sync.core.ports import Login
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.check_in import alone, checked_in
from ehr_sync.sandbox.dossiers.generator import dossier, envelope, json_batch, with_values
from ehr_sync.usecases.book.waiting_records import waiting_records
from ehr_sync.usecases.intake.follow_transaction import LifeLine
from tests.usecases.kept import joined
from tests.usecases.service import DAY, FACILITY, Running, number_of

PATIENT: Final = 581
P: Final = number_of(PATIENT)
VISIT: Final = dossier(581, person_index=PATIENT, shape="outpatient", rows=3)
CAME: Final = checked_in(VISIT)


def seen(line: LifeLine) -> tuple[str, str, list[str]]:
    """Where a version is, what it waits for, and its steps."""
    return line.state, line.next, [step.name for step in line.steps]


def questions(running: Running) -> int:
    """How often the registry was asked."""
    return len(running.journal("registry", kind="question"))


@pytest.mark.parametrize("form", ["envelope", "alone", "batch"])
def test_who_checks_in_is_verified_at_once_and_the_summary_joins_the_proof(running: Running, form: str) -> None:
    sent = {
        "envelope": envelope([CAME], made_on=DAY),
        "alone": alone(CAME),
        "batch": json_batch([alone(CAME)], FACILITY),
    }[form]
    answer = running.post_bytes(sent, media_type="json" if form == "batch" else "xml")
    [told] = [hoso for file in answer.files for hoso in file.dossiers]
    assert (told.source_id, {issue.code for issue in told.issues}) == (VISIT.ma_lk, {"record.waiting_for_xml1"})
    assert joined(running) == sent
    running.settle()
    assert seen(running.follow(told.transaction_code)) == (
        "waiting_for_xml1",
        "summary_table",
        ["received", "verified"],
    )
    assert (questions(running), running.pushes(P)) == (1, [])

    whole = running.post(VISIT, made_on=DAY + timedelta(days=1))
    running.settle()
    assert (running.follow(whole.transaction_code).state, questions(running)) == ("delivered", 1)
    assert running.follow(told.transaction_code).superseded_by == whole.transaction_code
    assert running.counts("person", "claim", "record") == {"person": 1, "claim": 1, "record": 1}


def test_a_mismatch_is_told_at_check_in_and_corrected_by_the_summary(running: Running) -> None:
    told = running.post(checked_in(VISIT, HO_TEN="TRẦN VĂN KHÁC"))
    running.settle()
    assert seen(running.follow(told.transaction_code)) == (
        "held",
        "identity_correction",
        ["received", "not_proven"],
    )
    whole = running.post(VISIT, made_on=DAY + timedelta(days=1))
    running.settle()
    assert running.follow(whole.transaction_code).state == "delivered"


def test_nine_digits_at_check_in_are_asked_about_only_once_a_nationality_is_told(running: Running) -> None:
    running.post(checked_in(VISIT, SO_CCCD="099999901"))
    running.settle()
    assert questions(running) == 0


def test_a_check_in_of_somebody_elses_place_is_refused(running: Running) -> None:
    answer = running.post_bytes(alone(checked_in(VISIT, MA_CSKCB="79001")))
    assert [file.status for file in answer.files] == ["refused"]


@pytest.mark.parametrize("restricted", [True, False])
def test_p9_a_check_in_that_tells_of_hiv_shows_its_patient_not_even_that_it_waits(
    running: Running, restricted: bool
) -> None:
    running.post(checked_in(VISIT, MA_DOITUONG_KCB="1.9" if restricted else "1.1"))
    running.settle()
    waits = waiting_records("read waiting", login=Login("citizen", person(PATIENT).number), stores=running.stores)
    assert [each.why for each in waits.waiting] == ([] if restricted else ["waiting_for_xml1"])


def test_rows_of_another_visit_in_one_check_in_are_told(running: Running) -> None:
    two = checked_in(VISIT)
    two.tables["XML0"].append({**two.tables["XML0"][0], "MA_LK": "another", "STT": "2"})
    told = running.post(two)
    assert ("ma_lk.differs", "XML0[2].MA_LK") in {(issue.code, issue.path) for issue in told.issues}


def test_a_visit_that_is_open_and_withheld_shows_nobody_that_it_waits(running: Running) -> None:
    opened = with_values(VISIT, "XML1", NGAY_RA="", MA_BENH_CHINH="B20")
    running.post(opened)
    running.settle()
    waits = waiting_records("read waiting", login=Login("citizen", person(PATIENT).number), stores=running.stores)
    assert waits.waiting == ()
