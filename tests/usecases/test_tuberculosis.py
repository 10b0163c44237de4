"""A treatment of tuberculosis is one record over all the visits that tell of it, without what tells of HIV
(rules: treatments-of-tuberculosis).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import orjson
import pytest

from ehr_sync.sandbox.dossiers.generator import Hoso, dossier, envelope, planted
from ehr_sync.sandbox.dossiers.treatments import with_treatment
from tests.usecases.service import DAY, Running, number_of

PATIENT: Final = 571
P: Final = number_of(PATIENT)
BEGAN, ENDED = date(2024, 1, 5), date(2024, 7, 8)
OF_HIV: Final = {"PHANLOAI_LAO_HIV": "1", "NGAYKD_HIV": "20240102", "BDDT_ARV": "20240103"}


def visit(seed: int, on: date, ended: date | None = None, **values: str) -> Hoso:
    """A visit of the treatment's patient."""
    made = dossier(seed, person_index=PATIENT, shape="outpatient", rows=2, visit_day=on)
    return with_treatment(made, BEGAN, ended, **values)


FIRST: Final = visit(1, date(2024, 1, 5))
LAST: Final = visit(2, ENDED, ENDED)


def episodes(running: Running) -> list[tuple[str, dict[str, str]]]:
    """The status and period of each treatment in the book."""
    book = running.living(P)
    return [(one["status"], one["period"]) for key, one in sorted(book.items()) if key[0] == "EpisodeOfCare"]


def test_a_treatment_is_one_episode_over_all_its_visits(running: Running) -> None:
    told = running.post(FIRST)
    running.settle()
    assert [other.source_id for other in told.others] == [f"{FIRST.ma_lk} / XML15"]
    assert episodes(running) == [("active", {"start": "2024-01-05"})]

    running.post(LAST, made_on=DAY + timedelta(days=1))
    # What an earlier visit says is older, whenever that is sent: it does not begin anew.
    running.post(visit(3, date(2024, 3, 5)), made_on=DAY + timedelta(days=2))
    running.post(FIRST, made_on=DAY + timedelta(days=3))
    running.settle()
    assert episodes(running) == [("finished", {"start": "2024-01-05", "end": "2024-07-08"})]
    [episode] = [one for key, one in running.living(P).items() if key[0] == "EpisodeOfCare"]
    assert [one["text"] for one in episode["type"]] == [
        "Điều trị lao nhạy cảm thuốc",
        "Lao phổi",
        "Lao mới",
        "Có bằng chứng vi khuẩn học",
        "Phác đồ A1: 2HRZE/4RHE",
    ]
    # A month of visits in one file, of which each names the same treatment.
    assert running.counts("record") == {"record": 4}


def test_p9_what_tells_of_hiv_leaves_no_sign_in_a_treatment(running: Running) -> None:
    running.post(visit(4, BEGAN, None, NGAY_BAT_DAU_DT_CTX="20240104", **OF_HIV))
    running.settle()
    told = orjson.dumps([*running.book(P).values()])
    assert len(episodes(running)) == 1
    assert not any(sign in told for sign in (b"HIV", b"ARV", b"20240102", b"2024-01-02", b"2024-01-04"))


def test_p9_of_a_dossier_that_is_withheld_whole_no_treatment_leaves(running: Running) -> None:
    told = running.post(planted(FIRST, "xml6_table"))
    running.settle()
    assert (told.others, running.pushes(P)) == ((), [])


def test_visits_of_one_treatment_in_one_file_are_kept_one_after_the_other(running: Running) -> None:
    results = running.results(envelope([LAST, FIRST, visit(3, date(2024, 3, 5))], made_on=DAY))
    running.settle()
    assert [len(told.others) for told in results] == [1, 1, 1]
    assert episodes(running) == [("finished", {"start": "2024-01-05", "end": "2024-07-08"})]


def test_what_is_no_registration_makes_no_record(running: Running) -> None:
    odd: list[dict[str, Any]] = [
        {"LOAI_DTRI_LAO": "0"},
        {"NGAYBD_DTRI_LAO": ""},
        {"MA_BN": "another"},
        {"MA_LK": "another"},
    ]
    for n, values in enumerate(odd):
        assert running.post(visit(10 + n, BEGAN, **values)).others == ()


@pytest.mark.parametrize("told", [True, False])
def test_p4_a_treatment_leaves_the_book_of_whom_its_visit_was_not(running: Running, told: bool) -> None:
    running.post(FIRST)
    running.settle()
    assert len(episodes(running)) == 1
    theirs = dossier(1, person_index=572, shape="outpatient", rows=2, visit_day=BEGAN)
    assert theirs.ma_lk == FIRST.ma_lk
    running.post(with_treatment(theirs, BEGAN, None) if told else theirs, made_on=DAY + timedelta(days=1))
    running.settle()
    assert episodes(running) == []
    assert ("EpisodeOfCare" in {kind for kind, _ in running.living(number_of(572))}) is told


@pytest.mark.parametrize("visited", [BEGAN, BEGAN - timedelta(days=3)])
def test_a_treatment_that_its_visit_takes_back_leaves(running: Running, visited: date) -> None:
    running.post(FIRST)
    running.post(visit(1, visited, LOAI_DTRI_LAO="0"), made_on=DAY + timedelta(days=1))
    running.settle()
    assert episodes(running) == []


def test_what_a_later_visit_says_of_a_treatment_outlasts_that_an_earlier_one_takes_it_back(running: Running) -> None:
    running.post(FIRST)
    running.post(LAST, made_on=DAY + timedelta(days=1))
    running.post(visit(1, BEGAN, LOAI_DTRI_LAO="0"), made_on=DAY + timedelta(days=2))
    running.settle()
    assert episodes(running) == [("finished", {"start": "2024-01-05", "end": "2024-07-08"})]
