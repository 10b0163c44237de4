"""Bundles made by joining bytes: no resource is parsed again.  https://hl7.org/fhir/R4/bundle.html"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import orjson

from mappings.fhir.elements import coding, concept
from mappings.model import PATIENT_PLACEHOLDER, Resource, Uris

# What every resource of ours starts with; so does one with its `meta` spliced in.
_TYPE: Final = b'{"resourceType":"'
_ID: Final = b'","id":"'


Put = tuple[bytes, bytes]
"""A resource to be put into the book: its "Type/id" and its JSON."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """A resource to be removed from the book."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class NextWatermark:
    """A lane's watermark as this push leaves it: `seq` is its target, `key` names the push (hexadecimal).

    `etag` is what the book answered last (W/"3"), or "" where that is not known yet: `matched` puts it in.
    """

    lane_id: str
    seq: int
    key: str = field(repr=False)
    etag: str


def transaction(
    entries: Iterable[Put | Deletion], *, base_url: str, next_watermark: NextWatermark | None, uris: Uris
) -> bytes:
    """A transaction Bundle: the watermark first, guarded by ifMatch, then the entries: resources as built by mappings,
    and what is to be removed.

    The patient of the entries must be filled in already (`for_person`). `base_url` is the book's own,
    without a slash at its end. `next_watermark` is None only for a book that has no versions to fence with.
    """
    base = base_url.encode()
    parts = [] if next_watermark is None else [_guarded(next_watermark, base, uris)]
    parts += [_deleted(entry) if isinstance(entry, Deletion) else _put(entry, base) for entry in entries]
    return b'{"resourceType":"Bundle","type":"transaction","entry":[' + b",".join(parts) + b"]}"


def put(resource: bytes) -> Put:
    """A resource, named once for all that is made of it."""
    return b"/".join(_named(resource)), resource


def watermark(of: NextWatermark, uris: Uris) -> Resource:
    """The Basic resource of a lane; its identifiers say how far the lane is and by which push. Servers merge and sort
    `meta.tag`; what is in the body they keep.
    """
    body = {
        "resourceType": "Basic",
        "id": of.lane_id,
        "identifier": [
            {"system": f"{uris['watermark']}/seq", "value": str(of.seq)},
            {"system": f"{uris['watermark']}/key", "value": of.key or "-"},
        ],
        "code": concept(coding(uris["own"], "watermark"), words="Mốc đồng bộ"),
    }
    return Resource("Basic", of.lane_id, orjson.dumps(body))


def matched(bundle: bytes, etag: str) -> bytes:
    """A transaction made without its watermark's ETag, guarded by it."""
    return bundle.replace(_UNREAD_MATCH, b'"ifMatch":' + orjson.dumps(etag), 1)


def searchset(
    resources: Iterable[bytes],
    *,
    total: int,
    self_url: str,
    next_url: str | None,
    base_url: str,
    outcome: bytes | None = None,
) -> bytes:
    """A searchset Bundle of resources that match; `total` counts all pages. Used for search and
    $everything. `outcome` is an OperationOutcome about the search itself.
    """
    base = base_url.encode()
    entries = [_match(resource, base) for resource in resources]
    if outcome:
        entries.append(b'{"resource":%s,"search":{"mode":"outcome"}}' % outcome)
    return _bundle("searchset", entries, total, self_url, next_url)


def history(resources: Iterable[bytes], *, total: int, self_url: str, next_url: str | None, base_url: str) -> bytes:
    """A history Bundle of resources, each in the one version that stands.  https://hl7.org/fhir/R4/http.html#history"""
    base = base_url.encode()
    entries = [_past(resource, base) for resource in resources]
    return _bundle("history", entries, total, self_url, next_url)


def _bundle(kind: str, entries: list[bytes], total: int, self_url: str, next_url: str | None) -> bytes:
    links = [{"relation": "self", "url": self_url}]
    if next_url:
        links.append({"relation": "next", "url": next_url})
    head = orjson.dumps({"resourceType": "Bundle", "type": kind, "total": total, "link": links})[:-1]
    if not entries:
        # An empty array is no FHIR: without entries there is no `entry`.
        return head + b"}"
    # Joined once: a whole book is megabytes.
    entries[0] = head + b',"entry":[' + entries[0]
    entries[-1] += b"]}"
    return b",".join(entries)


def with_meta(resource: bytes, version_id: int | str, last_updated: str) -> bytes:
    """The resource with `meta` after its id; `last_updated` is an instant ("2026-11-20T08:00:00+07:00")."""
    # Behind the second quote after the type: no regular expression, as every resource that is read comes through here.
    type_ends = resource.index(b'"', len(_TYPE))
    at = resource.index(b'"', type_ends + len(_ID)) + 1
    return resource[:at] + _meta(version_id, last_updated) + resource[at:]


def for_person(resources: bytes, person_id: str) -> bytes:
    """A resource, or many, with the patient filled in."""
    return resources.replace(PATIENT_PLACEHOLDER, b"Patient/" + person_id.encode())


@lru_cache(maxsize=1024)
def _meta(version_id: int | str, last_updated: str) -> bytes:
    return f',"meta":{{"versionId":"{version_id}","lastUpdated":"{last_updated}"}}'.encode()


def _match(resource: bytes, base: bytes) -> bytes:
    kind, id_ = _named(resource)
    return b'{"fullUrl":"%s/%s/%s","resource":%s,"search":{"mode":"match"}}' % (base, kind, id_, resource)


def _past(resource: bytes, base: bytes) -> bytes:
    kind, id_ = _named(resource)
    meta = orjson.loads(resource)["meta"]
    response = {"status": "200", "etag": f'W/"{meta["versionId"]}"', "lastModified": meta["lastUpdated"]}
    return b'{"fullUrl":"%s/%s/%s","resource":%s,"request":{"method":"PUT","url":"%s/%s"},"response":%s}' % (
        *(base, kind, id_, resource, kind, id_),
        orjson.dumps(response),
    )


def _named(resource: bytes) -> tuple[bytes, bytes]:
    _, _, _, kind, _, _, _, id_, _ = resource.split(b'"', 8)
    return kind, id_


_FULL_URL: Final = b'{"fullUrl":"'
_RESOURCE: Final = b'","resource":'
_UNREAD_MATCH: Final = b'"ifMatch":"W/\\"0\\""'  # no book has a version 0
_REQUEST: Final = b',"request":{"method":"PUT","url":"'


def _put(entry: Put, base: bytes, condition: bytes = b"") -> bytes:
    address, resource = entry
    # Joined: with so many bytes a format takes twice as long.
    return b"".join((_FULL_URL, base, b"/", address, _RESOURCE, resource, _REQUEST, address, b'"', condition, b"}}"))


def _guarded(of: NextWatermark, base: bytes, uris: Uris) -> bytes:
    condition = b',"ifMatch":' + orjson.dumps(of.etag) if of.etag else b"," + _UNREAD_MATCH
    return _put(put(watermark(of, uris).json), base, condition)


def _deleted(entry: Deletion) -> bytes:
    return f'{{"request":{{"method":"DELETE","url":"{entry.type}/{entry.id}"}}}}'.encode()
