"""What the citizen's pages give, for a program with their token: the same files and words, and an entry for each."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC
from typing import Any, Final

import pytest
from werkzeug.test import TestResponse

from ehr_sync.bootstrap_web import web_application
from ehr_sync.sandbox.city.magic import REGISTRY
from ehr_sync.sandbox.dossiers.generator import dossier, planted
from ehr_sync.sandbox.dossiers.hoso import with_values
from ehr_sync.sandbox.serving.asking import post_json
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.desk.withdraw_dossiers import withdraw_dossiers
from mappings.formats.code_list import ListRow
from tests.api.web import calling
from tests.usecases.service import FACILITY, Running, number_of
from tests.web.an_app import PHONE, Phone, register
from tests.web.browsing import Visitor

INDEX: Final = 701
NUMBER: Final = number_of(INDEX)
VISIT: Final = with_values(
    dossier(INDEX, person_index=INDEX, shape="outpatient", rows=6), "XML1", NGAY_TAI_KHAM="20261230"
)

Program = Callable[..., TestResponse]


@pytest.fixture
def program(desk: Running) -> Program:
    """GET with a citizen's own token, in a client without cookies."""
    client = calling(web_application(desk.service))

    def get(path: str, number: str = NUMBER, **headers: str) -> TestResponse:
        token = post_json(f"{desk.world.issuer_url}/token", {"number": number})["access_token"]
        return client.get(f"/api/v1/book/{path}", headers={"Authorization": f"Bearer {token}", **headers})

    return get


@pytest.fixture
def reader(visitor: Visitor, desk: Running) -> Visitor:
    """The same person at the pages."""
    desk.post(VISIT)
    desk.settle()
    visitor.sign_in(NUMBER)
    return visitor


def pressed(reader: Visitor, page: str, **form: str) -> TestResponse:
    reader.get(page)
    return reader.press(page, **form)


@pytest.mark.parametrize("form", ["fhir", "tables"])
def test_a_file_is_to_the_byte_what_the_page_gives(reader: Visitor, program: Program, form: str) -> None:
    page, got = pressed(reader, "/downloads", form=form), program(form)
    assert (got.status_code, got.data) == (200, page.data)
    for name in ("Content-Type", "Content-Disposition", "Cache-Control"):
        assert got.headers[name] == page.headers[name]


@pytest.mark.parametrize(
    ("path", "page", "given"), [("paper", "/downloads", {"form": "paper"}), ("summary", "/summary", {})]
)
def test_a_paper_is_the_pages_pdf(
    reader: Visitor, program: Program, path: str, page: str, given: dict[str, str]
) -> None:
    from_page, got = pressed(reader, page, **given), program(path)
    assert got.data.startswith(b"%PDF-")
    for name in ("Content-Type", "Content-Disposition"):
        assert got.headers[name] == from_page.headers[name]


def test_appointments_are_listed_and_each_is_a_calendar_file(reader: Visitor, program: Program) -> None:
    [found] = program("appointments").get_json()["appointments"]
    assert (found["first"][:10], found["place"]) == ("2026-12-30", "Bệnh viện mẫu")
    calendar = program(f"appointments/{found['id']}.ics")
    assert calendar.text.startswith("BEGIN:VCALENDAR\r\n")
    assert unstamped(calendar) == unstamped(reader.get(f"/appointments/{found['id']}.ics"))


def unstamped(answer: TestResponse) -> list[str]:
    return [line for line in answer.text.splitlines() if not line.startswith("DTSTAMP")]


def test_an_unknown_appointment_is_not_found(reader: Visitor, program: Program) -> None:
    assert program("appointments/x.ics").status_code == 404


def test_what_waits_says_why_and_who_can_mend_it(desk: Running, program: Program) -> None:
    index = next(index for index, how in REGISTRY.items() if how == "other_name")
    desk.post(dossier(index, person_index=index, shape="outpatient", rows=6))
    desk.settle()
    told = program("waiting", number_of(index), **{"Accept-Language": "en"}).get_json()
    [waits] = told["waiting"]
    assert (waits["why"], waits["facility"]) == ("mismatch", "Bệnh viện mẫu")
    assert "do not" in waits["whyText"] and waits["remedy"]
    assert told["nationalApp"] is None
    assert {each["name"]: bool(each["lastSent"]) for each in told["facilities"]}["Bệnh viện mẫu"]


