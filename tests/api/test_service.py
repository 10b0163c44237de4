"""The service as wired, on real PostgreSQL and the sandbox world: what senders, citizens and operators see."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from ehr_sync import bootstrap
from ehr_sync.api.capabilities import TYPES, searched_types
from ehr_sync.bootstrap import Service
from ehr_sync.bootstrap_web import web_application
from ehr_sync.sandbox.city.staff import OPERATOR
from ehr_sync.sandbox.dossiers.generator import dossier, envelope
from ehr_sync.sandbox.serving.asking import post_json
from ehr_sync.sandbox.world import World
from ehr_sync.settings import settings_of
from ehr_sync.store import clients, tables
from ehr_sync.store.staff import Post
from ehr_sync.store.tables import audit_event, repeated_refusal
from ehr_sync.usecases.access.posts import grant_post
from mappings.gate import findings
from tests import given
from tests.api import hospital
from tests.api.web import LIMIT, calling, client
from tests.databases import Dsns

URL = "http://127.0.0.1:8080"
FHIR = f"{URL}/fhir"
SEED = 7


@pytest.fixture(scope="module")
def service(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One dossier of an ordinary adult, accepted, verified and delivered."""
    keys = given.key_file_in(tmp_path_factory.mktemp("keys"))
    ours = {"dsn": module_dsns.main, "key_dsn": module_dsns.keys, "key_file": str(keys), "public_url": URL}
    opened = bootstrap.open_service(settings_of(given.settings(world, **ours, spool_folder=str(keys.parent))))
    with opened.stores.database.begin() as connection:
        scopes = {"submissions.write", "transactions.read"}
        for client_id in (hospital.CLIENT_ID, "other"):
            clients.add_client(
                connection, opened.stores.keys, client_id, name=client_id, jwks=hospital.jwks(), scopes=scopes
            )
        clients.add_facility(connection, opened.stores.keys, "01001", name="Bệnh viện mẫu")
        clients.grant(connection, opened.stores.keys, hospital.CLIENT_ID, "01001")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def web(service: Service) -> FlaskClient:
    return calling(web_application(service))


def sender_token(web: FlaskClient, client_id: str = hospital.CLIENT_ID, **fields: str) -> dict[str, str]:
    assertion = hospital.assertion(iss=client_id, sub=client_id, exp=int(time.time()) + 200)
    given = web.post("/oauth2/token", data=hospital.form(assertion, **fields)).get_json()
    return {"Authorization": f"Bearer {given['access_token']}"}


