"""The catalogue of issues holds every code, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import mappings
from mappings.issues.catalogue import CATALOGUE, is_refusal, render
from mappings.model import Issue

PACKAGE = Path(mappings.__file__).parent
EVERYWHERE = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
READERS = "\n".join(
    path.read_text("utf-8")
    for name in ("formats", "sources")
    for path in PACKAGE.joinpath(name).rglob("*.py")
    if path.name != "withholding.py"
)
FAMILIES = "|".join(sorted({code.partition(".")[0] for code in CATALOGUE}))
# In the readers any text that looks like a code of one of the catalogue's families; elsewhere what is made an Issue,
# for the gate and the restricted data have words of their own that no sender sees.
RAISED = sorted(
    {*re.findall(rf'"((?:{FAMILIES})\.[a-z0-9_]+)"', READERS), *re.findall(r'Issue\(\s*"([^"]+)"', EVERYWHERE)}
)
TEXTS = [(code, getattr(entry, name)) for code, entry in CATALOGUE.items() for name in ("vi", "en", "fix_vi", "fix_en")]


def test_the_search_for_codes_finds_those_of_every_kind() -> None:
    assert {"file.truncated", "date.impossible", "table.base64_invalid", "request.too_deep", "number.of_parent"} <= set(
        RAISED
    )


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    assert set(RAISED) - set(CATALOGUE) == set()


def test_codes_that_the_service_raises_are_in_the_catalogue() -> None:
    raised = {
        "facility.not_yours",
        "record.order_unclear",
        "record.superseded",
        "record.waiting_for_xml1",
        "record.visit_open",
        "record.patient_changed",
        "ma_lk.reused",
        "table.kept",
        "table.not_mapped",
        "resource.not_valid",
    }
    assert raised - set(CATALOGUE) == set()


def test_every_text_is_a_sentence() -> None:
    assert [(code, text) for code, text in TEXTS if text.strip() != text or not text.endswith(".")] == []


def test_the_two_languages_differ() -> None:
    assert [code for code, entry in CATALOGUE.items() if entry.vi == entry.en or entry.fix_vi == entry.fix_en] == []


def test_every_severity_is_known() -> None:
    severities = {entry.severity for entry in CATALOGUE.values()}
    assert severities <= {"refused", "warning", "information"}


def test_an_issue_is_shown_in_the_language_asked_for() -> None:
    issue = Issue("date.impossible", "XML2[3].NGAY_YL", "yyyymmddHHMM")
    assert render(issue, "en-GB") == {
        "code": "date.impossible",
        "severity": "refused",
        "path": "XML2[3].NGAY_YL",
        "expected": "yyyymmddHHMM",
        "message": "The date does not exist or has the wrong format.",
        "fix": "Write the date in the format given under expected.",
    }
    assert render(issue, "vi")["message"] == "Ngày giờ không tồn tại hoặc sai định dạng."
    assert render(issue, "fr")["message"] == render(issue, "vi")["message"]


def test_only_a_refusal_is_a_refusal() -> None:
    assert is_refusal(Issue("date.impossible"))
    assert not is_refusal(Issue("date.hour_24"))
