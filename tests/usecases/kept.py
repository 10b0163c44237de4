"""What can be read of what was sent, by whoever holds both databases and every key that is left."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterator
from typing import Any

from ehr_sync.store import identity_claims, submissions
from ehr_sync.store.packing import unpack
from ehr_sync.store.submissions import SubmissionRow
from ehr_sync.usecases.intake import skeleton
from mappings.formats import archive
from tests.usecases.service import Running


def joined(running: Running) -> bytes:
    """The newest submission, put together from what is kept."""
    [*_, newest] = _submissions(running)
    with running.stores.database.begin() as connection:
        encoded = submissions.skeleton_of(connection, newest.key)
    return skeleton.join(encoded, {ordinal: piece for (_, ordinal), piece in pieces(running, newest).items()})


def pieces(running: Running, *of: SubmissionRow) -> dict[tuple[bytes, int], bytes]:
    """Every piece that can be opened, as it came."""
    return {key: archive.unpack(packed) for key, packed in _packed(running, *of).items()}


def readable(running: Running) -> bytes:
    """All that can be opened: pieces, what stands between them, answers and claims, with whatever is written in base64
    inside of them, at any depth.
    """
    opened = [*_packed(running).values(), *_texts(running), *_claims(running)]
    return b"\n".join(layer for content in opened for layer in _layers(content))


def _submissions(running: Running) -> list[SubmissionRow]:
    stores = running.stores
    ids = [row.submission_id for row in running.rows("SELECT submission_id FROM submission ORDER BY received_at")]
    with stores.database.begin() as connection:
        found = [submissions.submission_of(connection, stores.key_store, id_) for id_ in ids]
    return [row for row in found if row is not None]


def _packed(running: Running, *of: SubmissionRow) -> dict[tuple[bytes, int], bytes]:
    """The pieces that somebody's key opens, without zstd: tables stand in them in the clear."""
    stores, ids = running.stores, {row.key.submission_id for row in of}
    with stores.database.begin() as connection:
        found = submissions.pieces(connection, [key for key in _places(running) if not ids or key[0] in ids])
    keys = stores.key_store.keys(p.person_id for p in found)
    return {
        (p.submission_id, p.ordinal): unpack(submissions.open_piece(p, keys[p.person_id]))
        for p in found
        if p.person_id in keys
    }


def _places(running: Running) -> list[tuple[bytes, int]]:
    rows = running.rows("SELECT submission_id, ordinal FROM piece ORDER BY submission_id, ordinal")
    return [(bytes(row.submission_id), row.ordinal) for row in rows]


def _texts(running: Running) -> Iterator[bytes]:
    with running.stores.database.begin() as connection:
        for row in _submissions(running):
            yield row.answer or b""
            yield from _strings(json.loads(submissions.skeleton_of(connection, row.key)))


def _strings(value: Any) -> Iterator[bytes]:
    if isinstance(value, str):
        yield value.encode("latin-1")
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _claims(running: Running) -> Iterator[bytes]:
    rows = running.rows("SELECT person_id, claim_id, facts FROM claim")
    keys = running.stores.key_store.keys(row.person_id for row in rows)
    for person_id, claim_id, facts in rows:
        if person_id in keys:
            claim = identity_claims.open_facts(keys[person_id], person_id, bytes(claim_id), bytes(facts))
            yield f"{claim.number} {claim.name}".encode()


_BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}")
_ESCAPES = re.compile(rb"\\[nr]|[ \t\r\n]|\\(?=/)")


def _layers(content: bytes) -> Iterator[bytes]:
    yield content
    for run in _BASE64.findall(_ESCAPES.sub(b"", content)):
        yield from _layers(binascii.a2b_base64(run[: len(run) // 4 * 4]))
