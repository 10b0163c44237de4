"""What comes without its summary joins its visit, whichever comes first (rules: waiting-for-summary)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from ehr_sync.core.answers import HosoResult
from ehr_sync.core.codes import record_version_of
from ehr_sync.sandbox.dossiers.generator import Hoso, dossier, planted, with_values, without_table
from ehr_sync.sandbox.dossiers.hoso import with_table
from ehr_sync.store.remaps import Reach
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.desk.withdraw_dossiers import withdraw_dossiers
from ehr_sync.usecases.intake.remap_records import remap
from mappings.formats.code_list import ListRow
from tests.usecases.older import older_mapping
from tests.usecases.service import DAY, FACILITY, Running, number_of

NUMBER: Final = number_of(841)
WHOLE: Final = dossier(841, person_index=841, shape="inpatient", rows=24)
RESULTS: Final = WHOLE.tables["XML4"]
LATER, LATEST = DAY + timedelta(days=1), DAY + timedelta(days=2)


def only(table: str, rows: list[dict[str, str]]) -> Hoso:
    """Some rows of one table and nothing else."""
    made = with_table(WHOLE, table, rows)
    for name in WHOLE.tables:
        made = made if name == table else without_table(made, name)
    return made


def without_results() -> Hoso:
    return without_table(WHOLE, "XML4")


def issues(result: HosoResult) -> list[str]:
    return [issue.code for issue in result.issues]


def book(running: Running) -> dict[tuple[str, str], dict[str, Any]]:
    running.settle()
    return running.living(NUMBER)


def said(shown: dict[tuple[str, str], dict[str, Any]]) -> list[str]:
    """What a book's Observations say, without ids."""
    found = [one for key, one in shown.items() if key[0] == "Observation"]
    return sorted(str([one.get(name) for name in ("code", "valueQuantity", "valueString", "status")]) for one in found)


def test_late_results_join_their_visit_and_all_else_stays(running: Running) -> None:
    first = running.post(with_table(WHOLE, "XML4", RESULTS[:2]))
    before = book(running)
    late = running.post(only("XML4", RESULTS[2:]), made_on=LATER)
    assert ("record.joined" in issues(late), record_version_of(late.transaction_code)[1]) == (True, 2)
    after = book(running)
    assert (running.follow(late.transaction_code).state, running.follow(first.transaction_code).state) == (
        *("delivered", "superseded"),
    )
    assert before.keys() < after.keys()
    kinds = {key[0] for key in after.keys() - before.keys()}
    assert "Observation" in kinds and not kinds & {"Encounter", "Condition", "MedicationAdministration"}

    # A row that says otherwise takes the place of the one that it is; the same part again does nothing.
    measured = next(row for row in RESULTS[2:] if row["GIA_TRI"].replace(".", "").isdigit())
    running.post(only("XML4", [{**measured, "GIA_TRI": "987654"}]), made_on=LATEST)
    changed = book(running)
    assert changed.keys() == after.keys()
    assert sum("987654" in str(one) for one in changed.values()) == 1
    versions = running.counts("record_version")
    again = running.post(only("XML4", RESULTS[2:]), made_on=LATEST + timedelta(days=1))
    assert (again.transaction_code, running.counts("record_version")) == (late.transaction_code, versions)
    assert book(running) == changed


def test_what_came_before_its_summary_joins_it(running: Running) -> None:
    parts = [running.post(only("XML4", rows)) for rows in (RESULTS[:2], RESULTS[2:])]
    assert [running.follow(part.transaction_code).state for part in parts] == ["waiting_for_xml1"] * 2
    whole = running.post(without_results(), made_on=LATER)
    assert [issue.path for issue in whole.issues if issue.code == "record.joined"] == ["XML4"]
    shown = book(running)
    assert running.follow(whole.transaction_code).state == "delivered"
    assert [running.follow(part.transaction_code).state for part in parts] == ["superseded"] * 2

    # The same as of the dossier that says it all.
    running.post(WHOLE, made_on=LATEST)
    assert said(book(running)) == said(shown)
    assert len(said(shown)) >= 4


def test_a_remap_and_a_further_version_find_every_row_again(running: Running) -> None:
    def wrong(json: bytes) -> bytes:
        return json.replace(b'"status":"final"', b'"status":"preliminary"')

    with older_mapping(written=wrong):
        running.post(only("XML4", RESULTS[:1]))
        running.post(without_results())
        running.post(only("XML4", RESULTS[1:3]), made_on=LATER)
        running.post(only("XML4", RESULTS[3:]), made_on=LATEST)
    first = book(running)
    steps = remap(Reach(), dry_run=False, stores=running.stores, uris=running.service.uris, report=_fault)
    assert [outcome.fate.value for step in steps for outcome in step] == ["changed"]
    second = book(running)
    assert first.keys() == second.keys()
    assert {one["status"] for key, one in second.items() if key[0] == "Observation"} == {"final"}
    # XML3 still has services with results: what was joined stays (rules: absent-tables).
    running.post(with_values(without_results(), "XML1", LOI_DAN="Uống nhiều nước"), made_on=LATEST + timedelta(days=1))
    assert said(book(running)) == said(second)


def _fault(code: str, error: Exception) -> None:
    raise AssertionError(code) from error


def test_a_part_of_an_open_visit_is_there_when_it_ends(running: Running) -> None:
    running.post(with_values(without_results(), "XML1", NGAY_RA=""))
    late = running.post(only("XML4", RESULTS), made_on=LATER)
    assert running.follow(late.transaction_code).state == "visit_open"
    running.post(without_results(), made_on=LATEST)
    assert len(said(book(running))) >= len(RESULTS) - 1


def test_a_part_brings_no_withdrawn_visit_back(running: Running) -> None:
    running.post(without_results())
    running.settle()
    desk = Asker("facility:somebody", f"page:{FACILITY}")
    withdraw_dossiers([ListRow(1, WHOLE.ma_lk)], desk, why="sent_by_mistake", stores=running.stores)
    late = running.post(only("XML4", RESULTS), made_on=LATER)
    assert "record.waiting_for_xml1" in issues(late)
    assert book(running) == {}


def test_p9_a_part_that_tells_of_hiv_takes_the_visit_out(running: Running) -> None:
    running.post(WHOLE)
    assert book(running)
    hidden = planted(WHOLE, "drug_code")
    running.post(only("XML2", hidden.tables["XML2"]), made_on=LATER)
    assert book(running) == {}
