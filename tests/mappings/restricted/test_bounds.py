"""Looking for restricted data takes linear time, whatever a text says, and every way of folding gives the same."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.restricted import folding
from mappings.restricted.folding import fold, plain
from mappings.sources.dossier.withholding import RECORD_CODE, withheld

SECONDS = 4.0
"""Far more than any of these takes, far less than it took before it was bounded."""
TEXTS = (
    *("hiv", "h i v", "aids", "hearing aids", "sida", "retro", "opc", "cty a opc", "prep", "pep", "phoi nhiem"),
    *("suy giam mien dich", "nguoi co h", "nhiem h", "vct", "cd4", "p24", "khang nguyen", "tdf", "tdf 300 x x"),
    *("atv", "ritonavir", "B20", "(B20", "ICD", "B20.1", "Giường B20.1", "ﷺ", "ﷺ pep", "H l V", "phong kham dieu tri"),
    *(
        "opc dieu tri",
        "phac do a b",
        "si da",
        "xi da",
        "bn co h",
        "t l d",
        "abc x x",
        "efavirenz600",
        "sgmd",
        "mã bệnh: I10;",
    ),
    *("<b>HIV</b>;", "&#72;IV;", "{\\rtf1 HIV};", "<b>;", "tö vong;", "suy gi¶m miÔn dÞch/"),
)
WORDS = {
    "GHI_CHU": TEXTS,
    "CHAN_DOAN_RV": ("hiv", "B20", "B 2", "(B", "Z11", "ICD", "ﷺ", "; ; "),
    "MA_BENH_KT": ("B 2", "Z 11.4;", "Z20,6;", "Z11 .", ";", "I10 ", "0 9", "ﷺ"),
    "MA_DOITUONG_KCB": ("1.", "1 .", "0", "1 ", "1·9·", "<b>1</b>."),
    "TEN_THUOC": ("tle", "tdf 3tc", "atv", "opc"),
    "MA_THUOC": ("40.262+", "40 .", "J05A", "J 0 5 A", "40 2 "),
    "MA_DICH_VU": ("24.0", "24.0169", "_TB", "24 . 0"),
}


def timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize(("tag", "word"), [(tag, word) for tag, words in WORDS.items() for word in words])
def test_a_text_that_says_one_word_over_and_over_takes_no_longer(word: str, tag: str) -> None:
    text = f"{word} " * (200_000 // len(word))
    assert timed(lambda: withheld({"XML1": ({tag: text},)})) < SECONDS


@pytest.mark.parametrize(
    "text", ["B20 ICD" + " " * 200_000 + "x", "B20 " + "ICD" * 70_000, "B20 " + "(" + " " * 200_000]
)
def test_what_may_stand_before_a_code_takes_no_longer(text: str) -> None:
    assert timed(lambda: withheld({"XML1": ({"GHI_CHU": text},)})) < SECONDS


@pytest.mark.parametrize("text", ["theo ICD10: B24", "ICD-10-VN:B24", "mã bệnh  B24", "ICD B24", "mã : B24"])
def test_a_code_after_its_announcement_counts(text: str) -> None:
    assert withheld({"XML5": ({"DIEN_BIEN_LS": text},)}).record == {RECORD_CODE}


@pytest.mark.parametrize("folded", [fold, plain])
def test_a_text_of_ligatures_takes_no_longer(folded: Callable[[str], str]) -> None:
    assert timed(lambda: folded("\ufdfa" * 1_000_000)) < SECONDS


def test_thousands_of_orders_and_results_of_one_service_take_no_longer() -> None:
    order = {"MA_DICH_VU": "X", "TEN_DICH_VU": "HIV Ab", "MA_NHOM": "1", "NGAY_YL": "202611180800"}
    done = tuple(order | {"NGAY_YL": f"2026111808{n % 60:02}", "NGAY_KQ": f"{n}"} for n in range(4000))
    found = tuple({"MA_DICH_VU": "X", "TEN_CHI_SO": "KQ", "GIA_TRI": "1", "NGAY_KQ": f"{n}x"} for n in range(4000))
    assert timed(lambda: withheld({"XML3": done, "XML4": found})) < SECONDS


@pytest.mark.parametrize(("text", "found"), [("PEP sau phơi nhiễm", True), ("phơi nhiễm, PEP", True), ("PEP", False)])
def test_words_that_count_together_count_in_either_order(text: str, found: bool) -> None:
    assert ("GHI_CHU" not in withheld({"XML1": ({"GHI_CHU": text},)}).tables["XML1"][0]) is found


def by_letter(text: str) -> str:
    return " ".join(text.translate(folding._BY_LETTER).split())


@given(st.text())
def test_both_ways_of_folding_are_one(text: str) -> None:
    assert by_letter(text) == " ".join(folding._spread(text).split())


def test_every_letter_folds_the_same_between_others() -> None:
    letters = "".join(f"a{chr(point)}b\n" for point in range(0x3000) if not 0xD800 <= point < 0xE000)
    assert by_letter(letters) == " ".join(folding._spread(letters).split())
