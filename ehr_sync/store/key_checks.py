"""Each database keeps a check value of each key, from which no key can be found: is the key file this one's?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.keys import ServiceKeys
from ehr_sync.store.sealing import mark

SIGNING: Final = frozenset({"signing", "id_tokens"})
"""The keys that may be replaced: nothing that is kept hangs from them."""


def check_values(keys: ServiceKeys) -> Mapping[str, bytes]:
    """A check value of each key by its name; of one with two halves, by the public one, which is no secret."""
    secret = {"root": keys.root, "index": keys.index, "id": keys.id, "content": keys.content, "audit": keys.audit}
    values = {name: mark(key, b"key check", name.encode()) for name, key in secret.items()}
    signing = _public(keys.signing, "kty", "crv", "x", "y")
    restricted = _public(keys.restricted, "kty", "crv", "x", "y")
    id_tokens = _public(keys.id_tokens, "kty", "n", "e")
    return values | {"signing": signing, "id_tokens": id_tokens, "restricted": restricted}


def foreign_keys(connection: Connection, table: Table, keys: ServiceKeys) -> list[str]:
    """The names of the keys that are not those of which this database keeps check values."""
    given = check_values(keys)
    known = {row.name: row.value for row in connection.execute(select(table))}
    return sorted(name for name, value in given.items() if known.get(name, value) != value)


def keep(connection: Connection, table: Table, keys: ServiceKeys) -> None:
    """Keep a check value of each key of which this database has none, as at the first start."""
    rows = [{"name": name, "value": value} for name, value in check_values(keys).items()]
    connection.execute(upsert(table).values(rows).on_conflict_do_nothing())


def accept_signing(connection: Connection, table: Table, keys: ServiceKeys) -> None:
    """Keep the check values of the keys that sign as they are now."""
    rows = [{"name": name, "value": value} for name, value in check_values(keys).items() if name in SIGNING]
    kept = upsert(table).values(rows)
    connection.execute(kept.on_conflict_do_update(index_elements=["name"], set_={"value": kept.excluded.value}))


def _public(jwk: Mapping[str, Any], *names: str) -> bytes:
    said = json.dumps({name: jwk.get(name) for name in names}, sort_keys=True)
    return mark(b"", b"key check", said.encode())
