"""A PostgreSQL that these tests may kill, and one city a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.sandbox.world import World
from tests.databases import fresh_databases, postgres_of_session
from tests.faults.city import City, city
from tests.faults.forge import Forge
from tests.faults.forms import LONG


def pytest_configure(config: pytest.Config) -> None:
    """pytest's."""
    config.addinivalue_line("markers", "long_form: only where EHR_SYNC_LONG_FAULTS=1 asks for it (make faults)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what belongs to the long form: not skipped, as nothing is amiss."""
    left_out = [] if LONG else [item for item in items if item.get_closest_marker("long_form")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def power() -> Iterator[EmbeddedPostgres]:
    """A database server that may be killed and started again."""
    with postgres_of_session() as server:
        yield server


@pytest.fixture(scope="session")
def forge() -> Iterator[Forge]:
    """Where parts of the service are started."""
    made = Forge()
    yield made
    made.close()


@pytest.fixture
def place(power: EmbeddedPostgres, world: World, forge: Forge, tmp_path: Path) -> Iterator[City]:
    """A city with nothing of the service running."""
    world.clear()
    with fresh_databases(power) as dsns, city(tmp_path, dsns, world, forge) as made:
        yield made
