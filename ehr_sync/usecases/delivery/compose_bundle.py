"""The Bundle that brings a book forward: what changed since `base`, cut between records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.record_body import Gone
from ehr_sync.store.book_entries import OpenEntry
from ehr_sync.store.lanes import Lane
from ehr_sync.store.sealing import mark
from ehr_sync.usecases.book.open_book import ProvenPerson, leaving, patient_of
from ehr_sync.usecases.delivery.referred_first import in_order
from mappings.fhir import bundle
from mappings.fhir.bundle import Deletion, NextWatermark, Put, for_person, put
from mappings.fhir.gone import gone
from mappings.gate import GATE
from mappings.model import Uris

_BESIDE: Final = 2  # the watermark and the Patient
_FIXED_BITS: Final = 0xF << 76 | 0b11 << 62
_VERSION_8: Final = 0x8 << 76 | 0b10 << 62


@dataclass(frozen=True, slots=True)
class BundleLimits:
    """Most entries and bytes of one Bundle. Cut is between records; one that alone passes them is cut inside."""

    entries: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ComposedPush:
    """A Bundle, the seq that the book will hold by it, and the push's key, which its watermark carries.

    `known` names what its resources may refer to beside each other: what of the same records is in the book already,
    and the players. `gated` is what this very gate found good before, by name; it stands together at the end.
    """

    bundle: bytes = field(repr=False)
    target: int
    key: bytes = field(repr=False)
    entries: int
    known: Set[str]
    gated: Mapping[bytes, bytes] = field(repr=False)
    part: int = 0  # how much of the record that waits first the book then holds; 0: nothing of it, or all


def lane_id(keys: ServiceKeys, person_id: UUID, destination: str) -> str:
    """The id of a lane's watermark, a UUID (RFC 9562 section 5.8): tells nothing of the person."""
    digest = mark(keys.id, b"watermark", person_id.bytes, destination.encode())
    return str(UUID(int=int.from_bytes(digest[:16]) & ~_FIXED_BITS | _VERSION_8))


def old_lane_id(keys: ServiceKeys, person_id: UUID, destination: str) -> str:
    """The id under which a lane's watermark stood before it was a UUID (migration 0002)."""
    return mark(keys.id, b"lane", person_id.bytes, destination.encode()).hex()


def watermark_of(lane: Lane, seq: int, key: str, keys: ServiceKeys) -> NextWatermark:
    """A lane's watermark at this seq, under the ETag last seen."""
    return NextWatermark(lane_id(keys, lane.person_id, lane.destination), seq, key, lane.etag or "")


def compose_push(
    lane: Lane,
    person: ProvenPerson,
    entries: Sequence[OpenEntry],
    *,
    players: Set[str],
    keys: ServiceKeys,
    book_url: str,
    uris: Uris,
    limits: BundleLimits,
) -> ComposedPush | None:
    """The next Bundle of a lane, or None where its book was never sent anything and has nothing to hear: not even that
    there is such a person (P9). `entries` are those beyond its base; `players` are in the book already.
    """
    # By what waits longest: a record that changed again waits with its old lines for its first turn, not its last.
    waiting = [_change(entry, lane) for entry in sorted(entries, key=lambda entry: _first_waiting(entry, lane.base))]
    # Where anything was sent, an empty Bundle goes too: its watermark keeps out a push that is still on its way.
    if lane.fence == 0 and not any(change.told for change in waiting):
        return None
    if waiting and (part := _part(waiting[0], lane, limits)):
        return _composed_part(lane, person, waiting, part, players=players, keys=keys, book_url=book_url, uris=uris)
    taken = _cut(waiting, limits)
    # Everything up to the target has been told; what was taken from beyond it is told again.
    target = max(lane.want, *(entry.entry.seq for entry in entries))
    if len(taken) < len(waiting):
        target = _first_waiting(waiting[len(taken)].entry, lane.base) - 1
    gated = [each for change in taken for each in change.gated]
    told: list[Put | Deletion] = [put(patient_of(person, uris).json)]
    told += [each for change in taken for each in change.other]
    told += gated
    known = players | {address for change in taken for address in change.known}
    return _guarded(lane, told, target, keys=keys, book_url=book_url, uris=uris, known=known, gated=dict(gated))


def compose_register(
    lane: Lane, players: Sequence[Put], target: int, *, keys: ServiceKeys, book_url: str, uris: Uris
) -> ComposedPush | None:
    """The next Bundle of the register's lane, or None where there is nothing to tell."""
    if not players:
        return None
    return _guarded(lane, players, target, keys=keys, book_url=book_url, uris=uris, known=frozenset(), gated={})


