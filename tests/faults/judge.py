"""The judge: reads the book's journal and the senders' ledger, and nothing of the service's own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from ehr_sync.core.codes import record_version_of
from tests.faults.expected import UNJUDGED, Expected, Key, Mapped, for_nobody, tombstone
from tests.faults.senders import Ledger

# A function of code and register, or of the person: every push may write them again, with the same bytes.
_CAST: Final = frozenset({"Basic", "Patient", "Organization", "Practitioner"})


@dataclass(frozen=True, slots=True)
class Push:
    """One push that the book has stored: whose, where its watermark went, and its clinical entries (None: deleted)."""

    number: str = field(repr=False)
    patients: tuple[str, ...]
    lane: str
    seq: int
    seq_before: int | None
    key: str
    entries: dict[Key, Any] = field(repr=False)


def pushes(journal: Sequence[dict[str, Any]]) -> list[Push]:
    """What the book has stored, in its order. The journal was read with bodies."""
    return [_push(entry) for entry in journal if entry["kind"] == "push" and entry["outcome"] == "stored"]


def faults_of(ledger: Ledger, stored: Sequence[Push], wanted: Expected, **known: Any) -> list[str]:
    """All that is wrong, one sentence each, without a personal value. `known`: as `books` and `order` take them."""
    return [
        *ledger.wrong,
        *_codes(ledger),
        *_marks(stored, again=known.get("resynced", False)),
        *_strangers(stored, wanted),
        *_backwards(stored, wanted),
        *([] if known.get("resynced", False) else _repeats(stored, wanted)),
        *_books(stored, wanted, known.get("unproven", frozenset())),
    ]


def missing(stored: Sequence[Push], wanted: Expected, unproven: frozenset[str] = frozenset()) -> list[str]:
    """How the books differ from what they must show in the end."""
    return list(_books(stored, wanted, unproven))


def _push(entry: dict[str, Any]) -> Push:
    (mark,) = entry["watermarks"]
    (key,) = [tag[4:] for tag in mark["tags"] if tag.startswith("key|")]
    sent = orjson.loads(entry["received"])["entry"]
    changes = {_key(one): one.get("resource") for one in sent}
    clinical = {key: resource for key, resource in changes.items() if key[0] not in _CAST | UNJUDGED}
    return Push(entry["number"], tuple(entry["patients"]), mark["id"], mark["seq"], mark["seq_before"], key, clinical)


def _key(entry: dict[str, Any]) -> Key:
    kind, _, id_ = entry["request"]["url"].partition("/")
    return kind, id_


def _codes(ledger: Ledger) -> Iterator[str]:
    """P2: the same visit has one maGiaoDich, however often it was sent; two contents never share one."""
    codes = defaultdict(set)
    for one in ledger.acknowledged:
        for visit, code in zip(one.post.visits, one.codes, strict=True):
            codes[visit.record, visit.version].add(code)
    for (record, version), found in codes.items():
        if len(found) > 1:
            yield f"record {record}: version {version} as sent was kept as {sorted(_kept_as(code) for code in found)}"
    shared = Counter(code for found in codes.values() for code in found)
    yield from (f"{count} visits under one code" for count in shared.values() if count > 1)


def _kept_as(code: str) -> int:
    return record_version_of(code)[1]


def _marks(stored: Sequence[Push], *, again: bool) -> Iterator[str]:
    """P6: a lane's watermark only grows; nothing but a resync pushes a target again, and no push is applied twice."""
    for push in stored:
        before = push.seq_before or 0
        if push.seq < before or (push.seq == before and not again):
            yield f"lane {push.lane}: seq {before} -> {push.seq}"
    twice = [key for key, count in Counter(push.key for push in stored).items() if count > 1]
    yield from (f"push {key} was applied twice" for key in twice)


