"""Names on the ladder: a table of labelled pairs, what holds of any two names, and what the registry is asked with."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Final, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_sync.core.names import PROVING, Rung, compare_names, compared, exact_key, mended, spellings
from ehr_sync.sandbox.city.people import person
from tests.core.name_pairs import pairs

PAIRS: Final = pairs()
# Letters, marks and signs out of which names go wrong; of any text, most pairs would only be different.
LETTERS: Final = "aáàạăâấbcdđeêệghiíklmnoóòơợpquúưứvxyýỳAÁĐÐHQUÝ'’-–. \u0300\u0301\u0323\u0302\u031b\u200b"
TEXT: Final = st.text(alphabet=LETTERS, max_size=16) | st.text(max_size=16)
CITIZEN: Final = st.integers(0, 999_999).map(lambda index: person(index).name)
NAME: Final = TEXT | CITIZEN


def test_the_table_of_pairs_is_large_enough_and_has_every_rung() -> None:
    assert len({pair.shown for pair in PAIRS}) == len(PAIRS) >= 300
    assert Counter(pair.rung for pair in PAIRS).keys() == {rung.value for rung in Rung}


def test_p4_every_labelled_pair_meets_on_its_rung_in_either_order() -> None:
    found = {p.shown: (compare_names(*p.names).value, compare_names(*p.names[::-1]).value) for p in PAIRS}
    assert {p.shown: found[p.shown] for p in PAIRS if found[p.shown] != (p.rung, p.rung)} == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [("DƯƠNG", "ĐƯƠNG"), ("DƯƠNG", "ĐƯỜNG"), ("ĐƯƠNG", "ĐƯỜNG"), ("HÙNG", "HƯNG")],
)
def test_p4_two_names_in_law_are_never_equal(one: str, other: str) -> None:
    for name in ("{}", "{} VĂN LÂM", "NGUYỄN VĂN {}", "LÊ THỊ {} ANH"):
        assert compare_names(name.format(one), name.format(other)) is Rung.NEAR


@given(NAME, NAME)
def test_a_comparison_is_the_same_either_way(one: str, other: str) -> None:
    assert compare_names(one, other) is compare_names(other, one)


@given(NAME, NAME, st.sampled_from(["NFC", "NFD"]), st.sampled_from(["NFC", "NFD"]))
def test_no_form_of_unicode_changes_a_comparison(
    one: str, other: str, form: Literal["NFC", "NFD"], other_form: Literal["NFC", "NFD"]
) -> None:
    written = unicodedata.normalize(form, one), unicodedata.normalize(other_form, other)
    assert compare_names(*written) is compare_names(one, other)


@given(NAME, NAME)
def test_p4_what_proves_is_what_has_one_key(one: str, other: str) -> None:
    has_letters = compare_names(one, one) is Rung.EQUAL and compare_names(other, other) is Rung.EQUAL
    has_one_key = exact_key(one) == exact_key(other)
    assert (compare_names(one, other) in PROVING) == (has_letters and has_one_key)


@given(CITIZEN, st.sampled_from(["NFC", "NFD", "NFKC"]), st.booleans())
def test_no_form_of_writing_changes_a_citizens_name(
    name: str, form: Literal["NFC", "NFD", "NFKC"], lower: bool
) -> None:
    written = unicodedata.normalize(form, name.lower() if lower else name)
    assert compare_names(written, name) is Rung.EQUAL
    assert exact_key(written) == exact_key(name)


@given(NAME)
def test_a_key_is_its_own_key_and_a_mended_name_is_mended(name: str) -> None:
    assert exact_key(exact_key(name)) == exact_key(name)
    assert mended(mended(name)) == mended(name)


@given(CITIZEN)
def test_a_name_without_its_marks_is_the_name_without_diacritics(name: str) -> None:
    bare = "".join(
        letter for letter in unicodedata.normalize("NFD", name) if not unicodedata.combining(letter)
    ).replace("Đ", "D")
    assert compare_names(bare, name) in {Rung.EQUAL, Rung.EQUAL_WITHOUT_DIACRITICS}
    assert (compare_names(bare, name) is Rung.EQUAL) == (bare == name)


# What is asked, in this order. A mark on a vowel that never bears it is a slip; the other placement is as right.
SPELLINGS: Final = [
    ("NGUYỄN VĂN HÒA", ["NGUYỄN VĂN HÒA", "NGUYỄN VĂN HOÀ"]),
    ("NGUYỄN VĂN HOÀ", ["NGUYỄN VĂN HOÀ", "NGUYỄN VĂN HÒA"]),
    ("nguyễn văn hoà", ["NGUYỄN VĂN HOÀ", "NGUYỄN VĂN HÒA"]),
    ("LÊ THÙY LINH", ["LÊ THÙY LINH", "LÊ THUỲ LINH"]),
    ("NGUYỄN VĂN HÙNG", ["NGUYỄN VĂN HÙNG"]),
    ("HOÀNG VĂN TOÀN", ["HOÀNG VĂN TOÀN"]),
    ("NGUYỄN VĂN QUÝ", ["NGUYỄN VĂN QUÝ"]),
    ("", [""]),
    # slips
    ("ĐỖ QUANG QÚY", ["ĐỖ QUANG QÚY", "ĐỖ QUANG QUÝ"]),
    ("LÊ THỊ QÙYNH", ["LÊ THỊ QÙYNH", "LÊ THỊ QUỲNH"]),
    ("LÊ VĂN QÚÂN", ["LÊ VĂN QÚÂN", "LÊ VĂN QUẤN"]),
    ("LÊ NGỌC QÚYÊN", ["LÊ NGỌC QÚYÊN", "LÊ NGỌC QUYẾN"]),
    ("TRẦN VĂN GÌA", ["TRẦN VĂN GÌA", "TRẦN VĂN GIÀ"]),
    ("TRẦN VĂN GÍAP", ["TRẦN VĂN GÍAP", "TRẦN VĂN GIÁP"]),
    ("HÒANG MINH TÒAN", ["HÒANG MINH TÒAN", "HOÀNG MINH TOÀN"]),
    ("HÙYNH NGỌC HÒEN", ["HÙYNH NGỌC HÒEN", "HUỲNH NGỌC HOÈN"]),
    ("LÊ THỊ MIÁ", ["LÊ THỊ MIÁ", "LÊ THỊ MÍA"]),
    ("LÊ VĂN CUẢ", ["LÊ VĂN CUẢ", "LÊ VĂN CỦA"]),
    ("LÊ THỊ MƯÀ", ["LÊ THỊ MƯÀ", "LÊ THỊ MỪA"]),
    ("QÚY HÒA", ["QÚY HÒA", "QUÝ HÒA", "QUÝ HOÀ"]),
    # what is no slip
    ("ĐẶNG THỊ GIÀ", ["ĐẶNG THỊ GIÀ"]),
    ("LÒ THỊ MÍA", ["LÒ THỊ MÍA"]),
    ("VÀNG A DÍNH", ["VÀNG A DÍNH"]),
    ("NGUYỄN THỊ GÌ ANH", ["NGUYỄN THỊ GÌ ANH"]),
    ("QUÀNG VĂN ĐÔI", ["QUÀNG VĂN ĐÔI"]),
    ("NGUYỄN VĂN THUẬN", ["NGUYỄN VĂN THUẬN"]),  # a dot below stands before the circumflex in Unicode
    ("NGUYỄN VĂN HOẶC", ["NGUYỄN VĂN HOẶC"]),
    # look-alikes and strays
    ("H’HEN  NIÊ", ["H'HEN NIÊ"]),
    ("ƉỖ KHÁNH NGA", ["ĐỖ KHÁNH NGA"]),
    ("Ðỗ Khánh Nga.", ["ĐỖ KHÁNH NGA"]),
    ("TÔN–NỮ DIỆU LINH", ["TÔN-NỮ DIỆU LINH"]),
]


@pytest.mark.parametrize(("name", "asked"), SPELLINGS)
def test_a_name_is_asked_mended_then_righted_then_toned_the_other_way(name: str, asked: list[str]) -> None:
    assert list(spellings(name)) == asked


def test_what_the_judging_key_holds_equal_is_asked_where_one_side_is_written_right() -> None:
    """Of two spellings of one name, of which one slipped, the slipped one is asked as the other too."""
    equal = [pair for pair in PAIRS if pair.rung in {"equal", "equal_after_tone_placement"} and "old" not in pair.group]
    lost = [p.shown for p in equal if not set(spellings(p.names[0])) & set(spellings(p.names[1]))]
    assert lost == []


# Unicode names them so; a keyboard or an export sets them for the plain sign.
APOSTROPHES: Final = "\u2018\u2019\u201b\u2032\u02b9\u02bb\u02bc\u02bd\u02c8\u0060\u00b4\uff07"
HYPHENS: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
INVISIBLE: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
STRAY: Final = '.,;:_*"\u201c\u201d'


def test_every_look_alike_and_every_stray_sign_is_mended() -> None:
    written = {f"H{sign}HEN NIÊ": "H'HEN NIÊ" for sign in APOSTROPHES}
    written |= {f"TÔN{sign}NỮ": "TÔN-NỮ" for sign in HYPHENS}
    written |= {f"HÙ{sign}NG": "HÙNG" for sign in INVISIBLE}
    written |= {f"VĂN{sign}HÙNG": "VĂN HÙNG" for sign in STRAY}
    written |= {f"{sign}ÀO": "ĐÀO" for sign in ("\u00d0", "\u0189", "D\u0335", "D\u0336")}
    assert {name: found for name, right in written.items() if (found := mended(name)) != right} == {}


@given(CITIZEN)
def test_an_ordinary_name_is_asked_as_it_is_and_in_the_other_placement_only(name: str) -> None:
    first, *others = spellings(name)
    assert first == name
    assert [exact_key(other) for other in others] == [exact_key(name)] * len(others)


def test_the_evidence_names_the_words_that_differ_and_says_nobody_in_its_repr() -> None:
    found = compared("Nguyễn văn Hùng Anh", "NGUYỄN THỊ HÙNG")
    assert (found.rung, found.mended) == (Rung.DIFFERENT, ("NGUYỄN VĂN HÙNG ANH", "NGUYỄN THỊ HÙNG"))
    assert found.differing == (("VĂN", "THỊ"), ("ANH", ""))
    assert "HÙNG" not in repr(found)
