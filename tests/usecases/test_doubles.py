"""After an erasure or a restore a book may keep two living Patients of one person: they are found and told."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from click.testing import CliRunner, Result

from ehr_sync import bootstrap, settings
from ehr_sync.adapters import book_search
from ehr_sync.commands.doubles import doubles
from ehr_sync.core.errors import Unavailable
from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.sandbox.dossiers.generator import Hoso, dossier
from ehr_sync.usecases.book.erase_person import erase_person
from tests.usecases.service import Running, backup_of, number_of

# The world's book outlives a test: nobody here is sent by any other.
SOMEBODY, ERASED, BESIDE, RESTORED, ASKED, SOUGHT = range(78_101, 78_107)


def visit(index: int) -> Hoso:
    return dossier(index, person_index=index, rows=1)


@pytest.fixture
def here(running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """The command finds the running service's databases."""
    monkeypatch.setattr(settings, "from_environment", lambda: running.service.settings)
    yield running


def run() -> Result:
    return CliRunner().invoke(doubles)


def test_a_book_with_one_patient_of_each_person_has_no_doubles(here: Running) -> None:
    here.post(visit(SOMEBODY))
    here.settle()
    result = run()
    assert (result.exit_code, result.stdout) == (0, "The book keeps one living Patient of each person.\n")


def test_whoever_is_sent_again_after_an_erasure_is_found_with_the_former_id(here: Running) -> None:
    here.post(visit(ERASED))
    here.post(visit(BESIDE))
    here.settle()
    former = here.person_of(number_of(ERASED))
    erase_person(former, by="test", stores=here.stores)
    here.post(visit(ERASED))
    here.settle()

    result = run()

    assert (result.exit_code, result.stdout) == (1, f"{here.person_of(number_of(ERASED))}\t{former}\n")


def test_whoever_came_after_a_backup_is_found_once_sent_again_to_the_restored_service(
    here: Running, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with backup_of(here, postgres) as restored:
        # What the lost database had delivered since the backup.
        here.post(visit(RESTORED))
        here.settle()
        former = here.person_of(number_of(RESTORED))
        restored.post(visit(RESTORED))
        restored.settle()
        monkeypatch.setattr(settings, "from_environment", lambda: restored.service.settings)

        result = run()

        assert (result.exit_code, result.stdout) == (1, f"{restored.person_of(number_of(RESTORED))}\t{former}\n")


def test_p10_each_person_asked_about_has_an_entry_in_their_log(here: Running) -> None:
    here.post(visit(ASKED))
    here.settle()
    run()
    [[person]] = here.rows("SELECT person_id FROM audit_event WHERE action = 'look for doubles'")
    assert person == here.person_of(number_of(ASKED))


def test_p11_a_number_stands_in_no_address_that_the_book_is_asked_by(here: Running) -> None:
    here.post(visit(SOUGHT))
    here.settle()
    search = bootstrap.book_search_of(here.service)
    assert search.living_patients(here.service.uris["cccd"], number_of(SOUGHT)) == {
        str(here.person_of(number_of(SOUGHT)))
    }
    search.close()
    assert [e for e in here.journal("book") if number_of(SOUGHT) in str(e.get("path", ""))] == []


@pytest.mark.parametrize(
    ("patient", "living"),
    [
        ({}, True),
        ({"active": True}, True),
        ({"active": False}, False),
        ({"link": [{"type": "replaced-by"}]}, False),
        ({"link": [{"type": "seealso"}]}, True),
        ({"resourceType": "OperationOutcome"}, False),
    ],
)
def test_only_a_patient_in_use_is_a_living_one(patient: dict[str, object], living: bool) -> None:
    resource = {"resourceType": "Patient", "id": "a", **patient}
    bundle = orjson.dumps({"resourceType": "Bundle", "entry": [{"resource": resource}]})
    assert book_search._living(bundle) == ({"a"} if living else set())


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"resourceType":"Patient"}', b'{"resourceType":"Bundle","entry":1}']
)
def test_an_answer_that_is_no_searchset_is_no_answer(body: bytes) -> None:
    with pytest.raises(Unavailable, match=r"book\.unreadable"):
        book_search._living(body)