def login(world: World, **wish: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {post_json(f'{world.issuer_url}/token', wish)['access_token']}"}


def submit(web: FlaskClient, seed: int = SEED, **options: Any) -> dict[str, Any]:
    body = envelope([dossier(seed, shape="outpatient", rows=12, **options)])
    headers = {**sender_token(web), "Content-Type": "application/xml"}
    answer: dict[str, Any] = web.post("/api/v1/submissions", data=body, headers=headers).get_json()
    return answer


@pytest.fixture(scope="module")
def code(service: Service, web: FlaskClient) -> str:
    """The maGiaoDich of the delivered dossier."""
    [hoso] = submit(web)["fileResults"][0]["hoSo"]
    bootstrap.verification(service).run_dry()
    bootstrap.delivery(service).run_dry()
    return str(hoso["maGiaoDich"])


@pytest.fixture(scope="module")
def citizen(world: World) -> dict[str, str]:
    return login(world, number=dossier(SEED).summary["SO_CCCD"])


@pytest.fixture(scope="module")
def patient(web: FlaskClient, code: str, citizen: dict[str, str]) -> str:
    """The citizen's Patient id."""
    found = web.get("/fhir/Patient", headers=citizen).get_json()
    return str(found["entry"][0]["resource"]["id"])


def test_a_dossier_posted_over_http_reaches_the_book(web: FlaskClient, code: str) -> None:
    line = web.get(f"/api/v1/transactions/{code}", headers=sender_token(web)).get_json()

    assert (line["maGiaoDich"], line["state"], line["next"]) == (code, "delivered", "nothing")
    assert [step["name"] for step in line["steps"]] == ["received", "verified", "mapped", "delivered"]


def test_a_life_line_speaks_the_readers_language(web: FlaskClient, code: str) -> None:
    headers = {**sender_token(web), "Accept-Language": "en"}
    line = web.get(f"/api/v1/transactions/{code}", headers=headers).get_json()
    assert (line["stateText"], line["steps"][0]["text"]) == ("In the health book", "Received")


@pytest.mark.parametrize("code_asked", ["", "GDX", "GD" + "A" * 29, "099200001234"])
def test_an_unknown_transaction_is_not_found(web: FlaskClient, code_asked: str) -> None:
    assert web.get(f"/api/v1/transactions/{code_asked}", headers=sender_token(web)).status_code == 404


def test_another_senders_transaction_is_not_found(web: FlaskClient, code: str) -> None:
    headers = sender_token(web, "other")
    assert web.get(f"/api/v1/transactions/{code}", headers=headers).status_code == 404


def test_a_standing_version_may_be_made_current_again(web: FlaskClient, code: str) -> None:
    response = web.post(f"/api/v1/transactions/{code}:make-current", headers=sender_token(web))
    assert (response.status_code, response.get_json()["maGiaoDich"]) == (200, code)


def reads_of_life_lines(service: Service) -> int:
    with service.stores.database.begin() as connection:
        return len(connection.execute(select(audit_event).where(audit_event.c.action == "read life line")).all())


def test_whoever_may_only_send_makes_a_version_current_and_reads_nothing(
    service: Service, web: FlaskClient, code: str
) -> None:
    path, before = f"/api/v1/transactions/{code}:make-current", reads_of_life_lines(service)

    writes_only = web.post(path, headers=sender_token(web, scope="submissions.write"))
    assert (writes_only.status_code, writes_only.get_json()) == (200, {"maGiaoDich": code})
    assert reads_of_life_lines(service) == before

    both = web.post(path, headers=sender_token(web))
    assert both.get_json()["state"] == "delivered"
    assert reads_of_life_lines(service) == before + 1


def test_the_same_body_gets_the_same_answer(web: FlaskClient, code: str) -> None:
    assert submit(web) == submit(web)


def test_another_body_under_the_same_key_is_a_conflict(web: FlaskClient) -> None:
    headers = {**sender_token(web), "Content-Type": "application/xml", "Idempotency-Key": "once"}
    bodies = [envelope([dossier(seed, shape="outpatient", rows=3)]) for seed in (11, 12)]
    first, second = (web.post("/api/v1/submissions", data=body, headers=headers) for body in bodies)

    assert (first.status_code, second.status_code) == (200, 409)
    assert second.get_json(force=True)["code"] == "idempotency_key.other_content"


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_batch_that_is_no_json_is_told_why(web: FlaskClient, language: str) -> None:
    headers = {**sender_token(web), "Content-Type": "application/json", "Accept-Language": language}
    response = web.post("/api/v1/submissions", data=b"{", headers=headers)

    problem = response.get_json(force=True)
    assert (response.status_code, problem["code"]) == (422, "request.unreadable")
    assert problem["issues"][0]["code"] == "request.unreadable"


def test_a_citizen_finds_their_own_patient(web: FlaskClient, code: str, citizen: dict[str, str]) -> None:
    bundle = web.get("/fhir/Patient", headers=citizen).get_json()

    assert (bundle["type"], bundle["total"]) == ("searchset", 1)
    number = dossier(SEED).summary["SO_CCCD"]
    assert bundle["entry"][0]["resource"]["identifier"][0]["value"] == number


def test_a_citizen_without_a_book_finds_nothing(web: FlaskClient, world: World) -> None:
    bundle = web.get("/fhir/Patient", headers=login(world, number="099200999999")).get_json()
    assert (bundle["total"], "entry" in bundle) == (0, False)


def test_everything_is_valid_and_named_by_its_address(web: FlaskClient, patient: str, citizen: dict[str, str]) -> None:
    response = web.get(f"/fhir/Patient/{patient}/$everything", headers=citizen)

    assert response.headers["Content-Type"] == "application/fhir+json; fhirVersion=4.0"
    assert findings(response.data) == ()
    bundle = response.get_json()
    addresses = [f"{FHIR}/{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle["entry"]]
    assert [entry["fullUrl"] for entry in bundle["entry"]] == addresses
    assert bundle["total"] == len(addresses) > 12


def test_every_entry_can_be_read_by_its_address(web: FlaskClient, patient: str, citizen: dict[str, str]) -> None:
    bundle = web.get(f"/fhir/Patient/{patient}/$everything", headers=citizen).get_json()
    entries = bundle["entry"]
    read = [web.get(entry["fullUrl"], headers=citizen).get_json() for entry in entries]
    assert read == [entry["resource"] for entry in entries]


def test_a_resource_is_read_with_its_version(web: FlaskClient, patient: str, citizen: dict[str, str]) -> None:
    response = web.get(f"/fhir/Patient/{patient}", headers=citizen)
    meta = response.get_json()["meta"]
    assert response.headers["ETag"] == f'W/"{meta["versionId"]}"'
    assert response.last_modified is not None


def all_pages(web: FlaskClient, address: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    bundle = web.get(address, headers=headers).get_json()
    following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
    return [*bundle["entry"], *(entry for url in following for entry in all_pages(web, url, headers))]


@pytest.mark.parametrize("path", ["Patient/{patient}/$everything?_count=4", "Observation?patient={patient}&_count=2"])
def test_following_the_next_links_gives_all_once(
    web: FlaskClient, patient: str, citizen: dict[str, str], path: str
) -> None:
    address = f"{FHIR}/{path.format(patient=patient)}"
    whole = web.get(address.replace("_count=4", "").replace("&_count=2", ""), headers=citizen).get_json()

    assert all_pages(web, address, citizen) == whole["entry"]


@pytest.mark.parametrize(
    ("asked", "given"),
    [("", "100"), ("&_count=1", "1"), ("&_count=1000", "1000"), ("&_count=1001", "1000"), ("&_count=999999", "1000")],
)
def test_a_page_of_a_search_has_a_hundred_or_what_is_asked_for_up_to_a_thousand(
    web: FlaskClient, patient: str, citizen: dict[str, str], asked: str, given: str
) -> None:
    bundle = web.get(f"/fhir/Observation?patient={patient}{asked}", headers=citizen).get_json()
    [here] = [link["url"] for link in bundle["link"] if link["relation"] == "self"]
    assert here == f"{FHIR}/Observation?patient={patient}&_count={given}"


def test_a_count_of_none_gives_the_total_only(web: FlaskClient, patient: str, citizen: dict[str, str]) -> None:
    bundle = web.get(f"/fhir/Patient/{patient}/$everything?_count=0", headers=citizen).get_json()
    assert ("entry" in bundle, bundle["total"] > 0) == (False, True)
    assert [link["relation"] for link in bundle["link"]] == ["self"]


@pytest.mark.parametrize("type_", [type_ for type_ in searched_types() if type_ != "Patient"])
def test_every_searched_type_answers_a_search(
    web: FlaskClient, patient: str, citizen: dict[str, str], type_: str
) -> None:
    everything = web.get(f"/fhir/Patient/{patient}/$everything", headers=citizen).get_json()
    response = web.get(f"/fhir/{type_}?patient=Patient/{patient}&_count=1000", headers=citizen)
    assert response.status_code == 200
    of_type = [e for e in everything["entry"] if e["resource"]["resourceType"] == type_]
    assert response.get_json().get("entry", []) == of_type
    assert findings(response.data) == ()


def audit_entries(service: Service) -> int:
    with service.stores.database.begin() as connection:
        entries = connection.execute(select(func.count()).select_from(audit_event)).scalar_one()
        # A refusal that repeats one of this minute is counted, for an entry with all of them.
        again = connection.execute(select(func.coalesce(func.sum(repeated_refusal.c.again), 0))).scalar_one()
        return int(entries) + int(again)


FOREIGN = "11111111-1111-8111-8111-111111111111"


@pytest.mark.parametrize(
    "path",
    [
        f"Patient/{FOREIGN}",
        f"Patient/{FOREIGN}/$everything",
        f"Observation/{FOREIGN}",
        f"Observation?patient={FOREIGN}",
        "Observation/not-an-id",
        "Observation?patient=099200001234",
    ],
)
def test_what_is_not_ones_own_is_not_found(web: FlaskClient, citizen: dict[str, str], path: str) -> None:
    response = web.get(f"/fhir/{path}", headers=citizen)
    assert response.status_code == 404
    assert findings(response.data) == ()
    assert "099200001234" not in response.text


def test_another_persons_book_looks_like_an_unknown_one(web: FlaskClient, world: World, patient: str) -> None:
    stranger = login(world, number="099200999999")
    answers = [web.get(f"/fhir/Patient/{id_}/$everything", headers=stranger) for id_ in (patient, FOREIGN)]
    shown = [{**a.get_json(force=True)["issue"][0], "diagnostics": ""} for a in answers]
    assert (answers[0].status_code, shown[0]) == (404, shown[1])


@pytest.mark.parametrize(
    "path",
    [
        "Patient",
        "Patient/{patient}",
        "Patient/{patient}/$everything",
        "Observation?patient={patient}",
        "Organization/{patient}",
        f"Patient/{FOREIGN}/$everything",
        f"Observation/{FOREIGN}",
    ],
)
def test_every_read_is_one_audit_entry(
    web: FlaskClient, service: Service, patient: str, citizen: dict[str, str], path: str
) -> None:
    before = audit_entries(service)
    web.get(f"/fhir/{path.format(patient=patient)}", headers=citizen)
    assert audit_entries(service) == before + 1


def test_a_life_line_read_is_one_audit_entry(web: FlaskClient, service: Service, code: str) -> None:
    before = audit_entries(service)
    web.get(f"/api/v1/transactions/{code}", headers=sender_token(web))
    assert audit_entries(service) == before + 1


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("Observation?patient=a&patient=b", {}, 404),
        ("Observation?patient=", {}, 400),
        ("Observation?patient=a&_count=-1", {}, 400),
        ("Observation?patient=a&_count=x", {}, 400),
        ("Observation?patient=a&_count=1000000", {}, 400),
        ("Observation?patient=a&_count=", {}, 400),
        ("Observation?patient=a&_from=3", {}, 400),
        ("Observation?patient=a&_from=-1.0", {}, 400),
        ("Observation?patient=a&_from=1e3.0", {}, 400),
        ("Observation?patient=a&value-quantity=5", {"Prefer": "handling=strict"}, 400),
        ("Observation?patient=a&value-quantity=5", {}, 400),
        ("Observation?patient=a&_lastUpdated=ap2026-01-01", {}, 400),
        ("Observation?patient=a&patient:exact=b", {}, 400),
        ("Observation?patient=a&_sort=code", {}, 400),
        ("Observation?_include=Observation:subject", {}, 400),
        ("Observation?_summary=text", {}, 400),
        ("Observation?_elements=birthDate", {}, 400),
        ("Patient?_revinclude=Observation:subject", {}, 400),
        ("Patient?_has:Observation:patient:code=x", {}, 400),
        ("Patient?name=x", {}, 400),
        ("Patient?patient=a", {}, 400),
        (f"Patient/{FOREIGN}/$everything?_since=yesterday", {}, 400),
        (f"Patient/{FOREIGN}/$everything?_type=Basic", {}, 400),
        (f"Patient/{FOREIGN}/$everything?start=2026-01-01", {}, 400),
        (f"Patient/{FOREIGN}/$summary?_since=2026-01-01", {}, 400),
        (f"Observation/{FOREIGN}/_history?_at=2026", {}, 400),
        ("metadata?_format=application/fhir+xml", {}, 406),
        ("Patient?_format=xml", {}, 406),
        ("Patient", {"Accept": "application/fhir+xml"}, 406),
        ("Patient", {"Accept": "application/fhir+json; fhirVersion=3.0"}, 406),
        ("Patient?_format=application/fhir+json;fhirVersion=5.0", {}, 406),
        ("Basic/1", {}, 404),
        ("Organization?patient=a", {}, 404),
    ],
)
def test_a_request_that_is_not_understood_is_told_so(
    web: FlaskClient, citizen: dict[str, str], path: str, headers: dict[str, str], status: int
) -> None:
    response = web.get(f"/fhir/{path}", headers={**citizen, **headers})
    assert (response.status_code, findings(response.data)) == (status, ())


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/fhir+json; fhirVersion=4.0"},
        {"Accept": "text/html, */*;q=0.1"},
        {"Accept": "application/json"},
        {"Accept": "application/fhir+json; fhirVersion=3.0, application/fhir+json; fhirVersion=4.0.1;q=0.5"},
    ],
)
def test_every_json_reader_is_served(web: FlaskClient, citizen: dict[str, str], headers: dict[str, str]) -> None:
    assert web.get("/fhir/Patient", headers={**citizen, **headers}).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "_format=application/fhir+json",  # the plus as clients write it, unescaped
        "_format=application/fhir%2Bjson",
        "_format=application/fhir+json;fhirVersion=4.0",
        "_format=json",
        "_pretty=true&_sort=-_lastUpdated&_summary=false",
        "_total=accurate&_totalMethod=count",
    ],
)
def test_what_only_forms_an_answer_is_no_reason_to_refuse_it(
    web: FlaskClient, citizen: dict[str, str], query: str
) -> None:
    assert web.get(f"/fhir/Patient?{query}", headers=citizen).status_code == 200


