"""What is expected is said in the reader's language: every phrase that code writes has both."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import mappings
from mappings.issues.catalogue import CATALOGUE, PHRASES, render
from mappings.model import Issue

PACKAGE: Final = Path(mappings.__file__).parent
# No words of a language: formats, file types, the keys of the JSON batch, JSON Pointers, kinds of health check.
NEUTRAL: Final = re.compile(
    r"yyyy[ymdHM0]*|base64|loaiHoSo|maTinh|maCSKCB|files|data|content|ICD-10|(?:/[A-Za-z{}]+)+"
    r"|ChildUnder|Minor|Adult|Driver"
)
CALLS: Final = {"Issue", "TableRefused", "_refuse"}


def written(tree: ast.AST) -> Iterator[str]:
    """Every text that stands where a path or an expectation does; what is put in at run time is {}."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            yield from _texts(node.args[1:] if name in CALLS else [])
            yield from _texts([k.value for k in node.keywords if k.arg == "expected"])
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "EXPECTED" and node.value:
            yield from _texts([node.value])
        if isinstance(node, ast.Tuple) and node.elts and _is_code(node.elts[0]):
            yield from _texts(node.elts[1:])


def _is_code(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in CATALOGUE


def _texts(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


WRITTEN: Final = sorted(
    {text for path in PACKAGE.rglob("*.py") for text in written(ast.parse(path.read_text("utf-8"))) if text}
)
WORDY: Final = [text for text in WRITTEN if re.search("[a-z]{2,}", NEUTRAL.sub("", text))]


def test_the_search_finds_what_code_writes() -> None:
    assert {
        "grams",
        "<= {} bytes",
        "5 characters, or 13 digits (GLN)",
        "H, T, C or K and 3 digits",
        "12 digits",
        "yyyymmddHHMM",
    } <= set(WRITTEN)


@pytest.mark.parametrize("text", WORDY)
def test_every_expectation_with_words_is_a_phrase(text: str) -> None:
    # A date is put in with its parts.
    key = re.sub("[0-9]+", "{}", text)
    assert {key, re.sub(r"^(from|until) {}", r"\1 {}-{}-{}", key)} & PHRASES.keys()


@pytest.mark.parametrize(("key", "texts"), PHRASES.items())
def test_a_phrase_says_the_same_numbers_in_both_languages(key: str, texts: tuple[str, str]) -> None:
    wanted = [f"{{{n}}}" for n in range(key.count("{}"))]
    assert [sorted(re.findall(r"\{\d\}", text)) for text in texts] == [wanted, wanted]


@pytest.mark.parametrize("key", PHRASES)
def test_no_phrase_is_left_that_nobody_writes(key: str) -> None:
    keys = {re.sub("[0-9]+", "{}", text) for text in WRITTEN}
    # Lines stand in paths that the readers make; the date is one value at run time.
    of = ("", "XML{}, ", "HOSO[{}].FILEHOSO[{}], ", "KSK{}, ", "FILEHOSO[{}], ")
    lines = {f"{place}line {{}}" for place in of}
    assert key.replace("-{}-{}", "") in keys | lines


@pytest.mark.parametrize(
    ("expected", "vi", "en"),
    [
        ("10 or 12 digits", "10 hoặc 12 chữ số", "10 or 12 digits"),
        ("<= 32000000 bytes", "<= 32000000 byte", "<= 32000000 bytes"),
        ("grams", "số gam", "grams"),
        ("from 2026-08-01", "từ ngày 01/08/2026", "from 2026-08-01"),
        ("yyyymmddHHMM", "yyyymmddHHMM", "yyyymmddHHMM"),
        ("XML2.THANH_TIEN_BV", "XML2.THANH_TIEN_BV", "XML2.THANH_TIEN_BV"),
    ],
)
def test_what_is_expected_is_said_in_the_readers_language(expected: str, vi: str, en: str) -> None:
    issue = Issue("value.format", "XML1[1].MA_TTDV", expected)
    assert (render(issue, "vi")["expected"], render(issue, "en")["expected"]) == (vi, en)


def test_a_line_is_a_line_in_the_readers_language() -> None:
    issue = Issue("file.unreadable", "line 12")
    assert (render(issue, "vi")["path"], render(issue, "en")["path"]) == ("dòng 12", "line 12")


def test_a_file_that_breaks_off_is_told_from_one_with_too_few_dossiers() -> None:
    broken, short = (
        Issue("file.truncated", "line 3"),
        Issue("file.truncated", "GIAMDINHHS.THONGTINHOSO.SOLUONGHOSO", "2"),
    )
    assert "ngắt giữa chừng" in render(broken, "vi")["message"]
    assert "SOLUONGHOSO" in render(short, "vi")["message"]
    assert "SOLUONGHOSO" not in render(broken, "en")["message"]
