"""What clinics sent in the city's JSON, as the citizen reads it: allergies, vaccinations, and what is of no visit."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any, Final

import pytest

from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.web.citizen import downloads
from ehr_sync.web.citizen.book import read
from mappings.dates import VIETNAM
from tests.usecases.service import FACILITY, Running
from tests.usecases.test_city import WHO, W, allergy, dose, patient
from tests.web.browsing import Visitor

NONE_KNOWN: Final = "Chưa cơ sở nào gửi thông tin dị ứng"


@pytest.fixture
def reader(visitor: Visitor, desk: Running) -> Visitor:
    """Somebody of whom three allergies and two doses were sent, one of them not given."""
    for sent in (
        allergy(verificationStatus="unconfirmed", onset="2019"),
        allergy(id="DU-2", substance="Tôm", category="food", clinicalStatus="resolved", criticality="low"),
        # What was ruled out came last, and stands last all the same.
        allergy(
            id="DU-3",
            substance="Phấn hoa",
            category="environment",
            verificationStatus="refuted",
            recorded="2024-05-12",
        ),
        dose(targetDisease="Sởi, quai bị, rubella"),
        dose(
            id="TC-2", status="not-done", statusReason="Sốt <b>39</b>", occurred="2024-06-11T09:00", vaccineName="=Cúm"
        ),
    ):
        assert desk.record(sent).status == "accepted"
    desk.settle()
    visitor.sign_in(W)
    return visitor


def words(visitor: Visitor, path: str, language: str = "vi") -> str:
    page = visitor.get(path, headers={"Accept-Language": language})
    assert page.status_code == 200
    return " ".join(page.text.split())


def test_the_first_page_tells_each_allergy_and_first_what_still_stands(reader: Visitor) -> None:
    page = words(reader, "/").partition("<h2>Dị ứng</h2>")[2].partition("<h2>")[0]
    penicillin, others = page.partition("</li>")[0], page.partition("</li>")[2]
    for said in (
        "Penicillin",
        "Có thể nguy hiểm",
        "Chưa xác nhận",
        "Nổi mề đay (nặng)",
        "ghi ngày 10/05/2024",
        "từ 2019",
    ):
        assert said in penicillin
    tags = {
        name: tag
        for name in ("Tôm", "Phấn hoa")
        for tag in ("Không còn", "Đã loại trừ")
        if tag in others.split(name)[1].split("</li>")[0]
    }
    assert tags == {"Tôm": "Không còn", "Phấn hoa": "Đã loại trừ"}
    assert "Có thể nguy hiểm" not in others
    assert NONE_KNOWN not in page


def test_nothing_sent_of_allergies_is_not_told_as_none(visitor: Visitor, desk: Running) -> None:
    desk.post(dossier(WHO, person_index=WHO, rows=2))
    desk.settle()
    visitor.sign_in(W)
    assert NONE_KNOWN in words(visitor, "/")
    assert "Chưa cơ sở nào gửi mũi tiêm nào" in words(visitor, "/vaccinations")


def test_each_dose_is_told_and_one_that_was_not_given_as_such(reader: Visitor) -> None:
    flu, measles = words(reader, "/vaccinations").partition("<ul>")[2].split("</li>")[:2]
    assert "MMR II" in measles and "mũi 2" in measles and "số lô K004711" in measles
    assert "Phòng Sởi, quai bị, rubella" in measles and "08:30, 10/05/2024" in measles
    assert "mũi 2 <span" in flu
    assert "Không tiêm" in flu and "39" in flu and "<b>" not in flu
    assert "Not given" in words(reader, "/vaccinations", "en")


def test_both_are_taken_away_with_the_book(reader: Visitor) -> None:
    reader.get("/downloads")
    packed = zipfile.ZipFile(io.BytesIO(reader.press("/downloads", form="tables").data))
    told = packed.read("di-ung.csv").decode("utf-8-sig").splitlines()
    assert sorted(line.split(",")[1:3] for line in told[1:]) == [
        ["Penicillin", "Còn"],
        ["Phấn hoa", "Đã loại trừ"],
        ["Tôm", "Không còn"],
    ]
    doses = packed.read("tiem-chung.csv").decode("utf-8-sig").splitlines()[1:]
    assert [line.split(",")[1] for line in doses] == ["'=Cúm", "MMR II"]
    reader.get("/downloads")
    assert reader.press("/downloads", form="paper").mimetype == "application/pdf"


def test_what_is_new_of_no_visit_is_told_as_new(visitor: Visitor, desk: Running) -> None:
    visitor.sign_in(W)  # no book yet
    assert desk.record(dose()).status == "accepted"
    desk.settle()
    new = visitor.sign_in(W).text.partition("Mới từ lần xem trước")[2].partition("<h2>")[0]
    assert 'href="/vaccinations">Tiêm chủng, 10/05/2024' in new


def test_what_came_of_no_visit_is_told_beside_visits(visitor: Visitor, desk: Running) -> None:
    head = {"facility": FACILITY, "version": 1, "patient": patient()}
    today = desk.stores.database.now().astimezone(VIETNAM).date().isoformat()
    sent: list[dict[str, Any]] = [
        {
            "kind": "prescription",
            "id": "DT-1",
            "prescribed": today,
            "medicines": [{"name": "Metformin", "strength": "500 mg", "dose": "Ngày 2 viên", "days": 30}],
        },
        {
            "kind": "problem-list",
            "id": "VD-1",
            "recorded": "2024-05-10",
            "problems": [
                {"name": "Viêm loét dạ dày", "clinicalStatus": "resolved", "abated": "2024-01-15"},
                {"name": "Hen", "clinicalStatus": "relapse"},
                {"name": "Gút", "clinicalStatus": "active", "verificationStatus": "refuted"},
                {"icd10": "E11.9", "name": "Đái tháo đường típ 2", "clinicalStatus": "active", "onset": "2021-04"},
            ],
        },
        {
            "kind": "laboratory-report",
            "id": "XN-1",
            "reported": "2024-05-10T09:00",
            "name": "Sinh hóa máu",
            "conclusion": "Đường máu cao",
            "results": [{"name": "Glucose", "value": 7.8, "unit": "mmol/L", "low": 3.9, "high": 6.4}],
        },
    ]
    assert [desk.record({**head, **each}).status for each in sent] == ["accepted"] * 3
    desk.settle()
    visitor.sign_in(W)
    timeline = words(visitor, "/visits")
    assert "3 trong 3 mục" in timeline
    entries = timeline.split("<article")[1:]
    entry = {
        kind: next(each for each in entries if kind in each)
        for kind in ("Đơn thuốc", "Kết quả", "Bệnh mà cơ sở theo dõi")
    }
    assert 'href="/medicines"' in entry["Đơn thuốc"] and "Metformin, 500 mg" in entry["Đơn thuốc"]
    assert (
        'href="/results"' in entry["Kết quả"]
        and "10/05/2024" in entry["Kết quả"]
        and "Sinh hóa máu" in entry["Kết quả"]
    )
    assert "Gút" in entry["Bệnh mà cơ sở theo dõi"] and "Bệnh viện mẫu gửi" in entry["Bệnh mà cơ sở theo dõi"]
    assert entries[0] == entry["Đơn thuốc"]  # of today; the others are of 2024
    for word, kind in (("METFORMIN", "Đơn thuốc"), ("sinh hóa", "Kết quả"), ("đơn thuốc", "Đơn thuốc")):
        visitor.get("/visits")
        found = visitor.press("/visits", word=word).text
        assert "1 trong 3 mục" in found and f">{kind}<" in found.partition("<article")[2]
    assert "2 trong 3 mục" in visitor.get("/visits?year=2024").text
    home = words(visitor, "/")
    assert "Metformin, 500 mg" in home.partition("Đang dùng thuốc")[2].partition("<h2>")[0]
    *listed, _ = home.partition("Bệnh mà cơ sở theo dõi")[2].partition("</ul>")[0].split("</li>")
    lines = {name: next(line for line in listed if name in line) for name in ("Đái tháo", "Viêm loét", "Hen", "Gút")}
    tags = {name: [tag for tag in ("Không còn", "Đã loại trừ") if tag in line] for name, line in lines.items()}
    assert tags == {"Đái tháo": [], "Viêm loét": ["Không còn"], "Hen": [], "Gút": ["Đã loại trừ"]}
    assert {name for line in listed[:2] for name in lines if name in line} == {"Đái tháo", "Hen"}
    diabetes, ulcer = lines["Đái tháo"], lines["Viêm loét"]
    assert ("Đái tháo đường típ 2" in diabetes, "E11.9" in diabetes, "Không còn" in diabetes) == (True, True, False)
    assert "từ 04/2021" in diabetes or "từ 2021-04" in diabetes
    assert ("Viêm loét dạ dày" in ulcer, "Không còn" in ulcer, "đến 15/01/2024" in ulcer) == (True, True, True)
    results = words(visitor, "/results")
    assert "7.8 mmol/L" in results and "3.9 – 6.4" in results and "Đường máu cao" in results
    assert "Metformin" in words(visitor, "/medicines")
    visitor.get("/downloads")
    packed = zipfile.ZipFile(io.BytesIO(visitor.press("/downloads", form="tables").data))
    problems = packed.read("benh-theo-doi.csv").decode("utf-8-sig").splitlines()[1:]
    assert sorted(line.split(",")[1:6] for line in problems) == [
        ["Gút", "", "Đã loại trừ", "", ""],
        ["Hen", "", "Còn", "", ""],
        ["Viêm loét dạ dày", "", "Không còn", "", "2024-01-15"],
        ["Đái tháo đường típ 2", "E11.9", "Còn", "2021-04", ""],
    ]
    assert "Glucose,7.8,mmol/L" in packed.read("ket-qua.csv").decode()
    visitor.get("/downloads")
    book = read([json.loads(line) for line in visitor.press("/downloads", form="fhir").data.splitlines()])
    with visitor.client.application.test_request_context():
        told = str(downloads.paper(book, taking=(), language="vi", made=""))
    for said in (
        "Đái tháo đường típ 2 (E11.9), Còn",
        "Glucose: 7.8 mmol/L",
        "Sinh hóa máu: Đường máu cao",
        "Metformin",
    ):
        assert said in told
