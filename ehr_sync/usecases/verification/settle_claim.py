"""What a proof does, the registry's or a reviewer's, and what taking one back does: whose the claim is, and which of
its records stand in whose book (P4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.errors import Unavailable, Unfit
from ehr_sync.core.identity import State
from ehr_sync.core.review import ACCEPTED, agree
from ehr_sync.store import audit, edges, identity_claims, people, records, reviews
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.edges import Edge
from ehr_sync.store.identity_claims import ClaimRow
from ehr_sync.store.identity_edges import edge_of_claim, edge_of_number, edge_of_person
from ehr_sync.store.people import LockedPerson, ProvenFacts
from ehr_sync.store.records import RecordRow
from ehr_sync.store.reviews import ReviewRow, edge_of_review
from ehr_sync.usecases.book.release import Change, release
from ehr_sync.usecases.stores import Stores

_ATTEMPTS = 50


class _Moved(Exception):
    """Somebody else has come behind the number meanwhile."""


@dataclass(frozen=True, slots=True)
class Settling:
    """What becomes of one claim. `decide` writes its row, and says whether it was still the one that was looked at;
    where it was not, `otherwise` is done instead. `also` is done beside, for the claim's new owner. Both return what is
    to be sealed. `entry` is what the audit log is told of it.
    """

    claim_id: bytes
    person_id: UUID
    facts: bytes = field(repr=False)
    reason: str
    decide: Callable[[Connection], bool]
    otherwise: Callable[[Connection], Sequence[Edge]] = lambda _: ()
    also: Callable[[Connection, UUID], Sequence[Edge]] = lambda _, __: ()
    entry: Callable[[UUID], AuditEntry] | None = None


def prove_claim(settling: Settling, *, stores: Stores) -> bool:
    """Make a claim the proven one of whoever is behind its number, and release its records. False where it was erased,
    or `decide` said no. Raises Unavailable.
    """
    for _ in range(_ATTEMPTS):
        with stores.database.begin() as connection:
            claim = identity_claims.claims(connection, stores.keys.edges, [settling.claim_id]).get(settling.claim_id)
            if claim is None:
                return False  # erased meanwhile
            number_mark = claim.number_mark or b""
            target = people.behind_number(connection, stores.keys.edges, number_mark)
        crowd = {settling.person_id, target or settling.person_id}
        keys = stores.key_store.keys(crowd)
        if crowd - keys.keys():
            raise Unavailable("keys.missing")  # somebody is being erased
        at = stores.database.now()
        try:
            with stores.database.begin() as connection:
                locked = people.lock(connection, stores.keys.edges, crowd)
                if not settling.decide(connection):
                    edges.write(connection, stores.keys, settling.otherwise(connection))
                    return False
                # Nobody has changed the claim since it was read.
                _check_newest(connection, claim, locked, stores)
                owner, changed = _owner(connection, settling, number_mark, target, locked, keys, at, stores)
                _release_claim(connection, settling.claim_id, locked[owner], keys, stores, at)
                sealed = edge_of_claim(settling.claim_id, owner, number_mark, State.PROVEN.value, settling.reason)
                edges.write(connection, stores.keys, [sealed, *changed, *settling.also(connection, owner)])
                _note(connection, settling, owner, stores)
        except _Moved:
            continue
        return True
    raise Unavailable("database.busy")


def _note(connection: Connection, settling: Settling, owner: UUID, stores: Stores) -> None:
    if settling.entry is not None:
        audit.write(connection, stores.keys.audit, [settling.entry(owner)])


def _check_newest(connection: Connection, claim: ClaimRow, locked: Mapping[UUID, LockedPerson], stores: Stores) -> None:
    """Nothing is proven by a row that was put back as it was. Raises Unfit."""
    everybody = [("person", who, person.sealed_at) for who, person in locked.items()]
    edges.check_newest(connection, stores.keys.edges, ("claim", claim.claim_id, claim.sealed_at), *everybody)


def _owner(
    connection: Connection,
    settling: Settling,
    number_mark: bytes,
    target: UUID | None,
    locked: Mapping[UUID, LockedPerson],
    keys: dict[UUID, bytes],
    at: datetime,
    stores: Stores,
) -> tuple[UUID, list[Edge]]:
    """The person whom the proof makes this claim's: the provisional one, or the one already behind the number; and what
    becomes of number and people by it.
    """
    source, claim_id = settling.person_id, settling.claim_id
    if people.behind_number(connection, stores.keys.edges, number_mark) != target:
        raise _Moved
    if target is None and not people.take_number(connection, number_mark, source):
        raise _Moved
    if target is None:
        people.prove(connection, source, claim_id)
        proven = edge_of_person(source, "proven", None, claim_id)
        is_first = locked[source].state == "provisional"
        return source, [edge_of_number(number_mark, source), *([proven] if is_first else [])]
    known = _known(connection, settling, locked[target], stores)
    changed = _leads(connection, settling, target, known) if known else []
    if target == source:
        return source, changed
    facts = identity_claims.open_facts(keys[source], source, claim_id, settling.facts)
    if known and known.stands and settling.reason != ACCEPTED:
        theirs = identity_claims.open_facts(keys[target], target, known.claim_id, known.sealed)
        changed += [] if agree(facts, theirs) else _two_proofs(connection, settling, target, at, stores)
    resealed = identity_claims.seal_facts(keys[target], target, claim_id, facts)
    records.move_versions(connection, (source, keys[source]), (target, keys[target]))
    records.move_records(connection, source, target)
    identity_claims.move_claim(connection, claim_id, target, resealed)
    people.merge(connection, source, target)
    return target, [*changed, edge_of_person(source, "merged", target, locked[source].proven_claim)]


def _known(connection: Connection, settling: Settling, person: LockedPerson, stores: Stores) -> ProvenFacts | None:
    """What else has proven somebody. Raises Unfit."""
    if person.proven_claim == settling.claim_id:
        return None
    known = people.proven_facts(connection, stores.keys.edges, [person.person_id]).get(person.person_id)
    if isinstance(known, Unfit):
        raise known
    return known


def _leads(connection: Connection, settling: Settling, who: UUID, known: ProvenFacts) -> list[Edge]:
    """Let this claim be the one that proves somebody, where the one that did so was taken back, or is a reviewer's and
    this one the registry's.
    """
    if known.stands and (known.reason != ACCEPTED or settling.reason == ACCEPTED):
        return []
    people.prove_by(connection, who, settling.claim_id)
    return [edge_of_person(who, "proven", None, settling.claim_id)]


def _two_proofs(connection: Connection, settling: Settling, target: UUID, at: datetime, stores: Stores) -> list[Edge]:
    """A review to open where the registry has proven two claims on one number that differ: a changed name, or two
    people (rules: two-proofs).
    """
    before = reviews.find(connection, stores.keys.edges, [settling.claim_id]).get(settling.claim_id)
    row = ReviewRow(settling.claim_id, "merge", target, "open", at, sealed_at=before.sealed_at if before else 0)
    return [edge_of_review(row)] if reviews.put(connection, row) else []


def _release_claim(
    connection: Connection,
    claim_id: bytes,
    owner: LockedPerson,
    keys: dict[UUID, bytes],
    stores: Stores,
    at: datetime,
) -> None:
    """Put into the owner's book every record whose newest version makes this claim and is ready, but for those that
    are set aside or withdrawn.
    """
    locked = records.lock_records(connection, records.records_of(connection, [owner.person_id]).keys())
    ready = _ready(connection, locked, claim_id, owner.person_id)
    if not ready:
        return
    wanted = [(owner.person_id, r.record_id, r.newest) for r in ready]
    bodies = records.bodies(connection, wanted, keys)
    # What left this book when a proof was taken back goes on counting from there.
    may_have_left = owner.state == "proven"
    changes = [
        Change(owner.person_id, r, r.newest, bodies[owner.person_id, r.record_id, r.newest], anew=may_have_left)
        for r in ready
    ]
    _release(connection, changes, owner, keys, stores, at)


def _release(
    connection: Connection,
    changes: Sequence[Change],
    owner: LockedPerson,
    keys: Mapping[UUID, bytes],
    stores: Stores,
    at: datetime,
) -> None:
    rows = release(
        connection,
        changes,
        locked={owner.person_id: owner},
        person_keys=keys,
        destination=stores.destination,
        at=at,
    )
    records.set_records(connection, list(rows.values()))


def _ready(connection: Connection, rows: dict[bytes, RecordRow], claim_id: bytes, person_id: UUID) -> list[RecordRow]:
    heads = records.version_heads(connection, rows.values())
    newest = {h.record_id: h for hs in heads.values() for h in hs if h.version == rows[h.record_id].newest}
    ordered = sorted(newest.values(), key=lambda h: (h.accepted_at, h.record_id))
    return [
        rows[h.record_id]
        for h in ordered
        if h.claim_id == claim_id and h.state == "ready" and h.person_id == person_id and not rows[h.record_id].is_aside
    ]


def take_back(settling: Settling, *, state: State, stores: Stores) -> bool:
    """Let a proven claim be none any more, with this state and the reason of `settling`: its records leave the book.
    Another proof of the same person goes on proving them; where there is none only their number stays. False where
    `decide` said no. Raises Unavailable.
    """
    who = settling.person_id
    keys = stores.key_store.keys([who])
    if who not in keys:
        raise Unavailable("keys.missing")  # somebody is being erased
    at = stores.database.now()
    with stores.database.begin() as connection:
        locked = people.lock(connection, stores.keys.edges, [who])
        claim = identity_claims.claims(connection, stores.keys.edges, [settling.claim_id]).get(settling.claim_id)
        if claim is None or claim.person_id != who or not settling.decide(connection):
            return False
        _check_newest(connection, claim, locked, stores)
        rows = records.lock_records(connection, records.records_of(connection, [who]).keys())
        shown = _shown_by(connection, rows, settling.claim_id, who)
        _release(connection, [Change(who, row, row.shown or 0, None) for row in shown], locked[who], keys, stores, at)
        sealed = edge_of_claim(settling.claim_id, who, claim.number_mark, state.value, settling.reason)
        changed = [sealed, *_next_proof(connection, settling.claim_id, locked[who], stores)]
        edges.write(connection, stores.keys, [*changed, *settling.also(connection, who)])
        _note(connection, settling, who, stores)
    return True


def _shown_by(connection: Connection, rows: dict[bytes, RecordRow], claim_id: bytes, who: UUID) -> list[RecordRow]:
    """The records that this person's book shows by a version that makes this claim."""
    heads = records.version_heads(connection, rows.values())
    return [
        row
        for record_id, row in sorted(rows.items())
        if row.shown_person == who
        and any(h.version == row.shown and h.claim_id == claim_id for h in heads.get(record_id, ()))
    ]


def _next_proof(connection: Connection, claim_id: bytes, person: LockedPerson, stores: Stores) -> list[Edge]:
    if person.proven_claim != claim_id:
        return []
    others = identity_claims.proven_of(connection, stores.keys.edges, person.person_id)
    # The registry's word first.
    for other, _ in sorted(others, key=lambda each: each[1] == ACCEPTED):
        people.prove_by(connection, person.person_id, other)
        return [edge_of_person(person.person_id, "proven", None, other)]
    return []