def test_an_unknown_filter_may_go_unheard_where_the_reader_says_so(
    web: FlaskClient, patient: str, citizen: dict[str, str]
) -> None:
    lenient = {**citizen, "Prefer": "handling=lenient"}
    found = web.get(f"/fhir/Observation?patient={patient}&name=b", headers=lenient)
    assert (found.status_code, "name" in found.get_json()["link"][0]["url"]) == (200, False)


def test_the_capability_statement_is_valid(web: FlaskClient) -> None:
    assert findings(web.get("/fhir/metadata").data) == ()


def test_the_capability_statement_lists_exactly_the_routes_that_exist(web: FlaskClient) -> None:
    statement = web.get("/fhir/metadata").get_json()
    listed = {
        (resource["type"], interaction["code"])
        for resource in statement["rest"][0]["resource"]
        for interaction in resource["interaction"]
    }
    matcher = web.application.url_map.bind("localhost")
    routes = {
        "read": ("{}/1", "fhir.read"),
        "vread": ("{}/1/_history/1", "fhir.vread"),
        "history-instance": ("{}/1/_history", "fhir.history"),
        "history-type": ("{}/_history", "fhir.history_of_type"),
        "search-type": ("{}", "fhir.search"),
    }
    routed = {
        (name, code)
        for name in TYPES
        for code, (path, endpoint) in routes.items()
        if matcher.test(f"/fhir/{path.format(name)}") and matcher.match(f"/fhir/{path.format(name)}")[0] == endpoint
    }
    assert listed == routed


