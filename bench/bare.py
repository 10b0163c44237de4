"""The floor of reading a book: python -m bench.bare, an HTTP server that reads a person's rows, opens them, joins the
lines and sends them, and does nothing else: no routes, no token, no audit, no Bundle.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any
from uuid import UUID

import psycopg

from ehr_sync.bootstrap import open_service
from ehr_sync.settings import from_environment
from ehr_sync.store.packing import unpack
from ehr_sync.store.records import unwrap
from ehr_sync.store.sealing import place, unseal

_ROWS = "SELECT record_id, version, wrapped_key, body FROM record_version WHERE person_id = %b"


def main() -> None:
    """Serve one connection after the other until killed. Reads a list of ids of people and prints its port; asked for
    /{person id}/{bytes}, it sends so many.
    """
    people = [UUID(person) for person in json.loads(sys.stdin.readline())]
    settings = from_environment()
    service = open_service(settings)
    keys = service.stores.key_store.keys(people)
    database = psycopg.connect(settings.dsn, autocommit=True, prepare_threshold=0)
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    while True:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            while line := lines.readline():
                _, asked, size = line.split()[1].decode().split("/")
                person = UUID(asked)
                while lines.readline().strip():
                    pass
                _answer(connection, _everything(database, person, keys[person]), int(size))


def _everything(database: psycopg.Connection[Any], person: UUID, key: bytes) -> bytes:
    cursor = database.execute(_ROWS, (person,), binary=True)
    return b",".join(_open(key, person, *row) for row in cursor)


def _open(key: bytes, person: UUID, record_id: bytes, version: int, wrapped: bytes, body: bytes) -> bytes:
    where = place("record_version", "body", record_id, version)
    return unpack(unseal(unwrap(key, person, wrapped, where), body, where))


def _answer(connection: socket.socket, body: bytes, size: int) -> None:
    # The service's answer is longer, by each resource's meta and fullUrl: as many bytes are sent here.
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nContent-Type: application/fhir+json\r\n\r\n"
    connection.sendall(head.encode() + body.ljust(size)[:size])


if __name__ == "__main__":
    main()
