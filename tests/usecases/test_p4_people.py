"""P4: no book holds and no citizen sees anything before the record's own claim is proven; people never meet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

import orjson
import pytest

from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import (
    Hoso,
    corrected,
    dossier,
    with_number,
    with_patient,
    with_values,
    without_table,
)
from ehr_sync.usecases.intake.make_current import make_current
from tests.usecases.service import DAY, HOSPITAL, Running, is_clinical, is_in_error, number_of, with_settings

ALICE, BOB = 501, 502
A, B = number_of(ALICE), number_of(BOB)
VISIT: Final = dossier(501, person_index=ALICE, shape="inpatient", rows=8)
LATER, LATEST = DAY + timedelta(days=1), DAY + timedelta(days=2)
WRONG_NAME: Final = with_values(VISIT, "XML1", HO_TEN="TRẦN VĂN KHÔNG PHẢI")


def test_p4_before_the_proof_nothing_is_in_the_book_or_shown(running: Running) -> None:
    running.post(VISIT)
    running.deliver()

    assert running.pushes(A) == []
    assert running.everything(A).total == 0
    assert running.counts("lane", "book_entry", "identifier") == {"lane": 0, "book_entry": 0, "identifier": 0}
    assert running.rows("SELECT seq, state FROM person") == [(0, "provisional")]


def test_p4_a_claim_that_is_not_proven_shows_nothing_ever(running: Running) -> None:
    running.post(WRONG_NAME)
    running.settle()
    assert (running.pushes(A), running.everything(A).total) == ([], 0)


@pytest.mark.parametrize("index", [900_001, 900_003, 900_004, 900_009])
def test_p4_what_only_resembles_a_proof_shows_nothing(running: Running, index: int) -> None:
    running.post(dossier(510, person_index=index, rows=2))
    running.settle()
    assert (running.pushes(number_of(index)), running.everything(number_of(index)).total) == ([], 0)


def test_p4_one_proven_record_does_not_let_another_claim_of_the_number_out(running: Running) -> None:
    running.post(VISIT)
    running.post(with_values(dossier(511, person_index=ALICE, rows=3), "XML1", HO_TEN="TRẦN VĂN KHÔNG PHẢI"))
    running.settle()

    encounters = [key for key in running.living(A) if key[0] == "Encounter"]
    assert len(encounters) == 1


SPELLINGS: Final[list[dict[str, str]]] = [
    {"GIOI_TINH": sex, "MA_QUOCTICH": nation} for sex in ("1", "2", "3") for nation in ("000", "101")
]


def test_p4_claims_that_prove_one_number_at_once_make_one_person(running: Running) -> None:
    running = with_settings(running, number_tries=6)  # one facility sends them all within a day
    visits = [
        with_values(dossier(520 + n, person_index=ALICE, rows=2), "XML1", 0, **s) for n, s in enumerate(SPELLINGS)
    ]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(running.post, visits))
    assert running.counts("claim", "person") == {"claim": 6, "person": 6}
    sweeps = [running.verification() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda sweep: (sweep.run_dry(), sweep.drain()), sweeps))
    running.settle()

    assert sorted(state for (state,) in running.rows("SELECT state FROM person")) == ["merged"] * 5 + ["proven"]
    assert running.counts("identifier") == {"identifier": 1}
    assert len([key for key in running.living(A) if key[0] == "Encounter"]) == 6
    assert {patient for push in running.stored(A) for patient in push["patients"]} == {str(running.person_of(A))}


def test_p4_a_dossier_accepted_while_its_claim_is_being_proven_is_shown_once(running: Running) -> None:
    visits = [dossier(530 + n, person_index=ALICE, rows=1) for n in range(12)]
    running.post(visits[0])
    sweep = running.verification()
    with ThreadPoolExecutor(6) as threads:
        posted = threads.map(running.post, visits)
        sweep.run_dry()
        list(posted)
    sweep.drain()
    running.settle()
    assert len([key for key in running.living(A) if key[0] == "Encounter"]) == 12


def test_p4_two_peoples_data_are_never_in_one_book(running: Running) -> None:
    for n in range(6):
        running.post(dossier(540 + n, person_index=(ALICE, BOB)[n % 2], rows=3))
    running.settle()

    assert [len(push["patients"]) for push in running.pushes_of_people()] == [1] * 2
    theirs = [{(kind, id_) for kind, id_ in running.living(number)} for number in (A, B)]
    assert theirs[0].isdisjoint(theirs[1])


# ---- A wrong number, corrected ----


def assert_book_was_emptied(running: Running, number: str) -> None:
    """Nothing clinical, and nobody but the register beside the Patient: each entry is neutral."""
    held = [resource for key, resource in running.book(number).items() if key[0] not in {"Patient", "Organization"}]
    left = [resource for resource in held if resource["resourceType"] != "Practitioner"]
    assert left
    assert all(map(is_in_error, left))
    text = orjson.dumps(left).decode()
    summary = VISIT.summary
    for value in (summary["MA_BENH_CHINH"], summary["CHAN_DOAN_RV"], summary["NGAY_VAO"][:8], summary["MA_LK"]):
        assert value not in text


def test_p4_a_wrong_number_corrected_leaves_the_former_book_at_once(running: Running) -> None:
    running.post(with_patient(VISIT, person(BOB)))
    running.settle()
    assert running.living(B)
    second = running.post(VISIT, made_on=LATER)
    assert running.shown(B).keys() == {("Patient", str(running.person_of(B)))}
    running.deliver()

    assert_book_was_emptied(running, B)
    assert (running.pushes(A), running.follow(second.transaction_code).state) == ([], "verifying")
    running.settle()
    assert running.living(A)


def test_p4_a_number_that_is_no_longer_given_leaves_the_book_at_once(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    second = running.post(with_number(VISIT, ""), made_on=LATER)
    running.settle()

    assert_book_was_emptied(running, A)
    assert (running.follow(second.transaction_code).state, running.follow(second.transaction_code).next) == (
        "held",
        "personal_number",
    )


def test_p4_a_number_corrected_before_anything_was_delivered_tells_the_former_book_nothing(running: Running) -> None:
    running.post(with_patient(VISIT, person(BOB)))
    running.verify()
    running.post(VISIT, made_on=LATER)
    running.settle()
    clinical = [r for push in running.pushes(B) for r in resources_of(push) if r["resourceType"] not in REGISTER]
    assert clinical == []
    assert running.living(A)


REGISTER: Final = {"Basic", "Patient", "Organization", "Practitioner"}


def resources_of(push: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in orjson.loads(push["received"])["entry"] if "resource" in entry]


def test_p4_from_one_number_to_another_and_back_every_book_follows(running: Running) -> None:
    first, second = VISIT, with_patient(VISIT, person(BOB))
    for n, hoso in enumerate([first, second, first, second, first]):
        running.post(hoso, made_on=DAY + timedelta(days=n))
        running.settle()
        holder, other = ((A, B), (B, A))[n % 2]
        assert (bool(running.living(holder)), bool(running.living(other))) == (True, False)
        assert not any(map(is_clinical, running.shown(other).values()))
    assert all(push["status"] == 200 for push in running.journal("book", kind="push"))


def test_p4_going_over_and_back_before_anybody_verified_ends_with_the_last(running: Running) -> None:
    for n, hoso in enumerate([VISIT, with_patient(VISIT, person(BOB)), VISIT]):
        running.post(hoso, made_on=DAY + timedelta(days=n))
    running.settle()
    assert (bool(running.living(A)), running.living(B)) == (True, {})


def test_p4_a_version_made_current_moves_between_books_too(running: Running) -> None:
    first = running.post(VISIT).transaction_code
    running.settle()
    running.post(with_patient(VISIT, person(BOB)), made_on=LATER)
    running.settle()
    make_current(first, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)
    running.settle()
    assert (bool(running.living(A)), running.living(B)) == (True, {})


def test_p4_the_same_number_with_another_name_waits_and_the_old_version_stays(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    before = running.living(A)
    second = running.post(corrected(WRONG_NAME, 1), made_on=LATER)
    running.settle()

    assert running.living(A) == before
    assert running.follow(second.transaction_code).state == "held"
    assert {key for key in running.shown(A) if is_clinical(running.shown(A)[key])} == before.keys()


def test_p4_a_third_version_with_the_right_name_again_takes_the_place_of_the_old_one(running: Running) -> None:
    running.post(VISIT)
    running.post(corrected(WRONG_NAME, 1), made_on=LATER)
    running.settle()
    third = running.post(corrected(VISIT, 2), made_on=LATEST)
    running.settle()

    assert running.follow(third.transaction_code).state == "delivered"
    assert len([key for key in running.living(A) if key[0] == "Encounter"]) == 1


def test_p4_after_a_waiting_name_another_number_takes_the_old_version_out(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    running.post(WRONG_NAME, made_on=LATER)
    running.post(with_patient(VISIT, person(BOB)), made_on=LATEST)
    running.settle()

    assert_book_was_emptied(running, A)
    assert running.living(B)


def test_p4_what_one_patient_had_is_never_carried_over_to_another(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    other = with_patient(without_table(without_table(VISIT, "XML2"), "XML4"), person(BOB))
    running.post(other, made_on=LATER)
    running.settle()

    assert running.living(B)
    assert not any(kind.startswith("Medication") for kind, _ in running.living(B))


def test_p4_nor_from_a_version_that_was_made_current(running: Running) -> None:
    running.post(VISIT)
    others = running.post(with_patient(corrected(VISIT, 1), person(BOB)), made_on=DAY - timedelta(days=1))
    make_current(others.transaction_code, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)
    running.post(without_table(corrected(VISIT, 2), "XML2"), made_on=LATER)
    running.settle()

    assert running.living(A)
    assert not any(kind.startswith("Medication") for kind, _ in running.living(A))


def test_a_number_put_right_for_the_same_patient_keeps_what_the_summary_counts(running: Running) -> None:
    running.post(with_number(VISIT, B))
    running.settle()
    second = running.post(without_table(VISIT, "XML2"), made_on=LATER)
    running.settle()

    assert ("table.kept", "XML2") in [(issue.code, issue.path) for issue in second.issues]
    assert any(kind.startswith("Medication") for kind, _ in running.living(A))


def test_p4_a_proven_person_is_shown_with_proven_fields_only(running: Running) -> None:
    running.post(with_values(VISIT, "XML1", GIOI_TINH="1" if person(ALICE).sex == "female" else "2"))
    running.settle()
    [patient] = [r for r in running.book(A).values() if r["resourceType"] == "Patient"]

    assert patient.get("gender", "unknown") == "unknown"
    assert {"address", "telecom"}.isdisjoint(patient)


def test_p4_a_newborn_under_the_mothers_name_is_never_asked_about(running: Running) -> None:
    newborn: Hoso = dossier(560, shape="newborn", rows=2)
    mothers = with_values(newborn, "XML1", HO_TEN="CON BÀ NGUYỄN THỊ MẪU", SO_CCCD=A)
    result = running.post(mothers)
    running.settle()

    assert running.journal("registry") == []
    assert running.follow(result.transaction_code).state == "held"
    assert running.pushes(A) == []
