"""Who has a good token and asks for what is not theirs."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from ehr_sync.sandbox.dossiers.generator import dossier, envelope
from tests.api import hospital
from tests.attacks.conftest import Target

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (c + 1, b"&%c;" % c * 10) for c in b"abcdefgh")
    + b"]><GIAMDINHHS>&i;</GIAMDINHHS>"
)


def test_a020_a_citizen_opens_no_other_book(target: Target) -> None:
    token = target.site.login(number=target.attacker)
    paths = (
        f"Patient/{target.patient}",
        f"Encounter/{target.encounter}",
        f"Patient/{target.patient}/$everything",
        f"Observation?patient={target.patient}",
        f"Encounter?patient=Patient/{target.patient}",
    )
    assert [target.site.get(f"/fhir/{path}", token).status_code for path in paths] == [404] * 5


@pytest.mark.parametrize("query", ["patient={mine}&patient={theirs}", "patient={theirs}&patient={mine}"])
def test_a021_a_citizen_who_names_two_books_sees_one_or_none(target: Target, query: str) -> None:
    token = target.site.login(number=target.attacker)
    mine = target.site.get("/fhir/Patient", token).json()["entry"][0]["resource"]["id"]
    answer = target.site.get(f"/fhir/Encounter?{query.format(mine=mine, theirs=target.patient)}", token)
    assert answer.status_code in {200, 400, 404}
    assert target.patient not in str(answer.json().get("entry", []))


@pytest.mark.parametrize("claim", [{"personal_number": "%"}, {"personal_number": "0' OR '1'='1"}, {"roles": ["*"]}])
def test_a022_a_claim_is_no_pattern(target: Target, claim: dict[str, Any]) -> None:
    token = target.site.login(number=target.attacker, claims=claim)
    assert target.patient not in target.site.get("/fhir/Patient", token).text
    assert target.site.get("/api/v1/ops/lanes", token).status_code in {401, 403}


def test_a023_a_hospital_sees_no_other_hospitals_transaction(target: Target) -> None:
    other = target.site.sender("benh-vien-b")
    assert target.site.get(f"/api/v1/transactions/{target.code}", other).status_code == 404


def test_a024_a_hospital_sends_for_no_other_facility(target: Target) -> None:
    other = target.site.sender("benh-vien-b")
    answer = target.site.post(envelope([dossier(3, person_index=3)]), **other)
    assert [issue["code"] for file in answer.json()["fileResults"] for issue in file["issues"]] == [
        "facility.not_yours"
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><GIAMDINHHS>&x;</GIAMDINHHS>',
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x">%x;]><GIAMDINHHS/>',
        BOMB,
    ],
)
def test_a025_an_envelope_opens_no_file_and_grows_to_no_bomb(target: Target, body: bytes) -> None:
    before, began = target.site.kept(), time.monotonic()
    answer = target.site.post(body)
    assert [file["hoSo"] for file in answer.json()["fileResults"]] == [[]]
    assert ("root:" in answer.text, target.site.kept()) == (False, before)
    assert time.monotonic() - began < 5


def test_a026_an_assertion_is_good_once(target: Target) -> None:
    url = f"{target.site.address}/oauth2/token"
    names: dict[str, Any] = {"iss": "benh-vien-a", "sub": "benh-vien-a", "aud": url, "exp": int(time.time()) + 200}
    form = hospital.form(hospital.assertion(**names))
    assert [requests.post(url, data=form, timeout=20).status_code for _ in range(3)] == [200, 401, 401]


def test_a027_a_login_for_ten_years_is_refused(target: Target) -> None:
    token = target.site.login(number=target.attacker, claims={"exp": int(time.time()) + 10 * 365 * 86_400})
    assert target.site.get("/fhir/Patient", token).status_code == 401


def test_a028_a_logout_token_is_no_login(target: Target) -> None:
    events: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    token = target.site.login(number=target.attacker, claims={"events": events})
    assert target.site.get("/fhir/Patient", token).status_code == 401


@pytest.mark.parametrize("all_", ["1", '"true"', "[true]", "{}"])
def test_a029_a_resync_of_everything_is_asked_for_by_true_alone(target: Target, all_: str) -> None:
    headers = {**target.site.operator(), "Content-Type": "application/json"}
    body = f'{{"all": {all_}, "reason": "test"}}'
    answer = requests.post(f"{target.site.address}/api/v1/ops/resyncs", data=body, headers=headers, timeout=20)
    assert answer.status_code == 400
