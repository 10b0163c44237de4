"""The whole service, for the tests of one module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ehr_sync.sandbox.world import World
from tests.databases import Dsns
from tests.whole import site as whole
from tests.whole.site import Site


@pytest.fixture(scope="module")
def site(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Without schedulers: what is sent is answered, and nothing more comes of it."""
    with whole.running(module_dsns, world, tmp_path_factory.mktemp("site")) as running:
        yield running
