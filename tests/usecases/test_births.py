"""A child of a birth is a record of its own: never in the mother's book, never under her number, and its own when it
has a number (rules: children-of-a-birth).
"""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import pytest

from ehr_sync.core.answers import HosoResult
from ehr_sync.core.codes import record_version_of
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.births import birth_row, with_births
from ehr_sync.sandbox.dossiers.generator import Hoso, dossier, envelope, without_table
from ehr_sync.store import records
from ehr_sync.usecases.book.erase_person import erase_person
from ehr_sync.usecases.intake.accept_submission import check_submission
from ehr_sync.usecases.intake.archived_dossier import dossier_of
from tests.usecases.service import DAY, HOSPITAL, Running, number_of

MOTHER, ELDER, YOUNGER = 553, 541, 547
M, E, Y = number_of(MOTHER), number_of(ELDER), number_of(YOUNGER)
STAY: Final = dossier(553, person_index=MOTHER, shape="inpatient", rows=4)
LATER, LATEST = DAY + timedelta(days=1), DAY + timedelta(days=2)


def born(index: int) -> datetime:
    """Both are born at the same minute of their day."""
    return datetime.combine(person(index).birth_date, datetime.min.time()) + timedelta(hours=8, minutes=30)


def row(index: int, certificate: str, *, named: bool = False, **values: str) -> dict[str, str]:
    """A child's certificate, before it has a name and number or after."""
    sex = "1" if person(index).sex == "male" else "2"
    child = person(index) if named else None
    return birth_row(STAY, born(index), sex, of=2, certificate=certificate, child=child) | values


TWINS: Final = with_births(STAY, row(ELDER, "17"), row(YOUNGER, "18"))
NAMED: Final = with_births(STAY, row(ELDER, "17", named=True), row(YOUNGER, "18", named=True))


def types(resources: dict[tuple[str, str], dict[str, Any]]) -> list[str]:
    """What kinds of resources there are."""
    return sorted(kind for kind, _ in resources)


def names(result: HosoResult) -> list[str]:
    """How the sender is told of each child."""
    return [child.source_id for child in result.others]


def test_children_without_a_number_wait_each_with_a_code_of_its_own(running: Running) -> None:
    told = running.post(TWINS)
    running.settle()

    assert names(told) == [f"{STAY.ma_lk} / 01/2026-17", f"{STAY.ma_lk} / 01/2026-18"]
    codes = [child.transaction_code for child in told.others]
    assert len({*codes, told.transaction_code}) == 3
    assert [(running.follow(c).state, running.follow(c).next) for c in codes] == [("held", "personal_number")] * 2
    assert running.follow(told.transaction_code).state == "delivered"
    assert [call["number"] for call in running.journal("registry", kind="question")] == [M]
    assert "RelatedPerson" not in types(running.book(M))
    assert b"8339-4" not in b"".join(running.everything(M).resources)
    # The same again says the same, and makes nothing more.
    before = running.counts("record", "record_version", "claim", "person")
    assert running.post(TWINS).others == told.others
    assert running.counts("record", "record_version", "claim", "person") == before
    assert before == {"record": 3, "record_version": 3, "claim": 3, "person": 3}


def test_a_child_that_has_a_number_has_a_book_with_nothing_of_the_mothers_but_her_name(running: Running) -> None:
    running.post(TWINS)
    told = running.post(NAMED, made_on=LATER)
    running.settle()

    assert [running.follow(child.transaction_code).state for child in told.others] == ["delivered", "delivered"]
    for number, index in ((E, ELDER), (Y, YOUNGER)):
        book = running.living(number)
        assert types(book) == ["Observation", "Observation", "RelatedPerson"]
        [mother] = [one for key, one in book.items() if key[0] == "RelatedPerson"]
        assert mother["name"] == [{"text": person(MOTHER).name}]
        assert mother["relationship"][0]["coding"][0]["code"] == "MTH"
        weights = [one for one in book.values() if "valueQuantity" in one]
        assert [(one["valueQuantity"]["value"], one["effectiveDateTime"]) for one in weights] == [
            (3150, f"{born(index):%Y-%m-%dT%H:%M}:00+07:00")
        ]
        assert M.encode() not in orjson.dumps([*running.book(number).items()])
    assert {key[1] for key in running.book(E)} & {key[1] for key in running.book(M)} <= {
        key[1] for key in running.book(M) if key[0] == "Organization"
    }