def test_staff_are_no_citizens_and_citizens_no_staff(web: FlaskClient, world: World, citizen: dict[str, str]) -> None:
    assert web.get("/fhir/Patient", headers=login(world, role="ops")).status_code == 403
    assert web.get("/api/v1/ops/lanes", headers=citizen).status_code == 403


@pytest.fixture(scope="module")
def operator(service: Service, world: World) -> dict[str, str]:
    grant_post(OPERATOR.number, Post("ops"), first=None, last=date(2099, 1, 1), by="test", stores=service.stores)
    return login(world, role="ops", number=OPERATOR.number)


def test_a_dry_run_counts_and_orders_nothing(web: FlaskClient, patient: str, operator: dict[str, str]) -> None:
    order = {"patient": patient, "dry_run": True}
    counted = web.post("/api/v1/ops/resyncs", json=order, headers=operator).get_json()
    assert counted == {"dry_run": True, "total": 1, "by_state": {"open": 1}}


@pytest.mark.parametrize("scope", [{"facility": "01001"}, {"destination": "so-suc-khoe"}, {"all": True}])
def test_an_order_can_be_followed(web: FlaskClient, code: str, operator: dict[str, str], scope: Any) -> None:
    ordered = web.post("/api/v1/ops/resyncs", json={**scope, "reason": "yc-12"}, headers=operator)

    assert (ordered.status_code, ordered.get_json()["state"]) == (202, "marking")
    followed = web.get(ordered.headers["Location"], headers=operator).get_json()
    assert (followed["id"], followed["reason"]) == (ordered.get_json()["id"], "yc-12")


