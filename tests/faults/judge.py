"""The judge: reads the book's journal and the senders' ledger, and nothing of the service's own."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from ehr_sync.core.codes import record_version_of
from tests.facts import Fact, Key, facts_held, is_in_error, visit_named
from tests.faults.expected import Expected, Sent
from tests.faults.senders import Ledger

# A function of the person: every push may write them again, with the same bytes.
_CAST: Final = frozenset({"Basic", "Patient"})
# It says when and by which submission: several versions of equal content may be named.
_UNJUDGED: Final = frozenset({"Provenance"})

# The digits of an id that are those of its record.
_OF_RECORD: Final = 12


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
    """What the book has stored of people, in its order. The journal was read with bodies."""
    stored = [entry for entry in journal if entry["kind"] == "push" and entry["outcome"] == "stored"]
    return [_push(entry) for entry in stored if not _is_registers(entry)]


def _is_registers(entry: dict[str, Any]) -> bool:
    return {each["type"] for each in entry["entries"]} <= {"Basic", "Organization", "Practitioner"}


def faults_of(ledger: Ledger, stored: Sequence[Push], wanted: Expected, **known: Any) -> list[str]:
    """All that is wrong, one sentence each, without a personal value. `known`: as `books` and `order` take them."""
    return [
        *ledger.wrong,
        *_codes(ledger),
        *_ids(ledger, stored),
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
    clinical = {key: resource for key, resource in changes.items() if key[0] not in _CAST | _UNJUDGED}
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


def _ids(ledger: Ledger, stored: Sequence[Push]) -> Iterator[str]:
    """P4: whatever is written in a book, farewells too, has an id of a record that its reader was named in, and of
    nobody else's book.
    """
    named: dict[str, set[str]] = defaultdict(set)
    for one in ledger.acknowledged:
        for visit, code in zip(one.post.visits, one.codes, strict=True):
            named[visit.hoso.summary["SO_CCCD"]].add(_record_in(code))
    writers: dict[Key, set[str]] = defaultdict(set)
    for push in stored:
        for key in push.entries:
            writers[key].add(push.number)
            if key[1].replace("-", "")[:_OF_RECORD] not in named[push.number]:
                yield f"{key} is of no record that its reader was named in"
    yield from (f"{key} was written in {len(found)} books" for key, found in writers.items() if len(found) > 1)


def _record_in(code: str) -> str:
    return record_version_of(code)[0].hex()[:_OF_RECORD]


def _marks(stored: Sequence[Push], *, again: bool) -> Iterator[str]:
    """P6: a lane's watermark only grows; nothing but a resync pushes a target again, and no push is applied twice."""
    for push in stored:
        before = push.seq_before or 0
        if push.seq < before or (push.seq == before and not again):
            yield f"lane {push.lane}: seq {before} -> {push.seq}"
    twice = [key for key, count in Counter(push.key for push in stored).items() if count > 1]
    yield from (f"push {key} was applied twice" for key in twice)


def _strangers(stored: Sequence[Push], wanted: Expected) -> Iterator[str]:
    """P4: one person a lane and a push; and only of visits that were sent under that person's number."""
    lanes: dict[str, set[str]] = defaultdict(set)
    patients: dict[str, set[str]] = defaultdict(set)
    for push in stored:
        lanes[push.lane].add(push.number)
        patients[push.number].update(push.patients)
        if len(push.patients) != 1:
            yield f"lane {push.lane}: {len(push.patients)} patients in one push"
    yield from (f"lane {lane} led to {len(found)} people" for lane, found in lanes.items() if len(found) > 1)
    yield from (f"a person has {len(found)} books" for found in patients.values() if len(found) > 1)
    for push, book in _steps(stored):
        sent = {visit.record[1] for visit in wanted.of(push.number)}
        for key, resource in push.entries.items():
            if resource is not None and not is_in_error(resource) and visit_named(book, resource) not in sent | {None}:
                yield f"{key} was never sent for its reader"


