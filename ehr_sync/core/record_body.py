"""What one record version holds, and which of it a book should show: the body and its manifest. Pure.

The body is NDJSON: a header line, then one resource a line. The manifest runs beside the lines of the shown body and
keeps, for every resource id that the record ever had, its versionId, the person's seq of its last change and its time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_HEAD: Final = re.compile(rb'\{"resourceType":"([A-Za-z]+)","id":"([A-Za-z0-9.-]+)"')


@dataclass(frozen=True, slots=True)
class Line:
    """One resource as stored: JSON without meta, the person a placeholder."""

    type: str
    id: str
    json: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Body:
    """One record version. `restricted` names the rules that withhold it whole (P9): it then shows nothing.

    `carried` says which tables were absent from the dossier and were taken over, and from which version.
    """

    lines: tuple[Line, ...]
    restricted: tuple[str, ...] = field(default=(), repr=False)
    organizations: tuple[str, ...] = ()
    practitioners: tuple[str, ...] = ()
    carried: Mapping[str, int] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[Line, ...]:
        """What may leave the service."""
        return () if self.restricted else self.lines


def encode(body: Body) -> bytes:
    """NDJSON of a body."""
    header = {
        "restricted": body.restricted,
        "organizations": body.organizations,
        "practitioners": body.practitioners,
        "carried": dict(body.carried),
    }
    return b"\n".join(
        [json.dumps({k: v for k, v in header.items() if v}).encode(), *(line.json for line in body.lines)]
    )


def decode(ndjson: bytes) -> Body:
    """The opposite of `encode`."""
    first, *rest = ndjson.split(b"\n")
    header = json.loads(first)
    return Body(
        lines=tuple(map(line_of, rest)),
        restricted=tuple(header.get("restricted", ())),
        organizations=tuple(header.get("organizations", ())),
        practitioners=tuple(header.get("practitioners", ())),
        carried=header.get("carried", {}),
    )


def line_of(resource: bytes) -> Line:
    """A line from a resource's JSON, which starts with its type and id."""
    head = _HEAD.match(resource)
    if head is None:
        raise ValueError("a stored resource starts with resourceType and id")
    return Line(head[1].decode(), head[2].decode(), resource)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where one resource stands: versionId, the person's seq and the second (Unix time) of its last change."""

    version_id: int
    seq: int
    at: int


@dataclass(frozen=True, slots=True)
class Gone:
    """A resource that the record had and has no more."""

    type: str
    id: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Manifest:
    """`marks` runs parallel to the shown lines of the body; `gone` lists what is no more."""

    marks: tuple[Mark, ...] = ()
    gone: tuple[Gone, ...] = ()


def encode_manifest(manifest: Manifest) -> bytes:
    """JSON in columns, in which runs of equal numbers compress to nothing."""
    columns = {
        "v": [m.version_id for m in manifest.marks],
        "s": [m.seq for m in manifest.marks],
        "t": [m.at for m in manifest.marks],
        "gone": [[g.type, g.id, g.mark.version_id, g.mark.seq, g.mark.at] for g in manifest.gone],
    }
    return json.dumps(columns, separators=(",", ":")).encode()


def decode_manifest(encoded: bytes) -> Manifest:
    """The opposite of `encode_manifest`."""
    columns = json.loads(encoded)
    return Manifest(
        tuple(map(Mark, columns["v"], columns["s"], columns["t"])),
        tuple(Gone(kind, id_, Mark(*mark)) for kind, id_, *mark in columns["gone"]),
    )


def advance(before: Sequence[Line], manifest: Manifest, after: Sequence[Line], *, seq: int, at: int) -> Manifest | None:
    """The manifest after the shown lines have become `after`, or None where a book need not hear of it.

    An unchanged resource keeps its mark; a changed one gets the next versionId and this seq; one that is no longer
    there is gone. A Provenance alone is no change: it names another submission of the same content.
    """
    old = {line.id: (line, mark) for line, mark in zip(before, manifest.marks, strict=True)}
    dead = {gone.id: gone for gone in manifest.gone}
    changed = [x for x in after if x.id not in old or old[x.id][0].json != x.json]
    left = [line for line in before if line.id not in {x.id for x in after}]
    if not left and all(x.type == "Provenance" and x.id in old for x in changed):
        return None
    new_ids = {x.id for x in changed}
    marks = tuple(
        _next(old[x.id][1] if x.id in old else dead[x.id].mark if x.id in dead else None, seq, at)
        if x.id in new_ids
        else old[x.id][1]
        for x in after
    )
    still_gone = tuple(g for g in manifest.gone if g.id not in new_ids)
    return Manifest(marks, still_gone + tuple(Gone(x.type, x.id, _next(old[x.id][1], seq, at)) for x in left))


def _next(mark: Mark | None, seq: int, at: int) -> Mark:
    return Mark(mark.version_id + 1 if mark else 1, seq, at)
