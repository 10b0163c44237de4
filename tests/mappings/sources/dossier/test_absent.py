"""What the tables that a new version lacks leave standing of the version before (rules: absent-tables)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mappings.model import Tables
from mappings.sources.dossier.absent import carry_over
from tests.mappings.formats.made import DRUG, RESULT, SERVICE, TABLES, with_values


def kept(new: Mapping[str, Any], previous: Tables = TABLES) -> list[str]:
    result, issues = carry_over(new, previous)
    assert {issue.code for issue in issues} <= {"table.kept"}
    assert all(result[issue.path] == previous[issue.path] for issue in issues)
    return [issue.path for issue in issues]


def only(*names: str, **summary: str) -> dict[str, Any]:
    tables = with_values("XML1", **summary)
    return {name: tables[name] for name in ("XML1", *names)}


def test_nothing_is_kept_where_all_tables_came() -> None:
    assert carry_over(TABLES, TABLES) == (TABLES, ())


def test_absent_tables_are_removed_where_the_summary_agrees() -> None:
    new = only(T_THUOC="0", T_TONGCHI_BV="0")
    assert carry_over(new, TABLES) == (new, ())


def test_drugs_are_kept_where_their_money_still_counts() -> None:
    assert kept(only("XML3", "XML4", T_THUOC="10000")) == ["XML2"]


def test_services_are_kept_where_the_total_is_more_than_the_drugs() -> None:
    assert kept(only("XML2", T_THUOC="10000", T_TONGCHI_BV="60000")) == ["XML3", "XML4"]
    assert kept(only("XML2", T_THUOC="10000", T_TONGCHI_BV="10000")) == []


def test_results_are_kept_while_diagnostic_services_stand() -> None:
    assert kept(only("XML2", "XML3")) == ["XML4"]
    padded = {**only("XML2"), "XML3": ({**SERVICE, "MA_NHOM": "03"},)}
    assert kept(padded) == ["XML4"]
    bed = {**only("XML2"), "XML3": ({**SERVICE, "MA_NHOM": "15"},)}
    assert kept(bed) == []


def test_a_record_of_hiv_is_kept_and_nothing_is_told_of_it() -> None:
    before = {**TABLES, "XML6": ({"MA_LK": "LK0001"},)}  # what is told is kept in the clear
    result, issues = carry_over(only("XML2", "XML3", "XML4"), before)
    assert (result["XML6"], issues) == (before["XML6"], ())


@pytest.mark.parametrize("name", ["XML7", "XML8", "XML9", "XML13", "XML14", "XML15"])
def test_papers_are_always_kept(name: str) -> None:
    assert kept(only("XML2", "XML3", "XML4"), {**TABLES, name: ({"MA_LK": "LK0001"},)}) == [name]


@pytest.mark.parametrize("name", ["XML5", "XML10"])
def test_other_tables_are_removed(name: str) -> None:
    assert kept(only("XML2", "XML3", "XML4"), {**TABLES, name: ({"MA_LK": "LK0001"},)}) == []


def test_a_table_sent_empty_is_empty() -> None:
    assert kept({**TABLES, "XML2": (), "XML3": (), "XML4": (), "XML7": ()}, {**TABLES, "XML7": (RESULT,)}) == []


def test_nothing_is_kept_without_a_summary() -> None:
    assert kept({"XML2": (DRUG,)}) == []


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e400x", ""])
def test_money_that_is_no_number_counts_as_none(amount: str) -> None:
    assert kept(only("XML3", "XML4", T_THUOC=amount)) == []