def _steps(stored: Sequence[Push]) -> Iterator[tuple[Push, dict[Key, Any]]]:
    """Each push with all that its book holds once it is stored; a deleted resource is None."""
    books: dict[str, dict[Key, Any]] = defaultdict(dict)
    for push in stored:
        books[push.number].update(push.entries)
        yield push, books[push.number]


def _backwards(stored: Sequence[Push], wanted: Expected) -> Iterator[str]:
    """P3, P6: after each push a book says of each record what one version of it said, never an older one than before.

    Two facilities may use one MA_LK: what a book says under it is then the sum of a version of each. All that may
    stand there is followed, as one number a record (0: nothing of it); none is left where a book went backwards.
    """
    standing: dict[tuple[str, str], set[tuple[int, ...]]] = {}
    for push, book in _steps(stored):
        told = _by_visit(facts_held(book))
        sent = wanted.of(push.number)
        for ma_lk in {visit.record[1] for visit in sent}:
            fitting = _saying(told.get(ma_lk, Counter()), [visit for visit in sent if visit.record[1] == ma_lk])
            before = standing.get((push.number, ma_lk))
            later = {now for now in fitting if before is None or any(_follows(now, then) for then in before)}
            if not fitting:
                yield f"lane {push.lane}: a book says of a visit what no version of it says"
            elif not later:
                yield f"lane {push.lane}: a book says of a visit what an older version says"
            standing[push.number, ma_lk] = later or fitting


def _saying(told: Counter[Fact], sent: Sequence[Sent]) -> set[tuple[int, ...]]:
    """Which versions of these records, one or none of each, say together just this."""
    records = sorted({visit.record for visit in sent})
    nothing: Counter[Fact] = Counter()
    choices = [[(0, nothing)] + [(v.version, v.facts) for v in sent if v.record == record] for record in records]
    return {
        tuple(version for version, _ in chosen)
        for chosen in itertools.product(*choices)
        if sum((facts for _, facts in chosen), nothing) == told
    }


def _follows(now: tuple[int, ...], then: tuple[int, ...]) -> bool:
    return all(new == 0 or new >= old for new, old in zip(now, then, strict=True))


def _by_visit(facts: Counter[Fact]) -> dict[str, Counter[Fact]]:
    found: dict[str, Counter[Fact]] = defaultdict(Counter)
    for fact, count in facts.items():
        found[fact[0]][fact] = count
    return found


def _repeats(stored: Sequence[Push], wanted: Expected) -> Iterator[str]:
    """Nothing twice: what a book holds already is pushed again only where a version in between may have had it
    otherwise: never of a record with one version, and never as often as it has versions.
    """
    held: dict[tuple[str, Key], Any] = {}
    again: Counter[tuple[str, Key]] = Counter()
    for push, book in _steps(stored):
        for key, new in push.entries.items():
            place = push.number, key
            if place in held and held[place] == new:
                again[place] += 1
                if again[place] >= _versions(push.number, visit_named(book, new) if new else None, wanted):
                    yield f"{key} was pushed twice"
            held[place] = new


def _versions(number: str, named: str | None, wanted: Expected) -> int:
    """How often a visit was sent for a number; of what names no visit, the most that any of theirs was."""
    counted = Counter(visit.record[1] for visit in wanted.of(number))
    return counted[named] if named is not None else max(counted.values(), default=1)


def _books(stored: Sequence[Push], wanted: Expected, unproven: frozenset[str]) -> Iterator[str]:
    """P1: every acknowledged record of a proven person is in its book, as its newest version has it, and no other."""
    held = {push.number: book for push, book in _steps(stored)}
    books = wanted.books(unproven)
    for number in books.keys() | held.keys():
        said, must = facts_held(held.get(number, {})), books.get(number, Counter())
        yield from (f"a book lacks {count} of a visit's {kind}" for kind, count in _kinds(must - said).items())
        yield from (f"a book should not say {count} of a visit's {kind}" for kind, count in _kinds(said - must).items())


def _kinds(facts: Counter[Fact]) -> Counter[str]:
    """How many of each kind: what is wrong, without what it says of anybody."""
    found: Counter[str] = Counter()
    for fact, count in facts.items():
        found[fact[1]] += count
    return found
