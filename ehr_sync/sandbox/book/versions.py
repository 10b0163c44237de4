"""What the sandbox's health book holds: every version of every resource, and whose it is."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from ehr_sync.sandbox.serving.storage import now_text

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS version (
    type TEXT, id TEXT, version INTEGER,
    deleted INTEGER NOT NULL, body BLOB, sha256 TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (type, id, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS compartment (
    type TEXT, id TEXT, patient TEXT, PRIMARY KEY (type, id, patient)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS compartment_of_patient ON compartment (patient);
CREATE TABLE IF NOT EXISTS person (patient TEXT PRIMARY KEY, number TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS person_of_number ON person (number);
"""

PATIENT: Final = re.compile(rb'"Patient/([A-Za-z0-9.\-]{1,64})"')
_REFERENCE: Final = re.compile(rb'"reference":"([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})"')


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one resource; `body` is empty where it was deleted. `sha256`: of the resource sent."""

    type: str
    id: str
    number: int
    deleted: bool
    body: bytes = field(repr=False)
    sha256: str
    at: str

    @property
    def etag(self) -> str:
        """The weak ETag of this version."""
        return f'W/"{self.number}"'

    @property
    def references(self) -> set[tuple[str, str]]:
        """What it refers to, by type and id."""
        return {(kind.decode(), resource_id.decode()) for kind, resource_id in _REFERENCE.findall(self.body)}


def newest(connection: sqlite3.Connection, kind: str, resource_id: str) -> Version | None:
    """The newest version, deleted or not; None where there never was one."""
    row = connection.execute(
        "SELECT * FROM version WHERE type = ? AND id = ? ORDER BY version DESC LIMIT 1", (kind, resource_id)
    ).fetchone()
    return _version(row) if row else None


def holds(connection: sqlite3.Connection, kind: str, resource_id: str) -> bool:
    """Whether it is there, and not deleted."""
    found = newest(connection, kind, resource_id)
    return found is not None and not found.deleted


def history(connection: sqlite3.Connection, kind: str, resource_id: str) -> list[Version]:
    """All versions, newest first."""
    rows = connection.execute(
        "SELECT * FROM version WHERE type = ? AND id = ? ORDER BY version DESC", (kind, resource_id)
    )
    return [_version(row) for row in rows]


def store(connection: sqlite3.Connection, kind: str, resource_id: str, resource: dict[str, Any]) -> Version:
    """Write the next version of a resource."""
    before = newest(connection, kind, resource_id)
    number, at = (before.number + 1 if before else 1), now_text()
    sha256 = hashlib.sha256(orjson.dumps(resource, option=orjson.OPT_SORT_KEYS)).hexdigest()
    meta = {**resource.get("meta", {}), "versionId": str(number), "lastUpdated": at}
    version = Version(kind, resource_id, number, False, orjson.dumps({**resource, "meta": meta}), sha256, at)
    _write(connection, version)
    _place(connection, version)
    if kind == "Patient":
        _know(connection, resource_id, resource)
    return version


def delete(connection: sqlite3.Connection, kind: str, resource_id: str) -> Version | None:
    """Write a deleted version; None where there is nothing to delete."""
    before = newest(connection, kind, resource_id)
    if before is None or before.deleted:
        return None
    version = Version(kind, resource_id, before.number + 1, True, b"", "", now_text())
    _write(connection, version)
    return version


def everything(connection: sqlite3.Connection, patient: str) -> list[Version]:
    """The living resources of a patient's compartment, the Patient first, and what they refer to."""
    rows = connection.execute(
        "SELECT type, id FROM compartment WHERE patient = ? ORDER BY type <> 'Patient', type, id", (patient,)
    ).fetchall()
    own = [found for row in rows if (found := newest(connection, *row)) and not found.deleted]
    beside = _referred(own) - {(version.type, version.id) for version in own}
    others = [found for key in sorted(beside) if (found := newest(connection, *key)) and not found.deleted]
    return own + [other for other in others if other.type != "Patient"]


def patients_with(connection: sqlite3.Connection, number: str) -> list[Version]:
    """The living Patients with that identifier value."""
    rows = connection.execute("SELECT patient FROM person WHERE number = ? ORDER BY patient", (number,)).fetchall()
    return [found for (patient,) in rows if (found := newest(connection, "Patient", patient)) and not found.deleted]


def number_of(connection: sqlite3.Connection, patient: str) -> str:
    """The number under which a patient is known; "" where none is."""
    row = connection.execute("SELECT number FROM person WHERE patient = ?", (patient,)).fetchone()
    return str(row[0]) if row else ""


def number_in(patient: dict[str, Any]) -> str:
    """The first identifier value of a Patient; "" where it has none."""
    return next((str(one["value"]) for one in patient.get("identifier", []) if one.get("value")), "")


def _know(connection: sqlite3.Connection, patient: str, resource: dict[str, Any]) -> None:
    connection.execute("INSERT OR REPLACE INTO person VALUES (?, ?)", (patient, number_in(resource)))


def _write(connection: sqlite3.Connection, version: Version) -> None:
    connection.execute(
        "INSERT INTO version VALUES (?, ?, ?, ?, ?, ?, ?)",
        (version.type, version.id, version.number, version.deleted, version.body, version.sha256, version.at),
    )


def _place(connection: sqlite3.Connection, version: Version) -> None:
    connection.execute("DELETE FROM compartment WHERE type = ? AND id = ?", (version.type, version.id))
    patients = {name.decode() for name in PATIENT.findall(version.body)}
    if version.type == "Patient":
        patients.add(version.id)
    if version.type == "Provenance":  # it names no patient, but what it is the origin of
        patients |= {patient for target in _referred([version]) for patient in _patients_of(connection, *target)}
    rows = [(version.type, version.id, patient) for patient in sorted(patients)]
    connection.executemany("INSERT INTO compartment VALUES (?, ?, ?)", rows)


def _patients_of(connection: sqlite3.Connection, kind: str, resource_id: str) -> list[str]:
    rows = connection.execute("SELECT patient FROM compartment WHERE type = ? AND id = ?", (kind, resource_id))
    return [patient for (patient,) in rows]


def _referred(versions: list[Version]) -> set[tuple[str, str]]:
    return {each for version in versions for each in version.references}


def _version(row: tuple[Any, ...]) -> Version:
    return Version(row[0], row[1], row[2], bool(row[3]), row[4], row[5], row[6])
