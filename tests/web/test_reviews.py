"""What the registry leaves open, as an operator decides it, a facility answers it and a citizen reads of it."""

from __future__ import annotations

from typing import Any, Final

import pytest
from click.testing import CliRunner

from ehr_sync.bootstrap_web import web_application
from ehr_sync.commands.review import review
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import dossier
from tests import given
from tests.api.web import calling
from tests.usecases.service import FACILITY, Running, number_of
from tests.web import morning
from tests.web.browsing import Visitor
from tests.web.facilities import CLERK, town_of
from tests.web.test_operator import api, signed_in

LOOSELY: Final = 900_009  # the registry holds the name without its marks
DENIED: Final = 900_003  # it holds another name, and only says no
NUMBER: Final = number_of(LOOSELY)
HERE: Final = f"/facility/{FACILITY}"


def waits(desk: Running, index: int) -> str:
    """A claim that waits for review."""
    desk.post(dossier(index, person_index=index, shape="outpatient", rows=4))
    desk.settle()
    [(subject,)] = desk.rows("SELECT encode(claim_id, 'hex') FROM claim WHERE state IN ('review', 'not_proven')")
    return str(subject)


def of_citizen(desk: Running) -> Visitor:
    made = Visitor(calling(web_application(desk.service)))
    made.sign_in(NUMBER)
    return made


def test_an_operator_finds_reads_and_accepts_a_claim_and_its_citizen_reads_by_whom(desk: Running) -> None:
    morning.employ(desk)
    subject = waits(desk, LOOSELY)
    console = signed_in(desk)
    listed = console.get("/ops/reviews").text
    assert 'data-figure="reviews.probable">1<' in listed
    assert f'href="/ops/reviews/{subject}"' in listed
    shown = console.get(f"/ops/reviews/{subject}").text
    assert person(LOOSELY).name in shown
    assert "giống khi bỏ dấu" in shown
    assert NUMBER not in shown

    answer = console.press(f"/ops/reviews/{subject}", decision="accept", reason="documents_agree", ticket="ticket-17")
    assert answer.status_code == 303
    assert "giấy tờ khớp nhau · ticket-17" in console.get(answer.headers["Location"]).text

    desk.deliver()
    desk.deliver()
    citizen = of_citizen(desk)
    assert "Một người xét duyệt đã xác nhận bạn" in citizen.get("/").text
    assert "giấy tờ khớp nhau" in citizen.get("/").text
    assert "xét duyệt: công nhận hồ sơ là của bạn" in citizen.get("/who-looked").text

    console.get(f"/ops/reviews/{subject}")
    console.press(f"/ops/reviews/{subject}", decision="undo")
    assert "Một người xét duyệt" not in citizen.get("/").text
    assert person(LOOSELY).name not in citizen.get("/").text


def test_a_facility_answers_on_its_desk_what_it_is_asked(desk: Running) -> None:
    morning.employ(desk)
    town = town_of(desk)
    subject = waits(desk, DENIED)
    console, clerk = signed_in(desk), town.somebody(CLERK)
    page = console.get(f"/ops/reviews/{subject}").text
    assert 'data-bar="review.ask_first"' in page
    assert 'value="accept"' not in page
    assert "Câu hỏi của người xét duyệt" not in clerk.get(f"{HERE}/work").text

    console.press(f"/ops/reviews/{subject}", decision="ask")
    assert "Trả lời trước" in clerk.get(f"{HERE}/work").text
    assert clerk.press(f"{HERE}/questions/{subject}", answer="card_seen").status_code == 303
    assert "Câu hỏi của người xét duyệt" not in clerk.get(f"{HERE}/work").text

    page = console.get(f"/ops/reviews/{subject}").text
    assert "đã xem thẻ, đúng như hồ sơ" in page
    assert 'value="accept"' in page


WRONG: Final[list[tuple[dict[str, Any], int, str]]] = [
    ({"decision": "accept", "reason": "because Lan said so"}, 400, "request.parameter"),
    ({"decision": "accept", "reason": "another_person"}, 400, "request.parameter"),
    ({"decision": "reject"}, 400, "request.parameter"),
    ({"decision": "burn"}, 400, "request.parameter"),
    ({}, 400, "request.parameter"),
    ({"decision": "accept", "reason": "documents_agree"}, 409, "review.ask_first"),
    ({"decision": "undo"}, 409, "review.not_open"),
]


def test_the_api_shows_and_decides_and_says_what_may_not_be(desk: Running) -> None:
    morning.employ(desk)
    subject = waits(desk, DENIED)
    client, headers = calling(web_application(desk.service)), api(desk)
    path = f"/api/v1/ops/reviews/{subject}"
    refused = [client.post(f"{path}:decide", json=body, headers=headers) for body, _, _ in WRONG]
    assert [(each.status_code, each.get_json()["code"]) for each in refused] == [row[1:] for row in WRONG]
    assert refused[-2].get_json()["detail"] == "Hỏi cơ sở trước."
    case = client.get(path, headers=headers).get_json()
    assert (case["kind"], case["state"], case["bar"], case["may"]) == (
        "possible",
        "open",
        "review.ask_first",
        ["reject", "ask"],
    )
    assert case["claims"][0]["name"] == [{"text": person(DENIED).name, "same": True}]
    body = {"decision": "reject", "reason": "typed_wrong"}
    assert client.post(f"{path}:decide", json=body, headers=headers).get_json()["state"] == "rejected"
    assert client.get("/api/v1/ops/reviews?kind=possible", headers=headers).get_json()["reviews"] == []


def test_the_command_shows_accepts_and_undoes(desk: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = waits(desk, LOOSELY)
    settings = {name: str(getattr(desk.service.settings, name)) for name in ("dsn", "key_dsn", "key_file")}
    for name, value in given.variables(desk.world, **settings).items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> str:
        return CliRunner().invoke(review, words, catch_exceptions=False).output

    assert run("show", subject).splitlines()[0] == "probable\topen\tregistry.name_only_loosely"
    assert run("accept", subject, "--reason", "documents_agree") == "accepted\n"
    assert run("show", subject).splitlines()[-1] == "You may: undo."
    assert run("undo", subject) == "open\n"
