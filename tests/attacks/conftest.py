"""One service for all attacks, with two citizens' books in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.runtime.processes import happens
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import dossier, envelope
from ehr_sync.sandbox.world import World
from tests.databases import fresh_databases
from tests.whole import site as whole
from tests.whole.site import Site

LONG: Final = os.environ.get("EHR_SYNC_LONG_ATTACKS") == "1"
HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Target:
    """The service, a citizen whose book is aimed at, a citizen who attacks, and what the former's book holds."""

    site: Site
    owner: str
    attacker: str
    code: str
    patient: str
    encounter: str


def pytest_configure(config: pytest.Config) -> None:
    """pytest's."""
    config.addinivalue_line("markers", "flood: only where EHR_SYNC_LONG_ATTACKS=1 asks for it (make attack)")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what stands here, and leave floods to the long form: not skipped, as nothing is amiss."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.attacks)
    left_out = [] if LONG else [item for item in items if item.get_closest_marker("flood")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def target(postgres: EmbeddedPostgres, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """With one scheduler; after each attack the service is as it was, so that one service does for all."""
    folder = tmp_path_factory.mktemp("target")
    with fresh_databases(postgres) as dsns, whole.running(dsns, world, folder, schedulers=1) as site:
        owner, attacker = person(1).number, person(2).number
        sent = [dossier(n, person_index=n, shape="outpatient", rows=4) for n in (1, 2)]
        [first, _] = site.post(envelope(sent)).json()["fileResults"][0]["hoSo"]
        assert happens(lambda: all(_book(site, number) for number in (owner, attacker)), 60)
        shown = {entry["resource"]["resourceType"]: entry["resource"]["id"] for entry in _book(site, owner)}
        everything = site.get(f"/fhir/Patient/{shown['Patient']}/$everything", site.login(number=owner)).json()
        shown |= {entry["resource"]["resourceType"]: entry["resource"]["id"] for entry in everything["entry"]}
        yield Target(site, owner, attacker, str(first["maGiaoDich"]), shown["Patient"], shown["Encounter"])


@pytest.fixture(autouse=True)
def _unharmed(target: Target) -> Iterator[None]:
    """Whatever was tried: the service is ready, met nothing unexpected, and its log names neither citizen."""
    before = len(target.site.log)
    yield
    assert target.site.is_alive()
    written = target.site.log[before:]
    assert whole.leaks(written, whole.words_of((1, 2))) == []
    assert "unexpected_error" not in written


def _book(site: Site, number: str) -> list[Any]:
    return list(site.get("/fhir/Patient", site.login(number=number)).json().get("entry", []))
