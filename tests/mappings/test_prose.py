"""Free text as its reader sees it, and what is not certain is not shown."""

from __future__ import annotations

import time

import pytest

from mappings.prose import read
from mappings.text import canonical


@pytest.mark.parametrize(
    "plain",
    [
        "Gan không to, lách không to",
        "HA <140/90 mmHg & mạch > 60",
        "x<y và y>z",
        "CSST<M75_T37_HA120/70_ NT18_HL2>",
        "pH < 7 {xem phiếu}",
        "R&D; A & B",
        "10 µg, 5 µmol/L ± 3, 37ºC, ½ viên",
        "a < b <p",
        "Ménière",
        "",
    ],
)
def test_plain_text_stays_as_it_is(plain: str) -> None:
    assert (read(plain).words, read(plain).issue) == (plain, "")


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("<p>Gan: <b>không to</b></p>", "Gan: không to"),
        ("<div>Tim<br/>Phổi</div>", "Tim\nPhổi"),
        ("<ul><li>Tim to</li><li>Phổi sáng</li></ul>", "- Tim to\n- Phổi sáng"),
        ("<table><tr><td>WBC</td><td>5.2</td></tr><tr><td>RBC</td><td>4.1</td></tr></table>", "WBC 5.2\nRBC 4.1"),
        ("<p>10<sup>9</sup>/L, SpO<sub>2</sub> 98%</p>", "10^9/L, SpO2 98%"),
        ("<style>p{color:red}</style><P CLASS=x>Bình thường</P><script>alert(1)</script>", "Bình thường"),
        ("<p>HA &lt;140 &amp; mạch &gt; 60</p>", "HA <140 & mạch > 60"),
        ("Bình&nbsp;th&#432;&#x1EDD;ng", "Bình thường"),
        ("&lt;p&gt;Bình thường&lt;/p&gt;", "Bình thường"),
        ("<!-- mẫu 3 --><o:p>Bình thường</o:p>", "Bình thường"),
        ("<p>Điểm đau <5, sốt</p>", "Điểm đau <5, sốt"),
        (r"{\rtf1\ansi\deff0 Binh thuong\par Tim deu\par}", "Binh thuong\nTim deu"),
        (r"{\rtf1\ansi Ph\u7893?i s\'e1ng}", "Phổi sáng"),
        (r"{\rtf1\ansi 10{\super 9}/L}", "10^9/L"),
        (r"{\rtf1\ansicpg1252{\fonttbl{\f0\fnil\fcharset163 Arial;}}\f0 B\'ea\'f2nh}", "Bệnh"),
        (r"{\rtf1{\fonttbl{\f0 .VnTime;}}{\info{\author BS M\u7851?u}}\f0 a \{b\}}", "a {b}"),
    ],
)
def test_mark_up_becomes_words(marked: str, words: str) -> None:
    found = read(marked)

    assert (found.words, found.issue) == (words, "text.markup")


@pytest.mark.parametrize(
    "marked",
    [
        "<s>Ung thư</s> lành tính",
        "<p><del>U ác</del> u lành</p>",
        "<span style='text-decoration: line-through'>U ác</span> u lành",
        "<p style='display:none'>ẩn</p>hiện",
        "<p hidden>ẩn</p>hiện",
        "<p>hiện</p><!-- ẩn",
        r"{\rtf1 broken",
        r"{\rtf1 {\strike U ac} lanh}",
        r"{\rtf1 {\v an} hien}",
        r"Kết luận: {\rtf1 Binh thuong}",
        r"{\rtf1 <p>x</p>}",
        "&amp;amp;amp;amp;lt;",
    ],
)
def test_what_cannot_be_read_for_certain_is_not_shown(marked: str) -> None:
    found = read(marked)

    assert (found.words, found.issue) == ("", "text.markup_unread")


@pytest.mark.parametrize(
    ("old", "words"),
    [
        ("kÕt luËn: b×nh th\xadêng", "kết luận: bình thường"),
        ("Gan kh«ng to, l¸ch kh«ng sê thÊy", "Gan không to, lách không sờ thấy"),
        ("§au bông vïng th\xadîng vÞ", "Đau bụng vùng thượng vị"),
        ("<b>TiÓu ®\xadêng</b> tuýp 2", "Tiểu đường tuýp 2"),
        ("Beänh nhaân ñau buïng", "Bệnh nhân đau bụng"),
        ("VIEÂM PHOÅI THUØY DÖÔÙI", "VIÊM PHỔI THÙY DƯỚI"),
        ("khoâng thaáy toån thöông", "không thấy tổn thương"),
    ],
)
def test_an_old_encoding_becomes_todays_letters(old: str, words: str) -> None:
    found = read(canonical(old))

    assert (found.words, found.issue) == (words, "text.old_encoding")


@pytest.mark.parametrize(
    "odd",
    [
        "Röntgen và Sjögren",
        "kÕt luËn: b×nh thêng xyz¸",
        "kh«ng cã tæn thêng, ®îc mæ",
        "déjà vu ça garçon",
    ],
)
def test_what_only_looks_like_an_old_encoding_is_shown_as_it_came_and_told(odd: str) -> None:
    assert (read(odd).words, read(odd).issue) in ((odd, "text.encoding_suspected"), (odd, ""))


@pytest.mark.parametrize("odd", ["kÕt luËn: b×nh thêng xyz¸", "kh«ng cã tæn thêng, ®îc mæ"])
def test_the_sender_is_told_of_what_looks_like_an_old_encoding(odd: str) -> None:
    assert read(odd).issue == "text.encoding_suspected"


def test_a_soft_hyphen_of_today_is_no_letter() -> None:
    assert canonical("bình th\xadường") == "bình thường"


@pytest.mark.parametrize(
    "hostile",
    [
        "<p>" + "<!" * 40_000,
        "<p " * 60_000,
        "<p>" + "<a href='" * 20_000,
        "&lt;" * 40_000 + "p&gt;",
        "{\\rtf1 " + "{" * 60_000 + "}" * 60_000 + "}",
        "{\\rtf1 " + "{\\fonttbl " * 8_000 + "}" * 8_000 + "}",
        "{\\rtf1 {\\fonttbl " + "\\f1\\fcharset0 " * 8_000 + "}a}",
        "{\\rtf1 {\\fonttbl " + "\\f1\\fcharset0 x;" * 8_000 + "\\f1 " * 8_000 + "}a}",
        "{\\rtf1 " + "\\pict\\bin " * 10_000 + "a}",
        "kÕt " * 40_000,
        "<div>" * 30_000,
    ],
    ids=[
        "declarations",
        "open tags",
        "open attributes",
        "entities",
        "braces",
        "fonts",
        "endless fonts",
        "many fonts",
        "pictures",
        "old letters",
        "nested",
    ],
)
def test_a_hostile_text_costs_no_minute(hostile: str) -> None:
    before = time.process_time()
    read(hostile)

    assert time.process_time() - before < 2
