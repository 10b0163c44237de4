"""P4: at one destination no two people's lanes ever write one resource id, however a visit moves between them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import corrected, dossier, with_number, with_patient, with_values
from ehr_sync.usecases.book.erase_person import erase_person
from ehr_sync.usecases.intake.make_current import make_current
from tests.usecases import one_server
from tests.usecases.older import older_mapping
from tests.usecases.one_server import Server
from tests.usecases.service import DAY, HOSPITAL, Running, backup_of, number_of
from tests.usecases.test_remap import remapped, wrong_observations

ALICE, BOB, CAROL = 701, 702, 703
A, B, C = number_of(ALICE), number_of(BOB), number_of(CAROL)
VISIT: Final = dossier(701, person_index=ALICE, shape="inpatient", rows=20)
MOVED: Final = with_patient(VISIT, person(BOB))
BOBS: Final = dossier(702, person_index=BOB, shape="outpatient", rows=10)
DAYS: Final = [DAY + timedelta(days=n) for n in range(9)]


def server(running: Running) -> Server:
    return one_server.read(running.journal("book"))


def whole_visits(found: Server, number: str) -> int:
    """How many visits a person's book shows. All that their Provenances name is there, and nothing else."""
    living = found.of(number)
    named = [
        tuple(target["reference"].split("/"))
        for (kind, _), one in living.items()
        if kind == "Provenance"
        for target in one["target"]
    ]
    shown = sorted(key for key in living if key[0] != "Provenance")
    assert sorted(named) == shown
    return len([key for key in shown if key[0] == "Encounter"])


def test_p4_a_visit_moved_to_its_right_patient_arrives_whole_and_leaves_the_former_book(running: Running) -> None:
    running.post(VISIT)
    running.post(BOBS)
    running.settle()
    assert (whole_visits(server(running), A), whole_visits(server(running), B)) == (1, 1)

    code = running.post(MOVED, made_on=DAYS[1]).transaction_code
    # The former book's farewell after the new book's visit: lanes are not ordered among each other.
    running.settle()
    late(running, A)

    found = server(running)
    assert (whole_visits(found, A), whole_visits(found, B)) == (0, 2)
    assert found.shared() == []
    assert running.follow(code).state == "delivered"


def late(running: Running, number: str) -> None:
    """Tell a person's book everything once more, last of all."""
    running.run(
        "UPDATE lane SET base = 0, epoch = epoch + 1, due_at = clock_timestamp() WHERE person_id = :who",
        who=running.person_of(number),
    )
    running.deliver()


@pytest.mark.parametrize("order", [[A, B], [B, A]])
def test_p4_whichever_lane_writes_last_both_books_are_right(running: Running, order: list[str]) -> None:
    running.post(VISIT)
    running.post(BOBS)
    running.settle()
    running.post(MOVED, made_on=DAYS[1])
    running.settle()
    for number in order:
        late(running, number)
    assert (whole_visits(server(running), A), whole_visits(server(running), B)) == (0, 2)


def test_p4_a_visit_sent_to_and_fro_shares_no_id_between_its_books(running: Running) -> None:
    versions = [VISIT, MOVED, with_patient(VISIT, person(CAROL)), corrected(VISIT, 1), MOVED]
    for day, hoso in zip(DAYS, versions, strict=False):
        running.post(hoso, made_on=day)
        running.settle()
    found = server(running)
    assert [whole_visits(found, number) for number in (A, B, C)] == [0, 1, 0]
    assert found.shared() == []


def test_p4_a_former_patients_version_made_current_goes_back_under_its_own_ids(running: Running) -> None:
    first = running.post(VISIT).transaction_code
    running.settle()
    before = server(running).of(A).keys()
    running.post(MOVED, made_on=DAYS[1])
    running.settle()
    make_current(first, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)
    running.settle()
    found = server(running)
    assert (whole_visits(found, A), whole_visits(found, B)) == (1, 0)
    assert found.of(A).keys() == before
    assert found.shared() == []


@pytest.mark.parametrize("old", ["first", "both"])
def test_p4_a_remap_gives_each_version_the_ids_of_its_own_person(running: Running, old: str) -> None:
    with older_mapping(written=wrong_observations):
        first = running.post(VISIT).transaction_code
        if old == "both":
            running.post(MOVED, made_on=DAYS[1])
    running.settle()
    if old == "first":
        running.post(MOVED, made_on=DAYS[1])
    remapped(running)
    make_current(first, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)
    remapped(running)
    running.settle()
    found = server(running)
    assert (whole_visits(found, A), whole_visits(found, B)) == (1, 0)
    assert found.shared() == []


def test_p4_a_proof_that_moves_records_to_somebody_known_keeps_their_ids(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    flipped = "1" if person(ALICE).sex == "female" else "2"
    running.post(with_values(dossier(703, person_index=ALICE, rows=6), "XML1", GIOI_TINH=flipped))
    running.settle()
    found = server(running)
    assert whole_visits(found, A) == 2
    assert found.shared() == []


def test_p4_ids_are_the_same_after_an_erasure(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    before = server(running).of(A).keys()
    erase_person(running.person_of(A), by="ops", stores=running.stores)
    running.post(VISIT, made_on=DAYS[1])
    running.settle()
    assert server(running).of(A).keys() == before


def test_p4_a_restored_database_gives_the_ids_that_the_books_know(running: Running, postgres: EmbeddedPostgres) -> None:
    running.post(VISIT)
    running.post(BOBS)
    running.settle()
    with backup_of(running, postgres) as restored:
        # What the books have heard, and the restored database never knew.
        running.post(MOVED, made_on=DAYS[1])
        running.settle()
        sent = [MOVED, corrected(VISIT, 1), MOVED, BOBS, corrected(BOBS, 1)]
        for day, hoso in zip(DAYS[1:], sent, strict=False):
            restored.post(hoso, made_on=day)
            restored.settle()
        found = server(restored)
        assert (whole_visits(found, A), whole_visits(found, B)) == (0, 2)
        assert found.shared() == []


def test_p4_what_names_nobody_has_ids_that_no_book_ever_hears(running: Running) -> None:
    running.post(with_number(VISIT, ""))
    running.settle()
    running.post(VISIT, made_on=DAYS[1])
    running.settle()
    running.post(with_number(VISIT, ""), made_on=DAYS[2])
    running.settle()
    assert server(running).shared() == []
    assert server(running).of(A) == {}


def test_an_id_names_its_record_whosever_book_it_is_in(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    first = {id_[:19] for kind, id_ in server(running).of(A)}
    running.post(MOVED, made_on=DAYS[1])
    running.settle()
    assert {id_[:19] for kind, id_ in server(running).of(B)} == first
    assert len(first) == 1


@pytest.mark.parametrize("told", [True, False])
def test_p4_a_farewell_outlives_the_erasure_of_whom_the_visit_went_to(running: Running, *, told: bool) -> None:
    running.post(MOVED)
    running.settle()
    running.post(VISIT, made_on=DAYS[1])
    running.verify()
    if told:
        running.deliver()
    erase_person(running.person_of(A), by="ops", stores=running.stores)
    running.settle()
    assert whole_visits(server(running), B) == 0

    # Sent again, it goes on from there.
    running.post(MOVED, made_on=DAYS[2])
    running.settle()
    running.post(VISIT, made_on=DAYS[3])
    running.settle()
    found = server(running)
    assert (whole_visits(found, A), whole_visits(found, B)) == (1, 0)
    assert found.shared() == []
