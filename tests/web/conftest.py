"""A visitor in front of the whole application."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ehr_sync.bootstrap_web import web_application
from ehr_sync.sandbox.world import World
from ehr_sync.web.design.build import build
from tests.api.web import calling
from tests.databases import Dsns
from tests.usecases.service import Running, open_running, with_settings
from tests.web.browsing import CLIENT_ID, Visitor


@pytest.fixture
def desk(dsns: Dsns, world: World, tmp_path: Path) -> Iterator[Running]:
    """The service with signing in set up."""
    build()
    world.clear()
    running = open_running(dsns, world, tmp_path)
    yield with_settings(running, sign_in_client=CLIENT_ID, sign_in_secret="of the sandbox")
    running.service.close()
    world.clear()


@pytest.fixture
def visitor(desk: Running) -> Visitor:
    """Somebody who is not signed in."""
    return Visitor(calling(web_application(desk.service)))
