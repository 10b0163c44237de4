"""A Bundle without the entries whose resources were gated before, cut out by the very bytes around them.

Only the form that mappings.bundle writes is known here: what is written otherwise is left to the full look. An entry
is cut out only where nothing in it but its resource could be wrong, and its references.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import orjson

_START = b'{"resourceType":"Bundle","type":"transaction","entry":['
_END = b"]}"
_PUT = re.compile(
    rb'\{"fullUrl":"(https?://[^"\\]*/)(([A-Z][A-Za-z]{1,40})/([A-Za-z0-9\-.]{1,64}))"'
    rb',"resource":(?=\{"resourceType":"\3","id":"\4"[,}])'
)
_DELETE = re.compile(rb'()\{"request":\{"method":"DELETE","url":"([^"\\]+)"\}\}')
_REQUEST = b',"request":{"method":"PUT","url":"%b"'
# A name can be spelt otherwise only by \u; inside a text the quotes around it would be escaped.
_REFERENCE = re.compile(rb'"reference"\s*:\s*(?:"([^"\\]*)")?')


@dataclass(frozen=True, slots=True)
class Cut:
    """`rest` is a Bundle of what must be looked at in full; `addresses` are "Type/id" of all resources, cut or not."""

    rest: bytes = field(repr=False)
    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Entry:
    base: bytes  # of the fullUrl; empty for a deletion
    address: str
    is_gated: bool
    start: int
    end: int


def without_gated(bundle_json: bytes, gated: Collection[str]) -> Cut | None:
    """The Bundle cut, or None where its form is another, or two entries stand for one resource."""
    try:
        entries = list(_entries(bundle_json, gated))
    except ValueError:
        return None
    rest = [each for each in entries if not each.is_gated]
    addresses = {each.address for each in entries}
    # The base of what is cut out is looked at where it stands in the rest.
    bases = {each.base for each in entries if each.is_gated}
    if len(addresses) < len(entries) or not bases <= {each.base for each in rest}:
        return None
    kept = b",".join([bundle_json[each.start : each.end] for each in rest])
    return Cut(_START + kept + _END, frozenset(each.address for each in entries if each.base))


def refers_only_to(bundle_json: bytes, addresses: Collection[str], known: Collection[str]) -> bool:
    """Whether every reference is local or a "Type/id" among these; false also where that takes a closer look."""
    literals = {each.decode() for each in _REFERENCE.findall(bundle_json)}
    strange = (each for each in literals if each not in addresses and each not in known and each[:1] != "#")
    return b"\\u" not in bundle_json and not any(True for _ in strange)


def _entries(bundle_json: bytes, gated: Collection[str]) -> Iterator[_Entry]:
    """Every entry, each by itself one JSON object; ValueError where the form is another."""
    at = len(_START)
    if not bundle_json.startswith(_START):
        raise ValueError("no transaction of ours")
    while True:
        entry = _entry(bundle_json, at, gated)
        yield entry
        at = entry.end + 1
        if bundle_json[entry.end : at] != b",":
            break
    if bundle_json[entry.end :] != _END:
        raise ValueError("no transaction of ours")


def _entry(bundle_json: bytes, at: int, gated: Collection[str]) -> _Entry:
    head = _PUT.match(bundle_json, at) or _DELETE.match(bundle_json, at)
    if head is None:
        raise ValueError("no entry of ours")
    address = head[2].decode()
    if not head[1]:
        return _Entry(b"", address, False, at, head.end())
    request = _REQUEST % head[2]
    middle = bundle_json.index(request, head.end())
    end = bundle_json.index(b"}}", middle) + 2
    # A condition beside the url is to be looked at.
    is_gated = address in gated and end == middle + len(request) + 2
    _read(bundle_json[head.end() : middle] if is_gated else bundle_json[at:end], address, is_gated)
    return _Entry(head[1], address, is_gated, at, end)


def _read(text: bytes, address: str, is_resource: bool) -> None:
    """ValueError unless the text is one JSON object, and the resource of that address."""
    read = orjson.loads(text)
    if is_resource and f"{read['resourceType']}/{read['id']}" != address:
        raise ValueError("names itself twice")
