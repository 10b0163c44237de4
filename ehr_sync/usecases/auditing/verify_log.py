"""Does the audit log stand as it was written? Everything that is told of it elsewhere is compared with it (P10)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from joserfc.jwk import KeySet

from ehr_sync.store import audit, readiness
from ehr_sync.store.database import Database
from ehr_sync.usecases.auditing.checkpoint import NotSigned, read_signed
from ehr_sync.usecases.stores import Stores

STALE: Final = timedelta(minutes=5)
"""An entry that no checkpoint covers is at most so old where a scheduler runs: it notes the head each minute."""

_ANCHOR: Final = re.compile(r"([0-9]{1,15}):([0-9a-f]{16})")
# A compact JWS; syslog writes its own words before it.
_JWS: Final = re.compile(r"[\w-]{20,}\.[\w-]+\.[\w-]+")

Lines = Mapping[str, Iterable[str]]
"""The lines of files, by the names that they are told by."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found. Where there are no `faults`, all `entries` stand, and fit everything that is told of them."""

    entries: int
    checkpoints: int
    anchors: int
    faults: Sequence[str]


def verify_log(*, stores: Stores, key_database: Database, logs: Lines, copies: Lines, keys: KeySet) -> Verified:
    """Compare the log with its own MACs, with the checkpoints in the key store, with the anchors in the service's JSON
    `logs`, and with signed checkpoints in `copies`, of which one of `keys` must have signed each.

    What was told is read first: an entry that comes meanwhile is in the database, and nowhere missing.
    """
    noted = stores.key_store.audit_heads()
    anchors = {f"the log {name}": list(_anchors(lines)) for name, lines in logs.items()}
    signed, unsigned = _signed(copies, keys)
    now = stores.key_store.now()
    with key_database.begin() as connection:
        faults = [f"in the key store: {each}" for each in readiness.strangers(connection, "keys")]
    with stores.database.begin() as connection:
        faults += [f"in the main database: {each}" for each in readiness.strangers(connection, "main")]
        entries, _ = audit.head(connection)
        faults += audit.faults(
            connection, stores.keys.audit, {"a checkpoint": list(noted.items()), **anchors, **signed}
        )
        uncovered = audit.first_after(connection, max(noted, default=0))
    if uncovered is not None and now - uncovered > STALE:
        faults.append(f"no checkpoint covers the entries since {uncovered:%Y-%m-%dT%H:%M:%SZ}: does a scheduler run?")
    told = sum(map(len, signed.values()))
    return Verified(entries, len(noted) + told, sum(map(len, anchors.values())), [*faults, *unsigned])


def _anchors(lines: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    """The anchors of a JSON log; lines that are none, such as another program's, are passed over."""
    for line in lines:
        if '"audit"' not in line:
            continue
        try:
            told = json.loads(line)
        except ValueError:
            continue
        found = _ANCHOR.fullmatch(str(told.get("audit"))) if isinstance(told, dict) else None
        if found:
            yield int(found[1]), bytes.fromhex(found[2])


def _signed(copies: Lines, keys: KeySet) -> tuple[dict[str, list[tuple[int, bytes]]], list[str]]:
    signed: dict[str, list[tuple[int, bytes]]] = {}
    faults = []
    for name, lines in copies.items():
        heads = signed[f"the copy {name}"] = []
        for number, line in enumerate(lines, 1):
            found = _JWS.search(line)
            try:
                heads += [read_signed(found[0], keys)] if found else []
            except NotSigned:
                faults.append(f"line {number} of the copy {name} is not signed by this service")
                continue
            if line.strip() and not found:
                faults.append(f"line {number} of the copy {name} is no checkpoint")
    return signed, faults
