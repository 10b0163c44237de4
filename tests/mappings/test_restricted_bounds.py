"""Looking for restricted data takes linear time, whatever a text says, and every way of folding gives the same."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import restricted
from mappings.restricted import fold, triggers

SECONDS = 4.0
"""Far more than any of these takes, far less than it took before it was bounded."""
WORDS = (
    *("hiv", "h i v", "aids", "hearing aids", "sida", "retro", "opc", "cty a opc", "prep", "pep", "phoi nhiem"),
    *("suy giam mien dich", "nguoi co h", "nhiem h", "vct", "cd4", "p24", "khang nguyen", "tdf", "tdf 300 x x"),
    *("atv", "ritonavir", "B20", "(B20", "ICD", "B20.1", "Giường B20.1", "ﷺ", "ﷺ pep"),
)


def timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("tag", ["GHI_CHU", "CHAN_DOAN_RV"])
def test_a_text_that_says_one_word_over_and_over_takes_no_longer(word: str, tag: str) -> None:
    text = f"{word} " * (200_000 // len(word))
    assert timed(lambda: triggers({"XML1": ({tag: text},)})) < SECONDS


@pytest.mark.parametrize(
    "text", ["B20 ICD" + " " * 200_000 + "x", "B20 " + "ICD" * 70_000, "B20 " + "(" + " " * 200_000]
)
def test_what_may_stand_before_a_code_takes_no_longer(text: str) -> None:
    assert timed(lambda: triggers({"XML1": ({"GHI_CHU": text},)})) < SECONDS


@pytest.mark.parametrize("text", ["theo ICD10: B24", "ICD-10-VN:B24", "mã bệnh  B24", "ICD B24", "mã : B24"])
def test_a_code_after_its_announcement_counts(text: str) -> None:
    assert triggers({"XML5": ({"DIEN_BIEN_LS": text},)}) == {restricted.RECORD_CODE}


def test_a_text_of_ligatures_takes_no_longer() -> None:
    assert timed(lambda: fold("\ufdfa" * 1_000_000)) < SECONDS


@pytest.mark.parametrize(("text", "found"), [("PEP sau phơi nhiễm", True), ("phơi nhiễm, PEP", True), ("PEP", False)])
def test_words_that_count_together_count_in_either_order(text: str, found: bool) -> None:
    assert bool(triggers({"XML1": ({"GHI_CHU": text},)})) is found


def by_letter(text: str) -> str:
    return " ".join(text.translate(restricted._BY_LETTER).split())


@given(st.text())
def test_both_ways_of_folding_are_one(text: str) -> None:
    assert by_letter(text) == " ".join(restricted._spread(text).split())


def test_every_letter_folds_the_same_between_others() -> None:
    letters = "".join(f"a{chr(point)}b\n" for point in range(0x3000) if not 0xD800 <= point < 0xE000)
    assert by_letter(letters) == " ".join(restricted._spread(letters).split())
