"""One spelling for values that look the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.text import canonical, canonical_code, holds_forbidden


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  a b  ", "a b"),
        ("a\u00a0b", "a b"),
        ("a\tb", "a b"),
        ("\ufeffa\u200bb\u200d", "ab"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\u2028b", "a\nb"),
        ("Nguye\u0302\u0303n", "Nguyễn"),
        ("Vie\u0323\u0302t", "Việt"),
        ("Vie\u0302\u0323t", "Việt"),
        ("a\x00b\x08c\x7f", "abc"),
        ("a\ud800b\udfff", "ab"),
        ("a\ufffeb\uffff", "ab"),
        ("\u202eabc\u202c", "abc"),
        ("\u200b \u00a0", ""),
    ],
)
def test_text_is_one_spelling(sent: str, kept: str) -> None:
    assert canonical(sent) == kept


@pytest.mark.parametrize("name", ["ĐẶNG", "ÐẶNG", "Hòa", "Hoà", "H'Hen Niê", "K’Brơi", "Lý", "Lí"])
def test_letters_are_never_replaced(name: str) -> None:
    assert canonical(name) == name


def test_codes_and_names_have_single_spaces() -> None:
    assert canonical_code(" J15.9 ;  E11\n") == "J15.9 ; E11"


@pytest.mark.parametrize(("text", "told"), [("a\x00b", True), ("\ud800", True), ("a\u200b\tb\n", False), ("Đ", False)])
def test_only_what_senders_should_mend_is_told(text: str, told: bool) -> None:
    assert holds_forbidden(text) is told


@given(st.text())
def test_canonical_text_is_its_own_spelling(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not holds_forbidden(once)
    once.encode()
