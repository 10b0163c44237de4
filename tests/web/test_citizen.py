"""The citizen's pages: one's own book, read from what was posted, verified and delivered."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import orjson
import pytest

from ehr_sync.bootstrap_web import web_application
from ehr_sync.core.ports import Login
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.births import birth_row, with_births
from ehr_sync.sandbox.dossiers.generator import corrected, dossier, planted
from ehr_sync.sandbox.dossiers.hoso import with_values
from ehr_sync.sandbox.dossiers.treatments import with_treatment
from ehr_sync.usecases.book.read_book import show_book
from ehr_sync.web.citizen import book as books
from ehr_sync.web.citizen.reading import IN_SHORT
from tests.api.web import calling
from tests.usecases.service import DAY, Running, number_of
from tests.web.browsing import Visitor

INDEX, MOTHER = 701, 750
NUMBER = number_of(INDEX)
VISIT = dossier(701, person_index=INDEX, shape="outpatient", rows=6)


@pytest.fixture
def reader(visitor: Visitor, desk: Running) -> Visitor:
    desk.post(VISIT)
    desk.settle()
    visitor.sign_in(NUMBER)
    return visitor


def test_the_first_page_says_who_one_is_and_how_that_was_proven(reader: Visitor) -> None:
    text = reader.get("/").text
    one = person(INDEX)
    assert one.name in text
    assert f"{one.birth_date:%d/%m/%Y}" in text
    assert "khớp với cơ sở dữ liệu quốc gia về dân cư" in text
    assert "Điều đó không có nghĩa là bạn không dị ứng gì" in text


def test_the_timeline_says_where_when_and_what_for(reader: Visitor) -> None:
    text = reader.get("/visits").text
    row = VISIT.summary
    day = f"{row['NGAY_VAO'][6:8]}/{row['NGAY_VAO'][4:6]}/{row['NGAY_VAO'][:4]}"
    assert day in text
    assert row["MA_BENH_CHINH"] in text
    assert "1 trong 1 mục" in text
    key = text.partition('href="/visits/')[2].partition('"')[0]
    page = reader.get(f"/visits/{key}").text
    assert all(found["TEN_THUOC"].split(" ")[0] in page for found in VISIT.tables["XML2"])
    assert "bản hiển thị dữ liệu" in page


def test_p11_a_search_goes_by_post_and_finds_by_word(reader: Visitor) -> None:
    word = VISIT.tables["XML2"][0]["TEN_THUOC"].split(" ")[0]
    reader.get("/visits")
    found = reader.press("/visits", word=word.upper())
    assert "1 trong 1 mục" in found.text
    reader.get("/visits")
    assert "0 trong 1 mục" in reader.press("/visits", word="khongcotunay").text


@pytest.mark.parametrize("number", ["²", "9" * 5000, "-1"])
def test_a_choice_that_is_none_chooses_nothing(reader: Visitor, number: str) -> None:
    assert "1 trong 1 mục" in reader.get("/visits", query_string={"place": number}).text
    assert "1 trong 1 mục" in reader.get("/visits", query_string={"kind": number}).text


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "{\\rtf1 <b>x</b>}", '"><img src=x>', "{{7*7}}"])
def test_what_a_facility_writes_is_shown_as_words(visitor: Visitor, desk: Running, hostile: str) -> None:
    desk.post(with_values(VISIT, "XML1", LY_DO_VV=hostile, GHI_CHU=hostile))
    desk.settle()
    visitor.sign_in(NUMBER)
    text = visitor.get("/visits").text
    key = text.partition('href="/visits/')[2].partition('"')[0]
    shown = visitor.get(f"/visits/{key}").text
    visitor.get("/visits")
    searched = visitor.press("/visits", word=hostile).text
    for page in (text, shown, searched):
        assert [tag for tag in ("<script", "<img", "<b>") if tag in page] == []


def test_p9_a_withheld_visit_leaves_no_sign(visitor: Visitor, desk: Running) -> None:
    desk.post(planted(VISIT, "icd_main"))
    desk.settle()
    text = visitor.sign_in(NUMBER).text
    assert "Bạn chưa có sổ" in text
    for path in ("/visits", "/results", "/medicines", "/appointments"):
        assert visitor.get(path).headers["Location"] == "/"


def test_a_correction_is_told_as_that(reader: Visitor, desk: Running) -> None:
    desk.post(corrected(VISIT, 1), made_on=DAY + timedelta(days=1))
    desk.settle()
    assert "Đã sửa, bản thứ 2" in reader.get("/visits").text


def test_what_came_since_the_last_visit_is_new(visitor: Visitor, desk: Running) -> None:
    assert "lần đầu" not in visitor.sign_in(NUMBER).text  # no book yet
    desk.post(VISIT)
    desk.settle()
    assert 'href="/visits/' in visitor.sign_in(NUMBER).text.partition("Mới từ lần xem trước")[2].partition("<h2>")[0]
    desk.run("UPDATE visitor SET came_at = came_at + interval '2 seconds'")
    assert "Không có gì mới" in visitor.sign_in(NUMBER).text


def test_a_corrected_result_alone_makes_its_visit_new(reader: Visitor, desk: Running) -> None:
    # The first page reads no results.
    result = {**VISIT.tables["XML4"][0], "GIA_TRI": "7.77"}
    changed = replace(VISIT, tables={**VISIT.tables, "XML4": [result, *VISIT.tables["XML4"][1:]]})
    desk.run("UPDATE visitor SET came_at = came_at + interval '2 seconds'")
    assert "Không có gì mới" in reader.sign_in(NUMBER).text
    desk.post(changed, made_on=DAY + timedelta(days=1))
    desk.settle()
    assert "Không có gì mới" not in reader.sign_in(NUMBER).text


def test_what_pages_read_in_short_says_the_same_of_visits_as_the_whole_book(reader: Visitor, desk: Running) -> None:
    wiring: dict[str, Any] = {"login": Login("test", NUMBER), "stores": desk.stores, "uris": desk.service.uris}
    told = [show_book("page test", types=types, **wiring) for types in (None, IN_SHORT)]
    whole, short = (books.read(orjson.loads(b"[" + b",".join(shown.resources) + b"]")) for shown in told if shown)
    assert whole.visits[0].results and not short.visits[0].results
    unread: dict[str, Any] = {"vitals": (), "results": (), "reports": (), "procedures": ()}
    assert [replace(visit, **unread) for visit in whole.visits] == list(short.visits)


def test_p10_each_page_is_one_entry_of_its_own_name(reader: Visitor, desk: Running) -> None:
    before = len(desk.rows("SELECT 1 FROM audit_event"))
    for path in ("/", "/visits", "/results", "/medicines", "/appointments"):
        assert reader.get(path).status_code == 200
    told = [action for (action,) in desk.rows("SELECT action FROM audit_event ORDER BY n")][before:]
    assert told == ["page first", "page visits", "page results", "page medicines", "page appointments"]


def test_p10_a_foreign_visit_is_unknown(reader: Visitor, desk: Running) -> None:
    desk.post(dossier(702, person_index=702, shape="outpatient", rows=6))
    desk.settle()
    other = Visitor(calling(web_application(desk.service)))
    other.sign_in(number_of(702))
    key = other.get("/visits").text.partition('href="/visits/')[2].partition('"')[0]
    assert other.get(f"/visits/{key}").status_code == 200
    assert reader.get(f"/visits/{key}").status_code == 404


def test_p10_a_citizen_sees_who_looked_people_and_systems_apart(reader: Visitor, desk: Running) -> None:
    [code] = [line.transaction_code for line in [desk.post(VISIT)]]
    desk.follow(code)
    other = Visitor(calling(web_application(desk.service)))
    other.sign_in(number_of(702))
    rows = [
        tuple(cell.strip() for cell in re.sub(r"<[^>]+>", "|", row).split("|") if cell.strip())[1:]
        for row in reader.get("/who-looked").text.partition("<tbody>")[2].split("</tr>")[:-1]
    ]
    assert ("Bạn", "người", "mở sổ trên trang này") in rows
    assert ("Dịch vụ này", "máy", "hỏi cơ sở dữ liệu quốc gia về dân cư") in rows
    assert ("Dịch vụ này", "máy", "chuyển dữ liệu đến sổ trên ứng dụng định danh quốc gia") in rows
    assert [row[1:] for row in rows if row[-1] == "xem tình trạng hồ sơ đã gửi"] == [
        ("máy", "xem tình trạng hồ sơ đã gửi")
    ]


def test_p9_who_asked_about_a_withheld_record_leaves_no_sign(reader: Visitor, desk: Running) -> None:
    before = counted(reader.get("/who-looked").text)
    code = desk.post(planted(dossier(703, person_index=INDEX, shape="outpatient", rows=6), "icd_main")).transaction_code
    desk.settle()
    desk.follow(code)
    assert counted(reader.get("/who-looked").text) == before + 1  # the look before this one


def counted(text: str) -> int:
    """How many looks the rows of a page stand for."""
    rows = text.partition("<tbody>")[2].split("</tr>")[:-1]
    return sum(int(found[1]) if (found := re.search(r"\(([0-9]+) lần", row)) else 1 for row in rows)


def test_the_log_is_shown_page_by_page_and_each_entry_once(reader: Visitor, desk: Running) -> None:
    for _ in range(60):
        reader.get("/medicines")
    first = reader.get("/who-looked").text
    [further] = re.findall(r'href="(/who-looked\?before=[0-9]+)"', first)
    rest = reader.get(further).text
    # Of this person 60 and two looks, the sign-in's first page, a question and a push: all but those after the first.
    assert (counted(first), counted(rest)) == (50, 60 + 1 + 1 + 2 - 50)
    assert "before=" not in rest


def test_pages_are_compressed_but_for_those_that_may_say_what_was_put_in(reader: Visitor) -> None:
    asking = {"Accept-Encoding": "gzip", "Accept": "text/html"}
    assert reader.get("/visits", headers=asking).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in reader.get("/visits?place=x", headers=asking).headers
    assert "Content-Encoding" not in reader.get("/what-somebody-wrote", headers=asking).headers
    token = re.findall(r'name="csrf_token" value="([^"]+)"', reader.get("/visits").text)[0]
    searched = reader.client.post("/visits", data={"csrf_token": token, "word": "x"}, headers=asking)
    assert "Content-Encoding" not in searched.headers


def test_a_birth_and_a_treatment_are_told_beside_visits(visitor: Visitor, desk: Running) -> None:
    child = person(741)
    stay = dossier(754, person_index=MOTHER, shape="inpatient", rows=3)
    born = datetime.combine(child.birth_date, time(8, 30))
    desk.post(with_births(stay, birth_row(stay, born, "2", certificate="1", child=child)))
    seen = dossier(741, person_index=741, shape="outpatient", rows=2, visit_day=date(2024, 3, 5))
    desk.post(with_treatment(seen, date(2024, 1, 5)))
    desk.settle()
    visitor.sign_in(child.number)

    first = visitor.get("/").text
    assert "Điều trị lao nhạy cảm thuốc: Lao phổi" in first
    assert "từ 05/01/2024" in first
    assert f"Mẹ: {person(MOTHER).name}" in first
    assert "3150 g" in visitor.get("/results").text
