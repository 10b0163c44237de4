"""POST /api/v1/verifications, as far as HTTP goes: what is read of a person, and how an answer is told."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from ehr_sync.api.verifications import MOST_ROWS, Verify
from ehr_sync.core.errors import NotFound
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.desk.verify_people import Answer
from mappings.formats.people_list import PersonRow
from mappings.formats.workbook import MEDIA_TYPE as XLSX
from mappings.formats.workbook import read_sheet, write_sheet
from mappings.model import Issue
from tests.api import web

CHECK = UUID("11111111-1111-4111-8111-111111111111")
AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
PROVEN = Answer("proven", "registry.exact", "certain", CHECK, AT)
PERSON = {
    "reference": "A1",
    "number": "099090000017",
    "name": "Nguyễn Văn Mẫu",
    "birthDate": "15/03/1990",
    "sex": "Nam",
}


@dataclass
class Registry:
    """Answers what it is told to, and notes whom it was asked about."""

    answer: Answer = PROVEN
    asked: list[tuple[PersonRow, str]] = field(default_factory=list)

    def verify(self) -> Verify:
        return Verify(self.one, self.many, self.find, self.place_of)

    def one(self, person: PersonRow, family: str, asker: Asker, *, wait: float) -> Answer:
        assert wait <= 1.5
        self.asked.append((person, family))
        return self.answer

    def many(
        self, rows: Sequence[PersonRow], family: str, asker: Asker, *, seconds: float
    ) -> list[tuple[PersonRow, Answer]]:
        self.asked += [(row, family) for row in rows]
        return [(row, Answer("unreadable", issue=row.issue) if row.issue else self.answer) for row in rows]

    def find(self, check_id: UUID, asker: Asker) -> Answer:
        if check_id != CHECK:
            raise NotFound("verification.unknown")
        return self.answer

    def place_of(self, facility: str, asker: Asker) -> str:
        if facility not in ("", "01001"):
            raise NotFound("facility.unknown")
        return "01001"


def sent(registry: Registry, path: str = "", *, method: str = "POST", **request: Any) -> TestResponse:
    headers = {"Authorization": "Bearer good", "Accept-Language": "en", **request.pop("headers", {})}
    client = web.client(verify_people=registry.verify())
    response: TestResponse = client.open(f"/api/v1/verifications{path}", method=method, headers=headers, **request)
    return response


def test_one_person_is_read_as_a_dossier_would_say_it_and_told_the_verdict_alone() -> None:
    registry = Registry()
    answer = sent(registry, json=PERSON)
    assert (answer.status_code, answer.get_json()) == (
        200,
        {
            "reference": "A1",
            "outcome": "proven",
            "outcomeText": "Is who they say they are",
            "grade": "certain",
            "code": str(CHECK),
            "checkedAt": "2026-11-28T09:30:00Z",
            "reason": "registry.exact",
            "reasonText": "Number, name and birth date agree",
        },
    )
    [(person, family)] = registry.asked
    assert family == "01001"
    assert person.said == {
        "SO_CCCD": "099090000017",
        "HO_TEN": "Nguyễn Văn Mẫu",
        "NGAY_SINH": "19900315",
        "GIOI_TINH": "1",
    }


def test_what_takes_longer_is_a_code_and_when_and_where_to_ask_again() -> None:
    registry = Registry(Answer("pending", check_id=CHECK))
    answer = sent(registry, json=PERSON)
    assert (answer.status_code, answer.headers["Location"], answer.headers["Retry-After"]) == (
        202,
        f"/api/v1/verifications/{CHECK}",
        "2",
    )
    assert sent(registry, f"/{CHECK}", method="GET").status_code == 202
    registry.answer = PROVEN
    found = sent(registry, f"/{CHECK}", method="GET")
    assert (found.status_code, found.get_json()["outcome"]) == (200, "proven")
    other = sent(registry, "/22222222-2222-4222-8222-222222222222", method="GET")
    assert (other.status_code, other.get_json(force=True)["code"]) == (404, "not_found")


def test_a_registry_in_trouble_says_when_to_ask_again() -> None:
    answer = sent(Registry(Answer("not_answered", "registry.status_429", retry_after=7.0)), json=PERSON)
    assert (answer.status_code, answer.headers["Retry-After"]) == (200, "7")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("", {**PERSON, "birthDate": "31/02/1990"}, 422, "request.unreadable"),
        ("", {**PERSON, "name": " "}, 422, "request.unreadable"),
        ("", {**PERSON, "phone": "1"}, 400, "request.parameter"),
        ("", {**PERSON, "number": 99090000017}, 400, "request.parameter"),
        ("", {**PERSON, "name": "X" * 251}, 400, "request.parameter"),
        ("", [PERSON], 400, "request.parameter"),
        ("?facility=01099", PERSON, 400, "request.parameter"),
        ("?name=x", PERSON, 400, "request.parameter"),
        (":batch", {"people": []}, 422, "request.unreadable"),
        (":batch", {"people": [PERSON] * (MOST_ROWS + 1)}, 422, "request.unreadable"),
        (":batch", {"people": PERSON}, 400, "request.parameter"),
        (":batch", [PERSON], 400, "request.parameter"),
    ],
)
def test_what_names_nobody_is_a_coded_answer_and_nobody_is_asked(path: str, body: Any, status: int, code: str) -> None:
    registry = Registry()
    answer = sent(registry, path, json=body)
    assert (answer.status_code, answer.get_json(force=True)["code"], registry.asked) == (status, code, [])


ROWS = [
    ["Mã tham chiếu", "CCCD", "Họ và tên", "Ngày sinh"],
    ["A1", "099090000017", "Nguyễn Văn Mẫu", "1990"],
    ["A2", "", "", ""],
]
AS_CSV = "\n".join(";".join(row) for row in ROWS).encode()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("text/csv", AS_CSV),
        (XLSX, write_sheet("x", ROWS)),
        ("application/json", b'{"people":[{"reference":"A1","name":"N","birthDate":"1990"},{"reference":"A2"}]}'),
    ],
)
def test_a_list_is_told_row_by_row_in_counts_and_whether_it_is_complete(kind: str, data: bytes) -> None:
    answer = sent(Registry(), ":batch", data=data, content_type=kind)
    told = answer.get_json()
    assert (told["counts"], told["complete"], "Retry-After" in answer.headers) == (
        {"proven": 1, "unreadable": 1},
        True,
        False,
    )
    first = 1 if kind == "application/json" else 2
    assert [(row["row"], row["reference"], row["outcome"]) for row in told["results"]] == [
        (first, "A1", "proven"),
        (first + 1, "A2", "unreadable"),
    ]
    assert told["results"][1]["issue"]["code"] == "person.birth_unreadable"


def test_a_list_that_is_not_complete_says_when_to_send_it_again() -> None:
    answer = sent(Registry(Answer("pending")), ":batch", json={"people": [PERSON]})
    assert (answer.get_json()["complete"], answer.headers["Retry-After"]) == (False, "2")


def test_a_list_comes_back_as_a_workbook_where_that_is_asked_for() -> None:
    answer = sent(Registry(), ":batch", data=AS_CSV, content_type="text/csv", headers={"Accept": XLSX})
    rows = [[cell.text for cell in cells] for _, cells in read_sheet(answer.data)]
    assert rows[1][:6] == ["2", "A1", "proven", "Is who they say they are", "certain", "registry.exact"]
    assert rows[2][2:6:3] == ["unreadable", "person.birth_unreadable"]


def test_a_list_without_its_columns_or_in_another_form_is_refused() -> None:
    answer = sent(Registry(), ":batch", data=b"MA_LK\nx\n", content_type="text/csv")
    assert [issue["code"] for issue in answer.get_json(force=True)["issues"]] == ["list.no_columns"]
    assert sent(Registry(), ":batch", data=b"x", content_type="text/plain").status_code == 415


@pytest.mark.parametrize(("token", "status"), [("reader", 403), ("bad", 401)])
@pytest.mark.parametrize(("path", "method"), [("", "POST"), (":batch", "POST"), (f"/{CHECK}", "GET")])
def test_only_a_sender_asks(path: str, method: str, token: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    assert sent(Registry(), path, method=method, headers=headers, json=PERSON).status_code == status


def test_p11_nothing_of_a_person_is_in_the_log() -> None:
    log = io.StringIO()
    client = web.client(verify_people=Registry().verify(), log_to=log)
    client.post("/api/v1/verifications", json=PERSON, headers={"Authorization": "Bearer good"})
    said = log.getvalue()
    assert '"status":200' in said
    assert [value for value in PERSON.values() if len(value) > 3 and value in said] == []


def test_every_issue_of_a_person_is_in_the_catalogue() -> None:
    answer = sent(Registry(Answer("unreadable", issue=Issue("person.no_name", "HO_TEN"))), json=PERSON)
    assert answer.get_json()["issue"]["message"] == "There is no name."
