"""docs/rules.md: what code, tests and pages cite is there, and what nobody cites is said to be not built yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.docs.markdown import ROOT, rows, section, text_of

PAGE: Final = "docs/rules.md"
# With a hyphen: `rules: tuple[Rule, ...]` is code and no citation.
NAME: Final = "[a-z0-9]+(?:-[a-z0-9]+)+"
CITED: Final = re.compile(rf"\brules: ({NAME}(?:, {NAME})*)")
HEADINGS: Final = re.findall(r"^### (.+)$", text_of(PAGE), re.MULTILINE)
NOT_YET: Final = [row[0].partition("]")[0].removeprefix("[") for row in rows(section(PAGE, "## Not yet"))[1:]]


def texts(*folders: str) -> Iterator[tuple[str, str]]:
    """Every text of these folders by its path; a sentence that goes on in the next line is one."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".md", ".toml", ".html"}:
                yield str(path.relative_to(ROOT)), re.sub(r"\s*\n\s*(?:# ?)?", " ", path.read_text("utf-8"))


def cited(*folders: str) -> set[tuple[str, str]]:
    """Each rule that is cited, with where."""
    return {
        (name, path)
        for path, text in texts(*folders)
        for found in CITED.findall(text)
        for name in found.split(", ")
        if path not in {PAGE, "tests/docs/test_rules.py"}
    }


CODE: Final = ("ehr_sync", "mappings", "scheduler")


@pytest.mark.parametrize(
    ("said", "names"), [("(rules: one-two, three-four)", "one-two, three-four"), ("rules: five-six.", "five-six")]
)
def test_a_citation_is_found(said: str, names: str) -> None:
    assert CITED.findall(said) == [names]


def test_every_rule_that_is_cited_has_its_heading() -> None:
    assert {(name, path) for name, path in cited(*CODE, "tests", "docs", "bench") if name not in HEADINGS} == set()


def test_every_heading_is_a_name_that_can_be_cited_and_there_once() -> None:
    assert [heading for heading in HEADINGS if not re.fullmatch(NAME, heading)] == []
    assert len(HEADINGS) == len(set(HEADINGS))


def test_what_the_code_does_not_cite_is_said_to_be_not_yet() -> None:
    assert set(HEADINGS) - {name for name, _ in cited(*CODE)} == set(NOT_YET)


def test_nothing_cites_a_page_by_section_or_one_that_is_not_here() -> None:
    by_section = re.compile(r"\b(?:trade rules?|design|vn_standards) (?:section )?\d", re.IGNORECASE)
    assert [path for path, text in texts(*CODE, "tests", "docs", "bench") if by_section.search(text)] == []


def test_every_page_that_code_cites_is_here_with_its_heading() -> None:
    links = {
        link for _, text in texts(*CODE, "tests") for link in re.findall(r"\b(docs/[\w/-]+\.md)(?:#([\w-]+))?", text)
    }
    lost = [
        (page, anchor)
        for page, anchor in sorted(links)
        if not (ROOT / page).exists() or (anchor and anchor not in anchors(page))
    ]
    assert lost == []


def anchors(page: str) -> set[str]:
    """The anchors that a page's headings make."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
