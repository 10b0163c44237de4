"""POST /api/v1/records/{kind} and the forms, as far as HTTP goes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest

from ehr_sync.core.answers import Answer
from mappings.sources.city.kinds import KINDS
from tests.api import hospital, web
from tests.api.described import Described, validator


def post(kind: str = "allergy", query: str = "", token: str = "good", **headers: str) -> Any:  # noqa: S107 - no secret
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **named}
    return web.client().post(f"/api/v1/records/{kind}{query}", data=b"{}", headers=given)


def test_a_record_reaches_the_use_case_and_its_answer_the_sender_in_their_language() -> None:
    answer = post("problem-list", Idempotency_Key="k-1", Accept_Language="en").get_json()
    [issue] = answer.pop("issues")
    assert answer == {
        "batchId": "B1",
        "id": "benh-vien-mau problem-list k-1 {}",
        "maGiaoDich": "GD1",
        "status": "accepted",
    }
    assert (issue["path"], issue["message"]) == ("/vaccineCode", "The code is not in the code list.")
    assert post().get_json()["issues"][0]["message"] == "Mã không có trong danh mục."


def test_a_trial_is_said_to_be_one() -> None:
    answer = post(query="?dry_run=true").get_json()
    assert (answer["dryRun"], answer["id"]) == (True, "client:benh-vien-mau allergy None {}")
    assert "batchId" not in answer


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"kind": "allergies"}, 404, "not_found"),
        ({"query": "?dryrun=true"}, 400, "request.parameter"),
        ({"Content_Type": "application/xml"}, 415, "media.unsupported"),
        ({"token": "reader"}, 403, "access.denied"),
        ({"Idempotency_Key": "a b"}, 400, "idempotency_key.malformed"),
    ],
)
def test_what_is_no_such_request_is_a_problem(asked: dict[str, str], status: int, code: str) -> None:
    response = post(**asked)
    assert (response.status_code, response.get_json(force=True)["code"]) == (status, code)


def test_everybody_may_read_every_form_and_keep_it() -> None:
    client = web.client()
    described = Described(client.get("/openapi.json").get_json())
    for kind in ("visit", "laboratory-report", "prescription", "immunization", "allergy", "problem-list"):
        address = f"/api/v1/records/{kind}/schema"
        answer = client.get(address)
        schema = answer.get_json(force=True)
        validator().check_schema(schema)
        assert (schema["$id"], schema["additionalProperties"]) == (f"{hospital.ISSUER}{address}", False)
        assert described.faults("GET", address, 200, dict(answer.headers), answer.data) == []
        again = client.get(address, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
    kinds = described.document["paths"]["/api/v1/records/{kind}"]["post"]["parameters"][0]["schema"]["enum"]
    assert kinds == list(KINDS)


def test_trials_of_records_wait_for_those_of_dossiers() -> None:
    began, over = threading.Event(), threading.Event()

    def slow(**given: Any) -> Answer:
        began.set()
        over.wait(10)
        return web.foresee(**given)

    app = web.client(try_out=slow).application

    def status(path: str, media_type: str) -> int:
        headers = {"Authorization": "Bearer good", "Content-Type": media_type}
        return app.test_client().post(f"{path}?dry_run=true", data=b"{}", headers=headers).status_code

    with ThreadPoolExecutor(2) as pool:
        dossier = pool.submit(status, "/api/v1/submissions", "application/xml")
        began.wait(5)
        record = pool.submit(status, "/api/v1/records/allergy", "application/json")
        waited = not wait([record], timeout=0.3).done
        over.set()
        assert (waited, dossier.result(), record.result()) == (True, 200, 200)
