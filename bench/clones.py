"""Fills a site with people by COPY: a few hundred real ones, spread among clones of them.

A clone has the real rows with fresh ids in them: as many bytes in the same places of the same indexes, but nobody can
open them. The real people keep their rows to the byte, so that the service works on them; they lie at random places.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg

from bench.site import SENDERS, Site
from ehr_sync.sandbox.city.clients import client_id
from ehr_sync.store import edge_survey, edges
from ehr_sync.store.edges import Key

# Each with what of a person to take. All ids in them are 16 bytes that occur nowhere else, so that they can be
# exchanged in the rows as they come out of COPY.
_OF_A_PERSON = {
    "submission": "submission_id IN (SELECT submission_id FROM record_version WHERE person_id = '{0}')",
    "piece": "person_id = '{0}'",
    "person": "person_id = '{0}'",
    "identifier": "person_id = '{0}'",
    "claim": "person_id = '{0}'",
    "record": "person_id = '{0}'",
    "record_version": "person_id = '{0}'",
    "book_entry": "person_id = '{0}'",
    "lane": "person_id = '{0}'",
    "delivery": "person_id = '{0}'",
    "audit_event": "person_id = '{0}'",
}
_IDS = """
SELECT c.person_id, v.record_id, v.submission_id, c.claim_id, c.number_mark
FROM claim c JOIN record_version v USING (claim_id)
"""
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_CHUNK = 10_000
_FIRST_NUMBER = 6  # where the first column's eight bytes start: after the count of columns and its own length


@dataclass(frozen=True, slots=True)
class RealPerson:
    """A person whom the service made: its ids, and its rows by table as COPY writes them."""

    person_id: UUID
    ids: tuple[bytes, ...] = field(repr=False)
    rows: dict[str, list[bytes]] = field(repr=False)
    key_row: bytes = field(repr=False)


def take_out(site: Site) -> list[RealPerson]:
    """Everybody in the site, who must have one record each; the tables are empty afterwards."""
    with _main(site) as connection, _keys(site) as keys:
        found = [_real(connection, keys, row) for row in connection.execute(_IDS, binary=True).fetchall()]
        # The register's players go with its lane, or they would seem to be known of a lane that told nobody.
        connection.execute(f"TRUNCATE {', '.join(_OF_A_PERSON)}, player")
        keys.execute("TRUNCATE person_key")
    return found


def fill(site: Site, real: list[RealPerson], people: int, seed: int) -> None:
    """Bring the site to so many people, `real` among them; ends with VACUUM, ANALYZE and a checkpoint."""
    draw = Random(seed)
    places = dict(zip(draw.sample(range(people), len(real)), real, strict=True))
    audit_number = 0
    for start in range(0, people, _CHUNK):
        crowd = [_Someone(draw.choice(real), places.get(n)) for n in range(start, min(start + _CHUNK, people))]
        with _keys(site) as keys:
            _copy(keys, "person_key", (one.key_row() for one in crowd))
        with _main(site) as connection:
            for table in _OF_A_PERSON:
                rows = [row for one in crowd for row in one.rows(table)]
                if table == "audit_event":
                    rows = [_numbered(row, audit_number + n) for n, row in enumerate(rows, 1)]
                    audit_number += len(rows)
                _copy(connection, table, rows)
    with _main(site) as connection:
        connection.execute("UPDATE audit_head SET n = %s", (audit_number,))
    _seal(site, real)
    for database in ("ehr_sync", "ehr_sync_keys"):
        site.database.psql("VACUUM ANALYZE;", database)
    site.checkpoint()


def _seal(site: Site, real: list[RealPerson]) -> None:
    """Let the log know again of whom the service will work on: its entries about them went with `take_out`."""
    stores = site.service.stores
    keys: dict[str, list[Key]] = {
        "client": [client_id(code) for code in SENDERS],
        "person": [one.person_id for one in real],
        "claim": [one.ids[3] for one in real],
        "identifier": [one.ids[4] for one in real],
    }
    with stores.database.begin() as connection:
        rows = [row for table, mine in keys.items() for row in edge_survey.locked(connection, table, mine)]
        edges.write(connection, stores.keys, [row.edge for row in rows])


class _Someone:
    """A clone of `model`, or a real person."""

    def __init__(self, model: RealPerson, real: RealPerson | None) -> None:
        self._model = real or model
        fresh = os.urandom(16 * (len(model.ids) - 1))
        changed = [uuid4().bytes, *(fresh[n : n + 16] for n in range(0, len(fresh), 16))]
        self._changes = [] if real else list(zip(model.ids, changed, strict=True))

    def rows(self, table: str) -> Iterator[bytes]:
        return map(self._changed, self._model.rows[table])

    def key_row(self) -> bytes:
        return self._changed(self._model.key_row)

    def _changed(self, row: bytes) -> bytes:
        for old, new in self._changes:
            row = row.replace(old, new)
        return row


def _numbered(row: bytes, number: int) -> bytes:
    return row[:_FIRST_NUMBER] + number.to_bytes(8, "big") + row[_FIRST_NUMBER + 8 :]


def _real(connection: psycopg.Connection[Any], keys: psycopg.Connection[Any], row: tuple[Any, ...]) -> RealPerson:
    person_id: UUID = row[0]
    rows = {table: _out(connection, table, where.format(person_id)) for table, where in _OF_A_PERSON.items()}
    (key_row,) = _out(keys, "person_key", f"person_id = '{person_id}'")
    return RealPerson(person_id, (person_id.bytes, *map(bytes, row[1:])), rows, key_row)


def _out(connection: psycopg.Connection[Any], table: str, where: str) -> list[bytes]:
    query = f"SELECT * FROM {table} WHERE {where}"  # noqa: S608 - of our own names
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
        lines = [bytes(line) for line in copy]
    # One message a row; the first has the head before it, the last is the end.
    return [line.removeprefix(_HEAD) for line in lines if line not in {_END, _HEAD + _END}]


def _copy(connection: psycopg.Connection[Any], table: str, rows: Iterable[bytes]) -> None:
    with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"".join([_HEAD, *rows, _END]))


def _main(site: Site) -> psycopg.Connection[Any]:
    return psycopg.connect(site.database.dsn)


def _keys(site: Site) -> psycopg.Connection[Any]:
    return psycopg.connect(site.database.key_dsn)
