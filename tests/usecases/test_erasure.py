"""A person is erased: the key first, then the rows; nobody else loses anything, and no backup brings them back."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import pytest

from ehr_sync.core.errors import NotFound, Unavailable
from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import (
    corrected,
    dossier,
    envelope,
    with_number,
    with_patient,
    with_values,
    without_table,
)
from ehr_sync.usecases.book.erase_person import erase_person, replay_erasures
from tests.usecases.service import DAY, Running, backup_of, is_clinical, number_of

ALICE, BOB = 871, 872
A, B = number_of(ALICE), number_of(BOB)
VISIT: Final = dossier(871, person_index=ALICE, shape="inpatient", rows=6)
OTHERS: Final = dossier(872, person_index=BOB, rows=4)
LATER, LATEST = DAY + timedelta(days=1), DAY + timedelta(days=2)


def erase(running: Running, number: str) -> None:
    erase_person(running.person_of(number), by="ops", stores=running.stores)


def rows_of(running: Running, person_id: UUID) -> int:
    """How many rows there are of a person beside the tombstone and the log."""
    tables = ("piece", "identifier", "claim", "record", "record_version", "book_entry", "lane", "delivery")
    counts = " + ".join(f"(SELECT count(*) FROM {table} WHERE person_id = :id)" for table in tables)  # noqa: S608
    return int(running.rows(f"SELECT {counts}", id=person_id)[0][0])


def test_an_erased_person_is_gone_and_nobody_else(running: Running) -> None:
    running.post_bytes(envelope([VISIT, OTHERS], made_on=DAY))
    running.settle()
    erased, before = running.person_of(A), running.shown(B)
    erase(running, A)
    erase_person(erased, by="ops", stores=running.stores)

    assert rows_of(running, erased) == 0
    assert running.everything(A).total == 0
    assert running.shown(B) == before
    assert running.stores.key_store.keys([erased]) == {}


def test_somebody_who_was_moved_into_a_person_is_erased_with_them(running: Running) -> None:
    running.post(VISIT)
    running.verify()
    running.post(with_values(dossier(873, person_index=ALICE, rows=1), "XML1", GIOI_TINH="3"))
    running.settle()
    erase(running, A)
    assert running.rows("SELECT DISTINCT state FROM person") == [("erased",)]
    assert running.counts("piece", "claim", "record") == {"piece": 0, "claim": 0, "record": 0}


def test_while_a_person_is_being_erased_their_hospital_is_asked_to_send_later(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    running.stores.key_store.erase(running.person_of(A))  # the key goes first, the rows after it
    with pytest.raises(Unavailable, match=r"keys\.missing"):
        running.post(without_table(corrected(VISIT, 874), "XML3"), made_on=LATER)


def test_while_a_person_is_being_erased_no_proof_brings_them_more(running: Running) -> None:
    running.post(VISIT)
    running.verify()
    running.post(with_values(dossier(873, person_index=ALICE, rows=1), "XML1", GIOI_TINH="3"))
    running.stores.key_store.erase(running.person_of(A))
    sweep = running.verification()
    with pytest.raises(Unavailable, match=r"keys\.missing"):
        sweep.run_dry()
    sweep.drain()
    assert len(running.rows("SELECT 1 FROM claim WHERE state = 'due'")) == 1


def test_nobody_unknown_can_be_erased(running: Running) -> None:
    with pytest.raises(NotFound):
        erase_person(uuid4(), by="ops", stores=running.stores)


def test_a_backup_from_before_an_erasure_shows_nothing_of_that_person(
    running: Running, postgres: EmbeddedPostgres
) -> None:
    running.post_bytes(envelope([VISIT, OTHERS], made_on=DAY))
    running.settle()
    erased, before = running.person_of(A), running.shown(B)
    with backup_of(running, postgres) as restored:
        # The backup is older than the erasure: its rows are there, and then replayed away.
        assert rows_of(restored, erased) > 0
        erase(running, A)
        assert replay_erasures(stores=restored.stores) == 1
        assert (rows_of(restored, erased), restored.everything(A).total) == (0, 0)
        assert restored.shown(B) == before
        restored.settle()
        assert replay_erasures(stores=restored.stores) == 0


def test_a_backup_is_cleared_before_it_serves(running: Running, postgres: EmbeddedPostgres) -> None:
    running.post(VISIT)
    running.settle()
    erased = running.person_of(A)
    running.stores.key_store.erase(erased)
    with backup_of(running, postgres) as restored:
        assert (rows_of(restored, erased), restored.everything(A).total) == (0, 0)


def test_an_erased_persons_dossier_sent_again_is_somebody_new(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    erased = running.person_of(A)
    erase(running, A)
    assert running.post(VISIT).status == "accepted"
    running.settle()
    assert running.person_of(A) != erased


def test_a_record_whose_former_holder_was_erased_goes_on(running: Running) -> None:
    running.post(with_number(VISIT, B))
    running.post(with_patient(corrected(VISIT, 1), person(BOB)), made_on=LATER)
    running.settle()
    running.post(corrected(VISIT, 2), made_on=LATER)
    running.settle()
    erase(running, B)

    assert running.post(corrected(VISIT, 3), made_on=LATEST).status == "accepted"
    running.settle()
    assert running.living(A)


def test_a_record_that_is_shown_to_an_erased_person_goes_on(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    running.post(with_values(VISIT, "XML1", HO_TEN="TRẦN VĂN KHÔNG PHẢI"), made_on=LATER)
    running.settle()
    erase(running, A)

    assert running.post(corrected(with_patient(VISIT, person(BOB)), 1), made_on=LATEST).status == "accepted"
    running.settle()
    assert running.living(B)


def test_a_record_whose_later_holder_was_erased_is_kept_as_it_is_sent_again(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    running.post(with_patient(VISIT, person(BOB)), made_on=LATER)
    running.settle()
    erase(running, B)

    again = corrected(VISIT, 1)
    assert running.post(again, made_on=LATEST).status == "accepted"
    assert running.post(again, made_on=LATEST).status == "accepted"
    running.settle()
    assert running.counts("record", "record_version") == {"record": 1, "record_version": 1}
    assert running.living(A).keys() == {key for key, value in running.shown(A).items() if is_clinical(value)} != set()


def test_a_record_whose_unproven_holder_was_erased_stays_shown_and_goes_on(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    before = running.shown(A)
    running.post(with_values(VISIT, "XML1", HO_TEN="TRẦN VĂN KHÔNG PHẢI"), made_on=LATER)
    running.settle()
    [(stranger,)] = running.rows("SELECT person_id FROM record_version WHERE version = 2")
    erase_person(stranger, by="ops", stores=running.stores)
    assert (rows_of(running, stranger), running.shown(A)) == (0, before)

    assert running.post(corrected(VISIT, 1), made_on=LATEST).status == "accepted"
    running.settle()
    assert running.rows("SELECT newest, shown FROM record") == [(3, 3)]
    assert running.living(A).keys() == {key for key, value in running.shown(A).items() if is_clinical(value)} != set()


def test_a_table_that_was_taken_over_from_an_erased_persons_version_is_no_longer_there(running: Running) -> None:
    running.post(with_number(VISIT, B))
    running.settle()
    running.post(without_table(VISIT, "XML2"), made_on=LATER)
    running.settle()
    assert running.living(A)
    [(stranger,)] = running.rows("SELECT person_id FROM record_version WHERE version = 1")
    erase_person(stranger, by="ops", stores=running.stores)

    assert running.post(without_table(corrected(VISIT, 1), "XML2"), made_on=LATEST).status == "accepted"