@pytest.mark.parametrize(
    ("order", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"all": true, "facility": "01001"}', 400),
        (b'{"all": "yes"}', 400),
        *((f'{{"all": {one}}}'.encode(), 400) for one in ("1", "1.0", '"true"', "null", "[true]", '{"all": true}')),
        *((f'{{"facility": "01001", "dry_run": {one}}}'.encode(), 400) for one in ("1", "0", "0.0", '"on"', "null")),
        (b'{"patient": "099200001234"}', 400),
        (b'{"facility": "1"}', 400),
        (b'{"all": true, "reason": "Nguyen Van Canary"}', 400),
        (b'{"all": true, "reason": "099200001234"}', 400),
        (b'{"all": true, "other": 1}', 400),
        (b'{"facility": "99999"}', 404),
        (b'{"facility": "8930000000018"}', 400),
        (f'{{"patient": "{FOREIGN}"}}'.encode(), 404),
        (f'{{"patient": "{FOREIGN}", "dry_run": true}}'.encode(), 404),
        (b'{"destination": "nowhere"}', 404),
    ],
)
def test_an_order_that_is_not_understood_is_refused(
    web: FlaskClient, operator: dict[str, str], order: bytes, status: int
) -> None:
    response = web.post("/api/v1/ops/resyncs", data=order, headers=operator)
    assert response.status_code == status
    assert "099200001234" not in response.text


