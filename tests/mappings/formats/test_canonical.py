"""Whether two dossiers say the same
(rules: same-content), and what absence of a table leaves standing (rules: absent-tables).
"""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.formats.canonical import content_hash
from mappings.model import Tables
from tests.mappings.formats.made import (
    DRUG,
    SUMMARY,
    TABLES,
    base64,
    envelope,
    part,
    parts,
    read,
    read_parts,
    table,
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
