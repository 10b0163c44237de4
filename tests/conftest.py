"""Fixtures that every test may ask for: real PostgreSQL, fresh migrated databases, the sandbox world."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from tests.databases import Dsns, fresh_databases, postgres_of_session

if TYPE_CHECKING:
    from ehr_sync.sandbox.world import World

# Two cores are shared by everything that a test starts: no example has a deadline of its own.
settings.register_profile("usual", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=3000)
settings.load_profile("usual")


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The test process's PostgreSQL , one for each xdist worker. Tests that kill it start their own."""
    with postgres_of_session() as server:
        yield server


@pytest.fixture
def dsns(postgres: EmbeddedPostgres) -> Iterator[Dsns]:
    """Fresh migrated databases for one test."""
    with fresh_databases(postgres) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def module_dsns(postgres: EmbeddedPostgres) -> Iterator[Dsns]:
    """Fresh migrated databases for the tests of one module, which then must not disturb each other."""
    with fresh_databases(postgres) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The sandbox's registry, book and identity provider, as processes on free loopback ports."""
    from ehr_sync.sandbox import world as sandbox

    running = sandbox.start(tmp_path_factory.mktemp("world"))
    yield running
    running.stop()
