"""Each database keeps a check value of each key, from which no key can be found: is the key file this one's?"""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.core.keys import ServiceKeys
from ehr_sync.store.sealing import mark


def check_values(keys: ServiceKeys) -> Mapping[str, bytes]:
    """A check value of each key by its name; `signing` by its public half, which is no secret."""
    secret = {"root": keys.root, "index": keys.index, "id": keys.id, "content": keys.content, "audit": keys.audit}
    public = json.dumps({name: keys.signing.get(name) for name in ("kty", "crv", "x", "y")}, sort_keys=True)
    values = {name: mark(key, b"key check", name.encode()) for name, key in secret.items()}
    return values | {"signing": mark(b"", b"key check", public.encode())}


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
    """Keep the check value of the signing key as it is now: the one key that may be replaced."""
    row = {"name": "signing", "value": check_values(keys)["signing"]}
    kept = upsert(table).values(row)
    connection.execute(kept.on_conflict_do_update(index_elements=["name"], set_={"value": row["value"]}))