def test_what_a_facility_took_back_says_who_when_and_why_on_page_and_to_a_program(
    reader: Visitor, desk: Running, program: Program
) -> None:
    asker = Asker("facility:somebody", f"page:{FACILITY}")
    [done] = withdraw_dossiers([ListRow(1, VISIT.ma_lk)], asker, why="visit_cancelled", stores=desk.stores)
    assert done.at is not None
    [gone] = program("waiting", **{"Accept-Language": "en"}).get_json()["withdrawn"]
    visited = VISIT.summary["NGAY_VAO"]
    assert (gone["facility"], gone["visited"][:10], gone["withdrawn"], gone["reasonText"]) == (
        *("Bệnh viện mẫu", f"{visited[:4]}-{visited[4:6]}-{visited[6:8]}"),
        *(f"{done.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", "The visit was cancelled"),
    )
    page = " ".join(reader.get("/waiting").text.split())
    assert f"Bệnh viện mẫu, khám ngày {visited[6:8]}/{visited[4:6]}/{visited[:4]}" in page
    assert "Lý do cơ sở nêu: đợt khám đã hủy." in page
    assert VISIT.ma_lk not in page


def test_p9_a_withheld_record_that_waits_leaves_no_sign(desk: Running, program: Program) -> None:
    desk.post(planted(VISIT, "icd_main"))
    assert program("waiting").get_json()["waiting"] == []
    desk.settle()
    assert program("waiting").get_json()["waiting"] == []
    assert program("fhir").status_code == 404


def test_who_looked_tells_what_the_page_tells_and_this_look_as_a_programs(reader: Visitor, program: Program) -> None:
    program("fhir")
    newest, before, *_ = program("who-looked").get_json()["looks"]
    assert (newest["who"], newest["whoText"], newest["whatText"]) == ("you", "Bạn", "đọc sổ qua một ứng dụng")
    assert before["whatText"] == "đọc sổ qua một ứng dụng"
    assert newest["n"] > before["n"] and newest["at"].endswith("Z")


def test_who_looked_goes_on_where_a_page_ended(reader: Visitor, program: Program) -> None:
    for _ in range(50):
        reader.get("/medicines")
    first = program("who-looked").get_json()
    rest = program(f"who-looked?before={first['next']}").get_json()
    assert len(first["looks"]) == 50
    assert rest["looks"][0]["n"] < first["looks"][-1]["n"]
    assert rest["next"] is None


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=%00", "count=5", "before=1&before=2"])
def test_a_parameter_that_is_none_is_refused(reader: Visitor, program: Program, query: str) -> None:
    assert program(f"who-looked?{query}").status_code == 400


ACTIONS: Final = {
    "fhir": "read download",
    "tables": "read download",
    "paper": "read download",
    "summary": "read summary paper",
    "appointments": "read appointments",
    "appointments/x.ics": "read appointments",
    "waiting": "read waiting",
    "who-looked": "read who looked",
}


def test_p10_each_is_one_entry_of_its_own_name(reader: Visitor, program: Program, desk: Running) -> None:
    told: dict[str, list[Any]] = {}
    for path in ACTIONS:
        [(before,)] = desk.rows("SELECT max(n) FROM audit_event")
        program(path)
        told[path] = [action for (action,) in desk.rows("SELECT action FROM audit_event WHERE n > :n", n=before)]
    assert told == {path: [action] for path, action in ACTIONS.items()}


@pytest.mark.parametrize("path", [path for path in ACTIONS if path != "waiting"])
def test_who_has_no_book_hears_that_there_is_none(program: Program, path: str) -> None:
    answer = program(path, number_of(702))
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_an_app_of_somebody_elses_is_not_let_in(reader: Visitor, desk: Running) -> None:
    """What an app may read stands under /fhir, where its scopes bind; who looked is for the citizen alone."""
    register(desk, PHONE)
    token = Phone(reader).tokens()["access_token"]
    client = calling(reader.client.application)
    answers = [client.get(f"/api/v1/book/{path}", headers={"Authorization": f"Bearer {token}"}) for path in ACTIONS]
    assert [answer.status_code for answer in answers] == [403] * len(ACTIONS)
    assert {json.loads(answer.data)["code"] for answer in answers} == {"access.denied"}
