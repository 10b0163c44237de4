"""The service with its pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ehr_sync.sandbox.world import World
from tests.lender import Lender
from tests.usecases.service import Running, open_running, with_settings
from tests.web.browsing import CLIENT_ID


@contextmanager
def a_desk(lender: Lender, world: World, folder: Path) -> Iterator[Running]:
    """The service with signing in set up, in a world where nothing has happened."""
    world.clear()
    with lender.lend() as dsns:
        yield with_settings(
            open_running(dsns, world, folder), sign_in_client=CLIENT_ID, sign_in_secret="of the sandbox"
        )
    world.clear()
