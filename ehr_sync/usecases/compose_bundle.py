"""The Bundle that brings a book forward: what changed since `base`, cut between records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.record_body import Line
from ehr_sync.store.book_entries import OpenEntry
from ehr_sync.store.lanes import Lane
from ehr_sync.store.sealing import mark
from ehr_sync.usecases.open_book import ProvenPerson, cast_of, leaving, patient_of
from mappings import bundle
from mappings.bundle import Deletion, for_person
from mappings.gone import gone
from mappings.model import Resource, Uris


@dataclass(frozen=True, slots=True)
class BundleLimits:
    """Most entries and bytes of one Bundle. One record alone may pass them: it is never cut."""

    entries: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ComposedPush:
    """A Bundle, the seq that the book will hold by it, and the push's key, which its watermark carries.

    `known` names what its resources may refer to beside each other: what of the same records is in the book already.
    """

    bundle: bytes = field(repr=False)
    target: int
    key: bytes = field(repr=False)
    known: frozenset[str]


def lane_id(keys: ServiceKeys, lane: Lane) -> str:
    """The id of a lane's watermark: tells nothing of the person."""
    return mark(keys.id, b"lane", lane.person_id.bytes, lane.destination.encode()).hex()


def compose_push(
    lane: Lane,
    person: ProvenPerson,
    entries: Sequence[OpenEntry],
    *,
    names: Callable[[str], str],
    keys: ServiceKeys,
    book_url: str,
    uris: Uris,
    limits: BundleLimits,
) -> ComposedPush | None:
    """The next Bundle of a lane, or None where its book was never sent anything and has nothing to hear: not even that
    there is such a person (P9). `entries` are those beyond its base.
    """
    # By what waits longest: a record that changed again waits with its old lines for its first turn, not its last.
    waiting = sorted(entries, key=lambda entry: _first_waiting(entry, lane.base))
    changes = [(entry, _changes(entry, lane)) for entry in waiting]
    # Where anything was sent, an empty Bundle goes too: its watermark keeps out a push that is still on its way.
    if lane.fence == 0 and not any(changed for _, changed in changes):
        return None
    taken = _cut(changes, limits)
    # Everything up to the target has been told; what was taken from beyond it is told again.
    target = max(lane.want, *(entry.entry.seq for entry in entries))
    if len(taken) < len(waiting):
        target = _first_waiting(waiting[len(taken)], lane.base) - 1
    person_id = str(person.person_id)
    cast = cast_of([e for e, _ in taken], names=names, keys=keys, uris=uris)
    resources: list[Resource | Deletion] = [patient_of(person, uris), *cast]
    for _, changed in taken:
        resources += [_for(person_id, r) for r in changed]
    # The key names what is sent, how far it goes, and which try of it: so that an answer is never taken for another.
    content = b"".join(r.json if isinstance(r, Resource) else r.id.encode() for r in resources)
    round_ = f"{lane.epoch}/{lane.base}/{target}/{lane.fence}".encode()
    key = mark(keys.content, b"push", person.person_id.bytes, round_, content)
    # A resync starts over at base 0, but the book's mark never goes backwards.
    fence = bundle.Mark(lane_id(keys, lane), max(target, lane.have), key.hex(), lane.etag or "")
    known = frozenset(f"{r.type}/{r.id}" for e, _ in taken for r in (_resource(json) for json, _ in leaving(e)))
    return ComposedPush(bundle.transaction(resources, base_url=book_url, mark=fence, uris=uris), target, key, known)


def _changes(entry: OpenEntry, lane: Lane) -> list[Resource | Deletion]:
    changed: list[Resource | Deletion] = [_resource(json) for json, mark_ in leaving(entry) if mark_.seq > lane.base]
    if not _is_known(lane):
        # A book that holds nothing yet need not hear of what is gone.
        return changed
    return changed + [_gone(g.type, g.id) for g in entry.entry.manifest.gone if g.mark.seq > lane.base]


def _resource(json: bytes) -> Resource:
    line = Line(json)
    return Resource(line.type, line.id, json)


def _is_known(lane: Lane) -> bool:
    """Whether the book may hold anything. With neither, the push is guarded by there being no watermark yet."""
    return bool(lane.have or lane.etag)


def _first_waiting(entry: OpenEntry, base: int) -> int:
    manifest = entry.entry.manifest
    seqs = [mark_.seq for mark_ in (*manifest.marks, *(g.mark for g in manifest.gone)) if mark_.seq > base]
    return min(seqs, default=entry.entry.seq)


def _gone(type_: str, id_: str) -> Resource | Deletion:
    tombstone = gone(type_, id_)
    return Deletion(type_, id_) if tombstone is None else Resource(type_, id_, tombstone)


def _for(person_id: str, resource: Resource | Deletion) -> Resource | Deletion:
    if isinstance(resource, Deletion):
        return resource
    return Resource(resource.type, resource.id, for_person(resource.json, person_id))


def _cut(
    changes: list[tuple[OpenEntry, list[Resource | Deletion]]], limits: BundleLimits
) -> list[tuple[OpenEntry, list[Resource | Deletion]]]:
    taken: list[tuple[OpenEntry, list[Resource | Deletion]]] = []
    entries, size = 2, 0  # the watermark and the Patient
    for entry, changed in changes:
        entries += len(changed) + len(entry.body.organizations) + len(entry.body.practitioners)
        size += sum(len(r.json) for r in changed if isinstance(r, Resource))
        if taken and (entries > limits.entries or size > limits.bytes):
            break
        taken.append((entry, changed))
    return taken
