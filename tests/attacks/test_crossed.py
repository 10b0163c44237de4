"""Good tokens where they do not belong, names that only look alike, and questions round the corner."""

from __future__ import annotations

import time
from typing import Any, Final

import pytest
import requests

from ehr_sync.sandbox.dossiers.generator import dossier, envelope
from tests.api import hospital
from tests.attacks.conftest import Target
from tests.whole.site import bearer


def assertion(target: Target, **changed: Any) -> str:
    url = f"{target.site.address}/oauth2/token"
    good: dict[str, Any] = {"iss": "benh-vien-b", "sub": "benh-vien-b", "aud": url, "exp": int(time.time()) + 200}
    return hospital.assertion(**{**good, **changed})


def asked(target: Target, assertion: str, **more: str) -> requests.Response:
    form = {**hospital.form(assertion), **more}
    return requests.post(f"{target.site.address}/oauth2/token", data=form, timeout=20)


def test_a070_an_assertion_is_no_access_token(target: Target) -> None:
    token = bearer(assertion(target, aud=target.site.address))
    assert target.site.get(f"/api/v1/transactions/{target.code}", token).status_code == 401


def test_a071_an_access_token_is_no_assertion(target: Target) -> None:
    token = target.site.sender("benh-vien-b")["Authorization"].removeprefix("Bearer ")
    assert asked(target, token).status_code == 401


@pytest.mark.parametrize("path", ["/fhir/Patient", "/fhir/Encounter", "/api/v1/ops/lanes", "/api/v1/ops/transactions"])
def test_a072_a_hospitals_token_opens_no_book_and_no_ops(target: Target, path: str) -> None:
    assert target.site.get(path, target.site.sender()).status_code in {401, 403}


@pytest.mark.parametrize("path", ["/api/v1/ops/lanes", "/api/v1/transactions/{code}"])
def test_a073_a_citizens_login_opens_no_ops_and_no_life_line(target: Target, path: str) -> None:
    login = target.site.login(number=target.owner)
    assert target.site.get(path.format(code=target.code), login).status_code in {401, 403}


@pytest.mark.parametrize("scope", ["system/*.cruds", "*", "openid ops", "submissions.write ops", "submissions.write\0"])
def test_a074_a_scope_that_was_not_granted_is_not_given(target: Target, scope: str) -> None:
    given = asked(target, assertion(target), scope=scope).json().get("scope", "")
    assert set(given.split()) <= {"submissions.write"}


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": "benh-vien-a"},
        {"iss": "benh-vien-a"},
        {"aud": "https://evil.example/oauth2/token"},
        {"aud": []},
        {"exp": 0},
        {"exp": int(time.time()) + 86_400},
        {"nbf": int(time.time()) + 9_999},
        {"jti": None},
        {"jti": ""},
    ],
)
def test_a075_an_assertion_with_one_wrong_claim_gives_no_token(target: Target, changed: dict[str, Any]) -> None:
    assert "access_token" not in asked(target, assertion(target, **changed)).text


FULLWIDTH: Final = str.maketrans("0123456789", "０１２３４５６７８９")
ARABIC: Final = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@pytest.mark.parametrize("letters", [FULLWIDTH, ARABIC])
def test_a076_a_number_in_other_digits_is_nobodys(target: Target, letters: dict[int, int]) -> None:
    login = target.site.login(number=target.owner.translate(letters))
    answer = target.site.get("/fhir/Patient", login)
    assert target.patient not in answer.text


@pytest.mark.parametrize(
    "change", [(b">01001<", ">０１００１<".encode()), (b">01001<", b">01001 <"), (b">01001<", b">01005<")]
)
def test_a077_a_facility_that_only_looks_like_ones_own_is_not(target: Target, change: tuple[bytes, bytes]) -> None:
    body = envelope([dossier(4, person_index=4)]).replace(*change)
    answer = target.site.post(body, **target.site.sender("benh-vien-b"))
    taken = [h["status"] for file in answer.json().get("fileResults", []) for h in file["hoSo"]]
    assert "accepted" not in taken


QUERIES: Final = (
    "_include=Encounter:patient",
    "_revinclude=Observation:encounter",
    "_has:Observation:patient:code=x",
    "patient.identifier=1",
    "patient:Patient.name=a",
    "_filter=name eq a",
    "_query=all",
    "_text=a",
    "identifier=1",
)


@pytest.mark.parametrize("query", QUERIES)
def test_a078_no_search_leads_round_the_corner(target: Target, query: str) -> None:
    answer = target.site.get(f"/fhir/Encounter?{query}", target.site.login(number=target.attacker))
    assert answer.status_code in {200, 400, 404}
    assert [one for one in (target.patient, target.encounter, target.owner) if one in answer.text] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "Patient/{patient}/_history"),
        ("GET", "Patient/{patient}/_history/1"),
        ("POST", "Patient/_search?_id={patient}"),
        ("POST", ""),
        ("PUT", "Patient/{patient}"),
        ("PATCH", "Patient/{patient}"),
        ("DELETE", "Patient/{patient}"),
        ("GET", "$export"),
        ("GET", "Patient/$export"),
        ("GET", "Group/1/$export"),
        ("GET", "Binary/{patient}"),
        ("GET", "AuditEvent?patient={patient}"),
    ],
)
def test_a079_no_other_interaction_of_fhir_opens_a_book(target: Target, method: str, path: str) -> None:
    headers = {**target.site.login(number=target.attacker), "Content-Type": "application/fhir+json"}
    address = f"{target.site.address}/fhir/{path.format(patient=target.patient)}"
    answer = requests.request(method, address, headers=headers, data=b"{}" if method != "GET" else None, timeout=20)
    # A search by POST is answered by what is the asker's own: of another's id by nothing.
    found = answer.json()["total"] if answer.status_code == 200 else 0
    assert (answer.status_code in {200, 400, 404, 405, 415}, found) == (True, 0)
    assert (target.owner in answer.text, target.encounter in answer.text) == (False, False)


@pytest.mark.parametrize("count", ["-1", "0", "999999999999", "1e9", "NaN", "0x10", "1;DROP TABLE record", ""])
def test_a080_a_page_is_of_a_size_that_can_be(target: Target, count: str) -> None:
    login = target.site.login(number=target.attacker)
    answer = target.site.get(f"/fhir/Encounter?_count={count}", login)
    assert answer.status_code in {200, 400}
    assert len(answer.content) < 1_000_000


def test_a081_a_page_of_anothers_search_is_not_turned(target: Target) -> None:
    owner, attacker = (target.site.login(number=number) for number in (target.owner, target.attacker))
    first = target.site.get(f"/fhir/Observation?patient={target.patient}&_count=1", owner).json()
    [following] = [link["url"] for link in first["link"] if link["relation"] == "next"]
    assert target.site.get(following.removeprefix(target.site.address), attacker).status_code == 404
