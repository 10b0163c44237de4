"""One push to the sandbox's health book: whom it is about, how the book behaves for them, what is journalled.

The journal tells and judges nothing: where the watermark stood and where it stands now are both in it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from ehr_sync.sandbox.book import versions as book_versions
from ehr_sync.sandbox.book.fhir_answers import FHIR, outcome, said
from ehr_sync.sandbox.book.transaction import Change, Declined, Done, carry_out, read_changes
from ehr_sync.sandbox.city.population import book_behaviour
from ehr_sync.sandbox.serving.exchange import Answer, Request
from ehr_sync.sandbox.serving.storage import Storage, count, note

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS answer (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
"""
FAILS_FIRST: Final = 3  # "throttled" and "unavailable": so many pushes, then all is well
_SLOW_SECONDS: Final = 2.0
_DRIP_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Push:
    """A push as it came, and whom it is about: patient ids named in it, the number of the first known one."""

    request: Request
    changes: Sequence[Change]
    patients: Sequence[str]
    number: str = field(repr=False)

    @property
    def key(self) -> str:
        """The Idempotency-Key; "" where none was sent."""
        return self.request.headers.get("idempotency-key", "")

    @property
    def facts(self) -> dict[str, Any]:
        """What the journal says of it, whatever comes of it."""
        return {
            "kind": "push",
            "idempotency_key": self.key,
            "sha256": hashlib.sha256(self.request.body).hexdigest(),
            "number": self.number,
            "patients": list(self.patients),
            "fate": self.request.fate,
        }


def take(request: Request, storage: Storage) -> Answer:
    """Carry out a transaction Bundle, or decline it as a whole; one journal entry either way."""
    try:
        changes = read_changes(_parsed(request.body))
    except Declined as declined:
        return _declined(Push(request, (), (), ""), declined, storage)
    push = _about(request, changes, storage)
    try:
        with storage.transaction() as connection:
            return _answer(connection, push)
    except Declined as declined:
        return _declined(push, declined, storage)


def take_alone(request: Request, storage: Storage, kind: str, resource_id: str) -> Answer:
    """PUT or DELETE of one resource; one journal entry, which is no push."""
    try:
        resource = _parsed(request.body) if request.method == "PUT" else None
        change = Change(kind, resource_id, resource, request.headers.get("if-match", ""), "")
        with storage.transaction() as connection:
            [done] = carry_out(connection, [change])
            note(connection, {"kind": "alone", "outcome": "stored", **done.facts}, received=request.body)
    except Declined as declined:
        return outcome(declined.status, declined.code)
    said_ = done.response["response"]
    headers = {name: said_[key] for name, key in (("ETag", "etag"), ("Location", "location")) if key in said_}
    return Answer(int(said_["status"][:3]), headers=headers)


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Declined(400, "structure") from None


def _about(request: Request, changes: list[Change], storage: Storage) -> Push:
    sent = {
        change.id: book_versions.number_in(change.resource)
        for change in changes
        if change.type == "Patient" and change.resource
    }
    named = dict.fromkeys([*sent, *(name.decode() for name in book_versions.PATIENT.findall(request.body))])
    with storage.reading() as connection:
        numbers = [sent.get(patient) or book_versions.number_of(connection, patient) for patient in named]
    return Push(request, changes, list(named), next(filter(None, numbers), ""))


def _answer(connection: sqlite3.Connection, push: Push) -> Answer:
    repeated = _repeated(connection, push)
    if repeated:
        return repeated
    behaviour = book_behaviour(push.number)
    refused = _refused(connection, push, behaviour)
    return refused or _stored(connection, push, behaviour)


def _repeated(connection: sqlite3.Connection, push: Push) -> Answer | None:
    row = connection.execute("SELECT request, body FROM answer WHERE key = ?", (push.key,)).fetchone()
    if row is None:
        return None
    same = row[0] == push.facts["sha256"]
    entry = {**push.facts, "outcome": "repeated" if same else "key_reused", "status": 200 if same else 409}
    note(connection, entry, received=push.request.body)
    return Answer(200, row[1], content_type=FHIR) if same else outcome(409, "conflict")


