"""What one record version holds, and which of it a book should show: the body and its manifest. Pure.

The body is NDJSON: a header line, then one resource a line. The manifest runs beside the lines of the shown body and
keeps, for every resource id that the record ever had, its versionId, the person's seq of its last change and its time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import orjson

_HEAD: Final = re.compile(rb'\{"resourceType":"[A-Za-z]+","id":"[A-Za-z0-9.-]+"')


@dataclass(frozen=True, slots=True)
class Line:
    """One resource as stored: JSON without meta, the person a placeholder. It starts with its type and id."""

    json: bytes = field(repr=False)

    @property
    def type(self) -> str:
        """Its FHIR type."""
        return self.json.split(b'"', 4)[3].decode()

    @property
    def id(self) -> str:
        """Its id."""
        return self.json.split(b'"', 8)[7].decode()


@dataclass(frozen=True, slots=True)
class Body:
    """One record version. `restricted` names the rules that withhold it whole (P9): it then shows nothing.

    `resources` are one a line, as they are stored: who wants but to hand them on need not cut them up.
    `carried` says which tables were taken over, and from which versions, the oldest first: rows of each come to, or
    take the place of, those before. Where the last is this version, rows of its own were joined to those of others.
    `gate` names the gate that found every resource good when the body was made, `mapping` the edition of the mapping
    that made it; "" where that is not known.
    """

    resources: bytes = field(default=b"", repr=False)
    restricted: tuple[str, ...] = field(default=(), repr=False)
    organizations: tuple[str, ...] = ()
    practitioners: tuple[str, ...] = ()
    carried: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    gate: str = ""
    mapping: str = ""

    @property
    def lines(self) -> tuple[Line, ...]:
        """The resources, one by one."""
        return tuple(map(Line, self.resources.split(b"\n"))) if self.resources else ()

    @property
    def shown(self) -> tuple[Line, ...]:
        """What may leave the service."""
        return () if self.restricted else self.lines


def resources_of(each: Iterable[bytes]) -> bytes:
    """A body's resources from the JSON of each. Raises ValueError for what does not start with its type and id."""
    return b"\n".join([line_of(json_).json for json_ in each])


def line_of(resource: bytes) -> Line:
    """A line from a resource's JSON. Raises ValueError where it does not start with its type and id."""
    if not _HEAD.match(resource):
        raise ValueError("a stored resource starts with resourceType and id")
    return Line(resource)


def encode(body: Body) -> bytes:
    """NDJSON of a body."""
    header = {
        "restricted": body.restricted,
        "organizations": body.organizations,
        "practitioners": body.practitioners,
        "carried": {name: from_ if len(from_) > 1 else from_[0] for name, from_ in body.carried.items()},
        "gate": body.gate,
        "mapping": body.mapping,
    }
    first = json.dumps({k: v for k, v in header.items() if v}).encode()
    return b"\n".join([first, body.resources]) if body.resources else first


def decode(ndjson: bytes) -> Body:
    """The opposite of `encode`."""
    first, _, resources = ndjson.partition(b"\n")
    header = orjson.loads(first)
    return Body(
        resources=resources,
        restricted=tuple(header.get("restricted", ())),
        organizations=tuple(header.get("organizations", ())),
        practitioners=tuple(header.get("practitioners", ())),
        carried={
            name: (from_,) if isinstance(from_, int) else tuple(from_)
            for name, from_ in header.get("carried", {}).items()
        },
        gate=header.get("gate", ""),
        mapping=header.get("mapping", ""),
    )


@dataclass(frozen=True, slots=True)
class LastChange:
    """Where one resource stands: versionId, the person's seq and the second (Unix time) of its last change."""

    version_id: int
    seq: int
    at: int


@dataclass(frozen=True, slots=True)
class Gone:
    """A resource that the record had and has no more."""

    type: str
    id: str
    last_change: LastChange


@dataclass(frozen=True, slots=True)
class Manifest:
    """`last_changes` runs parallel to the shown lines of the body; `gone` lists what is no more."""

    last_changes: tuple[LastChange, ...] = ()
    gone: tuple[Gone, ...] = ()


