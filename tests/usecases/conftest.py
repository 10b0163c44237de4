"""A fresh service for each test, on databases of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ehr_sync.sandbox.world import World
from tests.databases import Dsns
from tests.usecases.service import Running, open_running


@pytest.fixture
def running(dsns: Dsns, world: World, tmp_path: Path) -> Iterator[Running]:
    """An open service with one hospital, in a world where nothing fails."""
    world.clear()
    opened = open_running(dsns, world, tmp_path)
    yield opened
    world.clear()


@pytest.fixture
def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
