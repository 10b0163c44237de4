"""Fixtures that every test may ask for: real PostgreSQL, fresh migrated databases, the sandbox world."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from tests.databases import Dsns, postgres_of_session, world_of_session
from tests.lender import Lender, keep_connections

if TYPE_CHECKING:
    from ehr_sync.sandbox.world import World

# Two cores are shared by everything that a test starts: no example has a deadline of its own.
settings.register_profile("usual", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=3000)
settings.load_profile("usual")
gc.set_threshold(200_000, 20, 100)  # what a test process holds for good is much: to look through it costs 8 %


class _Namer:
    """Names each failure when it happens: a run takes minutes, and its dots say nothing."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._terminal.write_line(f"\nFAILED {report.nodeid} ({report.when})")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        config.pluginmanager.register(_Namer(terminal))


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The test process's PostgreSQL , one for each xdist worker. Tests that kill it start their own."""
    with postgres_of_session() as server:
        yield server


@pytest.fixture(scope="session")
def lender(postgres: EmbeddedPostgres) -> Iterator[Lender]:
    """Whoever lends databases on the test process's PostgreSQL."""
    keep_connections()
    lender = Lender(postgres)
    yield lender
    lender.close()


@pytest.fixture
def dsns(lender: Lender) -> Iterator[Dsns]:
    """Migrated and empty databases for one test."""
    with lender.lend() as lent:
        yield lent


@pytest.fixture(scope="module")
def module_dsns(lender: Lender) -> Iterator[Dsns]:
    """Migrated and empty databases for the tests of one module, which then must not disturb each other."""
    with lender.lend() as lent:
        yield lent


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The sandbox's registry, book and identity provider, as processes on free loopback ports."""
    with world_of_session(tmp_path_factory.mktemp("world")) as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly that pages were seen in no browser, where there is none."""
    skipped = [each for each in terminalreporter.stats.get("skipped", ()) if "tests/browser" in each.nodeid]
    if skipped:
        terminalreporter.write_line(
            f"\nTHE BROWSER TESTS WERE NOT RUN ({len(skipped)}): there is no Chromium here. "
            "make browsers installs it (Debian, as root), then make slow again.",
            yellow=True,
            bold=True,
        )
