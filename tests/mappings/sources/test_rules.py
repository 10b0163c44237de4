"""The catalogue of rules: each is told in both languages, and its example breaks it and is heard at its place."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

import mappings
from mappings.issues.catalogue import CATALOGUE
from mappings.model import Issue
from mappings.sources import rules
from mappings.sources.dossier.checking import validate
from mappings.sources.rules import Rule

ALL: Final = rules.rules()
TOLD: Final[list[dict[str, Any]]] = rules.as_json()["rules"]


def heard(rule: Rule) -> set[tuple[str, str]]:
    """What is wrong with the good dossier when the rule is broken, by code and field without its row."""
    issues = validate(rules.broken(rule), rules.EXAMPLE_DAY)
    return {(issue.code, re.sub(r"\[\d+\]", "", issue.path)) for issue in issues}


def test_the_good_dossier_breaks_no_rule() -> None:
    assert validate(rules.good_dossier(), rules.EXAMPLE_DAY) == ()


def test_every_example_breaks_its_rule_where_the_rule_says() -> None:
    assert [(rule.issue, rule.path, heard(rule)) for rule in ALL if (rule.issue, rule.path) not in heard(rule)] == []


def test_what_is_expected_is_what_a_sender_hears() -> None:
    wrong = [
        (rule.issue, rule.path, rule.expected)
        for rule in ALL
        if rule.expected
        not in {issue.expected for issue in validate(rules.broken(rule), rules.EXAMPLE_DAY) if issue.code == rule.issue}
    ]
    assert wrong == []


def test_every_rule_is_told_whole_and_in_both_languages() -> None:
    for told in TOLD:
        for name in ("message", "fix", "field"):
            assert told[name]["vi"], told
            assert told[name]["en"], told
        assert bool(told["when"]["vi"]) == bool(told["when"]["en"]), told
        assert told["severity"] in {"refused", "warning", "information"}
        assert told["decree"]
        assert told["to"] is None or told["from"] < told["to"]
        assert told["example"]
    doubles = Counter((rule.issue, rule.path, rule.expected) for rule in ALL)
    assert [name for name, count in doubles.items() if count > 1] == []


def test_every_code_that_a_check_of_content_raises_is_in_a_rule() -> None:
    """Found in the sources themselves: a rule that nobody wrote down is found here."""
    folder = Path(mappings.__file__).parent / "sources"
    places = [folder / "columns.py", *(folder / "dossier").glob("*.py"), *(folder / "dossier/tables").rglob("*.py")]
    text = "\n".join(path.read_text("utf-8") for path in places)
    raised = {code for code in re.findall(r'"([a-z0-9_]+\.[a-z0-9_]+)"', text) if code in CATALOGUE}
    # Told by reading and by carrying over, of files and tables as a whole: docs/issues.md.
    of_files = {"table.kept", "record.health_check", "format.qd4210_not_supported"}
    assert raised - of_files - {rule.issue for rule in ALL} == set()


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("money.sum_differs", "XML1.T_BHTT"),
        ("money.sum_differs", "XML1.T_NGUONKHAC"),
        ("diagnosis.sex_differs", "XML1.MA_BENH_CHINH"),
        ("diagnosis.not_main", "XML1.MA_BENH_CHINH"),
        ("stay.days_differ", "XML1.SO_NGAY_DTRI"),
        ("discharge.destination_missing", "XML1.MA_NOI_DEN"),
        ("discharge.death_at_home", "XML1.MA_LOAI_RV"),
        ("value.swapped", "XML4.GIA_TRI"),
        ("date.order", "XML14.NGAY_HEN_KL"),
        ("value.format", "XML3.GOI_VTYT"),
        ("value.code_not_in_force", "XML1.MA_LOAI_KCB"),
    ],
)
def test_a_rule_that_hospitals_ask_about_is_there(code: str, path: str) -> None:
    assert (code, path) in {(rule.issue, rule.path) for rule in ALL}


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"GIOI_TINH": "2", "SO_CCCD": "099190000017", "MA_BENH_CHINH": "C53.0"}, set()),
        ({"GIOI_TINH": "3", "SO_CCCD": "", "MA_BENH_CHINH": "C53.0"}, set()),
        ({"MA_BENH_KT": "B95.0"}, set()),
        ({"MA_LOAI_RV": "2", "MA_NOI_DEN": "01005"}, set()),
        ({"MA_LOAI_KCB": "03", "SO_NGAY_DTRI": "1"}, set()),
        ({"MA_LOAI_KCB": "02", "SO_NGAY_DTRI": "2"}, set()),
        ({"SO_NGAY_DTRI": "0.0"}, set()),
        ({"T_BHTT": "48000.9"}, set()),
        # From 01/07/2026 another edition rules, which is not loaded: nothing is said.
        ({"NGAY_VAO": "202607010700", "NGAY_RA": "202607010900", "MA_BENH_CHINH": "B95.0"}, set()),
        ({"NGAY_VAO": "202606300700", "NGAY_RA": "202606300900", "MA_BENH_CHINH": "B95.0"}, {"diagnosis.not_main"}),
    ],
)
def test_what_breaks_no_rule_is_not_blamed(changes: dict[str, str], codes: set[str]) -> None:
    good = rules.good_dossier()
    row = {tag: value for tag, value in {**good["XML1"][0], **changes}.items() if value}
    watched = ("diagnosis", "discharge", "stay", "value.swapped", "money")
    found = validate({**good, "XML1": (row,)}, rules.EXAMPLE_DAY)
    assert {issue.code for issue in found if issue.code.startswith(watched)} == codes


def test_a_paper_that_repeats_the_summary_or_leaves_it_out_is_good() -> None:
    good = rules.good_dossier()
    paper = {tag: good["XML1"][0][tag] for tag in ("MA_LK", "HO_TEN", "NGAY_VAO", "NGAY_RA")}
    papers = {"XML13": (paper,), "XML14": ({**paper, "NGAY_HEN_KL": "20260610"},)}
    found = validate({**good, **papers}, rules.EXAMPLE_DAY)
    assert {issue.code for issue in found} == {"value.required"}


def test_a_rule_tells_no_value_of_a_sender() -> None:
    issues: list[Issue] = [issue for rule in ALL for issue in validate(rules.broken(rule), rules.EXAMPLE_DAY)]
    assert [issue for issue in issues if "MẪU" in json.dumps([issue.path, issue.expected], ensure_ascii=False)] == []
