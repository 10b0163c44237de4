"""FHIR answers of the sandbox's health book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from ehr_sync.sandbox.book.versions import Version
from ehr_sync.sandbox.serving.exchange import Answer

FHIR: Final = "application/fhir+json"


def said(resource: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A resource as an answer."""
    return Answer(status, orjson.dumps(resource), headers or {}, content_type=FHIR)


def outcome(status: int, code: str, *, entry: int | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """An OperationOutcome with one issue, which names an entry of the Bundle where one is at fault."""
    issue: dict[str, Any] = {"severity": "error", "code": code}
    if entry is not None:
        issue["expression"] = [f"Bundle.entry[{entry}]"]
    return said({"resourceType": "OperationOutcome", "issue": [issue]}, status, headers)


def one_of(versions: list[Version], number: str | None) -> Answer:
    """That version, or the first where no number is given, with its ETag; 404; 410 where it was deleted."""
    found = next((one for one in versions if number is None or str(one.number) == number), None)
    if found is None:
        return outcome(404, "not-found")
    if found.deleted:
        return outcome(410, "deleted", headers={"ETag": found.etag})
    return Answer(200, found.body, {"ETag": found.etag}, content_type=FHIR)


def bundle_of(versions: list[Version], kind: str) -> Answer:
    """A searchset or history Bundle."""
    entries = [_entry(version) for version in versions]
    bundle = {"resourceType": "Bundle", "type": kind, "total": len(entries)}
    # An empty array is no FHIR: without entries there is no `entry`.
    return said({**bundle, "entry": entries} if entries else bundle)


def _entry(version: Version) -> dict[str, Any]:
    entry: dict[str, Any] = {"fullUrl": f"{version.type}/{version.id}"}
    if not version.deleted:
        entry["resource"] = orjson.Fragment(version.body)
    return entry
