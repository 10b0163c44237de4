"""What an operator does on this machine is an entry in the audit log, in the transaction that does it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection

from ehr_sync.store import audit
from ehr_sync.store.audit import AuditEntry
from ehr_sync.usecases.stores import Stores

UNTRACED: Final[Mapping[str, str]] = {
    "audit verify": "it reads the log itself, and tells numbers of entries and no entry",
    "app list": "which apps an operator registered, of nobody's data",
    "check": "files of whoever asks, looked at without any service",
    "client list": "whom an operator registered: systems, of nobody's data",
    "facility list": "places, of nobody's data",
    "destination list": "how books stand, of nobody's data",
    "edges seal": "what it changes is an entry of its own; where every row fits it changes nothing",
    "edges verify": "rows that do not fit, by keyed hashes; no number and no person",
    "status": "counts, of nobody's data",
    "staff list": "who works where, by short hashes; no number and no name",
    "terminology list": "editions of the ministry's code lists, of nobody",
    "terminology show": "what a code list says of a code, of nobody",
    "lockout list": "facilities and counts; no number and no person",
    "identity compare-names": "names of whoever asks, compared without any service and forgotten",
    "keys create": "there is no database yet that knows the key",
    "keys complete": "no database knows yet of the key that it adds",
    "migrate": "before it there may be no log; it is noted in the database's own table of revisions",
    "scheduler": "what it does with anybody's data is an entry of its own each time",
    "demo": "an invented city on this machine",
    "sandbox": "an invented city on this machine",
}
"""Commands, and groups of them, that leave no entry, with the reason. Every other leaves one when it does something."""


def by() -> str:
    """Who types, as use cases are told: they note a keyed hash of it."""
    return f"cli-{getpass.getuser()}"


@contextmanager
def noted(stores: Stores, action: str, **detail: object) -> Iterator[Connection]:
    """One transaction on the main database with its entry; what fails leaves neither. `detail` are our own codes."""
    with stores.database.begin() as connection:
        yield connection
        told = " ".join(f"{name}={value}" for name, value in detail.items() if value is not None)
        audit.write(connection, stores.keys.audit, [AuditEntry(f"ops:{stores.alias_of(by())}", action, None, told)])
