"""Whether two dossiers say the same (trade rules 1), and what absence of a table leaves standing (trade rules 5)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.formats.canonical import carry_over, content_hash
from mappings.model import Tables
from tests.mappings.formats.made import (
    DRUG,
    RESULT,
    SERVICE,
    SUMMARY,
    TABLES,
    base64,
    envelope,
    part,
    parts,
    read,
    read_parts,
    table,
    with_values,
)

MANY: Tables = {**TABLES, "XML2": tuple({**DRUG, "STT": str(n), "MA_THUOC": f"40.{n}"} for n in range(5))}


def test_the_envelope_is_never_in_the_hash() -> None:
    one = read(envelope(parts(TABLES), made_on="20260611", signature="MIIC"))
    other = read(envelope(parts(TABLES), made_on="20260901", facility="01002", announced="1"))
    assert one.content_hash == other.content_hash


@given(st.permutations(range(5)), st.lists(st.text("0123456789", max_size=3), min_size=5, max_size=5))
def test_row_order_and_row_numbers_are_not_in_the_hash(order: list[int], numbers: list[str]) -> None:
    rows = tuple({**MANY["XML2"][n], "STT": number} for n, number in zip(order, numbers, strict=True))
    assert content_hash({**MANY, "XML2": rows}) == content_hash(MANY)


def test_the_order_of_tables_and_tags_is_not_in_the_hash() -> None:
    turned = {name: tuple(dict(reversed(row.items())) for row in rows) for name, rows in reversed(TABLES.items())}
    assert content_hash(turned) == content_hash(TABLES)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKD"])
def test_the_unicode_form_is_not_in_the_hash(form: Any) -> None:
    text = unicodedata.normalize(form, table("XML1", [SUMMARY]))
    plain = part("XML1", base64(table("XML1", [SUMMARY])))
    assert read_parts(part("XML1", base64(text))).content_hash == read_parts(plain).content_hash


def test_a_row_given_twice_is_not_the_same_as_once() -> None:
    assert content_hash({"XML2": (DRUG, DRUG)}) != content_hash({"XML2": (DRUG,)})


@pytest.mark.parametrize(
    "other",
    [
        {"XML2": ({**DRUG, "SO_LUONG": "10"},)},
        {"XML2": ({**DRUG, "LIEU_DUNG": "x"},)},
        {"XML2": ({**DRUG, "CACH_DUNG": "x"},)},
        {"XML2": (DRUG,), "XML3": ()},
        {"XML3": (DRUG,)},
        {"XML2": ()},
        {},
    ],
)
def test_other_content_has_another_hash(other: Tables) -> None:
    assert content_hash(other) != content_hash({"XML2": (DRUG,)})


@given(
    st.dictionaries(st.sampled_from("ABC"), st.text(max_size=3)),
    st.dictionaries(st.sampled_from("ABC"), st.text(max_size=3)),
)
def test_different_rows_have_different_hashes(one: dict[str, str], other: dict[str, str]) -> None:
    assert (content_hash({"T": (one,)}) == content_hash({"T": (other,)})) == (one == other)


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
    bed = {**only("XML2"), "XML3": ({**SERVICE, "MA_NHOM": "15"},)}
    assert kept(bed) == []


@pytest.mark.parametrize("name", ["XML6", "XML7", "XML8", "XML9", "XML13", "XML14", "XML15"])
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
