"""What a dossier writes: write-ahead log, with and without whole page images, and bytes by table."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench.figures import Figure, cost
from bench.site import Site
from ehr_sync.runtime.postgres_place import installation_for, owner_needed

MOST_BEYOND_ARCHIVE = 4096  # bytes a dossier
MOST_ARCHIVE = 0.3  # of the bytes received
_SIZES = "SELECT pg_table_size(%(t)s::regclass), pg_indexes_size(%(t)s::regclass)"
# What one dossier of a known person adds: a row in each, by the time its push has been delivered.
_ROWS_OF_A_DOSSIER = ("submission", "piece", "record", "record_version", "book_entry", "delivery", "audit_event")
_ARCHIVE = """
SELECT (SELECT sum(octet_length(body)) FROM piece JOIN submission USING (submission_id) WHERE received_at >= %(t)s)
     + (SELECT sum(octet_length(skeleton)) FROM submission WHERE received_at >= %(t)s)
"""
_KINDS = 8  # of log records told
_COUNTED = r"\s+(\d+) \([ \d.]+\)\s+(\d+) \([ \d.]+\)\s+(\d+) \([ \d.]+\)\s+(\d+) \([ \d.]+\)$"
_KIND = re.compile(r"^(\S+)" + _COUNTED, re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Written:
    """Of some dossiers: bytes received, bytes of the archive (sealed pieces and skeletons), and of the log."""

    dossiers: int
    received: int
    archive: int
    log_records: int
    log_images: int
    log_kinds: Mapping[str, int]  # bytes of records by their kind


@dataclass(slots=True)
class Reading:
    """Filled when its block is left."""

    found: Written | None = field(default=None)

    def result(self) -> Written:
        """What was written within the block."""
        assert self.found is not None
        return self.found


@contextmanager
def reading(site: Site, bodies: Sequence[bytes]) -> Iterator[Reading]:
    """Measures what the block writes, in which these bodies, of one dossier each, are posted."""
    told = Reading()
    with psycopg.connect(site.database.dsn, autocommit=True) as connection:
        since = _one(connection, "SELECT clock_timestamp()")
        start = _one(connection, "SELECT pg_current_wal_flush_lsn()")
        yield told
        end = _one(connection, "SELECT pg_current_wal_flush_lsn()")
        archive = connection.execute(_ARCHIVE, {"t": since}).fetchone()
    assert archive
    told.found = Written(len(bodies), sum(map(len, bodies)), int(archive[0]), *_log(site, str(start), str(end)))


def by_table(site: Site) -> dict[str, tuple[float, float]]:
    """Bytes of a row of each table (with what is kept out of line), and of its entries in indexes.

    Of all rows that are there, not of those just written: PostgreSQL makes a table longer by many pages at a time.
    """
    with psycopg.connect(site.database.dsn) as connection:
        return {name: _row_size(connection, name) for name in _ROWS_OF_A_DOSSIER}


def _row_size(connection: psycopg.Connection[Any], name: str) -> tuple[float, float]:
    rows = _one(connection, f"SELECT count(*) FROM {name}")  # noqa: S608 - of our own names
    sizes = connection.execute(_SIZES, {"t": name}).fetchone()
    assert sizes
    return sizes[0] / rows, sizes[1] / rows


def figures_of(
    written: Sequence[Written], rows: Mapping[str, tuple[float, float]]
) -> tuple[tuple[Figure, ...], tuple[str, ...]]:
    """The figures, a dossier each, and a table by table; `rows` as `by_table` gives them."""
    count = sum(w.dossiers for w in written)
    received, archive = (sum(getattr(w, name) for w in written) / count for name in ("received", "archive"))
    records, images = (sum(getattr(w, name) for w in written) / count for name in ("log_records", "log_images"))
    disk = sum(map(sum, rows.values()))
    most = MOST_BEYOND_ARCHIVE
    figures = (
        cost("archive: share of the bytes received", archive / received, "", most=MOST_ARCHIVE),
        cost("disk a dossier beyond the archive", disk - archive, "bytes", most=most),
        cost("log a dossier beyond the archive, without page images", records - archive, "bytes", most=most),
        cost("log a dossier, page images after a checkpoint", images, "bytes"),
    )
    return figures, (
        f"a dossier: {received:.0f} bytes received, {archive:.0f} of archive (sealed pieces and skeletons),"
        f" {disk:.0f} on disk in all, {records:.0f} of log records, {images:.0f} of page images; ingest and push"
        " together",
        f"{'bytes a row':<16} {'table':>8} {'indexes':>8}",
        *(f"{name:<16} {table:8.0f} {indexes:8.0f}" for name, (table, indexes) in rows.items()),
        f"log records, bytes a dossier by kind: {_kinds(written, count)}",
    )


def _kinds(written: Sequence[Written], count: int) -> str:
    summed: Counter[str] = Counter()
    for one in written:
        summed.update(one.log_kinds)
    return ", ".join(f"{kind} {size / count:.0f}" for kind, size in summed.most_common(_KINDS))


def _log(site: Site, start: str, end: str) -> tuple[int, int, dict[str, int]]:
    """Bytes of records and of whole page images between two places of the log, and of records by their kind; by
    PostgreSQL's own pg_waldump.
    """
    program = installation_for(owner_needed()) / "bin" / "pg_waldump"
    place = site.database.home.resolve() / "data" / "pg_wal"
    command = [str(program), "--stats=record", "--start", start, "--end", end, "--path", str(place)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    kinds = {kind: (int(records), int(images)) for kind, _, records, images, _ in _KIND.findall(told)}
    assert kinds, "pg_waldump tells the kinds of records"
    records, images = (sum(column) for column in zip(*kinds.values(), strict=True))
    return records, images, {kind: own for kind, (own, _) in kinds.items()}


def _one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row
    return row[0]
