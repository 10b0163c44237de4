"""The citizen's papers and the time of an appointment: on pages, in their calendar, and for a program."""

from __future__ import annotations

import re
from typing import Final

import pytest

from ehr_sync.bootstrap_web import web_application
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.assessments import alone, assessment
from ehr_sync.sandbox.dossiers.generator import dossier, planted, with_table, with_values
from ehr_sync.sandbox.dossiers.hoso import Hoso
from ehr_sync.sandbox.serving.asking import post_json
from tests.api.web import calling
from tests.usecases.service import FACILITY, Running, number_of
from tests.web.browsing import Visitor

INDEX: Final = 711
NUMBER: Final = number_of(INDEX)


def stay() -> Hoso:
    """A stay with its papers and a slip that says a time."""
    made = dossier(INDEX, person_index=INDEX, shape="inpatient", rows=6)
    slip = {"MA_LK": made.ma_lk, "SO_GIAYHEN_KL": "GH711", "NGAY_HEN_KL": "202612300830", "NGAY_CT": "20261120"}
    made = with_values(with_table(made, "XML14", [slip]), "XML1", NGAY_TAI_KHAM="20261230")
    return with_values(made, "XML7", GHI_CHU="<b>Nghỉ ngơi</b>, uống đủ nước", TEN_BS="LÊ VĂN KÝ")


@pytest.fixture
def reader(visitor: Visitor, desk: Running) -> Visitor:
    desk.post(stay())
    desk.settle()
    visitor.sign_in(NUMBER)
    return visitor


def test_each_paper_stands_on_a_page_of_its_own_as_a_display(reader: Visitor) -> None:
    listed = reader.get("/papers").text
    papers = dict(re.findall(r'href="(/papers/[^"]+)">([^<,]+)', listed))
    assert sorted(papers.values()) == ["Giấy hẹn khám lại", "Giấy ra viện", "Tóm tắt hồ sơ bệnh án"]
    [discharge] = [path for path, title in papers.items() if title == "Giấy ra viện"]
    page = reader.get(discharge).text
    for words in (
        "bản hiển thị dữ liệu",
        "không phải bản giấy có chữ ký và dấu",
        "LÊ VĂN KÝ",
        "Nghỉ ngơi, uống đủ nước",
    ):
        assert words in page
    assert stay().summary["CHAN_DOAN_RV"].split(";")[0] in page
    visit = re.findall(r'href="(/visits/[^"]+)"', page)[0]
    assert discharge in reader.get(visit).text


def test_a_reader_of_english_has_english_headings(reader: Visitor) -> None:
    page = reader.get("/papers", headers={"Accept-Language": "en"}).text
    assert "Discharge paper" in page
    path = re.findall(r'href="(/papers/[^"]+)">Discharge paper', page)[0]
    assert "Diagnosis at discharge" in reader.get(path, headers={"Accept-Language": "en"}).text


def test_an_appointment_has_the_time_of_its_slip_wherever_it_is_told(reader: Visitor) -> None:
    page = reader.get("/appointments").text
    assert "08:30, 30/12/2026" in page
    assert "08:30, 30/12/2026" in reader.get("/").text
    calendar = reader.get(re.findall(r'href="(/appointments/[^"]+)"', page)[0]).text
    assert "\r\nDTSTART:20261230T013000Z\r\n" in calendar
    assert "DTEND" not in calendar


def test_a_program_reads_the_same_papers(reader: Visitor, desk: Running) -> None:
    token = post_json(f"{desk.world.issuer_url}/token", {"number": NUMBER})["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    client = calling(web_application(desk.service))
    papers = {each["title"]: each for each in client.get("/api/v1/book/papers", headers=bearer).get_json()["papers"]}
    assert papers["Giấy ra viện"]["signed"] == ["LÊ VĂN KÝ"]
    assert {"title": "Ghi chú, lời dặn", "lines": ["Nghỉ ngơi, uống đủ nước"]} in papers["Giấy ra viện"]["said"]
    found = client.get("/fhir/Composition?type=http://loinc.org|18842-5", headers=bearer).get_json()
    assert [each["resource"]["id"] for each in found["entry"]] == [papers["Giấy ra viện"]["id"]]
    assert client.get("/fhir/Appointment?date=2026-12-30", headers=bearer).get_json()["total"] == 1


def test_a_paper_that_is_not_ones_own_is_unknown(reader: Visitor) -> None:
    assert reader.get("/papers/none").status_code == 404


def test_p9_what_a_paper_says_of_hiv_is_on_no_page(visitor: Visitor, desk: Running) -> None:
    desk.post(planted(planted(stay(), "text_discharge_paper"), "text_record_summary_course"))
    desk.settle()
    visitor.sign_in(NUMBER)
    listed = visitor.get("/papers").text
    pages = [visitor.get(path).text for path in re.findall(r'href="(/papers/[^"]+)"', listed)]
    assert len(pages) == 3
    assert [word for word in ("HIV", "ARV", "Quá trình bệnh lý") if any(word in page for page in pages)] == []


def test_an_assessment_that_is_of_no_visit_is_among_the_papers(visitor: Visitor, desk: Running) -> None:
    found = assessment(person(INDEX), "78/GĐYK")
    desk.post(dossier(INDEX, person_index=INDEX, rows=1))
    desk.post(alone(found, FACILITY))
    desk.settle()
    visitor.sign_in(NUMBER)
    papers = dict(re.findall(r'href="(/papers/[^"]+)">([^<,]+)', visitor.get("/papers").text))
    [path] = [path for path, title in papers.items() if "giám định" in title.lower()]
    page = visitor.get(path).text
    assert "78/GĐYK" in page
    assert 'href="/visits/' not in page.partition("<main")[2]
