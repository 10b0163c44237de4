"""Bundles made by joining bytes: no resource is parsed again.  https://hl7.org/fhir/R4/bundle.html"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import orjson

from mappings.elements import coding, concept
from mappings.model import PATIENT_PLACEHOLDER, Resource, Uris

# What every resource of ours starts with, and so does one with its `meta` spliced in.
_HEAD: Final = re.compile(rb'\{"resourceType":"([A-Za-z]+)","id":"([A-Za-z0-9.-]{1,64})"')


@dataclass(frozen=True, slots=True)
class Deletion:
    """A resource to be removed from the book."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A lane's watermark as this push leaves it: `seq` is its target, `key` names the push (hexadecimal).

    `etag` is what the book answered last (W/"3"), or "" where it has no watermark yet.
    """

    lane_id: str
    seq: int
    key: str = field(repr=False)
    etag: str


def transaction(entries: Iterable[Resource | Deletion], *, base_url: str, mark: Mark | None, uris: Uris) -> bytes:
    """A transaction Bundle: the watermark first, guarded by ifMatch (or ifNoneMatch "*"), then the entries.

    The patient of the entries must be filled in already (`for_person`). `base_url` is the book's own,
    without a slash at its end. `mark` is None only for a book that has no versions to fence with.
    """
    parts = [] if mark is None else [_guarded(mark, base_url, uris)]
    parts.extend(_deleted(e) if isinstance(e, Deletion) else _put(e, base_url, "") for e in entries)
    return b'{"resourceType":"Bundle","type":"transaction","entry":[' + b",".join(parts) + b"]}"


def watermark(mark: Mark, uris: Uris) -> Resource:
    """The Basic resource of a lane; its tags say how far the lane is and by which push."""
    body = {
        "resourceType": "Basic",
        "id": mark.lane_id,
        "meta": {
            "tag": [
                coding(uris["watermark"], f"seq|{mark.seq}"),
                coding(uris["watermark"], f"key|{mark.key}"),
            ]
        },
        "code": concept(coding(uris["own"], "watermark"), words="Mốc đồng bộ"),
    }
    return Resource("Basic", mark.lane_id, orjson.dumps(body))


def searchset(resources: Iterable[bytes], *, total: int, self_url: str, next_url: str | None, base_url: str) -> bytes:
    """A searchset Bundle of resources that match; `total` counts all pages. Used for search and
    $everything.
    """
    links = [{"relation": "self", "url": self_url}]
    if next_url:
        links.append({"relation": "next", "url": next_url})
    head = {"resourceType": "Bundle", "type": "searchset", "total": total, "link": links}
    base = base_url.encode()
    entries = b",".join([_match(resource, base) for resource in resources])
    # An empty array is no FHIR: without entries there is no `entry`.
    return orjson.dumps(head)[:-1] + (b',"entry":[' + entries + b"]" if entries else b"") + b"}"


def with_meta(resource: bytes, version_id: int, last_updated: str) -> bytes:
    """The resource with `meta` after its id; `last_updated` is an instant ("2026-11-20T08:00:00+07:00")."""
    at = _head(resource).end()
    meta = b',"meta":{"versionId":"%d","lastUpdated":"%s"}' % (version_id, last_updated.encode())
    return resource[:at] + meta + resource[at:]


def for_person(resource: bytes, person_id: str) -> bytes:
    """The resource with its patient filled in."""
    return resource.replace(PATIENT_PLACEHOLDER, b"Patient/" + person_id.encode())


def _head(resource: bytes) -> re.Match[bytes]:
    found = _HEAD.match(resource)
    if found is None:
        raise ValueError("not a resource as built by mappings")
    return found


def _match(resource: bytes, base: bytes) -> bytes:
    kind, resource_id = _head(resource).groups()
    url = b'{"fullUrl":"%s/%s/%s","resource":' % (base, kind, resource_id)
    return url + resource + b',"search":{"mode":"match"}}'


def _put(resource: Resource, base_url: str, condition: str) -> bytes:
    address = f"{resource.type}/{resource.id}"
    return (
        f'{{"fullUrl":"{base_url}/{address}","resource":'.encode()
        + resource.json
        + f',"request":{{"method":"PUT","url":"{address}"{condition}}}}}'.encode()
    )


def _guarded(mark: Mark, base_url: str, uris: Uris) -> bytes:
    name, value = ("ifMatch", mark.etag) if mark.etag else ("ifNoneMatch", "*")
    return _put(watermark(mark, uris), base_url, f',"{name}":{orjson.dumps(value).decode()}')


def _deleted(entry: Deletion) -> bytes:
    return f'{{"request":{{"method":"DELETE","url":"{entry.type}/{entry.id}"}}}}'.encode()
