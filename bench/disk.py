"""What a dossier writes: write-ahead log, with and without whole page images, and bytes by table."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from bench.figures import Figure, cost
from bench.site import Site
from ehr_sync.postgres_place import installation_for, owner_needed

MOST_BEYOND_ARCHIVE = 4096  # bytes a dossier
MOST_ARCHIVE = 0.3  # of the bytes received
_SIZES = """
SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_ARCHIVE = """
SELECT (SELECT sum(octet_length(body)) FROM piece JOIN submission USING (submission_id) WHERE received_at >= %(t)s)
     + (SELECT sum(octet_length(skeleton)) FROM submission WHERE received_at >= %(t)s)
"""
_TOTAL = re.compile(r"^Total\s+(\d+)\s+(\d+) \[[\d.]+%\]\s+(\d+) \[", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Written:
    """Of some dossiers: bytes received, bytes of the archive (sealed pieces and skeletons), and of the log."""

    dossiers: int
    received: int
    archive: int
    log_records: int
    log_images: int


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
    records, images = _log(site, str(start), str(end))
    told.found = Written(len(bodies), sum(map(len, bodies)), int(archive[0]), records, images)


def by_table(site: Site) -> dict[str, tuple[int, int]]:
    """Bytes of each table (with what is kept out of line) and of its indexes."""
    with psycopg.connect(site.database.dsn) as connection:
        return {name: (table, indexes) for name, table, indexes in connection.execute(_SIZES)}


def figures_of(
    written: Sequence[Written],
    before: Mapping[str, tuple[int, int]],
    after: Mapping[str, tuple[int, int]],
    dossiers: int,
) -> tuple[tuple[Figure, ...], tuple[str, ...]]:
    """The figures, a dossier each, and a table by table; `dossiers` were written between `before` and `after`."""
    count = sum(w.dossiers for w in written)
    received, archive = (sum(getattr(w, name) for w in written) / count for name in ("received", "archive"))
    records, images = (sum(getattr(w, name) for w in written) / count for name in ("log_records", "log_images"))
    grown = {name: [(a - b) / dossiers for a, b in zip(after[name], before[name], strict=True)] for name in after}
    disk = sum(map(sum, grown.values()))
    figures = (
        cost("archive: share of the bytes received", archive / received, "", most=MOST_ARCHIVE),
        cost("disk a dossier beyond the archive", disk - archive, "bytes", most=MOST_BEYOND_ARCHIVE),
        cost(
            "log a dossier beyond the archive, without page images",
            records - archive,
            "bytes",
            most=MOST_BEYOND_ARCHIVE,
        ),
        cost("log a dossier, page images after a checkpoint", images, "bytes"),
    )
    lines = [f"{name:<16} {table:8.0f} {indexes:8.0f}" for name, (table, indexes) in sorted(grown.items())]
    return figures, (
        f"a dossier: {received:.0f} bytes received, {archive:.0f} of archive (sealed pieces and skeletons),"
        f" {disk:.0f} on disk in all, {records:.0f} of log records, {images:.0f} of page images; ingest and push"
        " together",
        f"{'bytes a dossier':<16} {'table':>8} {'indexes':>8}",
        *(line for line, row in zip(lines, sorted(grown.items()), strict=True) if any(row[1])),
    )


def _log(site: Site, start: str, end: str) -> tuple[int, int]:
    """Bytes of records and of whole page images between two places of the log, by PostgreSQL's own pg_waldump."""
    if start == end:
        return 0, 0
    program = installation_for(owner_needed()) / "bin" / "pg_waldump"
    place = site.database.home.resolve() / "data" / "pg_wal"
    command = [str(program), "--stats", "--start", start, "--end", end, "--path", str(place)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    total = _TOTAL.search(told)
    assert total, "pg_waldump ends with a total"
    return int(total[2]), int(total[3])


def _one(connection: psycopg.Connection[tuple[object]], query: str) -> object:
    row = connection.execute(query).fetchone()
    assert row
    return row[0]
