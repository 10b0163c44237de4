"""GET /api/v1/quality, as far as HTTP goes: numbers with what they mean, faults in words, and CSV that stays text."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date

from werkzeug.test import TestResponse

from ehr_sync.api.quality import fault_words
from ehr_sync.core.quality import Measure, Week
from tests.api import web

WEEK = Week(
    date(2026, 11, 23),
    "facility",
    "01001",
    Measure(6, 5, 0, 0, 5, 4, 200, Counter({"DIEN_THOAI": 2, "registry.no_match": 1})),
)


def asked(language: str = "en", **headers: str) -> TestResponse:
    client = web.client(quality=lambda asker: [WEEK])
    given = {"Authorization": "Bearer reader", "Accept-Language": language, **headers}
    response: TestResponse = client.get("/api/v1/quality", headers=given)
    return response


def test_each_number_has_its_meaning_beside_it_and_each_fault_its_words() -> None:
    told = asked().get_json()
    assert told["weeks"] == [
        {
            "week": "2026-11-23",
            "place": "01001",
            "records": 6,
            "correct": 83.3,
            "complete": None,
            "clean": 83.3,
            "live": 80.0,
            "ageDays": 40,
            "fixes": [
                {"code": "DIEN_THOAI", "records": 2, "text": "DIEN_THOAI is missing"},
                {"code": "registry.no_match", "records": 1, "text": "Nobody has this number, name and birth date"},
            ],
        }
    ]
    assert told["definitions"]["live"].startswith("Records whose identity was checked within the last 180 days")
    assert asked("vi").get_json()["weeks"][0]["fixes"][0]["text"] == "Thiếu DIEN_THOAI"


def test_the_numbers_come_as_csv_where_that_is_asked_for() -> None:
    answer = asked(Accept="text/csv")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows == [
        ["week", "place", "records", "correct", "complete", "clean", "live", "ageDays"],
        ["2026-11-23", "01001", "6", "83.3", "", "83.3", "80.0", "40"],
    ]


def test_a_code_that_is_in_no_list_is_told_with_its_field() -> None:
    assert fault_words("code:MA_NGHE_NGHIEP", "en") == "The code of MA_NGHE_NGHIEP is in no list"
    assert fault_words("claim.old_check", "vi") == "Xác thực đã quá 180 ngày"


def test_only_who_may_follow_what_was_sent_sees_it() -> None:
    assert asked(Authorization="Bearer bad").status_code == 401
    assert web.client(quality=lambda asker: []).get("/api/v1/quality").status_code == 401
