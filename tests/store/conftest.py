"""The two databases, opened and migrated, for one test each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ehr_sync.store.database import Database
from ehr_sync.store.key_store import KeyStore
from tests.databases import Dsns

ROOT = bytes(range(32))


@pytest.fixture
def database(dsns: Dsns) -> Iterator[Database]:
    """The main database."""
    opened = Database(dsns.main)
    yield opened
    opened.close()


@pytest.fixture
def key_database(dsns: Dsns) -> Iterator[Database]:
    """The key store's database."""
    opened = Database(dsns.keys, connections=5)
    yield opened
    opened.close()


@pytest.fixture
def key_store(key_database: Database) -> KeyStore:
    """The key store on it."""
    return KeyStore(key_database, ROOT)
