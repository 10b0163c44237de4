"""A FHIR transaction as the sandbox's health book carries it out: all entries or none.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ehr_sync.sandbox.book import versions as book_versions
from ehr_sync.sandbox.book.versions import Version

_TARGET: Final = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9.\-]{1,64})")


class Declined(Exception):
    """The whole Bundle is refused. `code` is of FHIR's issue-type; `entry` is the first at fault, or None."""

    def __init__(self, status: int, code: str, entry: int | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.entry = status, code, entry


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a transaction. `resource` is None for a DELETE."""

    type: str
    id: str
    resource: dict[str, Any] | None = field(repr=False)
    if_match: str
    if_none_match: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one entry. `version` is None where there was nothing to delete."""

    change: Change
    action: str  # "create", "update", "delete", "none"
    version: Version | None

    @property
    def facts(self) -> dict[str, Any]:
        """The entry as the journal tells it."""
        version = self.version
        return {
            "type": self.change.type,
            "id": self.change.id,
            "action": self.action,
            "version": version.number if version else None,
            "sha256": version.sha256 if version else None,
        }

    @property
    def response(self) -> dict[str, Any]:
        """The entry of the transaction-response."""
        status = {"create": "201 Created", "update": "200 OK"}.get(self.action, "204 No Content")
        if self.version is None:
            return {"response": {"status": status}}
        location = f"{self.change.type}/{self.change.id}/_history/{self.version.number}"
        said = {
            "status": status,
            "location": location,
            "etag": self.version.etag,
            "lastModified": self.version.at,
        }
        return {"response": said}


def read_changes(bundle: Any) -> list[Change]:
    """The entries of a transaction Bundle. Raises Declined where it is not one that this book takes."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle" or bundle.get("type") != "transaction":
        raise Declined(400, "structure")
    entries = bundle.get("entry")
    if not isinstance(entries, list) or not entries:
        raise Declined(400, "required")
    changes = [_read_change(entry, place) for place, entry in enumerate(entries)]
    if len({(change.type, change.id) for change in changes}) < len(changes):
        raise Declined(400, "duplicate")
    return changes


def carry_out(connection: sqlite3.Connection, changes: Sequence[Change]) -> list[Done]:
    """Carry out all. Raises Declined in the middle: the caller rolls back.

    What is stored may refer only to what this book then holds (HAPI FHIR's "enforce referential integrity on write").
    """
    done = [_carry_out(connection, change, place) for place, change in enumerate(changes)]
    for place, one in enumerate(done):
        if one.version and not all(book_versions.holds(connection, *each) for each in one.version.references):
            raise Declined(400, "not-found", place)
    return done


def _read_change(entry: Any, place: int) -> Change:
    try:
        wish = entry["request"]
        method, target = wish["method"], _TARGET.fullmatch(wish["url"])
        resource = entry["resource"] if method == "PUT" else None
    except (TypeError, KeyError):
        raise Declined(400, "required", place) from None
    if method not in {"PUT", "DELETE"} or target is None:
        raise Declined(400, "not-supported", place)
    kind, resource_id = target.groups()
    if resource is not None and (resource.get("resourceType"), resource.get("id")) != (kind, resource_id):
        raise Declined(400, "invalid", place)
    return Change(kind, resource_id, resource, wish.get("ifMatch", ""), wish.get("ifNoneMatch", ""))


def _carry_out(connection: sqlite3.Connection, change: Change, place: int) -> Done:
    before = book_versions.newest(connection, change.type, change.id)
    there = before is not None and not before.deleted
    if change.if_match and (not there or before is None or _bare(change.if_match) != str(before.number)):
        raise Declined(412, "conflict", place)
    if change.if_none_match == "*" and there:
        raise Declined(412, "conflict", place)
    if change.resource is None:
        gone = book_versions.delete(connection, change.type, change.id)
        return Done(change, "delete" if gone else "none", gone)
    version = book_versions.store(connection, change.type, change.id, change.resource)
    return Done(change, "update" if there else "create", version)


def _bare(etag: str) -> str:
    return etag.strip().removeprefix("W/").strip('"')
