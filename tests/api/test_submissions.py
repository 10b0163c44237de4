"""POST /api/v1/submissions, as far as HTTP goes."""

from __future__ import annotations

import hashlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ehr_sync.api.places import Places
from ehr_sync.core.answers import Answer
from tests.api import web

TOKEN = {"Authorization": "Bearer good"}


def post(data: bytes = b"<a/>", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {**TOKEN, "Content-Type": "application/xml", **named}
    return web.client().post("/api/v1/submissions", data=data, headers=given)


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("application/xml", b"xml"),
        ("text/xml", b"xml"),
        ("application/xml; charset=UTF-8", b"xml"),
        ("application/json", b"json"),
        ("application/json; charset=utf-8", b"json"),
        ("application/json; charset=utf8", b"json"),
        ("multipart/form-data; boundary=x", b"multipart"),
        ("application/x-www-form-urlencoded", b"form"),
        ("application/octet-stream", b"form"),
        ("text/plain; charset=UTF8", b"form"),
    ],
)
def test_the_body_reaches_the_use_case_with_its_client_and_kind(content_type: str, kind: bytes) -> None:
    answer = post(b"<a/>", Content_Type=content_type).get_json()
    assert answer["batchId"] == digest(b"benh-vien-mau " + kind + b" None <a/>")


def test_the_idempotency_key_reaches_the_use_case() -> None:
    answer = post(b"<a/>", Idempotency_Key="k-1").get_json()
    assert answer["batchId"] == digest(b"benh-vien-mau xml k-1 <a/>")


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
def test_a_malformed_idempotency_key_is_refused(key: str) -> None:
    response = post(Idempotency_Key=key)
    assert (response.status_code, response.get_json(force=True)["code"]) == (400, "idempotency_key.malformed")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content_Type": "application/fhir+json"}, "media.unsupported"),
        ({"Content_Type": ""}, "media.unsupported"),
        ({"Content_Type": "application/xml; charset=windows-1258"}, "media.charset"),
        ({"Content_Encoding": "gzip"}, "media.encoded"),
    ],
)
def test_a_body_of_another_kind_is_refused_with_its_code(headers: dict[str, str], code: str) -> None:
    response = post(b"<a/>", **headers)
    assert (response.status_code, response.get_json(force=True)["code"]) == (415, code)


def test_a_refused_kind_is_told_which_are_taken() -> None:
    assert post(Content_Type="text/html").headers["Accept-Post"] == (
        "application/xml, text/xml, application/json, multipart/form-data, application/x-www-form-urlencoded, "
        "application/octet-stream, text/plain"
    )


def announced(size: int, client: FlaskClient) -> TestResponse:
    return client.post(
        "/api/v1/submissions",
        input_stream=io.BytesIO(b"<a/>"),
        headers={**TOKEN, "Content-Type": "application/xml"},
        environ_overrides={"CONTENT_LENGTH": str(size)},
    )


def never(**_: object) -> Answer:
    raise AssertionError("the use case must not be asked")


def test_a_body_that_says_it_is_too_long_is_refused_unread() -> None:
    response = announced(web.LIMIT + 1, web.client(never))

    assert (response.status_code, response.get_json(force=True)["code"]) == (413, "request.too_large")


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    assert post(b"x" * web.LIMIT).status_code == 200


def test_a_body_that_ends_early_is_refused() -> None:
    response = announced(10, web.client())

    assert (response.status_code, response.get_json(force=True)["code"]) == (400, "request.cut_off")


@pytest.mark.parametrize(("language", "message"), [("vi", "vi"), ("en", "en")])
def test_an_answer_tells_each_hoso_for_itself(language: str, message: str) -> None:
    answer = post(Accept_Language=language).get_json()

    assert (answer["totalSuccess"], answer["totalFailed"]) == (1, 1)
    [file] = answer["fileResults"]
    assert (file["status"], file["issues"]) == ("partial", [])
    good, bad = file["hoSo"]
    assert good == {"maLK": "LK-1", "maGiaoDich": "GD1", "status": "accepted", "issues": []}
    assert (bad["status"], bad["issues"][0]["code"]) == ("refused", "ma_lk.missing")
    assert bad["issues"][0]["path"] == "XML1[1].MA_LK"
    assert set(bad["issues"][0]) == {"code", "severity", "path", "expected", "message", "fix"}


def test_an_answer_speaks_the_readers_language() -> None:
    spoken = [post(Accept_Language=language).get_json()["fileResults"][0]["hoSo"][1] for language in ("vi", "en")]
    assert spoken[0]["issues"][0]["message"] != spoken[1]["issues"][0]["message"]


def test_dry_runs_that_wait_take_no_place_of_those_who_send() -> None:
    began, over = threading.Event(), threading.Event()

    def slow(**given: Any) -> Answer:
        began.set()
        over.wait(10)
        return web.foresee(**given)

    crowded = web.client(try_out=slow, places=Places(at_once=2, each=2, waiting=0))

    def status(query: str) -> int:
        headers = {**TOKEN, "Content-Type": "application/xml"}
        own = crowded.application.test_client()
        return own.post(f"/api/v1/submissions{query}", data=b"<a/>", headers=headers).status_code

    with ThreadPoolExecutor(2) as pool:
        tried = [pool.submit(status, "?dry_run=true") for _ in range(2)]
        began.wait(5)
        over.wait(0.2)  # until the other one waits too
        sent = status("")
        over.set()
        assert (sent, [one.result() for one in tried]) == (200, [200, 200])
