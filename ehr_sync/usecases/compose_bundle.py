"""The Bundle that brings a book forward: what changed since `base`, cut between records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.record_body import Gone
from ehr_sync.store.book_entries import OpenEntry
from ehr_sync.store.lanes import Lane
from ehr_sync.store.sealing import mark
from ehr_sync.usecases.open_book import ProvenPerson, cast_of, leaving, patient_of
from mappings import bundle
from mappings.bundle import Deletion, address_of, for_person
from mappings.gate import GATE, findings
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
    `gated` is what this very gate found good before, by name: those of them that were kept so, and the cast.
    """

    bundle: bytes = field(repr=False)
    target: int
    key: bytes = field(repr=False)
    entries: int
    known: frozenset[str]
    gated: Mapping[str, bytes] = field(repr=False)


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
    waiting = [_change(entry, lane) for entry in sorted(entries, key=lambda entry: _first_waiting(entry, lane.base))]
    # Where anything was sent, an empty Bundle goes too: its watermark keeps out a push that is still on its way.
    if lane.fence == 0 and not any(change.told for change in waiting):
        return None
    taken = _cut(waiting, limits)
    # Everything up to the target has been told; what was taken from beyond it is told again.
    target = max(lane.want, *(entry.entry.seq for entry in entries))
    if len(taken) < len(waiting):
        target = _first_waiting(waiting[len(taken)].entry, lane.base) - 1
    cast = cast_of([change.entry for change in taken], names=names, keys=keys, uris=uris)
    told: list[bytes | Deletion] = [patient_of(person, uris).json, *(resource.json for resource in cast)]
    for change in taken:
        told += change.told
    # The key names what is sent, how far it goes, and which try of it: so that an answer is never taken for another.
    content = b"".join([each.id.encode() if isinstance(each, Deletion) else each for each in told])
    round_ = f"{lane.epoch}/{lane.base}/{target}/{lane.fence}".encode()
    key = mark(keys.content, b"push", person.person_id.bytes, round_, content)
    # A resync starts over at base 0, but the book's mark never goes backwards.
    fence = bundle.Mark(lane_id(keys, lane), max(target, lane.have), key.hex(), lane.etag or "")
    return ComposedPush(
        bundle.transaction(told, base_url=book_url, mark=fence, uris=uris),
        target,
        key,
        entries=len(told) + 1,
        known=frozenset(address for change in taken for address in change.shown),
        gated=_gated(taken, cast),
    )


def _gated(taken: Sequence[_Change], cast: Sequence[Resource]) -> dict[str, bytes]:
    gated = {address_of(each.json): each.json for each in cast if _is_sound(each.json)}
    for change in taken:
        gated |= change.gated
    return gated


@lru_cache(maxsize=4096)
def _is_sound(resource: bytes) -> bool:
    # Of the cast alone, which comes again in nearly every Bundle and is nobody's own.
    return not findings(resource)


@dataclass(frozen=True, slots=True)
class _Change:
    """What of an entry the book is to be told, what of that was gated before, and the names of all that it shows."""

    entry: OpenEntry
    told: list[bytes | Deletion] = field(repr=False)
    gated: dict[str, bytes] = field(repr=False)
    shown: list[str]


def _change(entry: OpenEntry, lane: Lane) -> _Change:
    shown = [(address_of(resource), resource, mark_.seq > lane.base) for resource, mark_ in leaving(entry)]
    fresh = [(address, resource) for address, resource, is_new in shown if is_new]
    told: list[bytes | Deletion] = [resource for _, resource in fresh]
    # A book that holds nothing yet need not hear of what is gone.
    if _is_known(lane):
        person_id = str(lane.person_id)
        told += [_farewell(each, person_id) for each in entry.entry.manifest.gone if each.mark.seq > lane.base]
    # What is told of those that are gone was never gated.
    gated = dict(fresh) if entry.body.gate == GATE else {}
    return _Change(entry, told, gated, [address for address, _, _ in shown])


def _is_known(lane: Lane) -> bool:
    """Whether the book may hold anything. With neither, the push is guarded by there being no watermark yet."""
    return bool(lane.have or lane.etag)


def _first_waiting(entry: OpenEntry, base: int) -> int:
    manifest = entry.entry.manifest
    seqs = [mark_.seq for mark_ in (*manifest.marks, *(g.mark for g in manifest.gone)) if mark_.seq > base]
    return min(seqs, default=entry.entry.seq)


def _farewell(left: Gone, person_id: str) -> bytes | Deletion:
    tombstone = gone(left.type, left.id)
    return Deletion(left.type, left.id) if tombstone is None else for_person(tombstone, person_id)


def _cut(changes: Sequence[_Change], limits: BundleLimits) -> list[_Change]:
    taken: list[_Change] = []
    entries, size = 2, 0  # the watermark and the Patient
    for change in changes:
        entries += len(change.told) + len(change.entry.body.organizations) + len(change.entry.body.practitioners)
        size += sum([len(each) for each in change.told if isinstance(each, bytes)])
        if taken and (entries > limits.entries or size > limits.bytes):
            break
        taken.append(change)
    return taken
