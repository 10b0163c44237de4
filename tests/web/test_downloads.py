"""One's own book to take away."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime

import pytest

from ehr_sync.core.errors import Unavailable
from ehr_sync.sandbox.dossiers.generator import dossier, without_table
from ehr_sync.sandbox.dossiers.hoso import with_values
from ehr_sync.web.citizen import downloads
from ehr_sync.web.citizen.book import read
from ehr_sync.web.printing import paper as papers
from ehr_sync.web.printing.paper import Paper, Section, set_paper
from tests.usecases.service import DAY, Running, number_of
from tests.web.browsing import Visitor

INDEX = 701
NUMBER = number_of(INDEX)
DAY_AT_NOON = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)
VISIT = dossier(701, person_index=INDEX, shape="outpatient", rows=6)


def taken(visitor: Visitor, form: str) -> bytes:
    visitor.get("/downloads")
    answer = visitor.press("/downloads", form=form)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return bytes(answer.data)


@pytest.fixture
def reader(visitor: Visitor, desk: Running) -> Visitor:
    desk.post(with_values(VISIT, "XML1", GHI_CHU='=HYPERLINK("http://x")', LY_DO_VV="@SUM(1)"))
    desk.settle()
    visitor.sign_in(NUMBER)
    return visitor


def test_fhir_is_what_the_api_gives_one_resource_a_line(reader: Visitor, desk: Running) -> None:
    lines = [json.loads(line) for line in taken(reader, "fhir").splitlines()]
    given = {(kind, id_) for kind, id_ in desk.shown(NUMBER)}
    assert {(each["resourceType"], each["id"]) for each in lines} == given


def test_a_spreadsheet_takes_nothing_for_a_formula(reader: Visitor) -> None:
    with zipfile.ZipFile(io.BytesIO(taken(reader, "tables"))) as archive:
        files = {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
    beside = ["benh-theo-doi.csv", "di-ung.csv", "tiem-chung.csv"]
    named = sorted([*beside, "doc-truoc.txt", "giay-to.csv", "ket-qua.csv", "lan-kham.csv", "thuoc.csv"])
    assert sorted(files) == named
    rows = [row for text in files.values() for row in csv.reader(io.StringIO(text))]
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert any("'=HYPERLINK" in cell for row in rows for cell in row)
    drugs = {row["TEN_THUOC"].split(" ")[0] for row in VISIT.tables["XML2"]}
    assert all(any(drug in row[2] for row in csv.reader(io.StringIO(files["thuoc.csv"]))) for drug in drugs)


def test_a_paper_is_a_tagged_pdf_in_vietnamese(reader: Visitor) -> None:
    pdf = taken(reader, "paper")
    assert pdf.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in pdf
    assert b"/Lang" in pdf


def test_papers_and_tables_say_what_the_pages_say(visitor: Visitor, desk: Running) -> None:
    stay = without_table(dossier(702, person_index=INDEX, shape="inpatient", rows=8), "XML14")
    desk.post(with_values(stay, "XML1", GHI_CHU="Theo dõi tại nhà", NGAY_TAI_KHAM="20261205", MA_LOAI_RV="1"))
    desk.settle()
    visitor.sign_in(NUMBER)
    book = read([json.loads(line) for line in taken(visitor, "fhir").splitlines()])
    with visitor.client.application.test_request_context():
        on_paper = str(downloads.paper(book, taking=(), language="vi", made=""))
    with zipfile.ZipFile(io.BytesIO(taken(visitor, "tables"))) as archive:
        in_tables = "".join(archive.read(name).decode("utf-8-sig") for name in archive.namelist())
    for said in (on_paper, in_tables):
        for words in (
            *("Thuốc do cơ sở ghi, có thể thiếu thuốc bạn tự mua.", "dùng tại cơ sở"),
            *("Cơ sở ghi", "Theo dõi tại nhà", "Ra về", "Hẹn khám lại", "05/12/2026"),
            *("Giấy ra viện", "Phương pháp điều trị", stay.tables["XML7"][0]["PP_DIEUTRI"]),
        ):
            assert words in said


HOSTILE = '#read("/etc/passwd") #eval("1+1") *b* $x$ \\ <l> @r [c]'


def test_words_are_never_read_as_markup() -> None:
    # Read as markup, the folder being empty, it could not be set at all.
    rows = ((HOSTILE, HOSTILE),)
    paper = Paper(HOSTILE, "vi", HOSTILE, (HOSTILE,), (Section(HOSTILE, (HOSTILE,), rows, (HOSTILE,)),))
    assert set_paper(paper, made=DAY_AT_NOON).startswith(b"%PDF-")


def test_a_paper_that_takes_too_long_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "_SECONDS", 0.001)
    with pytest.raises(Unavailable):
        set_paper(Paper("T", "vi", "f", (), ()), made=DAY_AT_NOON)


def test_who_has_no_book_has_nothing_to_take(visitor: Visitor) -> None:
    visitor.sign_in(NUMBER)
    visitor.get("/downloads")
    assert visitor.press("/downloads", form="fhir").status_code == 303
