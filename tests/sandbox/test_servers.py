"""The sandbox's own servers: what they keep, what they journal, and how the magic people make them behave."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from ehr_sync.adapters.client_sign_in import client_secret_basic
from ehr_sync.adapters.fhir_book import FhirBook
from ehr_sync.core.errors import Misconfigured, Refused, Unavailable, UnknownOutcome
from ehr_sync.core.ports import Receipt, Watermark
from ehr_sync.sandbox import world as sandbox
from ehr_sync.sandbox.city import clients, people
from ehr_sync.sandbox.commands.book import everything_of
from ehr_sync.sandbox.registry.__main__ import lenient, strict
from ehr_sync.sandbox.serving import asking
from ehr_sync.sandbox.world import World
from ehr_sync.usecases.access.authenticate import checked_jwks
from mappings.fhir.bundle import Deletion
from mappings.model import Resource
from tests.contracts.pushes import finding_of, new_id, person_of, push_about, pushed

FIRST = 'W/"1"'


@pytest.fixture(scope="module")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that these tests may kill."""
    running = sandbox.start(tmp_path_factory.mktemp("servers"))
    yield running
    running.stop()


@pytest.fixture
def book(own_world: World) -> Iterator[FhirBook]:
    made = FhirBook(
        url=own_world.book_url,
        token_url=own_world.book_token_url,
        sign_in=client_secret_basic("ehr-sync", "sandbox"),
        deadline_seconds=3.5,
    )
    yield made
    made.close()
    own_world.clear()


def push(
    book: FhirBook, *entries: Resource | Deletion, lane: str | None = None, seq: int = 1, etag: str = ""
) -> Receipt:
    bundle = pushed(lane or new_id(), *entries, seq=seq, key=f"{seq:02x}", etag=etag)
    return book.push(bundle, idempotency_key=new_id())


def held(world: World, index: int) -> list[dict[str, Any]]:
    """What the book holds of an invented person."""
    bundle = everything_of(
        people.person(index).number,
        book_url=world.book_url,
        token_url=world.book_token_url,
        client_id="ehr-sync",
        secret="sandbox",
    )
    return [entry["resource"] for entry in bundle.get("entry", [])]


# --- the book keeps


def test_everything_of_a_person_is_their_own_what_it_refers_to_and_where_it_is_from(
    book: FhirBook, own_world: World
) -> None:
    one, other, ward = new_id(), new_id(), new_id()
    place = Resource("Organization", ward, orjson.dumps({"resourceType": "Organization", "id": ward, "name": "A"}))
    seen = {"resourceType": "Encounter", "id": new_id(), "subject": {"reference": f"Patient/{one}"}}
    seen["serviceProvider"] = {"reference": f"Organization/{ward}"}
    visit = Resource("Encounter", str(seen["id"]), orjson.dumps(seen))
    told = {"resourceType": "Provenance", "id": new_id(), "target": [{"reference": f"Encounter/{seen['id']}"}]}
    told |= {"recorded": "2026-11-20T08:00:00+07:00", "agent": [{"who": {"reference": f"Organization/{ward}"}}]}
    push(book, person_of(101, one), visit, place, Resource("Provenance", str(told["id"]), orjson.dumps(told)))
    push(book, person_of(102, other), finding_of(other))

    types = [resource["resourceType"] for resource in held(own_world, 101)]
    assert types == ["Patient", "Encounter", "Provenance", "Organization"]


def test_a_person_nobody_pushed_has_nothing(own_world: World) -> None:
    assert held(own_world, 103) == []


def test_a_deleted_resource_is_gone_and_its_history_stays(book: FhirBook, own_world: World) -> None:
    patient, finding, lane = new_id(), new_id(), new_id()
    push(book, person_of(104, patient), finding_of(patient, finding), lane=lane)
    push(book, Deletion("Observation", finding), lane=lane, seq=2, etag=FIRST)

    assert [resource["resourceType"] for resource in held(own_world, 104)] == ["Patient"]
    [*_, last] = [entry for entry in own_world.journal("book") if entry["kind"] == "push"]
    assert [(entry["action"], entry["version"]) for entry in last["entries"]] == [("update", 2), ("delete", 2)]


