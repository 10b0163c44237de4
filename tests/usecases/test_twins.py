"""One visit under two MA_LK: the later is shown, both are kept, the sender is asked and can undo it
(rules: twin-visits).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from ehr_sync.core.codes import record_version_of
from ehr_sync.core.errors import NotFound
from ehr_sync.core.ports import Login
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import (
    Hoso,
    dossier,
    envelope,
    with_patient,
    with_values,
    without_row,
)
from ehr_sync.sandbox.dossiers.hoso import each_row
from ehr_sync.store import clients
from ehr_sync.usecases.book.waiting_records import waiting_records
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.desk.withdraw_dossiers import restore_dossiers, withdraw_dossiers
from ehr_sync.usecases.intake.keep_apart import keep_apart
from mappings.fhir.ids import record_prefix
from mappings.formats.code_list import ListRow
from tests.usecases.service import DAY, FACILITY, HOSPITAL, Running, number_of

NUMBER: Final = number_of(831)
LATER: Final = DAY + timedelta(days=1)
DESK: Final = Asker("facility:somebody", f"page:{FACILITY}")


def under(hoso: Hoso, ma_lk: str) -> Hoso:
    """The same visit under another MA_LK."""
    return replace(each_row(hoso, lambda _, row: {**row, "MA_LK": ma_lk} if "MA_LK" in row else row), ma_lk=ma_lk)


FIRST: Final = with_values(dossier(831, person_index=831, shape="inpatient", rows=12), "XML1", NGAY_VAO="202405020730")
SECOND: Final = with_values(under(FIRST, "LK-THANG-6"), "XML1", LOI_DAN="Tái khám sau 7 ngày")


def shown(running: Running) -> list[int]:
    """The records that the book shows, by the order in which they came."""
    running.settle()
    came = "SELECT record_id FROM record_version GROUP BY 1 ORDER BY min(accepted_at), min(ordinal)"
    ids = [row[0] for row in running.rows(came)]
    begun = {record_prefix(key[1]) for key in running.living(NUMBER) if key[0] == "Encounter"}
    return [n for n, record_id in enumerate(ids, 1) if bytes(record_id)[:8] in begun]


def test_the_later_of_two_is_shown_and_its_sender_is_asked_and_can_undo_it(running: Running) -> None:
    first = running.post(FIRST)
    assert shown(running) == [1]
    second = running.post(SECOND)
    [asked] = [issue for issue in second.issues if issue.code == "record.twin"]
    assert (asked.path, asked.expected) == ("XML1[1].MA_LK", first.transaction_code)
    assert shown(running) == [2]
    line = running.follow(first.transaction_code)
    assert (line.state, line.next, line.superseded_by) == ("set_aside", "twin_decision", second.transaction_code)
    waiting = waiting_records("page waiting", login=Login("citizen", NUMBER), stores=running.stores)
    assert (waiting.waiting, waiting.withdrawn) == ((), ())

    for _ in range(2):
        keep_apart(first.transaction_code, client_id=HOSPITAL, stores=running.stores)
        assert shown(running) == [1, 2]
    assert running.follow(first.transaction_code).state == "delivered"
    # What was decided holds for versions to come, of either.
    for hoso in (SECOND, FIRST):
        again = running.post(with_values(hoso, "XML1", LOI_DAN="Uống nhiều nước"), made_on=LATER)
        assert "record.twin" not in [issue.code for issue in again.issues]
    assert shown(running) == [1, 2]


def test_p4_who_decides_is_the_sender_of_the_record(running: Running) -> None:
    keys = running.stores.keys
    with running.stores.database.begin() as connection:
        clients.add_client(connection, keys, "khac", name="Khác", jwks={"keys": []}, scopes=["submissions.write"])
    first = running.post(FIRST)
    running.post(SECOND)
    with pytest.raises(NotFound):
        keep_apart(first.transaction_code, client_id="khac", stores=running.stores)
    assert shown(running) == [2]
    assert running.rows("SELECT count(*) FROM audit_event WHERE action = 'refused keep apart'") == [(1,)]


def test_twins_that_come_before_the_proof_or_in_one_file_are_one_visit_too(running: Running) -> None:
    results = running.results(envelope([FIRST, SECOND], made_on=DAY))
    assert [[issue.code for issue in each.issues].count("record.twin") for each in results] == [0, 1]
    assert shown(running) == [2]


def test_two_that_come_at_one_moment_are_one_visit(running: Running) -> None:
    running.post(dossier(832, person_index=831, shape="outpatient", rows=4))
    running.settle()
    visits = [FIRST, *(under(FIRST, f"LK-{n}") for n in range(5))]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(running.post, visits))
    assert len(shown(running)) == 2
    assert running.rows("SELECT count(*) FROM record WHERE twin IS NULL") == [(2,)]


def another_first_row(hoso: Hoso) -> Hoso:
    """No row of drugs or services is as it was."""
    return each_row(hoso, lambda table, row: {**row, "NGAY_YL": "202405030900"} if table in {"XML2", "XML3"} else row)


NO_TWINS: Final[dict[str, Callable[[Hoso], Hoso]]] = {
    "another minute": lambda hoso: with_values(hoso, "XML1", NGAY_VAO="202405020731"),
    "another patient": lambda hoso: with_patient(hoso, person(833)),
    "no equal row": another_first_row,
    "the stay is open again": lambda hoso: with_values(hoso, "XML1", NGAY_RA=""),
}


@pytest.mark.parametrize("change", NO_TWINS)
def test_what_is_not_certainly_one_visit_stays_two(running: Running, change: str) -> None:
    running.post(FIRST)
    second = running.post(NO_TWINS[change](SECOND))
    assert "record.twin" not in [issue.code for issue in second.issues]
    assert 1 in shown(running)


def test_some_equal_rows_are_enough(running: Running) -> None:
    running.post(FIRST)
    running.post(without_row(SECOND, "XML3", 0))
    assert shown(running) == [2]


def test_the_earlier_comes_back_when_the_later_is_withdrawn_or_turns_out_to_be_anothers(running: Running) -> None:
    running.post(FIRST)
    second = running.post(SECOND)
    withdraw_dossiers([ListRow(1, SECOND.ma_lk)], DESK, why="sent_by_mistake", stores=running.stores)
    assert shown(running) == [1]
    restore_dossiers([ListRow(1, SECOND.ma_lk)], DESK, stores=running.stores)
    assert shown(running) == [2]
    running.post(with_patient(SECOND, person(833)), made_on=LATER)
    assert shown(running) == [1]
    assert running.follow(second.transaction_code).state == "superseded"


def test_a_correction_of_the_earlier_is_the_later_of_the_two(running: Running) -> None:
    running.post(FIRST)
    second = running.post(SECOND)
    third = running.post(with_values(FIRST, "XML1", LOI_DAN="Kiêng muối"), made_on=LATER)
    assert [issue.expected for issue in third.issues if issue.code == "record.twin"] == [second.transaction_code]
    assert shown(running) == [1]
    assert record_version_of(third.transaction_code)[1] == 2
