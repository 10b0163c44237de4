"""POST /api/v1/identity/parse-card, as far as HTTP goes: what is read, what is doubted, and that nothing is kept."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api import web
from tests.mappings.test_cards import IDENTITY, INSURANCE

PATH = "/api/v1/identity/parse-card"
GOOD = {"Authorization": "Bearer good", "Accept-Language": "en"}


def post(body: Any, client: Any = None, **headers: str) -> TestResponse:
    response: TestResponse = (client or web.client()).post(PATH, json=body, headers={**GOOD, **headers})
    return response


def test_an_identity_card_comes_back_in_its_parts() -> None:
    assert post({"text": IDENTITY}).get_json() == {
        "card": "identity",
        "number": "099090000017",
        "numberType": "cccd",
        "oldNumber": "012345678",
        "name": "Nguyễn Văn Mẫu",
        "birthDate": "1990-03-15",
        "sex": "male",
        "address": "Số 1 phố Mẫu, Hoàn Kiếm, Hà Nội",
        "issuedOn": "2022-01-01",
        "issues": [],
    }


def test_an_insurance_card_comes_back_in_its_parts() -> None:
    told = post({"text": INSURANCE}).get_json()
    assert (told["card"], told["number"], told["name"], told["facility"]) == (
        "insurance",
        "9900000017",
        "Trần Thị Mẫu",
        "01C54",
    )
    assert (told["validFrom"], told["validTo"], told["address"]) == ("2023-07-01", None, None)


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        ("099090000017", []),
        ("003090000017", ["number.place_unknown"]),
        ("099190000017", ["number.sex_differs"]),
        ("099089000017", ["number.birth_differs"]),
        ("097189000017", ["number.place_unknown", "number.birth_differs", "number.sex_differs"]),
    ],
)
def test_a_number_that_does_not_go_with_its_card_is_told_and_read_all_the_same(number: str, codes: list[str]) -> None:
    told = post({"text": IDENTITY.replace("099090000017", number)}).get_json()
    assert told["number"] == number
    assert [(issue["code"], issue["severity"]) for issue in told["issues"]] == [(code, "warning") for code in codes]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": "099090000017"}, 422, "card.unreadable"),
        ({"text": "Nguyễn Văn Mẫu|1990"}, 422, "card.unreadable"),
        ({"text": ""}, 400, "request.parameter"),
        ({"text": 12}, 400, "request.parameter"),
        ({"text": "|" * 2_001}, 400, "request.parameter"),
        ({"text": "|" * 20_000}, 413, "request.too_large"),
        ({}, 400, "request.parameter"),
        ([IDENTITY], 400, "request.parameter"),
    ],
)
def test_what_is_no_card_is_a_coded_answer(body: Any, status: int, code: str) -> None:
    answer = post(body)
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (status, code)


def test_a_card_in_the_address_is_not_read() -> None:
    answer = web.client().post(f"{PATH}?text=x", json={"text": IDENTITY}, headers=GOOD)
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (400, "request.parameter")


@pytest.mark.parametrize(("token", "status"), [("reader", 403), ("bad", 401)])
def test_only_a_sender_has_cards_read(token: str, status: int) -> None:
    assert post({"text": IDENTITY}, Authorization=f"Bearer {token}").status_code == status


@pytest.mark.parametrize("text", [IDENTITY, INSURANCE, IDENTITY.rpartition("|")[0]])
def test_p11_nothing_of_a_card_is_in_the_log(text: str) -> None:
    log = io.StringIO()
    post({"text": text}, web.client(log_to=log))
    said = log.getvalue()
    assert '"status":' in said
    assert [part for part in text.split("|") if len(part) > 2 and part in said] == []
