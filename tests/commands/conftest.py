"""A service whose settings the commands find in their environment."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ehr_sync.sandbox.world import World
from tests import given
from tests.databases import Dsns
from tests.usecases.service import Running, open_running


@pytest.fixture(scope="module")
def running(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One a module."""
    folder = tmp_path_factory.mktemp("commands")
    made = open_running(module_dsns, world, folder)
    settings = given.variables(
        world, dsn=module_dsns.main, key_dsn=module_dsns.keys, key_file=str(folder / "keys.json")
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("EHR_SYNC_")]:
            patch.delenv(name)
        for name, value in settings.items():
            patch.setenv(name, value)
        yield made
    made.service.close()
