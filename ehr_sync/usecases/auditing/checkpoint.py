"""Checkpoints of the audit log: its head, noted in the key store, and signed for a second place (P10).

The signature is the service's own (ES256), so that an outsider with its public key can tell that a checkpoint is the
service's and was not changed: https://www.rfc-editor.org/rfc/rfc7515
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from ehr_sync.core.clock import Stopwatch
from ehr_sync.store import audit
from ehr_sync.usecases.stores import Stores

ALGORITHM: Final = "ES256"
TYPE: Final = "audit-checkpoint+jws"  # no token of ours passes as a checkpoint, and no checkpoint as a token
EVERY: Final = timedelta(minutes=1)

Copy = Callable[[str], None]
"""Takes a signed checkpoint to the second place. Raises Unavailable where that is away."""


class NotSigned(Exception):
    """A text is no checkpoint that this service has signed."""


def checkpointing(
    *, stores: Stores, entries: int, copy: Copy | None, stopwatch: Stopwatch, every: timedelta = EVERY
) -> Callable[[], bool]:
    """What is to be called every second: it notes the head where `entries` came since the one noted last, or any came
    and `every` has passed. Returns whether it did. For one thread.
    """
    noted_n, noted_at = 0, -every.total_seconds()

    def checkpoint() -> bool:
        nonlocal noted_n, noted_at
        with stores.database.begin() as connection:
            n, mac = audit.head(connection)
        due = n - noted_n >= entries or stopwatch() - noted_at >= every.total_seconds()
        if n == noted_n or not due:
            return False
        stores.key_store.note_audit_head((n, mac))
        # Before the copy: a place that is away is tried again with the next checkpoint, not each second.
        noted_n, noted_at = n, stopwatch()
        if copy is not None:
            copy(signed(n, mac, at=stores.key_store.now(), signing=stores.keys.signing))
        return True

    return checkpoint


def signed(n: int, mac: bytes, *, at: datetime, signing: dict[str, Any]) -> str:
    """The head (n, mac) as a compact JWS: {"n", "mac" in hex, "at"}. It tells nothing of any entry."""
    key = ECKey.import_key(signing)
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": TYPE}
    payload = {"n": n, "mac": mac.hex(), "at": at.isoformat(timespec="seconds")}
    return jws.serialize_compact(header, json.dumps(payload), key, algorithms=[ALGORITHM])


def read_signed(text: str, keys: KeySet) -> tuple[int, bytes]:
    """The head in a signed checkpoint. Raises NotSigned where none of the keys has signed it."""
    try:
        read = jws.deserialize_compact(text, keys, algorithms=[ALGORITHM])
        if read.headers().get("typ") != TYPE:
            raise NotSigned
        payload = json.loads(read.payload)
        return int(payload["n"]), bytes.fromhex(payload["mac"])
    except (JoseError, ValueError, KeyError, TypeError):
        raise NotSigned from None