@pytest.mark.parametrize(
    "reason",
    [
        "nguyen.van.an",
        "0123/4567/8901",
        "12031990",
        "anh-ba",
        "ticket-1234567",
        "ticket 17",
        "Other",
        "/9",
        99_200_001_234,
    ],
)
def test_p11_a_reason_that_could_name_somebody_is_refused_with_the_words_that_there_are(
    web: FlaskClient, operator: dict[str, str], reason: object
) -> None:
    refused = web.post("/api/v1/ops/resyncs", json={"all": True, "reason": reason}, headers=operator)
    told = refused.get_json(force=True)
    assert (refused.status_code, told["code"], told["words"][0]) == (400, "resync.reason", "book_lost_data")
    assert f"{reason}" not in refused.text.replace("ticket-17", "")


@pytest.mark.parametrize("named", ["patient", "facility", "destination"])
def test_lanes_that_wait_are_hurried(
    web: FlaskClient, service: Service, code: str, patient: str, operator: dict[str, str], named: str
) -> None:
    scope = {"patient": patient, "facility": "01001", "destination": "so-suc-khoe"}
    before = audit_entries(service)
    waits = update(tables.lane).where(tables.lane.c.person_id == UUID(patient))
    with service.stores.database.begin() as connection:
        connection.execute(waits.values(due_at=func.now() + timedelta(hours=1)))
    hurried = web.post("/api/v1/ops/lanes:hurry", json={named: scope[named]}, headers=operator)
    again = web.post("/api/v1/ops/lanes:hurry", json={named: scope[named]}, headers=operator)
    with service.stores.database.begin() as connection:
        connection.execute(waits.values(due_at=None))

    assert (hurried.status_code, hurried.get_json(), again.get_json()) == (200, {"due": 1}, {"due": 0})
    assert audit_entries(service) == before + 2


