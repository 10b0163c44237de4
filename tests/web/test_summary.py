"""The health summary as a page and on paper, and the document behind it over FHIR."""

from __future__ import annotations

import orjson
import pytest
from markupsafe import escape

from ehr_sync.sandbox.dossiers.generator import corrected, dossier, planted
from ehr_sync.sandbox.dossiers.hoso import with_values
from ehr_sync.sandbox.serving.asking import post_json
from mappings.gate import findings
from mappings.summary.document import told
from tests.usecases.service import DAY, Running, number_of
from tests.web.browsing import Visitor

INDEX = 704
NUMBER = number_of(INDEX)
VISIT = dossier(704, person_index=INDEX, shape="outpatient", rows=8)


@pytest.fixture
def reader(visitor: Visitor, desk: Running) -> Visitor:
    desk.post(VISIT)
    desk.settle()
    visitor.sign_in(NUMBER)
    return visitor


def fetched(visitor: Visitor, desk: Running) -> bytes:
    token = post_json(f"{desk.world.issuer_url}/token", {"number": NUMBER})["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    patient = visitor.client.get("/fhir/Patient", headers=headers).get_json()["entry"][0]["resource"]["id"]
    answer = visitor.client.get(f"/fhir/Patient/{patient}/$summary", headers=headers)
    assert (answer.status_code, answer.content_type) == (200, "application/fhir+json; fhirVersion=4.0")
    return bytes(answer.data)


def test_the_page_says_what_the_document_over_fhir_says(reader: Visitor, desk: Running) -> None:
    document = orjson.loads(fetched(reader, desk))
    text = reader.get("/summary").text
    sections = told(document, "vi")
    assert [section.title for section in sections][:3] == ["Bệnh hiện có", "Thuốc được kê", "Dị ứng"]
    for section in sections:
        assert section.title in text
        assert [cell for row in section.rows for cell in row if str(escape(cell)) not in text] == []
    assert VISIT.summary["MA_BENH_CHINH"] in text
    assert "Điều đó không có nghĩa là không dị ứng gì" in text


def test_the_document_is_good_fhir_and_the_same_until_the_book_changes(reader: Visitor, desk: Running) -> None:
    first = fetched(reader, desk)
    assert findings(first) == ()
    assert fetched(reader, desk) == first
    desk.post(corrected(VISIT, 1), made_on=DAY.replace(day=DAY.day + 1))
    desk.settle()
    before, after = (orjson.loads(each)["identifier"]["value"] for each in (first, fetched(reader, desk)))
    assert before != after


def test_the_page_is_in_the_readers_language(reader: Visitor) -> None:
    reader.get("/summary")
    reader.press("/preferences", language="en")
    text = reader.get("/summary").text
    assert "Active problems" in text
    assert "Bệnh hiện có" not in text


def test_the_paper_is_a_pdf_and_leaves_as_a_file(reader: Visitor) -> None:
    reader.get("/summary")
    answer = reader.press("/summary")
    assert answer.data.startswith(b"%PDF")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="tom-tat-suc-khoe.pdf"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_p10_each_look_at_the_summary_is_one_entry(reader: Visitor, desk: Running) -> None:
    before = desk.counts("audit_event")["audit_event"]
    reader.get("/summary")
    reader.press("/summary")
    rows = desk.rows("SELECT action FROM audit_event WHERE n > :n ORDER BY n", n=before)
    assert [row.action for row in rows] == ["page summary", "page summary paper"]


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x>', "{{7*7}}", '#read("/etc/passwd")'])
def test_what_a_facility_writes_is_shown_as_words(visitor: Visitor, desk: Running, hostile: str) -> None:
    desk.post(with_values(VISIT, "XML1", CHAN_DOAN_RV=hostile))
    desk.settle()
    visitor.sign_in(NUMBER)
    text = visitor.get("/summary").text
    assert [tag for tag in ("<script", "<img", "49 (") if tag in text] == []
    assert visitor.press("/summary").data.startswith(b"%PDF")


def test_p9_a_withheld_visit_leaves_no_sign_in_the_summary(visitor: Visitor, desk: Running) -> None:
    desk.post(planted(VISIT, "icd_main"))
    desk.settle()
    visitor.sign_in(NUMBER)
    assert visitor.get("/summary").status_code == 303
