"""What five FHIR clients send, byte for byte, to a real server.

Each of them (fhirclient 4.4.0, fhirpy 2.3.1, fhir-kit-client, fhirclient.js, @medplum/core) was run against it, and
these are the requests that their own builders made.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import pytest
from werkzeug.serving import make_server

from ehr_sync.bootstrap_web import web_application
from mappings.gate import findings
from tests.api.fhir.reading import URL, Json, of
from tests.usecases.service import Running

FHIRCLIENT: Final = {"Accept": "application/fhir+json", "Accept-Encoding": "gzip, deflate"}
FHIRPY: Final = FHIRCLIENT
KIT: Final = FHIRCLIENT
JS: Final = {"Accept": "application/json", "Accept-Encoding": "gzip,deflate"}
MEDPLUM: Final = {
    "Accept": "application/fhir+json, */*; q=0.1",
    "Accept-Encoding": "gzip, deflate",
    "X-Medplum": "extended",
    "Cache-Control": "max-age=0",
}


@dataclass(frozen=True)
class Answer:
    """What a client hears."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        found: Json = orjson.loads(self.body)
        return found


class Server:
    """The application behind a socket."""

    def __init__(self, port: int, token: dict[str, str]) -> None:
        self.port, self.token = port, token

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", urlsplit(URL).netloc)
        for name, value in {**headers, **self.token, **({"Content-Length": str(len(body))} if body else {})}.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)
        response = connection.getresponse()
        read, told = response.read(), dict(response.headers)
        connection.close()
        return Answer(response.status, told, gzip.decompress(read) if told.get("Content-Encoding") == "gzip" else read)


@pytest.fixture(scope="module")
def server(running: Running, citizen: dict[str, str]) -> Iterator[Server]:
    serving = make_server("127.0.0.1", 0, web_application(running.service), threaded=True)
    Thread(target=serving.serve_forever, daemon=True).start()
    yield Server(serving.server_port, citizen)
    serving.shutdown()


def following(server: Server, path: str, headers: dict[str, str]) -> list[Any]:
    """Every resource, over the next links, as clients follow them."""
    found = []
    next_path: str | None = path
    while next_path:
        answer = server.ask("GET", next_path, headers)
        assert (answer.status, findings(answer.body)) == (200, ())
        found += [entry["resource"] for entry in answer.json.get("entry", ())]
        links = [urlsplit(link["url"]) for link in answer.json["link"] if link["relation"] == "next"]
        next_path = f"{links[0].path}?{links[0].query}" if links else None
    return found


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        (FHIRCLIENT, "subject=Patient%2F{patient}"),
        (FHIRCLIENT, "status=final,preliminary&date=ge1990&date=le2099"),
        (FHIRCLIENT, "_count=5"),
        (FHIRPY, "patient={patient}&_count=4"),
        (FHIRPY, "_sort=-date,_id&_count=3"),
        (FHIRPY, "date=ge1990-01-01&date=lt2099"),
        (FHIRPY, "date=gt2000-01-01T00:00:00Z"),
        (FHIRPY, "_lastUpdated=gt2020-01-01T00:00:00Z"),
        (KIT, "status=final&date=ge1990&date=lt2099&_sort=-date&_count=3"),
        (JS, "_count=4&patient={patient}"),
        (MEDPLUM, "status=final&_sort=-date&_count=2"),
        (MEDPLUM, "subject=Patient%2F{patient}&_count=3"),
    ],
)
def test_what_a_client_builds_is_understood_and_its_pages_give_all(
    server: Server, book: list[Json], headers: dict[str, str], query: str
) -> None:
    path = f"/fhir/Observation?{query.format(patient=of(book, 'Patient')[0]['id'])}"
    everything = sorted(each["id"] for each in of(book, "Observation"))
    assert sorted(each["id"] for each in following(server, path, headers)) == everything


@pytest.mark.parametrize(
    ("headers", "path", "expected"),
    [
        (FHIRPY, "Observation?encounter=Encounter%2F{encounter}", "Observation"),
        (FHIRPY, "Observation?_elements=id,resourceType,code,status&_count=1", "Observation"),
        (FHIRPY, "Observation?status=final&_count=0&_totalMethod=count", None),
        (FHIRPY, "Condition?_id={condition},{condition}", "Condition"),
        (MEDPLUM, "Encounter?_count=1&_sort=-date", "Encounter"),
        (KIT, "Observation/_history", "Observation"),
    ],
)
def test_further_searches_of_clients_are_understood(
    server: Server, book: list[Json], headers: dict[str, str], path: str, expected: str | None
) -> None:
    ids = {"encounter": of(book, "Encounter")[0]["id"], "condition": of(book, "Condition")[0]["id"]}
    answer = server.ask("GET", f"/fhir/{path.format(**ids)}", headers)
    assert (answer.status, findings(answer.body)) == (200, ())
    entries = answer.json.get("entry", [])
    assert {entry["resource"]["resourceType"] for entry in entries} == ({expected} if expected else set())
    assert answer.json["total"] > 0


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        (FHIRCLIENT, "status=final&date=%3E1990-01-01"),  # the prefix of an older FHIR
        (FHIRCLIENT, "_include=Observation:subject"),
        (FHIRPY, "_elements=-code&_count=1"),
        (FHIRPY, "status:not=final"),
    ],
)
def test_what_is_not_done_is_refused_and_never_answered_with_more(
    server: Server, headers: dict[str, str], query: str
) -> None:
    answer = server.ask("GET", f"/fhir/Observation?{query}", headers)
    assert (answer.status, answer.json["resourceType"], findings(answer.body)) == (400, "OperationOutcome", ())


@pytest.mark.parametrize("headers", [FHIRCLIENT, KIT, JS, MEDPLUM])
@pytest.mark.parametrize("path", ["", "/$everything", "/$summary", "/_history", "/_history/{version}"])
def test_one_person_is_read_in_every_way(server: Server, book: list[Json], headers: dict[str, str], path: str) -> None:
    [patient] = of(book, "Patient")
    tail = path.format(version=patient["meta"]["versionId"])
    answer = server.ask("GET", f"/fhir/Patient/{patient['id']}{tail}", headers)
    assert (answer.status, findings(answer.body)) == (200, ())
    assert answer.headers["Content-Type"] == "application/fhir+json; fhirVersion=4.0"


@pytest.mark.parametrize(("headers", "path"), [(MEDPLUM, "/fhir"), (KIT, "/fhir/")])
def test_batches_of_clients_are_answered(server: Server, headers: dict[str, str], path: str) -> None:
    entries = [{"request": {"method": "GET", "url": url}} for url in ("Patient", "Observation?_count=1")]
    body = orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})
    answer = server.ask("POST", path, {**headers, "Content-Type": "application/fhir+json"}, body)
    assert [entry["response"]["status"] for entry in answer.json["entry"]] == ["200 OK", "200 OK"]


def test_a_search_by_post_goes_on_by_its_next_links(server: Server, book: list[Json]) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = server.ask("POST", "/fhir/Observation/_search", {**KIT, **kind}, b"status=final&_count=2")
    links = [urlsplit(link["url"]) for link in answer.json["link"] if link["relation"] == "next"]
    rest = following(server, f"{links[0].path}?{links[0].query}", KIT)
    first = [entry["resource"] for entry in answer.json["entry"]]
    assert [*first, *rest] == of(book, "Observation")
