"""Searching one's own book over HTTP, as apps do: what is found, what is refused, how pages go on."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from flask.testing import FlaskClient

from ehr_sync.bootstrap_web import web_application
from ehr_sync.sandbox.dossiers.generator import corrected, dossier
from ehr_sync.sandbox.world import World
from mappings.gate import findings
from tests.api.fhir.reading import FOREIGN, INDEX, URL, Json, found, login, next_of, of, pages
from tests.api.web import calling
from tests.databases import Dsns
from tests.usecases.service import DAY, Running, number_of, open_running


def test_p9_a_test_is_found_by_its_code_and_no_other_is_shown(
    web: FlaskClient, citizen: dict[str, str], book: list[Json]
) -> None:
    coded = [each for each in of(book, "Observation") if each["code"].get("coding")]
    first = coded[0]["code"]["coding"][0]
    expected = [
        each["id"]
        for each in coded
        if any((c["system"], c["code"]) == (first["system"], first["code"]) for c in each["code"]["coding"])
    ]
    response = web.get(
        "/fhir/Observation", query_string={"code": f"{first['system']}|{first['code']}"}, headers=citizen
    )
    assert [each["id"] for each in found(response)] == expected
    assert 0 < len(expected) < len(of(book, "Observation"))
    assert found(web.get("/fhir/Observation?code=4548-4x", headers=citizen)) == []


@pytest.mark.parametrize("name", ["patient", "subject"])
@pytest.mark.parametrize("form", ["{}", "Patient/{}", URL + "/fhir/Patient/{}", "{},other"])
def test_the_person_may_be_named_or_left_out(
    web: FlaskClient, citizen: dict[str, str], book: list[Json], name: str, form: str
) -> None:
    value = form.format(of(book, "Patient")[0]["id"])
    named = web.get("/fhir/Condition", query_string={name: value}, headers=citizen)
    assert found(named) == found(web.get("/fhir/Condition", headers=citizen)) == of(book, "Condition")


@pytest.mark.parametrize("name", ["patient", "subject"])
def test_another_persons_search_is_as_unknown_as_nobodys(
    web: FlaskClient, running: Running, book: list[Json], name: str
) -> None:
    stranger = login(running, INDEX + 1)
    own = of(book, "Patient")[0]["id"]
    answers = [web.get(f"/fhir/Condition?{name}={id_}&_sort=recorded-date", headers=stranger) for id_ in (own, FOREIGN)]
    assert [answer.status_code for answer in answers] == [404, 404]
    shown = [{**answer.get_json()["issue"][0], "diagnostics": ""} for answer in answers]
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("Observation?code:text=x", "code:text"),
        ("Observation?value-quantity=gt5", "value-quantity"),
        ("Observation?date=ap2026", "date"),
        ("Observation?date=2026-13-01", "date"),
        ("Observation?code=a,", "code"),
        ("Observation?code=", "code"),
        ("Observation?_sort=code", "_sort"),
        ("Observation?_include=Observation:subject", "_include"),
        ("Observation?_summary=text", "_summary"),
        ("Observation?_elements=x", "_elements"),
        ("Observation?_count=many", "_count"),
        ("Observation?_from=1", "_from"),
        ("Observation?_sort=date&_from=1.0", "_from"),
        (f"Observation?_sort=date&_from={FOREIGN}", "_from"),
        ("Observation?_words=AAAA", "_words"),
        ("Observation?name=x", "name"),
        ("Patient?_has:Observation:patient:code=x", None),
        ("Patient?NGUYEN%20VAN%20A=1", None),  # what is no name of a parameter is not said again
        ("Patient?NGUYEN=1", None),
        ("Patient?identifier:NGUYEN=1", None),
        (f"Patient?{'a' * 41}=1", None),
    ],
)
def test_what_is_not_understood_is_refused_and_named(
    web: FlaskClient, citizen: dict[str, str], query: str, named: str | None
) -> None:
    response = web.get(f"/fhir/{query}", headers=citizen)
    issue = response.get_json()["issue"][0]
    assert (response.status_code, findings(response.data)) == (400, ())
    assert issue.get("location") == ([f"http.{named}"] if named else None)
    assert "NGUYEN" not in response.text


def test_a_lenient_reader_is_told_what_was_not_heard(
    web: FlaskClient, citizen: dict[str, str], book: list[Json]
) -> None:
    lenient = {**citizen, "Prefer": "handling=lenient"}
    query = "name=x&code:text=y&_include=z&_sort=code&date=ap2026&status=final"
    response = web.get(f"/fhir/Observation?{query}&_count=1000", headers=lenient)
    finals = [each for each in of(book, "Observation") if each["status"] == "final"]
    assert found(response) == finals
    bundle = response.get_json()
    [outcome] = [e["resource"] for e in bundle["entry"] if e["search"]["mode"] == "outcome"]
    said = [issue["location"][0] for issue in outcome["issue"]]
    assert said == ["http.name", "http.code:text", "http._include", "http._sort", "http.date"]
    assert {issue["severity"] for issue in outcome["issue"]} == {"warning"}
    assert parse_qs(urlsplit(bundle["link"][0]["url"]).query) == {"status": ["final"], "_count": ["1000"]}
    assert bundle["total"] == len(finals)


def test_a_value_that_is_none_is_refused_to_lenient_readers_too(web: FlaskClient, citizen: dict[str, str]) -> None:
    lenient = {**citizen, "Prefer": "handling=lenient"}
    assert web.get("/fhir/Observation?date=soon", headers=lenient).status_code == 400
    assert web.get("/fhir/Observation?_count=x", headers=lenient).status_code == 400


def test_dates_bound_a_search_from_both_sides(web: FlaskClient, citizen: dict[str, str], book: list[Json]) -> None:
    starts = sorted(each["period"]["start"] for each in of(book, "Encounter"))
    first_day = starts[0][:10]
    both = web.get(f"/fhir/Encounter?date=ge{first_day}&date=lt{first_day[:4]}-13", headers=citizen)
    assert both.status_code == 400
    assert len(found(web.get("/fhir/Encounter?date=ge1990&date=lt2099", headers=citizen))) == 2
    assert found(web.get("/fhir/Encounter?date=lt1990", headers=citizen)) == []
    assert found(web.get("/fhir/Encounter?date=lt1990,gt1990", headers=citizen)) == of(book, "Encounter")


@pytest.mark.parametrize("sort", ["date", "-date", "_id", "-_lastUpdated,_id"])
def test_sorted_pages_follow_each_other_and_their_links_say_no_date(
    web: FlaskClient, citizen: dict[str, str], book: list[Json], sort: str
) -> None:
    whole = found(web.get(f"/fhir/Observation?_sort={sort}&_count=1000", headers=citizen))
    assert sorted(each["id"] for each in whole) == sorted(each["id"] for each in of(book, "Observation"))
    assert pages(web, citizen, f"/fhir/Observation?_sort={sort}&_count=3") == whole
    following = next_of(web.get(f"/fhir/Observation?_sort={sort}&_count=3", headers=citizen))
    assert following is not None
    assert parse_qs(urlsplit(following).query) == {"_sort": [sort], "_count": ["3"], "_from": [whole[2]["id"]]}


def test_the_newest_comes_first_where_asked(web: FlaskClient, citizen: dict[str, str], book: list[Json]) -> None:
    newest = max(each["effectiveDateTime"] for each in of(book, "Observation"))
    [first] = found(web.get("/fhir/Observation?_sort=-date&_count=1", headers=citizen))
    assert first["effectiveDateTime"] == newest


def test_filtered_pages_follow_each_other(web: FlaskClient, citizen: dict[str, str], book: list[Json]) -> None:
    finals = [each for each in of(book, "Observation") if each["status"] == "final"]
    assert pages(web, citizen, "/fhir/Observation?status=final&_count=2") == finals


def test_a_count_alone_is_a_number_without_entries(web: FlaskClient, citizen: dict[str, str], book: list[Json]) -> None:
    bundle = web.get("/fhir/Observation?_summary=count&status=final", headers=citizen).get_json()
    finals = [each for each in of(book, "Observation") if each["status"] == "final"]
    assert (bundle["total"], "entry" in bundle, len(bundle["link"])) == (len(finals), False, 1)


@pytest.mark.parametrize("query", ["_summary=true", "_elements=code,valueQuantity"])
def test_cut_resources_are_valid_marked_and_keep_their_digits(
    web: FlaskClient, citizen: dict[str, str], query: str, running: Running
) -> None:
    response = web.get(f"/fhir/Observation?{query}&_count=1000", headers=citizen)
    for each in found(response):
        assert [tag["code"] for tag in each["meta"]["tag"]] == ["SUBSETTED"]
        assert {"status", "code"} <= each.keys()
        assert "note" not in each
    whole = b"".join(running.everything(number_of(INDEX)).resources)
    values = [part.split(b",")[0] for part in response.data.split(b'"valueQuantity":{"value":')[1:]]
    assert values
    assert all(b'"valueQuantity":{"value":' + value in whole for value in values)


def test_everything_of_some_types_and_since_a_moment(
    web: FlaskClient, citizen: dict[str, str], book: list[Json]
) -> None:
    own = f"/fhir/Patient/{of(book, 'Patient')[0]['id']}/$everything"
    two = found(web.get(f"{own}?_type=Patient,Encounter", headers=citizen))
    assert [each["resourceType"] for each in two] == ["Patient", "Encounter", "Encounter"]
    assert found(web.get(f"{own}?_since=2999-01-01T00:00:00Z", headers=citizen)) == []
    assert found(web.get(f"{own}?_since=2000-01-01", headers=citizen)) == book
    assert pages(web, citizen, f"{own}?_type=Observation&_count=4") == of(book, "Observation")


def test_ones_own_patient_is_found_by_number_and_id_and_no_link_says_it(
    web: FlaskClient, citizen: dict[str, str], book: list[Json]
) -> None:
    [patient] = of(book, "Patient")
    number = number_of(INDEX)
    for query in (
        f"identifier={number}",
        f"identifier={patient['identifier'][0]['system']}|{number}",
        f"_id={patient['id']}",
    ):
        response = web.get(f"/fhir/Patient?{query}", headers=citizen)
        assert found(response) == [patient]
        assert number not in str(response.get_json()["link"])
    assert found(web.get(f"/fhir/Patient?identifier={number_of(INDEX + 1)}", headers=citizen)) == []
    assert found(web.get(f"/fhir/Patient?_id={FOREIGN}", headers=citizen)) == []


# ---- by POST ----


def test_p11_a_search_by_post_finds_the_same_and_its_links_tell_no_word(
    web: FlaskClient, citizen: dict[str, str], book: list[Json]
) -> None:
    sent = {"status": "final", "_count": "2", "date": "gt1990"}
    response = web.post("/fhir/Observation/_search", data=sent, headers=citizen)
    finals = [each for each in of(book, "Observation") if each["status"] == "final"]
    assert found(response) == finals[:2]
    for link in response.get_json()["link"]:
        assert "final" not in link["url"]
        assert "1990" not in link["url"]
    assert [*found(response), *pages(web, citizen, next_of(response))] == finals


def test_p11_the_sealed_words_of_a_link_are_their_readers_alone(
    web: FlaskClient, running: Running, citizen: dict[str, str]
) -> None:
    response = web.post("/fhir/Observation/_search", data={"status": "final", "_count": "2"}, headers=citizen)
    address = next_of(response)
    assert address is not None
    assert web.get(address, headers=login(running, INDEX + 1)).status_code == 400
    assert web.get(address[:-8], headers=citizen).status_code in {200, 400}


def test_words_of_the_address_and_of_the_body_must_both_fit(
    web: FlaskClient, citizen: dict[str, str], book: list[Json]
) -> None:
    response = web.post("/fhir/Observation/_search?status=final", data={"date": "lt1990"}, headers=citizen)
    assert found(response) == []


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("application/x-www-form-urlencoded", b"code=" + b"x" * 3_000, 413),
        ("application/x-www-form-urlencoded", b"&".join([b"_id=x"] * 300), 413),
        ("application/x-www-form-urlencoded", b"code:not=x", 400),
        ("application/x-www-form-urlencoded", b"patient=" + FOREIGN.encode(), 404),
    ],
)
def test_a_search_by_post_that_is_none_is_refused(
    web: FlaskClient, citizen: dict[str, str], kind: str, body: bytes, status: int
) -> None:
    response = web.post("/fhir/Condition/_search", data=body, content_type=kind, headers=citizen)
    assert (response.status_code, findings(response.data)) == (status, ())


# ---- versions ----


def test_a_version_that_stands_is_read_and_no_other(
    web: FlaskClient, citizen: dict[str, str], book: list[Json]
) -> None:
    for each in (of(book, "Patient")[0], of(book, "Condition")[0], of(book, "Organization")[0]):
        address = f"/fhir/{each['resourceType']}/{each['id']}/_history"
        version = each["meta"]["versionId"]
        assert web.get(f"{address}/{version}", headers=citizen).get_json() == each
        assert web.get(f"{address}/{version}0", headers=citizen).status_code == 404
        bundle = web.get(address, headers=citizen)
        assert findings(bundle.data) == ()
        [entry] = bundle.get_json()["entry"]
        assert entry["resource"] == each
        assert entry["response"]["etag"] == f'W/"{version}"'


def test_another_persons_version_looks_like_an_unknown_one(
    web: FlaskClient, running: Running, book: list[Json]
) -> None:
    stranger, condition = login(running, INDEX + 1), of(book, "Condition")[0]
    for path in ("{}/_history", "{}/_history/1", "{}/_history/2"):
        told = []
        for id_ in (condition["id"], FOREIGN):
            answer = web.get(f"/fhir/Condition/{path.format(id_)}", headers=stranger)
            told.append((answer.status_code, {**answer.get_json()["issue"][0], "diagnostics": ""}))
        assert told[0] == told[1]
        assert told[0][0] == 404


def test_the_history_of_a_type_says_what_changed_last_first(
    web: FlaskClient, citizen: dict[str, str], book: list[Json]
) -> None:
    response = web.get("/fhir/Condition/_history?_count=1", headers=citizen)
    assert findings(response.data) == ()
    seen, address = [], next_of(response)
    seen += [entry["resource"]["id"] for entry in response.get_json()["entry"]]
    while address:
        response = web.get(address, headers=citizen)
        seen += [entry["resource"]["id"] for entry in response.get_json()["entry"]]
        address = next_of(response)
    assert sorted(seen) == sorted(each["id"] for each in of(book, "Condition"))
    assert web.get("/fhir/Condition/_history?_since=2999", headers=citizen).get_json()["total"] == 0


def test_who_has_a_version_is_told_so_and_gets_nothing(
    web: FlaskClient, running: Running, citizen: dict[str, str], book: list[Json]
) -> None:
    for each in (of(book, "Patient")[0], of(book, "Observation")[0]):
        address = f"/fhir/{each['resourceType']}/{each['id']}"
        tag = web.get(address, headers=citizen).headers["ETag"]
        again = web.get(address, headers={**citizen, "If-None-Match": tag})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
        assert web.get(address, headers={**citizen, "If-None-Match": 'W/"other"'}).status_code == 200
        packed = web.get(address, headers={**citizen, "Accept-Encoding": "gzip"})
        assert packed.headers["ETag"] == tag


def test_one_resource_may_be_cut_too(web: FlaskClient, citizen: dict[str, str], book: list[Json]) -> None:
    address = f"/fhir/Patient/{of(book, 'Patient')[0]['id']}"
    assert "name" not in web.get(f"{address}?_elements=gender", headers=citizen).get_json()


def test_a_citizen_without_a_book_finds_nothing_anywhere(web: FlaskClient, running: Running) -> None:
    nobody = login(running, INDEX + 7)
    for query in ("Patient", "Observation", "Observation?code=x&_sort=date", "Condition/_history"):
        response = web.get(f"/fhir/{query}", headers=nobody)
        assert (response.status_code, response.get_json()["total"]) == (200, 0)


# ---- changes ----


def test_an_older_version_of_a_corrected_record_is_as_unknown_as_any(
    dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    running = open_running(dsns, world, tmp_path_factory.mktemp("keys"), public_url=URL)
    web, headers = calling(web_application(running.service)), login(running, 921)
    visit = dossier(921, person_index=921, shape="outpatient", rows=4)
    running.post(visit)
    running.verify()
    before = [orjson.loads(each) for each in running.everything(number_of(921)).resources]
    running.post(corrected(visit, 1), made_on=DAY.replace(day=DAY.day + 1))
    after = [orjson.loads(each) for each in running.everything(number_of(921)).resources]
    changed = [each for each in before if each not in after and each["resourceType"] not in {"Patient", "Organization"}]
    statuses = {
        web.get(f"/fhir/{e['resourceType']}/{e['id']}/_history/{e['meta']['versionId']}", headers=headers).status_code
        for e in changed
        if e["resourceType"] != "Practitioner"
    }
    running.service.close()
    assert (bool(changed), statuses) == (True, {404})


def test_what_is_derived_is_another_version_once_it_says_something_else(
    web: FlaskClient, running: Running, citizen: dict[str, str], book: list[Json]
) -> None:
    address = f"/fhir/Organization/{of(book, 'Organization')[0]['id']}"
    before = web.get(address, headers=citizen)
    assert web.get(address, headers={**citizen, "If-None-Match": before.headers["ETag"]}).status_code == 304
    try:
        running.run("UPDATE facility SET name = 'Bệnh viện đổi tên' WHERE code = '01001'")
        after = web.get(address, headers={**citizen, "If-None-Match": before.headers["ETag"]})
        assert (after.status_code, after.get_json()["name"]) == (200, "Bệnh viện đổi tên")
        old = f"{address}/_history/{before.get_json()['meta']['versionId']}"
        assert web.get(old, headers=citizen).status_code == 404
    finally:
        running.run("UPDATE facility SET name = 'Bệnh viện mẫu' WHERE code = '01001'")
