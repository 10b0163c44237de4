"""Map kept dossiers anew from their archived bytes: what was kept before a table, a rule or a code was known.

A remap is no version of the sender's. Each version that stands is mapped with nothing locked, then locked, looked at
again and written (`remap_version`): ended at any point and begun again it ends the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from ehr_sync.core.codes import transaction_code
from ehr_sync.core.errors import Unavailable
from ehr_sync.store import audit, records, remaps
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.remaps import Reach
from ehr_sync.usecases.intake.remap_version import Fate, Job, Moved, Outcome, Report, map_anew, standing_versions
from ehr_sync.usecases.stores import Stores
from mappings.model import Uris
from mappings.sources.edition import mapping

_AT_A_TIME = 200
_ATTEMPTS = 20


def order_remap(reach: Reach, *, by: str, dry_run: bool, stores: Stores) -> int:
    """Note in the audit log who goes over what; returns how many records are within reach."""
    actor = f"ops:{stores.alias_of(by)}"
    action = "plan remap" if dry_run else "order remap"
    with stores.database.begin() as connection:
        audit.write(connection, stores.keys.audit, [AuditEntry(actor, action, None, f"{mapping()} {reach.told()}")])
        return remaps.count(connection, reach)


def remap(reach: Reach, *, dry_run: bool, stores: Stores, uris: Uris, report: Report) -> Iterator[tuple[Outcome, ...]]:
    """Go over the records within reach, one a step; each step says what became of its standing versions.

    A `dry_run` changes nothing. Raises Unavailable where a database is away: begun again, it goes on.
    """
    job, after = Job(reach, dry_run, stores, uris, report), b""
    while True:
        with stores.database.reading() as connection:
            ids = remaps.some_records(connection, reach, after, _AT_A_TIME)
        for record_id in ids:
            yield _record(record_id, job)
        if len(ids) < _AT_A_TIME:
            return
        after = ids[-1]


def _record(record_id: bytes, job: Job) -> tuple[Outcome, ...]:
    done: dict[int, Outcome] = {}
    for _ in range(_ATTEMPTS):
        try:
            for version, outcome in _versions(record_id, job):
                done.setdefault(version, outcome)
        except Moved:
            continue
        return tuple(done.values())
    raise Unavailable("database.busy")


def _versions(record_id: bytes, job: Job) -> Iterator[tuple[int, Outcome]]:
    with job.stores.database.reading() as connection:
        record = records.records(connection, [record_id]).get(record_id)
        heads = {h.version: h for h in records.version_heads(connection, [record]).get(record_id, ())} if record else {}
        standing = standing_versions(connection, job.stores.keys.edges, record, heads) if record else ()
    if record is None or not heads:
        return  # erased meanwhile
    newest = heads.get(record.newest)
    if newest is None or newest.state != "ready":
        fate = Fate.WAITING if newest is None else Fate.VISIT_OPEN
        yield record.newest, Outcome(transaction_code(record_id, record.newest or record.versions), fate)
    for each in standing:
        yield each.head.version, map_anew(each, job)