def test_a_bundle_with_one_bad_entry_stores_nothing(book: FhirBook, own_world: World) -> None:
    patient, finding = new_id(), new_id()
    bundle = pushed(new_id(), person_of(105, patient), finding_of(patient, finding), seq=1, key="01", etag="")
    elsewhere = bundle.replace(b'"url":"Observation/' + finding.encode(), b'"url":"Observation/' + new_id().encode())

    with pytest.raises(Refused, match=r"status_400\.entry_2"):
        book.push(elsewhere, idempotency_key=new_id())
    assert held(own_world, 105) == []


def test_a_bundle_that_names_a_resource_twice_is_refused(book: FhirBook) -> None:
    patient, finding = new_id(), new_id()

    with pytest.raises(Refused, match="status_400"):
        push(book, finding_of(patient, finding), finding_of(patient, finding))


def test_nobody_reads_without_a_token(own_world: World) -> None:
    with pytest.raises(Misconfigured, match="status 401"):
        asking.get(f"{own_world.book_url}/Patient?identifier={people.person(101).number}")


def test_a_kill_loses_nothing_that_was_answered(book: FhirBook, own_world: World) -> None:
    lane, key = new_id(), new_id()
    bundle = push_about(106, lane)
    receipt = book.push(bundle, idempotency_key=key)
    before = own_world.journal("book")

    own_world.kill("book")
    own_world.restart("book")

    assert own_world.journal("book") == before
    assert book.watermark(lane) == Watermark(1, "aa", receipt.watermark_etag)
    assert book.push(bundle, idempotency_key=key) == receipt


def test_the_journal_tells_where_the_watermark_stood_even_when_it_goes_back(book: FhirBook, own_world: World) -> None:
    lane = new_id()
    push(book, lane=lane, seq=7)
    push(book, lane=lane, seq=3, etag=FIRST)

    [mark] = own_world.journal("book")[-1]["watermarks"]
    assert (mark["id"], mark["seq_before"], mark["seq"], mark["version"]) == (lane, 7, 3, 2)


def test_the_journal_keeps_what_was_received_even_when_it_was_refused(book: FhirBook, own_world: World) -> None:
    with pytest.raises(Refused):
        book.push(push_about(900_025), idempotency_key=new_id())

    assert people.person(900_025).number in own_world.journal("book", bodies=True)[-1]["received"]


def test_the_journal_goes_on_from_a_number(book: FhirBook, own_world: World) -> None:
    push(book)
    seqs = [entry["seq"] for entry in own_world.journal("book")]

    assert seqs == list(range(1, len(seqs) + 1))
    assert [entry["seq"] for entry in own_world.journal("book", after=seqs[-2])] == seqs[-1:]


# --- magic people


@pytest.mark.parametrize(("index", "code"), [(900_021, "book.status_429"), (900_022, "book.status_503")])
def test_three_pushes_fail_and_the_fourth_is_stored(book: FhirBook, index: int, code: str) -> None:
    bundle = push_about(index)

    codes = [_failure(book, bundle) for _ in range(3)]

    assert codes == [code] * 3
    assert book.push(bundle, idempotency_key=new_id()) == Receipt(FIRST)


def test_a_slow_book_stores_and_answers_after_two_seconds(book: FhirBook) -> None:
    started = time.monotonic()

    assert book.push(push_about(900_023), idempotency_key=new_id()) == Receipt(FIRST)
    assert time.monotonic() - started >= 2


def test_a_dripping_book_stores(book: FhirBook, own_world: World) -> None:
    with pytest.raises(UnknownOutcome):
        book.push(push_about(900_024), idempotency_key=new_id())

    assert [resource["resourceType"] for resource in held(own_world, 900_024)] == ["Patient", "Observation"]


