"""Texts are folded so that no spelling hides a word, and words stay apart."""

from __future__ import annotations

from mappings.restricted.folding import fold, plain


def test_folding_keeps_words_apart() -> None:
    assert fold("Viêm–gan;Đường\u200b huyết (µmol/L)") == "viem gan duong huyet mol l"


def test_digits_of_any_script_are_digits() -> None:
    assert fold("B٢٠ Ｂ２４ ②") == "b20 b24 2"


def test_plain_text_keeps_its_capitals_and_its_punctuation() -> None:
    assert plain("НlV (B.20) Đường h\u200bi") == "HlV (B.20) Duong hi"
