"""A health check as the person who was checked reads it: one visit, with its class of health, conclusion and paper."""

from __future__ import annotations

import re
from typing import Final

import pytest

from ehr_sync.sandbox.dossiers.health_checks import file
from tests.usecases.service import Running
from tests.usecases.test_health_checks import DAY, W, parts
from tests.web.browsing import Visitor

CONCLUDED: Final = "Phân loại sức khỏe: loại II. Kết luận: Đeo kính khi đọc"


@pytest.fixture
def reader(visitor: Visitor, desk: Running) -> Visitor:
    """Somebody who was checked."""
    end = {"PHAN_LOAI_SK": "2", "KET_LUAN_BENH": "H52.1", "CAC_VAN_DE_SUC_KHOE": "Đeo kính khi đọc"}
    [taken] = desk.results(file(parts(XML10={"HUYET_AP": "124/78"}, XML12=end), made_on=DAY))
    assert taken.status == "accepted"
    desk.settle()
    visitor.sign_in(W)
    return visitor


def words(visitor: Visitor, path: str, language: str = "vi") -> str:
    page = visitor.get(path, headers={"Accept-Language": language})
    assert page.status_code == 200
    return " ".join(page.text.split())


def test_a_check_is_one_visit_that_says_what_it_concludes(reader: Visitor) -> None:
    listed = words(reader, "/visits")
    assert listed.count('<article class="entry">') == 1
    assert CONCLUDED in listed and "Khám sức khỏe người từ 18 tuổi" in listed
    [visit] = re.findall(r'href="(/visits/[0-9a-f-]{36})"', listed)
    shown = words(reader, visit)
    for said in ("Phân loại sức khỏe: loại II", "Kết luận: Đeo kính khi đọc", "124/78 mmHg", "Glucose máu", "(H52.1)"):
        assert said in shown
    # Of the tests, the class of health is none.
    assert "Glucose máu" in words(reader, "/results") and "Phân loại" not in words(reader, "/results")


def test_its_paper_says_what_each_doctor_found_in_both_languages(reader: Visitor) -> None:
    [paper] = re.findall(r'href="(/papers/[0-9a-f-]{36})"', words(reader, "/papers"))
    told = words(reader, paper)
    assert "Phiếu khám sức khỏe" in told and "Hô hấp: Bình thường" in told
    english = words(reader, paper, "en")
    assert "Health check" in english and "Internal medicine" in english and "Hô hấp: Bình thường" in english
