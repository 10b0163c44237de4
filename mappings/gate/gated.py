"""A Bundle without the entries of resources gated before, cut out where they stand byte for byte as they were gated.

Only the form that mappings.fhir.bundle writes is known here: what is written otherwise is left to the full look. In
an entry that is cut out nothing could be wrong but where its references lead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import orjson

from mappings.gate.escapes import has_escape

_START = b'{"resourceType":"Bundle","type":"transaction","entry":['
_END = b"]}"
_HEAD = b'{"fullUrl":"'
_REQUEST = b',"request":{"method":"PUT","url":"'  # and nothing behind the url: a condition is to be looked at
_TELLING = 256  # so many bytes of an entry tell it from all others
# A name can be spelt otherwise only by \u; inside a text the quotes around it would be escaped.
_NAME = b'"reference"'
_LONGEST = len(b':"MedicationAdministration/00000000-0000-0000-0000-000000000000"')


@dataclass(frozen=True, slots=True)
class Cut:
    """`rest` is a Bundle of what must be looked at in full; `addresses` are "Type/id" of the resources cut out."""

    rest: bytes = field(repr=False)
    addresses: frozenset[str]


def without_gated(bundle_json: bytes, gated: Mapping[bytes, bytes]) -> Cut | None:
    """The Bundle cut, or None where its form is another. `gated` are resources by "Type/id"; they have to stand in the
    Bundle all of them, one behind the other, in this order: all are compared at once.
    """
    if not (bundle_json.startswith(_START + _HEAD) and bundle_json.endswith(_END)):
        return None
    # The base of what is cut out is looked at where it stands in the rest: the first entry always stays.
    url = bundle_json[len(_START + _HEAD) : bundle_json.find(b'"', len(_START + _HEAD))]
    base = url.rsplit(b"/", 2)[0] + b"/"
    run = _entries(base, gated) if base.startswith((b"http://", b"https://")) else b""
    at = bundle_json.find(run[:_TELLING])
    if not run or not bundle_json.startswith(run, at):
        return None
    before, after = bundle_json[len(_START) : at], bundle_json[at + len(run) : -len(_END)]
    if not (_is_whole(b"[%b]" % before) and _is_whole(b"[null%b]" % after)):
        return None
    return Cut(_START + before + after + _END, frozenset([address.decode() for address in gated]))


def _entries(base: bytes, gated: Mapping[bytes, bytes]) -> bytes:
    """What stands in a Bundle for these, each behind a comma; b"" where one is not what it is called."""
    if b'"' in b"".join(gated):
        return b""
    parts: list[bytes] = []
    for address, resource in gated.items():
        # What starts with its type and id says in no other place what it is: it would not have been found good.
        if not resource.startswith(b'{"resourceType":"%b","id":"%b"' % address.partition(b"/")[::2]):
            return b""
        parts += (b",", _HEAD, base, address, b'","resource":', resource, _REQUEST, address, b'"}}')
    return b"".join(parts)


def _is_whole(json: bytes) -> bool:
    # By itself, so that nothing is cut out of the midst of it.
    try:
        orjson.loads(json)
    except orjson.JSONDecodeError:
        return False
    return True


def refers_only_to(bundle_json: bytes, addresses: Collection[str], known: Collection[str]) -> bool:
    """Whether every reference is local or a "Type/id" among these; false also where that takes a closer look."""
    if has_escape(bundle_json, b"u"):
        return False
    _, *pieces = bundle_json.split(_NAME)
    # Few different ones. Of a literal that is longer than any "Type/id" of ours nothing is left here.
    literals = {start[: start.find(b'"', 2) + 1] for start in {piece[:_LONGEST] for piece in pieces}}
    return all([_leads_to(each, addresses, known) for each in literals])


def _leads_to(literal: bytes, addresses: Collection[str], known: Collection[str]) -> bool:
    if not literal.startswith(b':"'):
        return False
    name = literal[2:-1].decode()
    return name in addresses or name in known or name[:1] == "#"