def test_a_person_is_known_again_when_a_push_leaves_the_patient_out(book: FhirBook) -> None:
    patient = new_id()
    with pytest.raises(Refused):
        push(book, person_of(900_025, patient))

    with pytest.raises(Refused):
        push(book, finding_of(patient))


def test_the_first_answer_is_lost_and_the_second_comes(book: FhirBook, own_world: World) -> None:
    lane, key = new_id(), new_id()
    bundle = push_about(900_027, lane)

    with pytest.raises(UnknownOutcome):
        book.push(bundle, idempotency_key=key)

    assert book.watermark(lane) == Watermark(1, "aa", FIRST)
    assert book.push(bundle, idempotency_key=key) == Receipt(FIRST)


def _failure(book: FhirBook, bundle: bytes) -> str:
    with pytest.raises((Unavailable, UnknownOutcome)) as caught:
        book.push(bundle, idempotency_key=new_id())
    return caught.value.code


# --- the registry compares


@pytest.mark.parametrize(
    ("asked", "kept", "strictly", "leniently"),
    [
        ("NGUYỄN VĂN HÒA", "NGUYỄN VĂN HÒA", True, True),
        ("Nguyễn Văn Hòa", "NGUYỄN VĂN HÒA", False, True),
        ("NGUYỄN  VĂN HÒA", "NGUYỄN VĂN HÒA", False, True),
        (unicodedata.normalize("NFD", "NGUYỄN VĂN HÒA"), "NGUYỄN VĂN HÒA", False, True),
        ("ÐỖ THỊ LAN", "ĐỖ THỊ LAN", False, True),
        ("H’HEN NIÊ", "H'HEN NIÊ", False, True),
        ("NGUYỄN VĂN HÒA", "NGUYỄN VĂN HOÀ", False, True),
        ("PHẠM VĂN HÙNG", "PHAM VAN HUNG", False, True),
        ("H'HEN NIÊ", "H HEN NIE", False, True),
        ("PHẠM VĂN HÙNG", "PHẠM VĂN TÚ", False, False),
    ],
)
def test_names_are_compared_strictly_or_leniently(asked: str, kept: str, strictly: bool, leniently: bool) -> None:
    assert (strict(asked, kept), lenient(asked, kept)) == (strictly, leniently)


# --- the whole


def test_what_does_nothing_answers_what_fits(tmp_path: Path) -> None:
    null = sandbox.start(tmp_path, options={"book": ["--null"]})
    book = FhirBook(
        url=null.book_url, token_url=null.book_token_url, sign_in=client_secret_basic("c", "s"), deadline_seconds=3
    )
    patient = new_id()

    receipts = [push(book, *(finding_of(patient) for _ in range(count))) for count in (1, 500, 3)]

    assert receipts == [Receipt(FIRST)] * 3
    book.close()
    null.stop()


def test_a_world_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib; from ehr_sync.sandbox import world;"
        "print(*world.start(pathlib.Path(sys.argv[1])).ports.values(), flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    ports = [int(port) for port in owner.stdout.readline().split()]
    assert [is_open(port) for port in ports] == [True] * 3

    os.kill(owner.pid, signal.SIGKILL)
    owner.communicate()

    deadline = time.monotonic() + 5
    while any(is_open(port) for port in ports):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_taken_port_is_told(own_world: World, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="did not start"):
        sandbox.start(tmp_path, ports={"book": own_world.ports["book"]})


def test_a_facilitys_key_can_be_registered_and_stays(tmp_path: Path) -> None:
    first = clients.public_jwks(tmp_path, "01001")

    assert checked_jwks(first)["keys"] == first["keys"]
    assert clients.public_jwks(tmp_path, "01001") == first
    assert clients.public_jwks(tmp_path, "01002") != first


def is_open(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0