@pytest.mark.parametrize(
    ("order", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"all": true}', 400),
        (b'{"facility": "01001", "reason": "yc"}', 400),
        (b'{"patient": "099200001234"}', 400),
        (b'{"facility": "8930000000018"}', 400),
        (b'{"facility": "99999"}', 404),
        (f'{{"patient": "{FOREIGN}"}}'.encode(), 404),
        (b'{"destination": "nowhere"}', 404),
    ],
)
def test_a_hurry_that_is_not_understood_is_refused(
    web: FlaskClient, operator: dict[str, str], order: bytes, status: int
) -> None:
    response = web.post("/api/v1/ops/lanes:hurry", data=order, headers=operator)
    assert response.status_code == status
    assert "099200001234" not in response.text


def test_only_operators_hurry_lanes(web: FlaskClient, citizen: dict[str, str]) -> None:
    for headers in (citizen, sender_token(web), {}):
        assert web.post("/api/v1/ops/lanes:hurry", json={"facility": "01001"}, headers=headers).status_code in {
            401,
            403,
        }


def test_an_unknown_order_is_not_found(web: FlaskClient, operator: dict[str, str]) -> None:
    assert web.get(f"/api/v1/ops/resyncs/{FOREIGN}", headers=operator).status_code == 404


def test_lanes_are_listed_with_their_state(web: FlaskClient, patient: str, operator: dict[str, str]) -> None:
    lanes = web.get("/api/v1/ops/lanes", headers=operator).get_json()["lanes"]
    [lane] = [lane for lane in lanes if lane["patient"] == patient]
    assert (lane["destination"], lane["state"]) == ("so-suc-khoe", "open")


def test_a_full_page_of_lanes_names_the_next(web: FlaskClient, code: str, operator: dict[str, str]) -> None:
    first = web.get("/api/v1/ops/lanes?limit=1&state=open", headers=operator).get_json()
    following = web.get(first["next"], headers=operator).get_json()
    assert first["lanes"][0]["patient"] not in [lane["patient"] for lane in following["lanes"]]


@pytest.mark.parametrize(
    "query",
    [
        "state=lost",
        "after=1",
        "limit=0",
        "limit=1001",
        "limit=x",
        "facility=01001",
        "State=open",
        "state=open&state=behind",
    ],
)
def test_a_wrong_query_for_lanes_is_refused(web: FlaskClient, operator: dict[str, str], query: str) -> None:
    assert web.get(f"/api/v1/ops/lanes?{query}", headers=operator).status_code == 400


