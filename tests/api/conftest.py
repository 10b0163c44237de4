"""A database in which one hospital is registered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ehr_sync.store import clients
from ehr_sync.store.database import Database
from tests.api import hospital
from tests.databases import Dsns
from tests.keys import KEYS


@pytest.fixture(scope="module")
def database(module_dsns: Dsns) -> Iterator[Database]:
    """Holds one client with both scopes, for facility 01001."""
    opened = Database(module_dsns.main, connections=4)
    with opened.begin() as connection:
        scopes = {"submissions.write", "transactions.read"}
        clients.add_client(
            connection, KEYS, hospital.CLIENT_ID, name="Bệnh viện mẫu", jwks=hospital.jwks(), scopes=scopes
        )
        clients.add_facility(connection, KEYS, "01001", name="Bệnh viện mẫu")
        clients.grant(connection, KEYS, hospital.CLIENT_ID, "01001")
    yield opened
    opened.close()
