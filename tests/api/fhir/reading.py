"""How these tests ask and read."""

from __future__ import annotations

from typing import Any, Final

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ehr_sync.sandbox.serving.asking import post_json
from mappings.gate import findings
from tests.usecases.service import Running, number_of

URL: Final = "http://127.0.0.1:8080"
INDEX: Final = 911
FOREIGN: Final = "11111111-1111-8111-8111-111111111111"

Json = dict[str, Any]


def login(running: Running, index: int) -> dict[str, str]:
    wish = {"number": number_of(index)}
    return {"Authorization": f"Bearer {post_json(f'{running.world.issuer_url}/token', wish)['access_token']}"}


def of(book: list[Json], type_: str) -> list[Json]:
    return [each for each in book if each["resourceType"] == type_]


def found(response: TestResponse) -> list[Json]:
    assert (response.status_code, findings(response.data)) == (200, ())
    bundle: Json = response.get_json()
    matches = [e["resource"] for e in bundle.get("entry", []) if e["search"]["mode"] == "match"]
    assert response.content_type == "application/fhir+json; fhirVersion=4.0"
    return matches


def next_of(response: TestResponse) -> str | None:
    return next((link["url"] for link in response.get_json()["link"] if link["relation"] == "next"), None)


def pages(web: FlaskClient, headers: dict[str, str], address: str | None) -> list[Json]:
    every = []
    while address:
        response = web.get(address, headers=headers)
        every += found(response)
        address = next_of(response)
    return every
