"""The runner behind `make mutants` breaks every kind of line, one thing at a time, and into what still compiles."""

from __future__ import annotations

import pytest

from tests.mutants.__main__ import PACKAGES, ROOT, equivalents, modules_of
from tests.mutants.breaking import Mutant, mutants, sample


def breaks(text: str) -> set[str]:
    return {each.text.strip() for each in mutants("module.py", text)}


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        ("x = a < b", {"x = (a <= b)", "x = (a >= b)"}),
        ("x = a is None", {"x = (a is not None)"}),
        ("x = a and b", {"x = (a or b)", "x = (a)", "x = (b)"}),
        ("x = not a", {"x = (a)"}),
        ("x = 7", {"x = 8", "x = 6"}),
        ("x = True", {"x = False"}),
        ("x = 'ab'", {"x = 'a'"}),
        ("x = a + b", {"x = (a - b)"}),
        ("x = a if b else c", {"x = (a)", "x = (c)"}),
        ("go(a, how=b)", {"pass", "go(a)"}),
        ("x = [a for a in b if c]", {"x = [a for a in b]"}),
        ("raise Wrong('text')", {"pass"}),
        ("def f() -> int:\n    return a", {"def f() -> int:\n    return None"}),
        ("x += a", {"pass"}),
        ("tên = 'ê'", {"tên = ''"}),
    ],
)
def test_a_line_is_broken_in_each_way_that_it_can_be(line: str, broken: set[str]) -> None:
    assert breaks(line) == broken


@pytest.mark.parametrize(
    "line", ['"""Words."""', "import a", "x: int", "__all__ = ['a']", "if TYPE_CHECKING:\n    import a", "x = f'{a}'"]
)
def test_what_does_nothing_is_left_as_it_is(line: str) -> None:
    assert breaks(line) == set()


def test_a_sample_is_the_same_by_the_same_seed_and_breaks_each_line_once() -> None:
    modules = modules_of("core")
    first, again, other = (sample(ROOT, modules, 20, seed) for seed in (1, 1, 2))
    assert (first == again, first == other, len(first)) == (True, False, 20)
    assert len({(each.path, each.line) for each in first}) == 20


def test_every_mutant_compiles() -> None:
    broken = [each for name in PACKAGES for each in sample(ROOT, modules_of(name), 60, 3)]
    for each in broken:
        compile(each.text, each.path, "exec")


def test_no_listed_equivalent_is_of_a_line_that_is_no_more() -> None:
    there = {(e.path, e.place, e.now) for path in {e["path"] for e in equivalents()} for e in _all(path)}
    assert [e for e in equivalents() if (e["path"], e["line"], e["now"]) not in there] == []


def _all(path: str) -> list[Mutant]:
    return list(mutants(path, (ROOT / path).read_text()))
