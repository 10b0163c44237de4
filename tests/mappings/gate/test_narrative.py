"""What a narrative may hold: basic formatting and nothing that acts.  https://hl7.org/fhir/R4/narrative.html"""

from __future__ import annotations

from typing import Final

import pytest

from mappings.gate.narrative import is_basic_html

_SPACE: Final = "http://www.w3.org/1999/xhtml"


def div(content: str, before: str = "") -> str:
    return f'{before}<div xmlns="{_SPACE}">{content}</div>'


@pytest.mark.parametrize(
    "content",
    [
        "Khám lại sau một tuần",
        "<p>Huyết áp <b>120/80</b></p>",
        '<table><tr><td class="wide">1</td></tr></table>',
        '<img src="#p1"/>',
        '<a href="https://hl7.org/fhir">FHIR</a>',
        "<!-- by whom -->Khám",
        '<p id="only">on</p>',
    ],
)
def test_basic_formatting_is_let_through(content: str) -> None:
    assert is_basic_html(div(content))


@pytest.mark.parametrize(
    "content",
    [
        "<script>1</script>",
        "x<iframe/>",
        "x<form/>",
        "x<input/>",
        "x<object/>",
        '<p onclick="go()">x</p>',
        '<p onClick="go()">x</p>',
        '<b ONLOAD="go()">x</b>',
        '<a href="javascript:go()">x</a>',
        '<a href=" JavaScript:go()">x</a>',
        '<a href="vbscript:go()">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<img src="vbscript:go()"/>',
        '<img src="data:text/html,x"/>',
        "<?run it?>x",
        '<svg xmlns="http://www.w3.org/2000/svg"/>x',
        "&unknown;",
        "",
        "  \n ",
        "<p></p>",
        "<!-- only this -->",
        "<p>not closed",
    ],
)
def test_what_acts_or_says_nothing_is_refused(content: str) -> None:
    assert not is_basic_html(div(content))


@pytest.mark.parametrize(
    "before", ["<!DOCTYPE div>", '<!DOCTYPE div [<!ENTITY e "x">]>', '<!DOCTYPE div SYSTEM "http://127.0.0.1:9/x">']
)
def test_a_document_type_is_refused(before: str) -> None:
    assert not is_basic_html(div("x", before))


@pytest.mark.parametrize("root", [f'<p xmlns="{_SPACE}">x</p>', "<div>x</div>", '<div xmlns="urn:x">x</div>', "x"])
def test_only_one_div_of_xhtml_is_a_narrative(root: str) -> None:
    assert not is_basic_html(root)
