"""The audit log: one chain, each entry's MAC over the one before it, so that no entry can be changed, taken out or
put in by somebody without the audit key (P10). The head row is the lock that makes it one chain; checkpoints of the
head go to the key store, so that a shortened log is seen too.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Connection, DateTime, Text, bindparam, func, insert, select, true, update
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.dialects.postgresql import UUID as SqlUuid
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.anchor import MAC_BYTES, Anchor
from ehr_sync.store.database import anchor_on_commit
from ehr_sync.store.statement import Statement, rows_of
from ehr_sync.store.tables import audit_event, audit_head

_CHAIN = 1
_GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to whose data. All three texts are codes and our own ids: they hold no personal value."""

    actor: str  # "client:…", "citizen:…", "ops:…", "service"
    action: str  # "read", "search", "everything", "push", "verify", "refused", …
    person_id: UUID | None = None
    detail: str = ""


def write(connection: Connection, audit_key: bytes, entries: Sequence[AuditEntry]) -> int:
    """Append the entries. They are part of the caller's transaction, which must commit before anybody answers.

    Returns the number of the first; 0 where there is none.
    """
    if not entries:
        return 0
    n, mac, at = _lock_head(connection)
    first, macs = n + 1, []
    for n, entry in enumerate(entries, first):
        mac = _mac(audit_key, mac, n, at, entry)
        macs.append(mac)
    _APPEND.run(
        connection,
        ns=list(range(first, n + 1)),
        people=[entry.person_id for entry in entries],
        actors=[entry.actor for entry in entries],
        actions=[entry.action for entry in entries],
        details=[entry.detail for entry in entries],
        macs=macs,
        at=at,
        last=n,
        last_mac=mac,
    )
    anchor_on_commit(connection, Anchor(n, mac[:MAC_BYTES]))
    return first


def _lock_head(connection: Connection) -> tuple[int, bytes, datetime]:
    head = _HEAD.row(connection)
    if head is None:
        connection.execute(upsert(audit_head).values(chain=_CHAIN, n=0, mac=_GENESIS).on_conflict_do_nothing())
        head = _HEAD.row(connection)
    return head.n, head.mac, head.at.astimezone(UTC)


_HEAD = Statement(
    select(audit_head.c.n, audit_head.c.mac, func.clock_timestamp().label("at"))
    .where(audit_head.c.chain == _CHAIN)
    .with_for_update()
)


def _append() -> Statement:
    # One round trip while everybody else waits for the head.
    new = rows_of(ns=BigInteger(), people=SqlUuid(), actors=Text(), actions=Text(), details=Text(), macs=BYTEA())
    at = bindparam("at", type_=DateTime(timezone=True))
    columns = ("n", "person_id", "actor", "action", "detail", "mac", "at")
    row = (new.ns, new.people, new.actors, new.actions, new.details, new.macs, at)
    appended = insert(audit_event).from_select(columns, select(*row)).cte("appended")
    return Statement(
        update(audit_head)
        .add_cte(appended)
        .where(audit_head.c.chain == _CHAIN)
        .values(n=bindparam("last", type_=BigInteger), mac=bindparam("last_mac", type_=BYTEA))
    )


_APPEND = _append()


def head(connection: Connection) -> tuple[int, bytes]:
    """The number and MAC of the last entry; (0, …) while there is none."""
    found = connection.execute(select(audit_head).where(audit_head.c.chain == _CHAIN)).one_or_none()
    return (found.n, found.mac) if found else (0, _GENESIS)


Marks = Mapping[str, Iterable[tuple[int, bytes]]]
"""What was told of the log elsewhere: by where it was told, entry numbers and the first bytes of their MACs."""


def faults(connection: Connection, audit_key: bytes, marks: Marks) -> Iterator[str]:
    """What is wrong with the log, one sentence each; nothing where every entry stands as it was written.

    `marks` are kept where this database's owner cannot write; each must fit the entry of its number.
    """
    told = _by_number(marks)
    last, last_mac, expected, mac = 0, _GENESIS, 1, _GENESIS
    for row in connection.execution_options(yield_per=5000).execute(_WITH_HEAD):
        last, last_mac = row.head_n, row.head_mac
        if row.n is None:
            continue  # the head alone
        if row.n < expected:
            yield f"entry {row.n} is there more than once"
            continue
        if row.n > expected:
            yield f"entries {expected} to {row.n - 1} are missing"
        entry = AuditEntry(row.actor, row.action, row.person_id, row.detail)
        if row.n == expected and row.mac != _mac(audit_key, mac, row.n, row.at.astimezone(UTC), entry):
            yield f"entry {row.n} was changed, or put in"
        for start, where in sorted(told.pop(row.n, ())):
            if not row.mac.startswith(start):
                yield f"entry {row.n} differs from what {where} says"
        expected, mac = row.n + 1, row.mac
    if not last and connection.execute(select(audit_event.c.n).limit(1)).first():
        yield "the head of the log is missing"
    if (last, last_mac) != (expected - 1, mac):
        yield f"entries after {expected - 1} are missing: the head stands at {last}"
    yield from _missing(told)


def _by_number(marks: Marks) -> dict[int, set[tuple[bytes, str]]]:
    told: dict[int, set[tuple[bytes, str]]] = {}
    for where, each in marks.items():
        for n, mac in each:
            told.setdefault(n, set()).add((mac, where))
    return told


def _missing(told: Mapping[int, Iterable[tuple[bytes, str]]]) -> Iterator[str]:
    """What the marks that fitted no entry tell, one sentence for each place that tells of them."""
    furthest: dict[str, int] = {}
    for n, each in told.items():
        for _, where in each:
            furthest[where] = max(n, furthest.get(where, 0))
    for where, n in sorted(furthest.items()):
        yield f"{where} tells of entry {n}, which is missing"


# One statement, hence one snapshot: an entry that comes meanwhile moves neither side alone.
_WITH_HEAD = (
    select(audit_event, audit_head.c.n.label("head_n"), audit_head.c.mac.label("head_mac"))
    .select_from(audit_head.outerjoin(audit_event, true()))
    .where(audit_head.c.chain == _CHAIN)
    .order_by(audit_event.c.n)
)


def first_after(connection: Connection, n: int) -> datetime | None:
    """When the first entry after the n-th was written; None where there is none."""
    first = select(audit_event.c.at).where(audit_event.c.n > n).order_by(audit_event.c.n).limit(1)
    found: datetime | None = connection.execute(first).scalar()
    return found


def _mac(key: bytes, previous: bytes, n: int, at: datetime, entry: AuditEntry) -> bytes:
    # Microseconds, as PostgreSQL keeps them: a chain over finer times never verifies again.
    words = [
        str(n),
        at.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        str(entry.person_id or ""),
        entry.actor,
        entry.action,
    ]
    message = previous + "\x1f".join([*words, entry.detail]).encode()
    return hmac.new(key, message, hashlib.sha256).digest()
