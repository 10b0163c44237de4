"""Which tests run which lines, and how long each takes: collected once, in one run of the tests under coverage.

A pytest plugin: `pytest -p tests.mutants.covering`. Each xdist worker leaves its own file; `read` joins them. Only what
runs in the tests' own process is seen: tests that start the service as a process never judge a mutant.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest

FOLDER = Path(os.environ.get("EHR_SYNC_COVERING", ".mutants/covering"))
_AT_IMPORT = ""
# A test that happened to be the first to import a module is no judge of its definitions.
_MAY_BE_CHANCE = 2
_OF_DEFINITIONS = ("tests/core/test_reprs.py", "tests/core/test_small_rules.py", "tests/store/test_migrations.py")
_seconds: dict[str, float] = {}
_failed: set[str] = set()


@dataclass(frozen=True, slots=True)
class Covering:
    """Tests by module and line (line 0: when it is imported), and the seconds of each."""

    tests: dict[str, dict[int, set[str]]]
    seconds: dict[str, float]

    def judges(self, path: str, lines: range, within: float) -> list[str]:
        """The tests that run one of these lines, as many as take so many seconds together: of each file the quickest,
        then of each the next, since another file asks another question.

        A line that only runs at import is judged by what looks at definitions as such, and by all that run any line
        of its module; where none does, by the quickest of each file.
        """
        of_module = self.tests.get(path, {})
        found = set().union(*(of_module.get(line, set()) for line in lines))
        if len(found) <= _MAY_BE_CHANCE:
            found |= set().union(*of_module.values()) or set(self.seconds)
            found |= {test for test in self.seconds if test.startswith(_OF_DEFINITIONS)}
        asked: Counter[str] = Counter()
        ranked = []
        for test in sorted(found, key=lambda each: (self.seconds[each], each)):
            rank = -1 if test.startswith(_OF_DEFINITIONS) else asked[test.partition("::")[0]]
            ranked.append((rank, self.seconds[test], test))
            asked[test.partition("::")[0]] += 1
        chosen: list[str] = []
        spent = 0.0
        for _, _, test in sorted(ranked):
            spent += self.seconds[test]
            if spent > within and chosen:
                break
            chosen.append(test)
        return chosen


def read(root: Path) -> Covering:
    """What the last run with this plugin found."""
    seconds: dict[str, float] = {}
    for file in FOLDER.glob("*.json"):
        seconds |= json.loads(file.read_text())
    tests: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for file in FOLDER.glob("*.coverage"):
        data = coverage.CoverageData(str(file))
        data.read()
        for measured in data.measured_files():
            path = str(Path(measured).relative_to(root))
            for line, contexts in data.contexts_by_lineno(measured).items():
                tests[path][line] |= {each for each in contexts if each in seconds}
    return Covering(tests, seconds)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    if worker == "main" and config.getoption("numprocesses", None):
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    measuring = coverage.Coverage(
        data_file=str(FOLDER / f"{worker}.coverage"), source=["ehr_sync", "mappings"], messages=False
    )
    config.stash[_measuring] = measuring
    measuring.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    measuring = item.config.stash.get(_measuring, None)
    if measuring is None:
        return (yield)
    measuring.switch_context(item.nodeid)
    began = time.monotonic()
    try:
        return (yield)
    finally:
        _seconds[item.nodeid] = round(time.monotonic() - began, 3)
        measuring.switch_context(_AT_IMPORT)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if not report.passed:
        _failed.add(report.nodeid)


def pytest_unconfigure(config: pytest.Config) -> None:
    measuring = config.stash.get(_measuring, None)
    if measuring is None:
        return
    measuring.stop()
    measuring.save()
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    passed = {test: seconds for test, seconds in _seconds.items() if test not in _failed}
    (FOLDER / f"{worker}.json").write_text(json.dumps(passed))


_measuring = pytest.StashKey[coverage.Coverage]()
