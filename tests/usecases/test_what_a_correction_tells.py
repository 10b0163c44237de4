"""A sender hears what a new version of a record changes: its patient, the book, or neither."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import pytest

from ehr_sync.core.answers import HosoResult
from ehr_sync.sandbox.dossiers.generator import billing_only, corrected, dossier, envelope, with_number, with_values
from tests.usecases.service import DAY, Running, number_of

PERSON: Final = 431
FIRST: Final = dossier(431, person_index=PERSON, shape="outpatient", rows=6)
LATER: Final = DAY + timedelta(days=1)


def told(result: HosoResult) -> set[str]:
    return {issue.code for issue in result.issues} & {"record.patient_changed", "record.book_unchanged"}


@pytest.mark.parametrize("proven", [True, False])
def test_a_change_of_billing_alone_is_told_and_nothing_is_pushed(running: Running, proven: bool) -> None:
    running.post(FIRST)
    if proven:
        running.settle()
    pushes = len(running.stored(number_of(PERSON)))

    second = running.post(billing_only(FIRST), made_on=LATER)

    assert told(second) == {"record.book_unchanged"}
    if proven:
        running.settle()
        assert len(running.stored(number_of(PERSON))) == pushes


def test_a_change_of_what_is_not_mapped_is_told_so_too(running: Running) -> None:
    running.post(FIRST)
    assert told(running.post(with_values(FIRST, "XML1", DIEN_THOAI="0900000009"), made_on=LATER)) == {
        "record.book_unchanged"
    }


def test_a_change_that_the_book_shows_is_no_unchanged_book(running: Running) -> None:
    running.post(FIRST)
    assert told(running.post(corrected(FIRST, 1), made_on=LATER)) == set()


def test_a_first_version_tells_neither(running: Running) -> None:
    assert told(running.post(FIRST)) == set()


@pytest.mark.parametrize(
    "changed",
    [
        with_number(FIRST, number_of(432)),
        with_number(FIRST, ""),
        with_values(FIRST, "XML1", HO_TEN="NGUYỄN THỊ MẪU KHÁC"),
        with_values(FIRST, "XML1", NGAY_SINH="195001010000"),
        with_values(FIRST, "XML1", GIOI_TINH="3"),
    ],
)
def test_another_patient_in_a_new_version_is_told(running: Running, changed: object) -> None:
    running.post(FIRST)
    second = running.post(changed, made_on=LATER)  # type: ignore[arg-type]  # parametrized over dossiers
    assert told(second) == {"record.patient_changed"}


def test_what_was_told_is_told_again_with_the_same_content(running: Running) -> None:
    running.post(FIRST)
    running.post(with_number(FIRST, number_of(432)), made_on=LATER)
    again = running.post(with_number(FIRST, number_of(432)), made_on=LATER + timedelta(days=1))
    assert told(again) == {"record.patient_changed"}


def test_a_version_that_does_not_stand_tells_of_no_change_yet(running: Running) -> None:
    running.post(FIRST, made_on=LATER)
    unclear = running.post(with_number(FIRST, number_of(432)), made_on=DAY)
    assert told(unclear) == set()


def test_p9_a_dossier_that_shows_nothing_says_nothing_of_the_book(running: Running) -> None:
    hidden = with_values(FIRST, "XML1", MA_BENH_KT="B20")
    running.post(hidden)
    assert told(running.post(billing_only(hidden), made_on=LATER)) == set()


def test_an_envelope_without_its_facility_says_so_beside_the_refusal(running: Running) -> None:
    body = envelope([FIRST], made_on=DAY).replace(b"<MACSKCB>01001</MACSKCB>", b"<MACSKCB></MACSKCB>")
    [file] = running.post_bytes(body).files
    assert [issue.code for issue in file.issues] == ["facility.not_yours", "envelope.facility_missing"]


def test_each_version_of_a_second_visit_under_one_ma_lk_hears_that_it_was_used_before(running: Running) -> None:
    second = dossier(432, person_index=432, ma_lk=FIRST.ma_lk, rows=3, visit_day=date(2026, 3, 3))
    sent = [FIRST, second, corrected(second, 1), corrected(FIRST, 1)]
    heard = [running.post(each, made_on=DAY + timedelta(days=n)) for n, each in enumerate(sent)]

    assert [any(issue.code == "ma_lk.reused" for issue in one.issues) for one in heard] == [False, True, True, False]