def _strangers(stored: Sequence[Push], wanted: Expected) -> Iterator[str]:
    """P4: one person a lane and a push; and only what was sent under that person's number."""
    lanes: dict[str, set[str]] = defaultdict(set)
    patients: dict[str, set[str]] = defaultdict(set)
    for push in stored:
        lanes[push.lane].add(push.number)
        patients[push.number].update(push.patients)
        if len(push.patients) != 1:
            yield f"lane {push.lane}: {len(push.patients)} patients in one push"
    yield from (f"lane {lane} led to {len(found)} people" for lane, found in lanes.items() if len(found) > 1)
    yield from (f"a person has {len(found)} books" for found in patients.values() if len(found) > 1)
    for push in stored:
        sent = wanted.of(push.number)
        yield from (f"{key} was never sent for its reader" for key in push.entries if not _is_of(key, push, sent))


def _is_of(key: Key, push: Push, sent: Sequence[Mapped]) -> bool:
    held = push.entries[key]
    known = [visit.resources[key] for visit in sent if key in visit.resources]
    if not known:
        return False
    bare = None if held is None else for_nobody(held, push.patients[0])
    return bare in known or bare == tombstone(key)


def _backwards(stored: Sequence[Push], wanted: Expected) -> Iterator[str]:
    """P3, P6: of a record a book never hears an older version after a newer one."""
    floors: dict[tuple[str, tuple[str, str]], int] = {}
    for push in stored:
        sent = wanted.of(push.number)
        for record in {visit.record for visit in sent}:
            floor = floors.get((push.number, record), 0)
            fitting = _versions(push, [visit for visit in sent if visit.record == record])
            later = [version for version in fitting if version >= floor]
            if fitting and not later:
                yield f"lane {push.lane}: version {max(fitting)} of a record after {floor}"
            floors[push.number, record] = min(later, default=floor)


def _versions(push: Push, sent: Sequence[Mapped]) -> list[int]:
    """Which versions of a record the living resources in a push can be of."""
    possible = {visit.version for visit in sent}
    touched = False
    for key, resource in push.entries.items():
        bare = None if resource is None else for_nobody(resource, push.patients[0])
        if bare is None or bare == tombstone(key) or not any(key in visit.resources for visit in sent):
            continue
        touched = True
        possible &= {visit.version for visit in sent if visit.resources.get(key) == bare}
    return sorted(possible) if touched else []


def _repeats(stored: Sequence[Push], wanted: Expected) -> Iterator[str]:
    """Nothing twice: what a book holds already is not pushed again, unless a version in between had it otherwise."""
    held: dict[Key, Any] = {}
    for push in stored:
        for key, new in push.entries.items():
            if held.get(key) == (new,) and not _ever_changed(key, push, wanted):
                yield f"{key} was pushed twice"
            held[key] = (new,)


def _ever_changed(key: Key, push: Push, wanted: Expected) -> bool:
    records = {visit.record for visit in wanted.of(push.number) if key in visit.resources}
    contents = [visit.resources.get(key) for visit in wanted.visits if visit.record in records]
    return any(content != contents[0] for content in contents)


def _books(stored: Sequence[Push], wanted: Expected, unproven: frozenset[str]) -> Iterator[str]:
    """P1: every acknowledged record of a proven person is in its book, as its newest version has it, and no other."""
    held: dict[str, dict[Key, Any]] = defaultdict(dict)
    for push in stored:
        held[push.number].update({key: new and for_nobody(new, push.patients[0]) for key, new in push.entries.items()})
    books = wanted.books(unproven)
    for number in books.keys() | held.keys():
        yield from _differences(held.get(number, {}), books.get(number, {}))


def _differences(held: dict[Key, Any], wanted: dict[Key, Any]) -> Iterator[str]:
    living = {key: new for key, new in held.items() if new is not None and new != tombstone(key)}
    yield from (f"{key} is missing in its book" for key in wanted.keys() - living.keys())
    yield from (f"{key} should not be in this book" for key in living.keys() - wanted.keys())
    yield from (
        f"{key} is not as it was last sent" for key in wanted.keys() & living.keys() if living[key] != wanted[key]
    )