def _refused(connection: sqlite3.Connection, push: Push, behaviour: str) -> Answer | None:
    answer = _refusal(connection, push, behaviour)
    if answer is None:
        return None
    entry = {**push.facts, "outcome": "refused", "behaviour": behaviour, "status": answer.status}
    _remember(connection, push)
    note(connection, entry, received=push.request.body)
    return answer


def _refusal(connection: sqlite3.Connection, push: Push, behaviour: str) -> Answer | None:
    match behaviour:
        case "bad_request":
            return outcome(400, "invalid")
        case "refuses_entry":
            return outcome(400, "invalid", entry=0)
        case "throttled" if count(connection, f"throttled {push.number}") < FAILS_FIRST:
            return outcome(429, "throttled", headers={"Retry-After": "1"})
        case "unavailable" if count(connection, f"unavailable {push.number}") < FAILS_FIRST:
            return outcome(503, "transient")
    return None


def _remember(connection: sqlite3.Connection, push: Push) -> None:
    # A later push may leave the unchanged Patient out: the person must still be known.
    rows = [(patient, push.number) for patient in push.patients[:1] if push.number]
    connection.executemany("INSERT OR IGNORE INTO person VALUES (?, ?)", rows)


def _stored(connection: sqlite3.Connection, push: Push, behaviour: str) -> Answer:
    stood = _tags_before(connection, push)
    done = carry_out(connection, push.changes)
    entry = {
        **push.facts,
        "outcome": "stored",
        "status": 200,
        "behaviour": behaviour,
        "watermarks": [_moved(one, stood[one.change.id]) for one in done if one.change.type == "Basic"],
        "entries": [one.facts for one in done],
    }
    note(connection, entry, received=push.request.body)
    answer = said({"resourceType": "Bundle", "type": "transaction-response", "entry": [one.response for one in done]})
    if push.key:
        row = (push.key, push.facts["sha256"], answer.body)
        connection.execute("INSERT INTO answer VALUES (?, ?, ?)", row)
    return _brought(connection, answer, behaviour, push.number)


def _tags_before(connection: sqlite3.Connection, push: Push) -> dict[str, list[str]]:
    marks = [change.id for change in push.changes if change.type == "Basic"]
    held = {mark: book_versions.newest(connection, "Basic", mark) for mark in marks}
    return {
        mark: _tags(orjson.loads(version.body)) if version and version.body else [] for mark, version in held.items()
    }


def _moved(done: Done, before: list[str]) -> dict[str, Any]:
    after = _tags(done.change.resource or {})
    return {
        "id": done.change.id,
        "version": done.version.number if done.version else None,
        "tags": after,
        "tags_before": before,
        "seq": _seq(after),
        "seq_before": _seq(before),
    }


def _tags(resource: dict[str, Any]) -> list[str]:
    marks = [
        (str(each.get("system", "")).rpartition("/")[2], each.get("value")) for each in resource.get("identifier", [])
    ]
    return [f"{name}|{value}" for name, value in marks]


def _seq(tags: list[str]) -> int | None:
    return next((int(tag[4:]) for tag in tags if tag.startswith("seq|") and tag[4:].isdecimal()), None)


def _brought(connection: sqlite3.Connection, answer: Answer, behaviour: str, number: str) -> Answer:
    match behaviour:
        case "slow":
            return replace(answer, wait=_SLOW_SECONDS)
        case "dripping":
            return replace(answer, drip=_DRIP_SECONDS)
        case "stored_no_answer" if count(connection, f"unanswered {number}") == 0:
            return replace(answer, dropped=True)
    return answer


def _declined(push: Push, declined: Declined, storage: Storage) -> Answer:
    entry = {**push.facts, "outcome": "declined", "why": declined.code, "status": declined.status}
    with storage.transaction() as connection:
        note(connection, {**entry, "entry": declined.entry}, received=push.request.body)
    return outcome(declined.status, declined.code, entry=declined.entry)