def encode_manifest(manifest: Manifest) -> bytes:
    """JSON in columns, in which runs of equal numbers compress to nothing."""
    columns = {
        "v": [m.version_id for m in manifest.last_changes],
        "s": [m.seq for m in manifest.last_changes],
        "t": [m.at for m in manifest.last_changes],
        "gone": [[g.type, g.id, g.last_change.version_id, g.last_change.seq, g.last_change.at] for g in manifest.gone],
    }
    return json.dumps(columns, separators=(",", ":")).encode()


def decode_manifest(encoded: bytes) -> Manifest:
    """The opposite of `encode_manifest`."""
    columns = orjson.loads(encoded)
    return Manifest(
        # What came together has one last change.
        tuple(map(cache(LastChange), columns["v"], columns["s"], columns["t"])),
        tuple(Gone(kind, id_, LastChange(*last)) for kind, id_, *last in columns["gone"]),
    )


def advance(before: Sequence[Line], manifest: Manifest, after: Sequence[Line], *, seq: int, at: int) -> Manifest | None:
    """The manifest after the shown lines have become `after`, or None where a book need not hear of it.

    An unchanged resource keeps its last change; a changed one gets the next versionId and this seq; one that is no
    longer there is gone. A Provenance alone is no change: it names another submission of the same content.
    """
    found = differences(before, after)
    if not found or found.is_another_submission:
        return None
    return _after(before, manifest, after, found, seq, at)


def made_anew(
    before: Sequence[Line], manifest: Manifest, after: Sequence[Line], *, seq: int, at: int
) -> tuple[Manifest, bool]:
    """The manifest after one and the same version has been mapped anew, and whether a book must hear of it.

    As `advance`, but it always runs beside `after`, whose lines may stand in another order; and a Provenance counts:
    it names the same submission, so that only a rule can have changed it.
    """
    found = differences(before, after)
    return _after(before, manifest, after, found, seq, at), bool(found)


@dataclass(frozen=True, slots=True)
class Differences:
    """How lines differ from those before: what is new, what is changed (as it is now), what is gone (as it was)."""

    fresh: tuple[Line, ...]
    changed: tuple[Line, ...]
    gone: tuple[Line, ...]

    def __bool__(self) -> bool:
        return bool(self.fresh or self.changed or self.gone)

    @property
    def is_another_submission(self) -> bool:
        """Whether a Provenance alone is changed, which names the submission."""
        return not (self.fresh or self.gone) and all(line.type == "Provenance" for line in self.changed)


def differences(before: Sequence[Line], after: Sequence[Line]) -> Differences:
    """What of the resources is new, changed, gone; their order is no matter."""
    old, new = {line.id: line for line in before}, {line.id: line for line in after}
    return Differences(
        fresh=tuple(line for id_, line in new.items() if id_ not in old),
        changed=tuple(line for id_, line in new.items() if id_ in old and old[id_].json != line.json),
        gone=tuple(line for id_, line in old.items() if id_ not in new),
    )


def _after(
    before: Sequence[Line], manifest: Manifest, after: Sequence[Line], found: Differences, seq: int, at: int
) -> Manifest:
    old = {line.id: last for line, last in zip(before, manifest.last_changes, strict=True)}
    dead = {gone.id: gone.last_change for gone in manifest.gone}
    moved = {line.id for line in (*found.fresh, *found.changed)}
    last_changes = tuple(
        _next(old.get(line.id) or dead.get(line.id), seq, at) if line.id in moved else old[line.id] for line in after
    )
    still_gone = tuple(g for g in manifest.gone if g.id not in moved)
    fresh = tuple(Gone(line.type, line.id, _next(old[line.id], seq, at)) for line in found.gone)
    return Manifest(last_changes, still_gone + fresh)


def says_the_same(before: Sequence[Line], after: Sequence[Line]) -> bool:
    """Whether a book that shows `before` has nothing to hear of `after`, as `advance` decides it."""
    old = {line.id: line for line in before}
    return old.keys() == {line.id for line in after} and all(
        line.type == "Provenance" or line.json == old[line.id].json for line in after
    )


def _next(last: LastChange | None, seq: int, at: int) -> LastChange:
    return LastChange(last.version_id + 1 if last else 1, seq, at)
