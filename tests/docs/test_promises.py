"""docs/promises.md: every promise has tests, and every test that it names is there."""

from __future__ import annotations

import re

import pytest

from tests.docs.markdown import ROOT, quoted, text_of

PARTS = re.split(r"^## P(\d+): ", text_of("docs/promises.md"), flags=re.MULTILINE)[1:]
PROMISES = dict(zip(map(int, PARTS[::2]), PARTS[1::2], strict=True))
ITEMS = [item for part in PROMISES.values() for item in re.findall(r"^- (.*?)(?=\n\n|\n- |\Z)", part, re.M | re.S)]


def test_there_are_twelve_promises() -> None:
    assert list(PROMISES) == list(range(1, 13))


@pytest.mark.parametrize("number", PROMISES)
def test_every_promise_names_a_test(number: int) -> None:
    assert [name for name in quoted(PROMISES[number]) if name.startswith("test_")]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(quoted(item)[0]))
def test_every_test_named_is_in_the_file_named(item: str) -> None:
    file, *names = quoted(item)
    there = set(re.findall(r"^def (test_\w+)", (ROOT / file).read_text("utf-8"), re.MULTILINE))
    assert names
    assert set(names) - there == set()


def test_no_test_holds_a_promise_that_is_none() -> None:
    tests = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    numbers = {int(number) for text in tests for number in re.findall(r"^def test_p(\d+)_", text, re.MULTILINE)}
    assert numbers - set(PROMISES) == set()
