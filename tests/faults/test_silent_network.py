"""A network that swallows everything: nobody waits for a dead host for the two hours that systems default to."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from sqlalchemy.engine.interfaces import DBAPIConnection

from ehr_sync.runtime import embedded_postgres
from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.store.database import Database
from tests.databases import database_folder

pytestmark = pytest.mark.faults

_PATIENCE_SECONDS = 30


@pytest.fixture
def by_tcp() -> Iterator[EmbeddedPostgres]:
    """A server that is reached over TCP, as in production."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with database_folder() as folder:
        server = embedded_postgres.start(folder / "postgres", port=port, options={"max_wal_size": "64MB"})
        yield server
        server.stop("immediate")


def over_tcp(dsn: str) -> str:
    address, _, query = dsn.partition("?host=")
    return f"{address}?host=127.0.0.1&port={query.rpartition('port=')[2]}"


def test_a_session_gives_a_silent_host_up_within_half_a_minute(by_tcp: EmbeddedPostgres) -> None:
    database = Database(over_tcp(by_tcp.dsn), connections=1)
    with database.begin() as connection:
        session: DBAPIConnection = connection.connection.dbapi_connection  # type: ignore[assignment]  # it is open
        with socket.socket(fileno=session.fileno()) as wire:
            idle, every, times, unanswered = (
                wire.getsockopt(socket.IPPROTO_TCP, option)
                for option in (
                    socket.TCP_KEEPIDLE,
                    socket.TCP_KEEPINTVL,
                    socket.TCP_KEEPCNT,
                    socket.TCP_USER_TIMEOUT,
                )
            )
            wire.detach()
    database.close()

    assert idle + every * times <= _PATIENCE_SECONDS
    assert 0 < unanswered <= _PATIENCE_SECONDS * 1000
