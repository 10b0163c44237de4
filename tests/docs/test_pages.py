"""The pages say what the code says: generated ones are current, hand-written tables name what there is."""

from __future__ import annotations

import re

import pytest

from ehr_sync.api.axis import BAD_CONTENT, EMPTY, NOT_YOURS, TAKEN, UNREADABLE
from ehr_sync.api.axis import REFUSALS as AXIS_REFUSALS
from ehr_sync.api.oauth import DESCRIPTIONS
from ehr_sync.api.problem_types import PROBLEMS
from ehr_sync.sandbox.city.magic import BOOK, REGISTRY
from ehr_sync.sandbox.city.people import person
from ehr_sync.settings import Settings
from mappings.issues import page as issues_page
from mappings.sources import fates
from mappings.sources.dossier import decree
from tests.core import name_pairs
from tests.docs.markdown import ROOT, quoted, rows, section, text_of

PAGES = sorted(str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
LIMITS = ("request_bytes", "request_dossiers", "table_rows", "record_bytes")


def test_the_page_of_issues_is_made_from_the_catalogue() -> None:
    assert text_of("docs/issues.md") == issues_page.page(), "run: python -m mappings.issues.page > docs/issues.md"


def test_the_page_of_fields_is_made_from_the_mappings() -> None:
    assert text_of("docs/fields.md") == fates.page(), "run: python -m mappings.sources.fates > docs/fields.md"


def test_the_page_of_tables_is_made_from_the_decrees_data() -> None:
    assert text_of("docs/tables.md") == decree.page(), "run: python -m mappings.sources.dossier.decree > docs/tables.md"


def test_the_page_of_names_is_made_from_the_table_of_pairs() -> None:
    assert text_of("docs/names.md") == name_pairs.page(), "run: python -m tests.core.name_pairs > docs/names.md"


def test_every_problem_is_listed_with_its_status() -> None:
    listed = {(row[0], *quoted(row[1])) for row in rows(section("docs/integration.md", "## 7. Problems"))[1:]}
    assert listed == {(str(kind.status), code) for code, kind in PROBLEMS.items()}


def test_every_reason_why_no_token_is_given_is_listed_for_operators() -> None:
    table = rows(section("docs/runbook.md", "## Keys"))
    listed = {reason for row in table for reason in quoted(row[0]) if "." in reason}
    assert listed == DESCRIPTIONS.keys() | AXIS_REFUSALS.keys()


def test_every_answer_to_a_refused_sign_in_at_the_axiss_path_is_listed() -> None:
    listed = {quoted(row[0])[0] for row in rows(section("docs/integration.md", "### Sign in"))[1:]}
    assert listed == {words["vi"] for words in AXIS_REFUSALS.values()}


def test_every_result_of_a_file_at_the_axiss_path_is_listed() -> None:
    listed = {quoted(row[0])[0] for row in rows(section("docs/integration.md", "### Send"))[1:]}
    assert listed == {TAKEN, UNREADABLE, BAD_CONTENT, EMPTY, NOT_YOURS}


def test_every_description_of_a_refused_assertion_is_listed_for_senders() -> None:
    table = rows(section("docs/integration.md", "## 2. Sign in"))
    listed = [quoted(row[0])[0] for row in table[[row[0] for row in table].index("It begins with") + 1 :]]
    told = {text for reason, text in DESCRIPTIONS.items() if reason.startswith("assertion.")}
    assert sorted(one for text in told for one in listed if text.startswith(one)) == sorted(listed)
    assert len(listed) == len(told)


def test_every_magic_number_is_listed_with_whose_behaviour_it_is() -> None:
    listed = rows(section("docs/integration.md", "## 9. Try every outcome"))[1:]
    whose = {row[0]: row[1].partition(":")[0] for row in listed}
    registry, book = (
        {person(i).number: name for i in people} for name, people in (("registry", REGISTRY), ("book", BOOK))
    )
    assert whose == registry | book


def test_the_limits_are_those_of_the_settings() -> None:
    listed = [row[1] for row in rows(section("docs/integration.md", "## 3. Send"))[1:5]]
    assert listed == [f"{Settings.__dataclass_fields__[name].default:,}" for name in LIMITS]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_inside_the_project_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", text_of(page))
    missing = [target for target, _ in links if target and not ((ROOT / page).parent / target).exists()]
    assert missing == []


def anchors(page: str) -> set[str]:
    """The anchors that a page's headings make, as forges do."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_heading_finds_it(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]*)\)", text_of(page))
    here = (ROOT / page).parent
    missing = [
        f"{t}#{a}" for t, a in links if a not in anchors(str((here / t).resolve().relative_to(ROOT)) if t else page)
    ]
    assert missing == []


def test_the_readme_is_short() -> None:
    assert len(text_of("README.md").splitlines()) < 120
