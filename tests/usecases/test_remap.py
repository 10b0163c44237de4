"""`ehr-sync remap`: kept dossiers are mapped anew, and nobody hears of more than what that changes.

The older mapping of these tests did not know XML4, wrote a wrong display, or withheld other things.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
import pytest
from sqlalchemy import delete

from ehr_sync.core.record_body import Body
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import (
    billing_only,
    corrected,
    dossier,
    envelope,
    json_batch,
    planted,
    with_number,
    with_patient,
    with_table,
    with_values,
    without_table,
)
from ehr_sync.sandbox.dossiers.hoso import Hoso
from ehr_sync.store import audit, clients
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.store.remaps import Reach
from ehr_sync.store.tables import person_key
from ehr_sync.usecases.intake import archived_dossier, remake_body, remap_version
from ehr_sync.usecases.intake.archived_dossier import ReadAgain
from ehr_sync.usecases.intake.compose_body import compose
from ehr_sync.usecases.intake.list_acceptable import list_acceptable
from ehr_sync.usecases.intake.make_current import make_current
from ehr_sync.usecases.intake.plan_record import patient_of
from ehr_sync.usecases.intake.remake_body import remake
from ehr_sync.usecases.intake.remap_records import order_remap, remap
from ehr_sync.usecases.intake.remap_version import Fate, Outcome
from ehr_sync.usecases.stores import Stores
from mappings.model import Dossier, Issue, Tables
from mappings.sources.dossier import absent
from mappings.sources.dossier.source import DOSSIER
from tests.usecases.older import older_mapping
from tests.usecases.service import DAY, FACILITY, HOSPITAL, Running, is_in_error, number_of

ALICE, BOB = 601, 602
A, B = number_of(ALICE), number_of(BOB)
VISIT: Final = dossier(601, person_index=ALICE, shape="inpatient", rows=16)
LATER, LATEST = DAY + timedelta(days=1), DAY + timedelta(days=2)
ALL: Final = Reach()
# The status of an Observation is written once in each, and in nothing that refers to one.
RIGHT, WRONG = b'"status":"final"', b'"status":"preliminary"'


def wrong_observations(json: bytes) -> bytes:
    """As an older mapping wrote Observations; every other resource as today."""
    return json.replace(RIGHT, WRONG) if json.startswith(b'{"resourceType":"Observation"') else json


def without_xml4(tables: Tables) -> Tables:
    """What a mapping that does not know XML4 sees."""
    return {name: rows for name, rows in tables.items() if name != "XML4"}


def remapped(running: Running, reach: Reach = ALL, *, dry_run: bool = False) -> list[Outcome]:
    """Carry a remap out."""
    steps = remap(reach, dry_run=dry_run, stores=running.stores, uris=running.service.uris, report=_no_fault)
    return [outcome for step in steps for outcome in step]


def _no_fault(code: str, error: Exception) -> None:
    raise AssertionError(code) from error


def fates(outcomes: list[Outcome]) -> Counter[Fate]:
    return Counter(outcome.fate for outcome in outcomes)


DERIVED: Final = {"Patient", "Organization", "Practitioner"}


def meta(running: Running, number: str) -> dict[tuple[str, str], Any]:
    """Version and time of each resource that has a history."""
    return {key: resource["meta"] for key, resource in running.shown(number).items() if key[0] not in DERIVED}


def kinds(pushes: list[dict[str, Any]]) -> Counter[str]:
    """How often each type was told, without what goes along with every push."""
    entries = [entry for push in pushes for entry in orjson.loads(push["received"])["entry"]]
    told = Counter(entry["request"]["url"].partition("/")[0] for entry in entries)
    return Counter({kind: n for kind, n in told.items() if kind not in {"Basic", *DERIVED}})


def test_only_the_touched_resources_get_a_new_version_and_one_push(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        running.post(VISIT)
    running.settle()
    before, pushed = meta(running, A), len(running.stored(A))

    outcomes = remapped(running)
    running.settle()

    after = meta(running, A)
    touched = {key for key in after if after[key] != before[key]}
    assert before.keys() == after.keys()
    assert {kind for kind, _ in touched} == {"Observation"}
    assert {after[key]["versionId"] for key in touched} == {"2"}
    assert all(resource["status"] == "final" for key, resource in running.living(A).items() if key in touched)
    [push] = running.stored(A)[pushed:]
    assert kinds([push]) == Counter({"Observation": len(touched)})
    assert fates(outcomes) == {Fate.CHANGED: 1}
    assert outcomes[0].told == {("changed", "Observation"): len(touched)}


def without_papers(tables: Tables) -> Tables:
    """What a mapping that does not know the papers sees."""
    return {name: rows for name, rows in tables.items() if name not in {"XML7", "XML8", "XML13", "XML14"}}


def test_papers_that_were_kept_come_into_the_book_and_nothing_else_is_told_again(running: Running) -> None:
    slip = {"MA_LK": VISIT.ma_lk, "SO_GIAYHEN_KL": "GH1", "NGAY_HEN_KL": "202612300830"}
    sent = with_values(with_table(VISIT, "XML14", [slip]), "XML1", NGAY_TAI_KHAM="20261230")
    with older_mapping(tables=without_papers):
        running.post(sent)
    running.settle()
    pushed = len(running.stored(A))
    assert "Composition" not in {kind for kind, _ in running.living(A)}

    outcomes = remapped(running)
    running.settle()

    living = running.living(A)
    assert Counter(kind for kind, _ in living)["Composition"] == 3
    [asked] = [
        resource["requestedPeriod"][0]["start"] for (kind, _), resource in living.items() if kind == "Appointment"
    ]
    assert asked == "2026-12-30T08:30:00+07:00"
    [push] = running.stored(A)[pushed:]
    assert kinds([push]) == Counter({"Composition": 3, "Appointment": 1, "Provenance": 1})
    assert outcomes[0].told[("new", "Composition")] == 3


def test_where_nothing_comes_out_otherwise_nobody_hears_of_it(running: Running) -> None:
    # Two visits: the first has not the person's newest seq, to which nothing may fall back.
    with older_mapping():
        for visit in (VISIT, dossier(604, person_index=ALICE, rows=5)):
            running.post(visit)
            running.settle()
    counted = (
        "SELECT e.seq, e.version, p.seq, l.want, l.have FROM book_entry e JOIN person p USING (person_id) JOIN lane l"
    )
    before = running.rows(f"{counted} USING (person_id) ORDER BY e.seq"), running.shown(A)

    assert fates(remapped(running)) == {Fate.SAME: 2}
    running.settle()

    assert before == (running.rows(f"{counted} USING (person_id) ORDER BY e.seq"), running.shown(A))
    assert len(running.stored(A)) == 2


def test_a_body_of_todays_mapping_is_passed_over(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        running.post(VISIT)
    running.post(dossier(602, person_index=BOB, rows=3))
    running.settle()
    assert fates(remapped(running)) == {Fate.CHANGED: 1, Fate.CURRENT: 1}
    bodies = running.rows("SELECT body FROM record_version ORDER BY record_id")
    assert fates(remapped(running)) == {Fate.CURRENT: 2}
    assert running.rows("SELECT body FROM record_version ORDER BY record_id") == bodies


def test_provenance_stays_byte_for_byte_the_same(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        running.post(VISIT)
    running.settle()

    def provenance() -> list[bytes]:
        return [r for r in running.everything(A).resources if b'"resourceType":"Provenance"' in r[:40]]

    before = provenance()
    remapped(running)
    assert (provenance(), len(before)) == (before, 1)


def test_what_the_mapping_did_not_know_comes(running: Running) -> None:
    with older_mapping(tables=without_xml4):
        running.post(VISIT)
    running.settle()
    before = running.living(A)

    [outcome] = remapped(running)
    running.settle()

    fresh = running.living(A).keys() - before.keys()
    assert {kind for kind, _ in fresh} >= {"Observation"}
    assert sum(n for (kind, _), n in outcome.told.items() if kind == "new") == len(fresh)
    [provenance] = [r for r in running.book(A).values() if r["resourceType"] == "Provenance"]
    assert {t["reference"] for t in provenance["target"]} >= {"/".join(key) for key in fresh}


def test_what_the_mapping_makes_no_more_is_gone(running: Running) -> None:
    rows = [row | {"TEN_THUOC": "Thuốc mà bản cũ còn hiểu"} for row in VISIT.tables["XML2"]]
    with older_mapping(tables=lambda tables: {**tables, "XML2": (*tables["XML2"], *rows)}):
        running.post(VISIT)
    running.settle()
    before = running.living(A)

    [outcome] = remapped(running)
    running.settle()

    gone = before.keys() - running.living(A).keys()
    assert {kind for kind, _ in gone} <= {"MedicationAdministration", "MedicationRequest"}
    assert len(gone) == len(rows) > 0
    assert all(is_in_error(running.book(A)[key]) for key in gone)
    assert sum(n for (kind, _), n in outcome.told.items() if kind == "gone") == len(gone)


# ---- P9 ----


def test_p9_what_todays_rules_withhold_leaves_the_book(running: Running) -> None:
    with older_mapping(restricted=frozenset()):
        running.post(dossier(603, person_index=ALICE, shape="inpatient", rows=6, restricted="icd_main"))
    running.settle()
    assert running.living(A)

    assert fates(remapped(running)) == {Fate.LEAVES: 1}
    running.settle()

    assert running.living(A) == {}
    assert meta(running, A) == {}


def test_what_was_withheld_and_no_longer_is_comes(running: Running) -> None:
    with older_mapping(restricted=frozenset({"item.term"})):
        running.post(VISIT)
    running.settle()
    assert running.pushes(A) == []

    assert fates(remapped(running)) == {Fate.COMES: 1}
    running.settle()

    assert {kind for kind, _ in running.living(A)} >= {"Encounter", "Condition", "Observation"}


def test_p9_what_left_and_comes_back_goes_on_counting_its_versions(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    with older_mapping(restricted=frozenset({"item.term"})):
        running.post(corrected(VISIT, 1), made_on=LATER)
    running.settle()
    assert running.living(A) == {}
    remapped(running)
    running.settle()
    assert {m["versionId"] for key, m in meta(running, A).items() if key[0] == "Encounter"} == {"3"}
    assert running.living(A)


def test_p9_a_dossier_of_doubtful_identity_leaves_too(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with older_mapping(restricted=frozenset()):
        running.post(dossier(603, person_index=ALICE, shape="inpatient", rows=6, restricted="icd_main"))
    running.settle()
    monkeypatch.setattr(remake_body, "patient_of", lambda _: None)
    assert fates(remapped(running)) == {Fate.LEAVES: 1}


NOT_ALICE: Final = {"HO_TEN": "TRẦN VĂN KHÔNG PHẢI"}
ITEMS: Final = {
    "test_index": "Anti-HIV",
    "text_discharge_diagnosis": "HIV",
    "icd_screening": "Z11.4",
    "drug_instruction": "PrEP",
}


@pytest.mark.parametrize("kind", ITEMS)
@pytest.mark.parametrize("doubt", [Fate.IDENTITY, Fate.REFUSED])
def test_p9_an_item_withheld_today_leaves_a_doubtful_dossier_too_and_nothing_else_is_read_anew(
    running: Running, monkeypatch: pytest.MonkeyPatch, kind: str, doubt: Fate
) -> None:
    with older_mapping(restricted=frozenset()):
        code = running.post(planted(STAY, kind)).transaction_code
    running.settle()
    claimed = "SELECT claim_id, person_id, number_mark, state, facts FROM claim"
    before, claim = running.living(A), running.rows(claimed)
    assert ITEMS[kind] in str(before)
    make_doubtful(monkeypatch, doubt)

    [planned] = remapped(running, dry_run=True)
    [done] = remapped(running)
    running.settle()

    after = running.living(A)
    assert ITEMS[kind] not in str(after)
    assert (planned.transaction_code, planned.doubt) == (done.transaction_code, done.doubt) == (code, doubt)
    assert planned == done
    assert running.rows(claimed) == claim
    assert {resource["resourceType"] for resource in after.values()} >= {"Encounter", "Condition", "Observation"}
    assert after.keys() <= before.keys()  # no id is another's: the book is the claim's of then
    [again] = remapped(running)
    assert (again.fate, again.doubt) == (Fate.SAME, doubt)


STAY: Final = dossier(7, person_index=ALICE, shape="inpatient", rows=24)


def make_doubtful(monkeypatch: pytest.MonkeyPatch, doubt: Fate) -> None:
    """Today's reader would take the dossier for another person's, or not take it at all."""
    if doubt is Fate.IDENTITY:
        monkeypatch.setattr(remake_body, "patient_of", reading(**NOT_ALICE))
    else:
        monkeypatch.setattr(remake_body, "dossier_of", refusing)


def refusing(record: RecordRow, head: VersionHead, *, stores: Stores) -> ReadAgain:
    """What stands in a kept version, with something for which it would be refused."""
    read = archived_dossier.dossier_of(record, head, stores=stores)
    return replace(read, dossier=replace(read.dossier, issues=(*read.dossier.issues, Issue("ma_lk.missing"))))


def test_p9_a_doubtful_dossier_withheld_whole_leaves_and_stays_listed(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with older_mapping(restricted=frozenset()):
        running.post(planted(STAY, "icd_main"))
    running.settle()
    make_doubtful(monkeypatch, Fate.IDENTITY)
    [done] = remapped(running)
    running.settle()
    assert (done.fate, done.doubt, running.living(A)) == (Fate.LEAVES, Fate.IDENTITY, {})


def test_p9_an_item_of_a_doubtful_dossier_does_not_come_with_its_proof(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with older_mapping(restricted=frozenset()):
        running.post(planted(STAY, "test_index"))
    with monkeypatch.context() as patch:
        make_doubtful(patch, Fate.IDENTITY)
        assert [(o.fate, o.doubt) for o in remapped(running)] == [(Fate.KEPT, Fate.IDENTITY)]
    running.settle()
    assert ("Anti-HIV" in str(running.living(A)), bool(running.living(A))) == (False, True)


def test_a_doubtful_dossier_is_left_where_nothing_of_it_is_withheld(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with older_mapping(written=wrong_observations):
        running.post(planted(STAY, "coach"))
    running.settle()
    before = running.shown(A), running.rows("SELECT body FROM record_version")
    make_doubtful(monkeypatch, Fate.IDENTITY)
    assert [(o.fate, o.doubt) for o in remapped(running)] == [(Fate.IDENTITY, None)]
    assert before == (running.shown(A), running.rows("SELECT body FROM record_version"))


# ---- It is no version of the sender's ----


def test_p3_the_senders_versions_know_nothing_of_it(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        first = running.post(VISIT)
    running.settle()
    told = "SELECT version, state, notes, content_mark, made_on, accepted_at, submission_id FROM record_version"
    before = running.rows(told), running.rows("SELECT versions, newest, shown FROM record")

    remapped(running)
    running.settle()

    assert before == (running.rows(told), running.rows("SELECT versions, newest, shown FROM record"))
    assert running.post(VISIT, made_on=LATER).transaction_code == first.transaction_code
    assert running.follow(first.transaction_code).state == "delivered"
    second = running.post(corrected(VISIT, 1), made_on=LATEST)
    running.settle()
    assert running.follow(first.transaction_code).superseded_by == second.transaction_code


def test_the_tables_that_a_version_took_over_are_those_of_then(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        running.post(VISIT)
        running.post(without_table(corrected(VISIT, 1), "XML2"), made_on=LATER)
    running.settle()
    before = running.living(A)

    remapped(running)
    running.settle()

    assert any(kind.startswith("Medication") for kind, _ in before)
    assert running.living(A).keys() == before.keys()


def visit_with_a_hidden_test() -> Hoso:
    """The visit with an HIV test, of whose result only the order says what it is."""
    row = dict.fromkeys(VISIT.tables["XML3"][0], "") | {"MA_LK": VISIT.ma_lk, "MA_DICH_VU": "XN.0001", "MA_NHOM": "1"}
    order = row | {"TEN_DICH_VU": "HIV Ab test nhanh", "SO_LUONG": "1"}
    number = dict.fromkeys(VISIT.tables["XML4"][0], "") | {"MA_LK": VISIT.ma_lk, "MA_DICH_VU": "XN.0001"}
    results = [*VISIT.tables["XML4"], number | {"TEN_CHI_SO": "Kết quả", "GIA_TRI": "0.12345"}]
    return with_table(with_table(VISIT, "XML3", [*VISIT.tables["XML3"], order]), "XML4", results)


TESTED: Final = visit_with_a_hidden_test()


def test_p9_a_result_that_was_taken_over_does_not_come_back_without_its_order(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        running.post(TESTED)
        running.post(without_table(corrected(VISIT, 1), "XML4"), made_on=LATER)
    running.settle()

    assert fates(remapped(running)) == {Fate.CHANGED: 1}
    running.settle()

    told = orjson.dumps([*running.shown(A).values()])
    assert b'"Observation"' in told
    assert (b"0.12345" in told, b"XN.0001" in told) == (False, False)


def test_p9_nor_does_it_stay_where_the_identity_is_doubtful(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with older_mapping(restricted=frozenset()), monkeypatch.context() as before:
        before.setattr(archived_dossier, "SOURCES", {DOSSIER.name: replace(DOSSIER, to_carry=dict)})
        before.setattr(absent, "to_carry", dict)
        running.post(TESTED)
        running.post(without_table(corrected(VISIT, 1), "XML4"), made_on=LATER)
    running.settle()
    make_doubtful(monkeypatch, Fate.IDENTITY)
    [done] = remapped(running)
    running.settle()

    told = orjson.dumps([*running.shown(A).values()])
    assert (done.doubt, b'"Observation"' in told, b"0.12345" in told) == (Fate.IDENTITY, True, False)


def test_a_claim_is_not_read_anew_and_whose_would_be_read_otherwise_is_listed(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with older_mapping(written=wrong_observations):
        code = running.post(VISIT).transaction_code
    running.settle()
    before = running.rows("SELECT * FROM claim"), running.shown(A)

    monkeypatch.setattr(remake_body, "patient_of", reading(HO_TEN="TRẦN VĂN KHÔNG PHẢI"))

    outcomes = remapped(running)
    running.settle()

    assert [(o.transaction_code, o.fate) for o in outcomes] == [(code, Fate.IDENTITY)]
    assert before == (running.rows("SELECT * FROM claim"), running.shown(A))


def reading(**values: str) -> Callable[[Dossier], Any]:
    """How a reader reads the patient that takes these values out of the same bytes."""
    return lambda dossier: patient_of(
        replace(dossier, tables={**dossier.tables, "XML1": ({**dossier.tables["XML1"][0], **values},)})
    )


@pytest.mark.parametrize(
    "values",
    [{"HO_TEN": "  TRẦN   văn khác "}, {"NGAY_SINH": "197001010000"}, {"SO_CCCD": "099163999999"}, {"GIOI_TINH": "2"}],
)
def test_number_name_and_birth_date_are_what_counts(
    running: Running, monkeypatch: pytest.MonkeyPatch, values: dict[str, str]
) -> None:
    with older_mapping():
        running.post(with_values(VISIT, "XML1", GIOI_TINH="1"))

    monkeypatch.setattr(remake_body, "patient_of", reading(**values))

    assert fates(remapped(running)) == {Fate.SAME if "GIOI_TINH" in values else Fate.IDENTITY: 1}


# ---- What is not shown, or no longer ----


def test_p4_a_version_that_is_not_proven_is_mapped_and_shown_when_it_is(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        running.post(VISIT)
    assert fates(remapped(running)) == {Fate.KEPT: 1}
    assert running.counts("lane", "book_entry") == {"lane": 0, "book_entry": 0}
    running.settle()

    observations = [r for key, r in running.living(A).items() if key[0] == "Observation"]
    assert {r["status"] for r in observations} == {"final"}
    assert {m["versionId"] for m in meta(running, A).values()} == {"1"}


def test_p3_a_superseded_version_is_not_mapped_until_it_is_made_current(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        first = running.post(VISIT).transaction_code
        running.post(corrected(VISIT, 1), made_on=LATER)
    running.settle()
    sealed = "SELECT body FROM record_version WHERE version = 1"
    before = running.rows(sealed)
    assert fates(remapped(running)) == {Fate.CHANGED: 1}
    assert running.rows(sealed) == before

    make_current(first, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)
    running.settle()

    observations = [r for key, r in running.living(A).items() if key[0] == "Observation"]
    assert {r["status"] for r in observations} == {"final"}
    assert fates(remapped(running)) == {Fate.CURRENT: 1}


def test_p3_a_shown_version_made_current_over_a_waiting_one_is_mapped_anew(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        first = running.post(VISIT).transaction_code
    running.settle()
    running.post(with_values(corrected(VISIT, 1), "XML1", HO_TEN="TRẦN VĂN KHÔNG PHẢI"), made_on=LATER)
    running.settle()
    make_current(first, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)
    running.settle()

    assert {m["versionId"] for key, m in meta(running, A).items() if key[0] == "Observation"} == {"2"}
    assert {m["versionId"] for key, m in meta(running, A).items() if key[0] == "Encounter"} == {"1"}


def test_p4_while_a_newer_version_waits_for_its_proof_both_are_mapped_and_the_older_stays_shown(
    running: Running,
) -> None:
    with older_mapping(written=wrong_observations):
        running.post(VISIT)
        running.settle()
        running.post(with_values(corrected(VISIT, 1), "XML1", HO_TEN="TRẦN VĂN KHÔNG PHẢI"), made_on=LATER)
    running.settle()
    before = running.living(A).keys()

    assert fates(remapped(running)) == {Fate.KEPT: 1, Fate.CHANGED: 1}
    running.settle()

    assert running.living(A).keys() == before
    assert {r["status"] for key, r in running.living(A).items() if key[0] == "Observation"} == {"final"}


def test_a_shown_version_of_which_only_the_bill_was_corrected_is_mapped_once(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        running.post(VISIT)
        running.settle()
        running.post(billing_only(VISIT), made_on=LATER)
    running.settle()
    assert running.rows("SELECT newest, shown FROM record") == [(2, 1)]

    assert fates(remapped(running)) == {Fate.CHANGED: 1}
    running.settle()

    assert {m["versionId"] for key, m in meta(running, A).items() if key[0] == "Observation"} == {"2"}
    assert {m["versionId"] for key, m in meta(running, A).items() if key[0] == "Encounter"} == {"1"}
    assert fates(remapped(running)) == {Fate.CURRENT: 1}


def test_p4_a_visit_moved_to_its_right_patient_does_not_come_back_to_the_former(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        running.post(with_patient(VISIT, person(BOB)))
        running.settle()
        running.post(VISIT, made_on=LATER)
    running.settle()
    pushed = len(running.stored(B))

    assert fates(remapped(running)) == {Fate.CHANGED: 1}
    running.settle()

    assert (len(running.stored(B)), running.living(B)) == (pushed, {})
    assert {r["status"] for key, r in running.living(A).items() if key[0] == "Observation"} == {"final"}


# ---- What is counted by reason ----


def test_what_waits_is_counted_and_left(running: Running) -> None:
    with older_mapping():
        running.post(without_table(VISIT, "XML1"), facility=FACILITY)
        running.post(with_values(dossier(605, person_index=BOB, rows=3), "XML1", NGAY_RA=""))
    before = running.rows("SELECT body FROM record_version ORDER BY record_id")
    assert fates(remapped(running)) == {Fate.WAITING: 1, Fate.VISIT_OPEN: 1}
    assert running.rows("SELECT body FROM record_version ORDER BY record_id") == before


def test_one_that_cannot_be_opened_is_counted_and_keeps_nobody_else_waiting(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        codes = [running.post(dossier(610 + n, person_index=610 + n, rows=12)).transaction_code for n in range(4)]
    running.settle()
    erased, keyless, changed, _ = [running.person_of(number_of(610 + n)) for n in range(4)]
    running.stores.key_store.erase(erased)
    running.run("UPDATE piece SET body = set_byte(body, 40, 7) WHERE person_id = :id", id=changed)
    with running.service.key_database.begin() as connection:
        connection.execute(delete(person_key).where(person_key.c.person_id == keyless))
    running.stores.key_store._cache.clear()

    found = {o.transaction_code: o.fate for o in remapped(running)}

    assert found == dict(zip(codes, [Fate.ERASED, Fate.NO_KEY, Fate.UNREADABLE, Fate.CHANGED], strict=True))


def test_a_fault_of_ours_in_one_is_told_and_keeps_nobody_else_waiting(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with older_mapping(written=wrong_observations):
        codes = {running.post(dossier(620 + n, person_index=620 + n, rows=12)).transaction_code for n in range(3)}
    told: list[tuple[str, type[Exception]]] = []

    def first_fails(*arguments: Any, **named: Any) -> Any:
        if not told:
            raise ZeroDivisionError
        return remake(*arguments, **named)

    monkeypatch.setattr(remap_version, "remake", first_fails)
    steps = remap(
        ALL,
        dry_run=False,
        stores=running.stores,
        uris=running.service.uris,
        report=lambda code, error: told.append((code, type(error))),
    )
    assert fates([o for step in steps for o in step]) == {Fate.FAULT: 1, Fate.KEPT: 2}
    [(code, error)] = told
    assert (code in codes, error) == (True, ZeroDivisionError)


ONLY_THE_ENVELOPE: Final = with_values(VISIT, "XML1", MA_CSKCB="")


@pytest.mark.parametrize("form", ["xml", "json"])
def test_a_facility_that_only_the_envelope_names_is_read_from_there(running: Running, form: str) -> None:
    other = envelope([dossier(606, person_index=BOB, rows=2)], made_on=DAY)
    body = envelope([ONLY_THE_ENVELOPE], made_on=DAY, facility=FACILITY)
    with older_mapping(written=wrong_observations):
        if form == "xml":
            running.post_bytes(body)
        else:
            running.post_bytes(json_batch([other, body], facility=FACILITY), media_type="json")
    running.settle()
    before = running.living(A)

    outcomes = remapped(running)
    running.settle()

    assert {key for outcome in outcomes for key in outcome.told} == {("changed", "Observation")}
    assert running.living(A).keys() == before.keys()
    assert running.living(A)[encounter(running)] == before[encounter(running)]


def encounter(running: Running) -> tuple[str, str]:
    [key] = [key for key in running.living(A) if key[0] == "Encounter"]
    return key


# ---- Refused dossiers ----


def test_refused_dossiers_that_would_be_accepted_now_are_listed_by_facility(running: Running) -> None:
    foreign = Hoso(VISIT.ma_lk, "01005", with_values(VISIT, "XML1", MA_CSKCB="01005").tables)
    nameless = with_values(dossier(607, person_index=BOB, rows=2), "XML1", HO_TEN="")
    answer = running.post_bytes(
        envelope([dossier(606, person_index=BOB, rows=2), foreign, nameless], made_on=DAY, facility=FACILITY)
    )
    assert [one.status for one in answer.files[0].dossiers] == ["accepted", "refused", "refused"]
    assert acceptable(running) == []

    with running.stores.database.begin() as connection:
        clients.add_facility(connection, running.stores.keys, "01005", name="Bệnh viện khác")
        clients.grant(connection, running.stores.keys, HOSPITAL, "01005")
    [one] = acceptable(running)

    assert (one.facility_code, one.batch_id, one.file, one.hoso) == ("01005", answer.batch_id, 1, 2)
    assert acceptable(running, Reach(family="01005")) == [one]
    assert acceptable(running, Reach(family=FACILITY)) == []
    assert acceptable(running, Reach(table="XML15")) == []
    assert acceptable(running, Reach(since=datetime(2999, 1, 1, tzinfo=UTC))) == []
    remapped(running)
    assert running.counts("record") == {"record": 1}
    # What its facility has sent again since is no news.
    assert running.post(foreign, facility=FACILITY).status == "accepted"
    assert acceptable(running) == []


def acceptable(running: Running, reach: Reach = ALL) -> list[Any]:
    return list(list_acceptable(reach, stores=running.stores, settings=running.service.settings))


# ---- The order ----


def test_a_plan_tells_what_would_be_done_and_changes_nothing(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        running.post(VISIT)
        running.post(dossier(602, person_index=BOB, rows=9))
    running.verify()
    tables = ("record_version", "record", "book_entry", "lane", "person", "piece", "claim")
    before = [running.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]  # noqa: S608 - our own names

    planned = remapped(running, dry_run=True)

    assert before == [running.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]  # noqa: S608
    assert planned == remapped(running)


def test_who_ordered_it_is_in_the_audit_log_and_no_name_is(running: Running) -> None:
    running.post(VISIT)
    reach = Reach(family=FACILITY, since=datetime(2026, 1, 1, tzinfo=UTC), table="XML4")
    for dry_run in (True, False):
        assert order_remap(reach, by="cli-nguyenvana", dry_run=dry_run, stores=running.stores) == 1
    found = running.rows(
        "SELECT actor, action, person_id, detail FROM audit_event WHERE action LIKE '%remap' ORDER BY n"
    )
    assert [row.action for row in found] == ["plan remap", "order remap"]
    assert {row.detail.partition(" ")[2] for row in found} == {"family=01001 since=2026-01-01 table=XML4"}
    assert "nguyenvana" not in str(found)
    with running.stores.database.begin() as connection:
        assert list(audit.faults(connection, running.stores.keys.audit, {})) == []


@pytest.mark.parametrize(
    ("reach", "expected"),
    [
        (Reach(family=FACILITY), {Fate.KEPT: 1}),
        (Reach(family="01005"), {Fate.KEPT: 1}),
        (Reach(family="01013"), {}),
        (Reach(table="XML4"), {Fate.KEPT: 1, Fate.OTHER_TABLES: 1}),
        (Reach(since=datetime(2999, 1, 1, tzinfo=UTC)), {}),
        (Reach(since=datetime(2020, 1, 1, tzinfo=UTC)), {Fate.KEPT: 2}),
        (Reach(until=datetime(2020, 1, 1, tzinfo=UTC)), {}),
        (Reach(until=datetime(2999, 1, 1, tzinfo=UTC), family=FACILITY), {Fate.KEPT: 1}),
    ],
)
def test_a_remap_reaches_what_it_was_ordered_for(running: Running, reach: Reach, expected: dict[Fate, int]) -> None:
    with running.stores.database.begin() as connection:
        clients.add_facility(connection, running.stores.keys, "01005", name="Bệnh viện khác")
        clients.grant(connection, running.stores.keys, HOSPITAL, "01005")
    with older_mapping(tables=lambda tables: {name: tables[name] for name in ("XML1",)}):
        running.post(VISIT)
        running.post(without_table(dossier(602, person_index=BOB, facility="01005", shape="inpatient", rows=9), "XML4"))
    assert fates(remapped(running, reach)) == expected


def test_a_shown_version_counts_for_the_period_too(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        running.post(VISIT)
        running.settle()
        running.post(with_values(corrected(VISIT, 1), "XML1", HO_TEN="TRẦN VĂN KHÔNG PHẢI"), made_on=LATER)
    running.run("UPDATE record_version SET accepted_at = '2026-02-01T00:00:00Z' WHERE version = 1")
    reach = Reach(since=datetime(2026, 2, 1, tzinfo=UTC), until=datetime(2026, 2, 2, tzinfo=UTC))
    assert fates(remapped(running, reach)) == {Fate.KEPT: 1, Fate.CHANGED: 1}


# ---- Restart, and company ----


def test_ended_in_the_middle_and_begun_again_it_ends_the_same(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        for n in range(6):
            running.post(dossier(630 + n, person_index=630 + n // 2, shape="inpatient", rows=9))
    running.settle()
    pushed = {number_of(630 + n): len(running.stored(number_of(630 + n))) for n in range(3)}
    steps = remap(ALL, dry_run=False, stores=running.stores, uris=running.service.uris, report=_no_fault)
    next(steps)
    next(steps)
    steps.close()  # type: ignore[attr-defined]  # a generator
    running.settle()

    assert fates(remapped(running)) == {Fate.CURRENT: 2, Fate.CHANGED: 4}
    running.settle()

    for number, before in pushed.items():
        told = kinds(running.stored(number)[before:])
        observations = [m["versionId"] for key, m in meta(running, number).items() if key[0] == "Observation"]
        assert set(observations) == {"2"}
        assert told == Counter({"Observation": len(observations)})


def test_two_at_once_map_each_record_once(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        for n in range(8):
            running.post(dossier(640 + n, person_index=640 + n // 4, shape="inpatient", rows=6))
    running.settle()
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: remapped(running), range(3)))
    running.settle()
    for number in (number_of(640), number_of(641)):
        found = meta(running, number)
        assert {m["versionId"] for key, m in found.items() if key[0] == "Observation"} == {"2"}
        assert {m["versionId"] for key, m in found.items() if key[0] == "Encounter"} == {"1"}


@pytest.mark.parametrize("what", ["a new version", "another patient", "a proof"])
def test_what_comes_while_a_record_is_being_mapped_is_not_undone(
    running: Running, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    with older_mapping(written=wrong_observations):
        running.post(VISIT)
    if what != "a proof":
        running.settle()
    between = [what]

    def meanwhile(*arguments: Any, **named: Any) -> Any:
        made = remake(*arguments, **named)
        match between.pop() if between else "":
            case "a new version":
                running.post(corrected(VISIT, 1), made_on=LATER)
            case "another patient":
                running.post(with_patient(VISIT, person(BOB)), made_on=LATER)
            case "a proof":
                running.verify()
        return made

    monkeypatch.setattr(remap_version, "remake", meanwhile)
    outcomes = remapped(running)
    running.settle()

    holder = B if what == "another patient" else A
    assert fates(outcomes) == {Fate.CHANGED if what == "a proof" else Fate.CURRENT: 1}
    assert {r["status"] for key, r in running.living(holder).items() if key[0] == "Observation"} == {"final"}
    assert bool(running.living(A)) == (holder == A)


def test_lines_that_come_out_in_another_order_keep_their_own_versions(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with older_mapping(written=wrong_observations):
        running.post(VISIT)
    running.settle()
    remapped(running)
    before = meta(running, A)

    def reversed_lines(*arguments: Any, **named: Any) -> tuple[Body, int]:
        body, left_out = compose(*arguments, **named)
        return replace(body, resources=b"\n".join(body.resources.split(b"\n")[::-1])), left_out

    monkeypatch.setattr(remake_body, "compose", reversed_lines)
    monkeypatch.setattr(remap_version, "mapping", lambda: "n3w3r000")
    assert fates(remapped(running)) == {Fate.SAME: 1}
    assert meta(running, A) == before


def test_a_number_no_longer_given_does_not_bring_a_withdrawn_version_back(running: Running) -> None:
    with older_mapping(written=wrong_observations):
        running.post(VISIT)
        running.settle()
        running.post(with_number(VISIT, ""), made_on=LATER)
    running.settle()
    assert fates(remapped(running)) == {Fate.KEPT: 1}
    running.settle()
    assert running.living(A) == {}