def test_a_child_whose_row_is_gone_leaves_and_one_whose_table_is_absent_stays(running: Running) -> None:
    running.post(NAMED)
    running.settle()
    running.post(without_table(NAMED, "XML9"), made_on=LATER)
    running.settle()
    assert types(running.living(Y)) == ["Observation", "Observation", "RelatedPerson"]

    told = running.post(with_births(STAY, row(ELDER, "17", named=True)), made_on=LATEST)
    running.settle()
    assert names(told) == [f"{STAY.ma_lk} / 01/2026-17", f"{STAY.ma_lk} / 01/2026-18"]
    assert (types(running.living(Y)), len(running.living(E))) == ([], 3)
    assert running.everything(Y).total in {0, 1}  # nobody, or a Patient alone


def test_no_number_of_the_mothers_is_ever_a_childs(running: Running) -> None:
    told = running.post(with_births(STAY, row(ELDER, "17", named=True, SO_CCCD_CON=M)))
    running.settle()
    assert "number.of_parent" in {issue.code for issue in told.issues}
    [child] = told.others
    assert (running.follow(child.transaction_code).state, running.counts("identifier")) == ("held", {"identifier": 1})
    assert "RelatedPerson" not in types(running.book(M))


ODD: Final[list[tuple[list[dict[str, str]], int]]] = [
    ([row(ELDER, "17"), row(ELDER, "17")], 1),  # one child, told twice
    ([row(ELDER, ""), row(ELDER, "", CAN_NANG_CON="2800")], 2),  # alike in time and sex: twins
    ([row(ELDER, "17", NGAY_SINH_CON="20220808")], 0),  # no time of birth
    ([row(ELDER, "17", GIOI_TINH_CON="")], 0),
    ([row(ELDER, "17", MA_LK="another visit")], 0),
    ([row(ELDER, str(n)) for n in range(13)], 0),  # not of one birth
]


def test_rows_that_are_no_child_or_the_same_child_make_no_record(running: Running) -> None:
    made = [
        running.post(with_births(Hoso(f"L{n}", STAY.facility, _of(f"L{n}")), *_rows(rows, f"L{n}")))
        for n, (rows, _) in enumerate(ODD)
    ]
    assert [len(told.others) for told in made] == [count for _, count in ODD]


def _of(ma_lk: str) -> dict[str, list[dict[str, str]]]:
    return {name: [{**one, "MA_LK": ma_lk} for one in rows] for name, rows in STAY.tables.items()}


def _rows(rows: list[dict[str, str]], ma_lk: str) -> list[dict[str, str]]:
    return [{**one, "MA_LK": ma_lk if one["MA_LK"] == STAY.ma_lk else one["MA_LK"]} for one in rows]


def test_an_erased_mother_leaves_the_child_what_is_the_childs(running: Running) -> None:
    told = running.post(NAMED)
    running.settle()
    before = running.shown(E)
    erase_person(running.person_of(M), by="ops", stores=running.stores)

    assert (running.everything(M).total, running.shown(E)) == (0, before)
    # What came of the child is still to be read, and holds nothing of the mother's but her name.
    record_id, _ = record_version_of(told.others[0].transaction_code)
    with running.stores.database.begin() as connection:
        record = records.records(connection, [record_id])[record_id]
        [head] = records.version_heads(connection, [record])[record_id]
    read = dossier_of(record, head, stores=running.stores).dossier
    [kept] = read.tables["XML9"]
    assert (read.facility_code, kept["SO_CCCD_CON"], M in kept.values()) == (STAY.facility, E, False)


def test_a_check_tells_of_the_children_and_keeps_nothing(running: Running) -> None:
    answer = check_submission(
        client_id=HOSPITAL,
        actor="desk",
        body=io.BytesIO(envelope([TWINS], made_on=DAY)),
        media_type="xml",
        stores=running.stores,
        settings=running.service.settings,
        uris=running.service.uris,
    )
    [told] = [hoso for file in answer.files for hoso in file.dossiers]
    assert [(child.transaction_code, child.status) for child in told.others] == [("", "accepted")] * 2
    assert running.counts("record", "piece") == {"record": 0, "piece": 0}


@pytest.mark.parametrize("means", ["ask", "export_day"])
def test_p3_of_a_dossier_that_is_older_or_may_be_no_child_is_shown(running: Running, means: str) -> None:
    running.run("UPDATE facility SET made_on_means = :means", means=means)
    running.post(with_births(STAY, row(ELDER, "17", named=True)), made_on=LATER)
    told = running.post(NAMED)
    running.settle()
    assert (told.status, names(told)) == ("accepted", [])
    assert (len(running.living(E)) > 0, running.pushes(Y)) == (True, [])
