"""A health check, from the file to the book (rules: health-checks)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from ehr_sync.adapters import key_file
from ehr_sync.core.answers import HosoResult
from ehr_sync.sandbox.city.people import mother_of, person
from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.sandbox.dossiers.health_checks import Parts, file, health_check, message
from ehr_sync.store.remaps import Reach
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.desk.look_at_dossier import compare_versions, find_dossiers
from ehr_sync.usecases.intake.accept_submission import check_submission
from ehr_sync.usecases.intake.break_glass import break_glass
from ehr_sync.usecases.intake.remap_records import remap
from ehr_sync.usecases.intake.remap_version import Fate
from mappings.sources.health_check.source import HEALTH_CHECK
from tests.usecases.kept import joined, readable
from tests.usecases.older import older_mapping
from tests.usecases.service import FACILITY, HOSPITAL, Running, number_of

WHO: Final = 661
W: Final = number_of(WHO)
CHILD: Final = person(690)
DESK: Final = Asker("facility:somebody", f"page:{FACILITY}")
DAY: Final = date(2024, 5, 10)


def parts(**changed: Mapping[str, str]) -> Parts:
    """The check of an adult, with some fields changed."""
    made = health_check(7, person(WHO), facility=FACILITY, on=DAY)
    return {name: [{**row, **changed.get(name, {})} for row in rows] for name, rows in made.items()}


def post(running: Running, sent: Parts, made_on: date = DAY, **options: Any) -> HosoResult:
    """What became of one check."""
    [result] = running.results(file(sent, made_on=made_on, **options))
    return result


def refusals(result: HosoResult) -> set[tuple[str, str]]:
    """What is wrong with it, but for signatures."""
    return {(i.code, i.path) for i in result.issues if not i.code.startswith("health_check.signature")}


def kinds(running: Running, number: str = W) -> list[str]:
    """The types in a book, each once."""
    return sorted({key[0] for key in running.living(number)})


def test_a_check_comes_into_the_book_of_its_person_once_it_is_proven(running: Running) -> None:
    taken = post(running, parts())
    assert (taken.status, taken.source_id, refusals(taken)) == ("accepted", "KSK.01001.2024.0000007", set())
    assert running.pushes(W) == []
    running.settle()
    assert running.follow(taken.transaction_code).state == "delivered"
    assert kinds(running) == ["Composition", "Condition", "DiagnosticReport", "Encounter", "Observation"]
    [check] = [one for key, one in running.shown(W).items() if key[0] == "Encounter"]
    assert check["type"][0]["text"] == "Khám sức khỏe người từ 18 tuổi"
    assert check["period"] == {"start": "2024-05-10T08:05:00+07:00"}


def test_p2_the_same_check_by_the_hubs_message_in_base64_is_the_same_check(running: Running) -> None:
    first = post(running, parts())
    sent = file(parts(), made_on=date(2024, 5, 11), in_base64=True)
    [again] = [hoso for one in running.post_bytes(message(sent), media_type="json").files for hoso in one.dossiers]
    assert (again.transaction_code, running.counts("record_version")) == (first.transaction_code, {"record_version": 1})


def test_p3_a_corrected_check_takes_the_place_of_the_first_and_can_be_compared(running: Running) -> None:
    post(running, parts())
    second = post(running, parts(XML12={"PHAN_LOAI_SK": "3"}), made_on=date(2024, 5, 12))
    running.settle()
    [class_] = [one for one in running.living(W).values() if "valueCodeableConcept" in one]
    assert class_["valueCodeableConcept"]["text"] == "loại III"
    tables = compare_versions(second.transaction_code, DESK, stores=running.stores).tables
    assert [(table.table, [one.after for row in table.rows for one in row.changes]) for table in tables or ()] == [
        ("KSK12", ["3"])
    ]


def test_p1_a_check_is_kept_byte_for_byte_and_mapped_anew(running: Running) -> None:
    sent = file(parts(), made_on=DAY)
    with older_mapping(written=lambda json: json.replace("loại".encode(), b"?"), source=HEALTH_CHECK):
        running.results(sent)
    assert joined(running) == sent
    running.settle()
    steps = remap(Reach(), dry_run=False, stores=running.stores, uris=running.service.uris, report=_no_fault)
    assert [outcome.fate for step in steps for outcome in step] == [Fate.CHANGED]
    running.settle()
    [class_] = [one for one in running.living(W).values() if "valueCodeableConcept" in one]
    assert class_["valueCodeableConcept"]["text"].startswith("loại ")


def _no_fault(code: str, error: Exception) -> None:
    raise AssertionError(code) from error


def test_a_visit_and_a_check_of_one_ma_lk_stand_side_by_side(running: Running) -> None:
    visit = dossier(7, person_index=WHO, facility=FACILITY, rows=2)
    running.post(visit)
    named = post(running, parts(XML2={"MA_LK": visit.summary["MA_LK"]}))
    assert (named.status, running.counts("record")) == ("accepted", {"record": 2})
    found = find_dossiers(visit.summary["MA_LK"], DESK, stores=running.stores)
    assert (len(found), named.transaction_code in found) == (2, True)


def test_p4_a_child_waits_with_its_guardians_number_and_arrives_with_its_own(running: Running) -> None:
    guardian = mother_of(CHILD)
    assert guardian is not None
    options: dict[str, Any] = {"type_": "ChildUnder", "facility": FACILITY, "on": DAY, "guardian": guardian}
    waiting = post(running, health_check(8, CHILD, has_number=False, **options))
    running.settle()
    line = running.follow(waiting.transaction_code)
    assert (line.state, line.next) == ("held", "personal_number")
    assert running.pushes(guardian.number) == []
    post(running, health_check(8, CHILD, **options), made_on=date(2024, 5, 20))
    running.settle()
    assert "Encounter" in kinds(running, CHILD.number)
    assert running.pushes(guardian.number) == []


def test_p4_a_check_of_another_name_stays_out_of_the_book(running: Running) -> None:
    other = post(running, parts(XML1={"HO_TEN": "TRẦN VĂN KHÁC"}))
    running.settle()
    assert (running.follow(other.transaction_code).state, running.pushes(W)) == ("held", [])


def test_p9_a_check_that_names_hiv_goes_nowhere(running: Running) -> None:
    kept = post(running, parts(XML12={"KET_LUAN_BENH": "B20"}))
    running.settle()
    assert (running.follow(kept.transaction_code).state, running.pushes(W)) == ("kept", [])


def test_p9_a_record_of_hiv_among_its_parts_is_read_by_its_own_key_alone(running: Running) -> None:
    key = key_file.load_break_glass(key_file.break_glass_of(running.service.settings.key_file))
    root = "CHI_TIEU_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS"
    sent = file({**parts(), root: [{"MA_BAC_PHAC_DO": "1"}]}, made_on=DAY)
    [kept] = running.results(sent)
    running.settle()
    assert (running.follow(kept.transaction_code).state, running.pushes(W)) == ("kept", [])
    assert b"MA_BAC_PHAC_DO" not in readable(running)
    rows = break_glass(kept.transaction_code, key, by="ops", stores=running.stores)
    assert [row["MA_BAC_PHAC_DO"] for row in rows] == ["1"]
    later = post(running, parts(), made_on=date(2024, 5, 12))
    running.settle()
    assert (running.follow(later.transaction_code).state, running.pushes(W)) == ("kept", [])


def test_what_is_wrong_with_a_check_is_told_and_nothing_of_it_is_kept(running: Running) -> None:
    foreign = post(running, parts(XML2={"MA_CSKCB": "01005"}))
    assert refusals(foreign) == {("facility.not_yours", "KSK2[1].MA_CSKCB")}
    short = post(running, parts(), announced=9)
    assert refusals(short) == {("health_check.parts_missing", "THONGTINHOSO.SOLUONGHOSO")}
    assert {foreign.status, short.status} == {"refused"}
    assert running.counts("record", "submission") == {"record": 0, "submission": 0}


def test_a_dry_run_shows_what_would_become_of_each_field(running: Running) -> None:
    answer = check_submission(
        client_id=HOSPITAL,
        actor=f"client:{HOSPITAL}",
        body=io.BytesIO(file(parts(), made_on=DAY)),
        media_type="xml",
        stores=running.stores,
        settings=running.service.settings,
        uris=running.service.uris,
        with_fhir=True,
    )
    [tried] = answer.files[0].dossiers
    assert tried.foreseen is not None
    trace = tried.foreseen.trace
    assert {to.path for to in trace.fields["KSK10[1].MACH"]} == {"Observation"}
    assert any(to.path.startswith("Encounter.extension") for to in trace.fields["KSK12[1].PHAN_LOAI_SK"])
    assert trace.fields["KSK1[1].DIA_CHI"] == ()
    assert running.counts("record") == {"record": 0}
