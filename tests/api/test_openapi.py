"""The API's description: every route is in it, it is OpenAPI 3.1, and answers are as it says.

https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from werkzeug.test import TestResponse

from ehr_sync.api import access
from ehr_sync.api.described import SAID
from ehr_sync.api.language import Language
from ehr_sync.api.openapi import document
from mappings.issues.catalogue import CATALOGUE, render
from mappings.model import Issue
from tests.api import hospital, web
from tests.api.described import Described
from tests.docs.test_access import application, written

PAGES: Final = {"pages", "apps", "citizen", "facility", "operator", "reference"}
SENDER: Final = {"Authorization": "Bearer good"}
XML: Final = {**SENDER, "Content-Type": "application/xml"}
FHIR: Final = {**SENDER, "Content-Type": "application/fhir+json"}
OPERATION_KEYS: Final = {"tags", "summary", "operationId", "parameters", "requestBody", "responses", "security"}


def described(language: Language = "vi") -> dict[str, Any]:
    """The document of the whole application, as it is sent."""
    made = document(application(), public_url=hospital.ISSUER, version="0", language=language)
    read: dict[str, Any] = json.loads(json.dumps(made))
    return read


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of each."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def test_every_route_of_the_api_is_in_it_and_nothing_else() -> None:
    rules = [rule for rule in application().url_map.iter_rules() if rule.endpoint.partition(".")[0] not in PAGES]
    routes = {(method, written(rule.rule)) for rule in rules for method in rule.methods or set()}
    told = {(method.upper(), path) for method, path, _ in operations(described())}
    assert told == {(method, path) for method, path in routes if method not in {"HEAD", "OPTIONS"}}
    assert SAID.keys() == {name for name in access.WHO_MAY if name.partition(".")[0] not in PAGES}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_it_is_openapi_3_1(language: Language) -> None:
    """Those of the specification's rules that a document like this could break."""
    api = described(language)
    assert (api["openapi"], api["info"]["version"], api["info"]["title"] != "") == ("3.1.1", "0", True)
    ids, tags = [], {tag["name"] for tag in api["tags"]}
    for method, path, operation in operations(api):
        at = f"{method} {path}"
        assert path.startswith("/"), at
        assert method in {"get", "post", "put", "delete", "patch"}, at
        assert operation.keys() <= OPERATION_KEYS, at
        assert set(operation["tags"]) <= tags, at
        assert operation["summary"], at
        ids += [operation["operationId"]] if "operationId" in operation else []
        places = [(each["in"], each["name"]) for each in operation["parameters"]]
        assert len(places) == len(set(places)), at
        assert {name for place, name in places if place == "path"} == set(re.findall(r"{(\w+)}", path)), at
        assert all(each["required"] for each in operation["parameters"] if each["in"] == "path"), at
        assert ("get", "requestBody" in operation) != (method, True), at
        assert all(re.fullmatch("[1-5][0-9]{2}", status) for status in operation["responses"]), at
        assert all("$ref" in answer or answer["description"] for answer in operation["responses"].values()), at
        assert all(known(api, need) for need in operation["security"]), at
    assert len(ids) == len(set(ids))
    shapes_of_paths = [re.sub(r"{\w+}", "{}", path) for path in api["paths"]]
    assert len(shapes_of_paths) == len(set(shapes_of_paths))
    Described(api).check_schemas()


def known(api: Mapping[str, Any], need: Mapping[str, list[str]]) -> bool:
    """Whether a security requirement names schemes that there are, and scopes of theirs."""
    schemes = api["components"]["securitySchemes"]
    return all(
        set(scopes) <= {scope for flow in schemes[name].get("flows", {}).values() for scope in flow["scopes"]}
        for name, scopes in need.items()
    )


