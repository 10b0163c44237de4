"""A Bundle without the entries of resources gated before, cut out where they stand byte for byte as they were gated.

Only the form that mappings.bundle writes is known here: what is written otherwise is left to the full look. In an entry
that is cut out nothing could be wrong but where its references lead.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

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
_NAME = b'"reference"'
_REFERENCE = b'"reference":"'


@dataclass(frozen=True, slots=True)
class Cut:
    """`rest` is a Bundle of what must be looked at in full; `addresses` are "Type/id" of all resources, cut or not."""

    rest: bytes = field(repr=False)
    addresses: frozenset[str]


class _Entry(NamedTuple):
    base: bytes  # of the fullUrl; empty for a deletion
    address: str
    is_gated: bool
    start: int
    end: int


def without_gated(bundle_json: bytes, gated: Mapping[str, bytes]) -> Cut | None:
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
    return Cut(_START + kept + _END, frozenset([each.address for each in entries if each.base]))


def refers_only_to(bundle_json: bytes, addresses: Collection[str], known: Collection[str]) -> bool:
    """Whether every reference is local or a "Type/id" among these; false also where that takes a closer look."""
    _, *pieces = bundle_json.split(_REFERENCE)
    if bundle_json.count(_NAME) > len(pieces) or b"\\u" in bundle_json:
        return False
    literals = [each.decode() for each in {piece.partition(b'"')[0] for piece in pieces}]
    return all([each in addresses or each in known or each[:1] == "#" for each in literals])


def _entries(bundle_json: bytes, gated: Mapping[str, bytes]) -> Iterator[_Entry]:
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


def _entry(bundle_json: bytes, at: int, gated: Mapping[str, bytes]) -> _Entry:
    head = _PUT.match(bundle_json, at) or _DELETE.match(bundle_json, at)
    if head is None:
        raise ValueError("no entry of ours")
    base, named = head.group(1, 2)
    address = named.decode()
    if not base:
        return _Entry(b"", address, False, at, head.end())
    request = _REQUEST % named
    if address in gated:
        # A condition beside the url is to be looked at.
        as_gated = gated[address] + request + b"}}"
        if bundle_json.startswith(as_gated, head.end()):
            return _Entry(base, address, True, at, head.end() + len(as_gated))
    end = bundle_json.index(b"}}", bundle_json.index(request, head.end())) + 2
    orjson.loads(bundle_json[at:end])
    return _Entry(base, address, False, at, end)
