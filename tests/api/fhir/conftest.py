"""Somebody with two visits and somebody else, and the application around them."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from flask.testing import FlaskClient

from ehr_sync.bootstrap_web import web_application
from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.sandbox.world import World
from tests.api.fhir.reading import INDEX, URL, Json, login
from tests.api.web import calling
from tests.databases import Dsns
from tests.usecases.service import Running, number_of, open_running


@pytest.fixture(scope="module")
def running(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Somebody with two visits, and somebody else."""
    opened = open_running(module_dsns, world, tmp_path_factory.mktemp("keys"), public_url=URL)
    opened.post(dossier(911, person_index=INDEX, shape="inpatient", rows=12))
    opened.post(dossier(912, person_index=INDEX, shape="outpatient", rows=12))
    opened.post(dossier(913, person_index=INDEX + 1, shape="outpatient", rows=12))
    opened.verify()
    yield opened
    opened.service.close()


@pytest.fixture(scope="module")
def web(running: Running) -> FlaskClient:
    return calling(web_application(running.service))


@pytest.fixture(scope="module")
def citizen(running: Running) -> dict[str, str]:
    return login(running, INDEX)


@pytest.fixture(scope="module")
def book(running: Running) -> list[Json]:
    """The whole book, as the use case gives it."""
    return [orjson.loads(each) for each in running.everything(number_of(INDEX)).resources]