def test_it_says_who_may_call_what_with_what_and_what_is_answered() -> None:
    api = described("en")
    send = api["paths"]["/api/v1/submissions"]["post"]
    assert (send["security"], send["operationId"]) == ([{"sender": ["submissions.write"]}], "submissions.submit")
    assert send["requestBody"]["content"].keys() == {
        *("application/xml", "text/xml", "application/json", "multipart/form-data"),
        *("application/x-www-form-urlencoded", "application/octet-stream", "text/plain"),
    }
    assert " ".join(send["responses"]) == "200 400 401 403 408 409 413 414 415 417 421 422 429 431 500 501 503"
    read = api["paths"]["/fhir/{type}/{resource_id}"]["get"]
    assert read["security"] == [{"citizen": []}, {"app": ["patient/*.rs"]}]
    type_, id_ = read["parameters"][:2]
    assert ("Observation" in type_["schema"]["enum"], "Parameters" in type_["schema"]["enum"]) == (True, False)
    assert (id_["name"], id_["schema"]) == ("resource_id", {"type": "string"})
    assert {"304", "404", "406"} <= read["responses"].keys()
    assert api["paths"]["/api/v1/book/summary"]["get"]["security"] == [{"citizen": []}]
    assert api["paths"]["/api/v1/ops/status"]["get"]["security"] == [{"operator": []}]
    assert api["paths"]["/healthz"]["get"]["security"] == []
    order = api["paths"]["/api/v1/ops/resyncs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert order["properties"]["destination"] == {"type": "string", "pattern": "^[a-z0-9-]{1,40}$"}
    assert order["properties"]["patient"] == {"type": "string", "format": "uuid"}
    assert order["properties"]["all"] == {"type": "boolean"}
    refused = api["components"]["responses"]["problem-409"]["description"]
    assert "`transaction.waiting_for_xml1`: This version has no XML1 yet and cannot stand." in refused.splitlines()


def test_everybody_may_read_it_in_either_language_and_keep_it() -> None:
    client = web.client()
    answers = {each: client.get("/openapi.json", headers={"Accept-Language": each}) for each in ("vi", "en")}
    told = {each: answer.get_json()["paths"]["/healthz"]["get"]["summary"] for each, answer in answers.items()}
    assert told == {"vi": "Tiến trình còn chạy", "en": "The process lives"}
    assert answers["en"].get_json()["servers"] == [{"url": hospital.ISSUER}]
    again = client.get(
        "/openapi.json", headers={"Accept-Language": "en", "If-None-Match": answers["en"].headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")


BATCH: Final = json.dumps({"files": [base64.b64encode(b"<a/>").decode()]})
# (method, path, headers, body): answers of each kind, good and bad.
CALLS: Final[list[tuple[str, str, dict[str, str], str | None]]] = [
    ("get", "/openapi.json", {}, None),
    ("get", "/api/v1/rules", {}, None),
    ("get", "/healthz", {}, None),
    ("get", "/readyz", {}, None),
    ("get", "/metrics", {}, None),
    ("get", "/problems/not_found", {}, None),
    ("get", "/problems/none", {}, None),
    ("get", "/.well-known/jwks.json", {}, None),
    ("get", "/.well-known/smart-configuration", {}, None),
    ("get", "/fhir/.well-known/smart-configuration", {}, None),
    ("get", "/.well-known/openid-configuration", {}, None),
    ("post", "/oauth2/token", {"Content-Type": "application/x-www-form-urlencoded"}, "grant_type=x"),
    ("post", "/oauth2/token", {}, None),
    ("post", "/oauth2/revoke", {"Content-Type": "application/x-www-form-urlencoded"}, "token=x"),
    ("post", "/api/v1/submissions", XML, "<a/>"),
    ("post", "/api/v1/submissions", {**SENDER, "Content-Type": "application/json"}, BATCH),
    ("post", "/api/v1/submissions?dry_run=true", XML, "<a/>"),
    ("post", "/api/v1/submissions?dry=true", XML, "<a/>"),
    ("post", "/api/v1/submissions", {"Content-Type": "application/xml"}, "<a/>"),
    ("post", "/api/v1/submissions", {**XML, "Authorization": "Bearer reader"}, "<a/>"),
    ("post", "/api/v1/submissions", {**SENDER, "Content-Type": "image/png"}, "<a/>"),
    ("post", "/api/v1/submissions", XML, "x" * (web.LIMIT + 1)),
    ("post", "/api/auth/token/take", {"Content-Type": "application/json"}, "{}"),
    ("post", "/api/kcb/xml/qd3176/guiHoSoXml", XML, "<a/>"),
    ("get", "/api/kcb/tra-cuu-trang-thai/GD", {"Authorization": "Bearer reader"}, None),
    ("post", "/fhir/Patient/$validate", FHIR, '{"resourceType":"Patient"}'),
    ("post", "/fhir/Patient/$validate", FHIR, "{"),
    ("post", "/fhir/Patient/$validate", {**FHIR, "Accept": "text/html"}, "{}"),
    ("post", "/fhir/Patient/$validate", {**FHIR, "Content-Type": "text/plain"}, "{}"),
]


def test_answers_are_as_it_says() -> None:
    client = web.client()
    described = Described(client.get("/openapi.json").get_json())
    for method, path, headers, body in CALLS:
        answer: TestResponse = client.open(path, method=method, headers=headers, data=body)
        told = described.faults(method, path, answer.status_code, dict(answer.headers), answer.get_data())
        assert told == [], (method, path, headers, answer.status_code)


def test_every_issue_that_a_sender_can_hear_is_as_it_says() -> None:
    described = Described(web.client().get("/openapi.json").get_json())
    heard = [render(Issue(code), language) for code in CATALOGUE for language in ("vi", "en")]
    assert {each["severity"] for each in heard} == {"refused", "warning", "information"}
    file = {"status": "refused", "issues": heard, "hoSo": []}
    answer = {"batchId": "", "totalSuccess": 0, "totalFailed": 0, "fileResults": [file]}
    as_json = {"Content-Type": "application/json"}
    assert described.faults("post", "/api/v1/submissions", 200, as_json, json.dumps(answer).encode()) == []


def test_an_answer_that_it_does_not_say_is_noticed() -> None:
    described = Described(web.client().get("/openapi.json").get_json())
    as_json = {"Content-Type": "application/json"}
    assert described.faults("get", "/healthz", 404, as_json, b"{}") == ["404 is not described"]
    assert described.faults("get", "/healthz", 200, {"Content-Type": "text/html"}, b"") == ["text/html of 200"]
    assert described.faults("get", "/healthz", 200, as_json, b'{"alive":"yes"}') == ["'yes' is not of type 'boolean'"]
    assert described.faults("get", "/nowhere", 200, as_json, b"{}") == ["no operation get /nowhere"]
