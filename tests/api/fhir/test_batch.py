"""A batch of reads: each entry is answered as if it had been asked alone."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mappings.gate import findings
from tests.api.fhir.reading import FOREIGN, INDEX, Json, login, of
from tests.usecases.service import Running


def batch(web: FlaskClient, headers: dict[str, str], *urls: str, path: str = "/fhir") -> TestResponse:
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    return send(web, headers, {"resourceType": "Bundle", "type": "batch", "entry": entries}, path)


def send(web: FlaskClient, headers: dict[str, str], bundle: Any, path: str = "/fhir") -> TestResponse:
    return web.post(
        path, data=orjson.dumps(bundle), headers=headers, content_type="application/fhir+json", follow_redirects=False
    )


def statuses(response: TestResponse) -> list[str]:
    assert (response.status_code, findings(response.data)) == (200, ())
    return [entry["response"]["status"] for entry in response.get_json().get("entry", [])]


@pytest.mark.parametrize("path", ["/fhir", "/fhir/"])
def test_entries_are_answered_in_their_order(
    web: FlaskClient, citizen: dict[str, str], book: list[Json], path: str
) -> None:
    condition = of(book, "Condition")[0]
    response = batch(web, citizen, f"Condition/{condition['id']}", "/Encounter?_count=1", "metadata", path=path)
    assert statuses(response) == ["200 OK"] * 3
    first, second, third = response.get_json()["entry"]
    assert first["resource"] == condition
    assert first["response"]["etag"] == f'W/"{condition["meta"]["versionId"]}"'
    assert (second["resource"]["total"], third["resource"]["resourceType"]) == (2, "CapabilityStatement")


def test_each_entry_is_judged_alone(web: FlaskClient, citizen: dict[str, str], book: list[Json]) -> None:
    own = of(book, "Patient")[0]["id"]
    urls = [
        f"Condition/{FOREIGN}",
        "Observation?name=x",
        f"Patient/{own}",
        "Nothing/1",
        f"Observation?patient={FOREIGN}",
    ]
    response = batch(web, citizen, *urls)
    assert statuses(response) == ["404 Not Found", "400 Bad Request", "200 OK", "404 Not Found", "404 Not Found"]
    outcomes = [entry["response"].get("outcome", {}).get("resourceType") for entry in response.get_json()["entry"]]
    assert outcomes == ["OperationOutcome", "OperationOutcome", None, "OperationOutcome", "OperationOutcome"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "get", "", None, 5])
def test_a_person_batches_nothing_but_reads(web: FlaskClient, citizen: dict[str, str], method: Any) -> None:
    entry = {"request": {"method": method, "url": "Patient"}}
    response = send(web, citizen, {"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    assert statuses(response) == ["405 Method Not Allowed"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://elsewhere.example/Patient",
        "https:Patient",
        "../api/v1/ops/lanes",
        "/../metrics",
        "%2e%2e/metrics",
        "//metrics",
        ".well-known/smart-configuration",
        "\x00",
        "Patient/\r\nX: y",
        "Ø",
        "?",
        "?patient=x",
    ],
)
def test_a_batch_reaches_nothing_but_the_fhir_routes(web: FlaskClient, citizen: dict[str, str], url: str) -> None:
    [status] = statuses(batch(web, citizen, url))
    assert status[:3] in {"404", "405", "308"}


@pytest.mark.parametrize("entry", [None, 5, [], {}, {"request": None}, {"request": {"method": "GET"}}])
def test_an_entry_that_is_none_is_refused_alone(web: FlaskClient, citizen: dict[str, str], entry: Any) -> None:
    good = {"request": {"method": "GET", "url": "Patient"}}
    response = send(web, citizen, {"resourceType": "Bundle", "type": "batch", "entry": [entry, good]})
    assert statuses(response) == ["400 Bad Request", "200 OK"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/fhir+json", 400),
        (b"[]", "application/fhir+json", 400),
        (b"[" * 2_000, "application/fhir+json", 400),
        (b'{"resourceType":"Bundle","type":"transaction","entry":[]}', "application/fhir+json", 400),
        (b'{"resourceType":"Patient"}', "application/fhir+json", 400),
        (b'{"resourceType":"Bundle","type":"batch","entry":{}}', "application/fhir+json", 400),
        (b'{"resourceType":"Bundle","type":"batch","entry":[' + b"1," * 50 + b"1]}", "application/fhir+json", 413),
        (b" " * 70_000, "application/fhir+json", 413),
        (b"a=b", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_batch_that_is_none_is_refused(
    web: FlaskClient, citizen: dict[str, str], body: bytes, kind: str, status: int
) -> None:
    response = web.post("/fhir", data=body, headers=citizen, content_type=kind)
    assert (response.status_code, findings(response.data)) == (status, ())


def test_an_empty_batch_has_an_empty_answer(web: FlaskClient, citizen: dict[str, str]) -> None:
    assert statuses(send(web, citizen, {"resourceType": "Bundle", "type": "batch"})) == []


def test_nobody_batches_without_a_good_token(web: FlaskClient) -> None:
    assert batch(web, {}, "metadata").status_code == 401
    assert batch(web, {"Authorization": "Bearer a.b.c"}, "metadata").status_code == 401


def test_who_has_a_version_is_told_so_in_a_batch_too(
    web: FlaskClient, citizen: dict[str, str], book: list[Json]
) -> None:
    condition = of(book, "Condition")[0]
    wanted = {"method": "GET", "url": f"Condition/{condition['id']}", "ifNoneMatch": 'W/"1"'}
    response = send(web, citizen, {"resourceType": "Bundle", "type": "batch", "entry": [{"request": wanted}]})
    assert statuses(response) == ["304 Not Modified"]
    assert "resource" not in response.get_json()["entry"][0]


def test_p11_links_of_a_batched_search_tell_no_word(web: FlaskClient, citizen: dict[str, str]) -> None:
    response = batch(web, citizen, "Observation?status=final&_count=1")
    links = [link["url"] for link in response.get_json()["entry"][0]["resource"]["link"]]
    assert len(links) == 2
    assert not any("final" in link for link in links)
    assert web.get(links[1], headers=citizen).status_code == 200


def test_p10_each_entry_is_one_entry_of_the_log(web: FlaskClient, running: Running, book: list[Json]) -> None:
    owner, stranger = login(running, INDEX), login(running, INDEX + 1)
    own = of(book, "Patient")[0]["id"]
    before = running.counts("audit_event")["audit_event"]
    statuses(batch(web, owner, "Observation", f"Patient/{own}", "metadata", "Observation?code:text=x"))
    statuses(batch(web, stranger, f"Patient/{own}"))
    rows = running.rows("SELECT action, person_id FROM audit_event WHERE n > :n ORDER BY n", n=before)
    assert [row.action for row in rows] == ["search Observation", "read Patient", "refused read"]
    assert {str(row.person_id) for row in rows} == {own}


def test_what_was_asked_first_is_answered_under_its_own_incident(web: FlaskClient, citizen: dict[str, str]) -> None:
    response = batch(web, citizen, "Nothing/1")
    said = response.get_json()["entry"][0]["response"]["outcome"]["issue"][0]["diagnostics"]
    assert response.headers["X-Request-Id"] not in said