def test_a_transaction_leads_to_its_lane_and_its_patient_back_to_it(
    web: FlaskClient, service: Service, code: str, patient: str, operator: dict[str, str]
) -> None:
    before = audit_entries(service)
    found = web.get(f"/api/v1/ops/transactions/{code}", headers={**operator, "Accept-Language": "en"}).get_json()

    assert (found["patient"], found["state"], found["stateText"]) == (patient, "delivered", "In the health book")
    assert [(lane["destination"], lane["state"]) for lane in found["lanes"]] == [("so-suc-khoe", "open")]
    back = web.get(f"/api/v1/ops/transactions?patient={patient}", headers=operator).get_json()
    assert [(one["maGiaoDich"], one["state"], one["stands"]) for one in back["transactions"]] == [(code, "ready", True)]
    assert audit_entries(service) == before + 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("transactions/GDX", 404),
        (f"transactions?patient={FOREIGN}", 404),
        ("transactions", 400),
        ("transactions?patient=1", 400),
        ("transactions?patient=099200001234", 400),
        (f"transactions?patient={FOREIGN}&limit=0", 400),
        (f"transactions?patient={FOREIGN}&facility=01001", 400),
    ],
)
def test_what_leads_nowhere_is_told_so(web: FlaskClient, operator: dict[str, str], path: str, status: int) -> None:
    assert web.get(f"/api/v1/ops/{path}", headers=operator).status_code == status


def test_only_operators_follow_transactions_to_people(web: FlaskClient, code: str, citizen: dict[str, str]) -> None:
    for headers in (citizen, sender_token(web)):
        assert web.get(f"/api/v1/ops/transactions/{code}", headers=headers).status_code in {401, 403}


# ---- every error in the reader's language ----

ERRORS = [
    ("GET", "/nowhere", 404),
    ("GET", "/problems/none", 404),
    ("DELETE", "/api/v1/submissions", 405),
    ("POST", "/fhir/Patient", 405),
    ("POST", "/api/v1/submissions", 401),
    ("GET", "/fhir/Nothing/1", 404),
    ("GET", "/fhir/metadata?_format=xml", 406),
    ("GET", "/api/v1/ops/lanes", 401),
]


@pytest.mark.parametrize(("method", "path", "status"), ERRORS)
@pytest.mark.parametrize(
    ("asked", "language"), [("en", "en"), ("en-US,en;q=0.9", "en"), ("de, en;q=0.5", "en"), ("vi", "vi"), ("", "vi")]
)
def test_every_error_is_said_in_the_readers_language(
    web: FlaskClient, method: str, path: str, status: int, asked: str, language: str
) -> None:
    response = web.open(path, method=method, headers={"Accept-Language": asked} if asked else {})
    said = response.get_json(force=True)
    texts = [said.get("title", ""), said.get("detail", ""), *(i["details"]["text"] for i in said.get("issue", []))]

    assert (response.status_code, response.headers["Content-Language"]) == (status, language)
    assert any(re.search("[À-ỹ]", text) for text in texts) == (language == "vi")


def test_a_body_that_is_too_large_is_told_in_english_to_a_reader_of_english() -> None:
    headers = {"Authorization": "Bearer good", "Content-Type": "application/xml", "Accept-Language": "en"}
    response = client().post("/api/v1/submissions", headers=headers, data=b" " * (LIMIT + 1))
    assert (response.status_code, response.get_json(force=True)["title"]) == (413, "The body is too large.")


def test_it_is_ready(web: FlaskClient) -> None:
    assert web.get("/readyz").get_json()["checks"] == {
        "database": True,
        "durability": True,
        "migrations": True,
        "untouched": True,
        "key_store": True,
        "key_store_durability": True,
        "key_store_migrations": True,
        "key_store_untouched": True,
        "erasures": True,
    }


def test_metrics_tell_what_happened(web: FlaskClient, code: str) -> None:
    text = web.get("/metrics").text
    assert 'ehr_sync_claims{state="proven"}' in text
    assert 'ehr_sync_deliveries_5m{destination="so-suc-khoe",outcome="delivered"}' in text
    assert 'ehr_sync_push_seconds_5m_bucket{destination="so-suc-khoe",le="+Inf"}' in text