def _guarded(
    lane: Lane,
    told: Sequence[Put | Deletion],
    target: int,
    *,
    keys: ServiceKeys,
    book_url: str,
    uris: Uris,
    known: Set[str],
    gated: Mapping[bytes, bytes],
    part: int = 0,
) -> ComposedPush:
    # The key names what is sent, how far it goes, and which try of it: so that an answer is never taken for another.
    content = b"".join([each.id.encode() if isinstance(each, Deletion) else each[1] for each in told])
    round_ = f"{lane.epoch}/{lane.base}/{target}/{part}/{lane.fence}".encode()
    key = mark(keys.content, b"push", lane.person_id.bytes, round_, content)
    # A resync starts over at base 0, but the book's watermark never goes backwards.
    fence = watermark_of(lane, max(target, lane.have), key.hex(), keys)
    return ComposedPush(
        bundle.transaction(told, base_url=book_url, next_watermark=fence, uris=uris),
        target,
        key,
        entries=len(told) + 1,
        known=known,
        gated=gated,
        part=part,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of what the book is to be told of one record, and how much of it is then told; 0: all."""

    told: Sequence[Put | Deletion]
    then: int


def _part(change: _Change, lane: Lane, limits: BundleLimits) -> _Part | None:
    """The next part of a record that alone passes the limits; None where it fits whole."""
    size = _size(change)
    room = max(1, limits.entries - _BESIDE)
    if size > limits.bytes:
        room = min(room, max(1, len(change.told) * limits.bytes // size))
    if len(change.told) <= room:
        return None
    ordered, first = in_order(change.told)
    # The Encounter and what it refers to refer to each other: never apart.
    end = max(lane.part + room, first)
    return _Part(ordered[lane.part : end], end if end < len(ordered) else 0)


def _composed_part(
    lane: Lane,
    person: ProvenPerson,
    waiting: Sequence[_Change],
    part: _Part,
    *,
    players: Set[str],
    keys: ServiceKeys,
    book_url: str,
    uris: Uris,
) -> ComposedPush:
    # Seq moves with the last part.
    target = max(lane.want, *(change.entry.entry.seq for change in waiting))
    behind = waiting[0] if part.then else waiting[1] if len(waiting) > 1 else None
    if behind is not None:
        target = _first_waiting(behind.entry, lane.base) - 1
    told = [put(patient_of(person, uris).json), *part.told]
    names = {each[0].decode() for each in waiting[0].told if not isinstance(each, Deletion)}
    return _guarded(
        lane,
        told,
        target,
        keys=keys,
        book_url=book_url,
        uris=uris,
        known=players | names.union(waiting[0].known),
        gated={},
        part=part.then,
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """What of an entry the book is to be told, whether gated before or not, and what was told before, by name."""

    entry: OpenEntry
    gated: list[Put] = field(repr=False)
    other: list[Put | Deletion] = field(repr=False)
    known: list[str]

    @property
    def told(self) -> list[Put | Deletion]:
        return [*self.gated, *self.other]


def _change(entry: OpenEntry, lane: Lane) -> _Change:
    shown = leaving(entry)
    fresh = [put(resource) for resource, last in shown if last.seq > lane.base]
    known = [put(resource)[0].decode() for resource, last in shown if last.seq <= lane.base]
    is_gated = entry.body.gate == GATE
    other: list[Put | Deletion] = [] if is_gated else [*fresh]
    # A book that holds nothing yet need not hear of what is gone.
    if _is_known(lane):
        person_id = str(lane.person_id)
        other += [_farewell(each, person_id) for each in entry.entry.manifest.gone if each.last_change.seq > lane.base]
        # What is told of those that are gone was never gated.
    return _Change(entry, fresh if is_gated else [], other, known)


def _is_known(lane: Lane) -> bool:
    """Whether the book may hold anything. With neither, the push is guarded by there being no watermark yet."""
    return bool(lane.have or lane.etag)


def _first_waiting(entry: OpenEntry, base: int) -> int:
    manifest = entry.entry.manifest
    seqs = [last.seq for last in (*manifest.last_changes, *(g.last_change for g in manifest.gone)) if last.seq > base]
    return min(seqs, default=entry.entry.seq)


def _farewell(left: Gone, person_id: str) -> Put | Deletion:
    tombstone = gone(left.type, left.id)
    return Deletion(left.type, left.id) if tombstone is None else put(for_person(tombstone, person_id))


def _size(change: _Change) -> int:
    return sum([len(each[1]) for each in change.told if not isinstance(each, Deletion)])


def _cut(changes: Sequence[_Change], limits: BundleLimits) -> list[_Change]:
    taken: list[_Change] = []
    entries, size = _BESIDE, 0
    for change in changes:
        entries += len(change.told)
        size += _size(change)
        if taken and (entries > limits.entries or size > limits.bytes):
            break
        taken.append(change)
    return taken
