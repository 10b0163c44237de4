"""What is to be done with one dossier, given what is kept of its record. No database, no clock."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from ehr_sync.core.identity import Claim
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.names import exact_key
from ehr_sync.core.verdict import first_state
from ehr_sync.core.versions import KnownVersion, MadeOnMeans, Order, decide, decide_by_number
from ehr_sync.store.identity_claims import ClaimRow, NewClaim
from ehr_sync.store.number_tries import Try
from ehr_sync.store.people import number_mark_of
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.store.sealing import mark
from mappings.model import APART, ClaimedIdentity, Dossier, Issue
from mappings.sources.catalogue import SOURCES, named_by
from mappings.sources.source import VisitFacts

# How many visits one MA_LK may have named (rules: reused-code): a facility that numbers anew each year stays below.
GENERATIONS = 4
# How many versions of one record are kept: a sender in a loop hears so, and our codes have two bytes for it.
MOST_VERSIONS = 60_000


@dataclass(frozen=True, slots=True)
class Incoming:
    """A dossier that may be kept, with the family of its facility and its bytes, ready for the archive. `parts` are the
    records that are cut out of it. `carried` says of a part without its summary from which versions the tables are that
    it was joined to (`Body.carried`); of any other it is empty.
    """

    ordinal: int
    dossier: Dossier
    family: str
    means: MadeOnMeans
    piece: bytes = field(repr=False)
    told_as: str = field(default="", repr=False)  # how its sender is told of it; "": by its MA_LK
    parts: tuple[Incoming, ...] = ()
    carried: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[tuple[str, str]]:
        """What it names its records by: the family of its facility, and its MA_LK there, or its visit; and so of its
        parts.
        """
        own = {(self.family, self.dossier.source_id), *self._visit}
        return frozenset(own.union(*(part.names for part in self.parts)))

    @property
    def _visit(self) -> list[tuple[str, str]]:
        """Two dossiers of one visit are kept one after the other, so that the second finds the first
        (rules: twin-visits).
        """
        facts, who = SOURCES[self.dossier.source].visit(self.dossier.tables), patient_of(self.dossier)
        if facts is None or facts.admitted is None or who is None:
            return []
        return [(self.family, APART.join(("", who.number or who.patient_code, facts.admitted.isoformat())))]


@dataclass(frozen=True, slots=True)
class Look:
    """What is kept of a chunk's records and claims, by record id and fingerprint, seen before anything is locked."""

    records: Mapping[bytes, RecordRow]
    heads: Mapping[bytes, Sequence[VersionHead]]
    claims: Mapping[bytes, ClaimRow]
    tries: frozenset[Try]  # on the chunk's numbers (rules: few-tries)
    made_by: Mapping[bytes, str]  # claims' families, where there are tries
    visits: Mapping[bytes, RecordRow] = field(default_factory=dict)  # of the same visits, or set aside for the records


@dataclass(frozen=True, slots=True)
class Filing:
    """Where a dossier belongs, with the marks of what it says. `standing` is the version that stands before it."""

    record_id: bytes
    record: RecordRow | None
    heads: Sequence[VersionHead]
    standing: VersionHead | None
    content_mark: bytes
    made_on: date
    patient_mark: bytes | None
    day_mark: bytes | None


@dataclass(frozen=True, slots=True)
class Newest:
    """It becomes the record's next version, and stands."""

    filing: Filing
    version: int
    state: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """It becomes the record's next version beside the one that stands: it is older (than `superseded_by`), its order is
    unclear, or it waits for its summary.
    """

    filing: Filing
    version: int
    state: str
    notes: tuple[str, ...]
    superseded_by: int | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """`holder` holds this content already and is answered for. A late one hears which version stands instead."""

    filing: Filing
    holder: VersionHead
    notes: tuple[str, ...]
    superseded_by: int | None = None


@dataclass(frozen=True, slots=True)
class NotTaken:
    """It is refused for what is kept already: it would be one version too many, or its number holds another content."""

    issue: Issue


Plan = Newest | Beside | Duplicate | NotTaken


def record_ids(family: str, source_id: str, id_key: bytes) -> list[bytes]:
    """The record ids of a source id, one for each generation: 16 bytes of HMAC-SHA-256 (docs/architecture.md#ids)."""
    return [_record_id(family, source_id, generation, id_key) for generation in range(1, GENERATIONS + 1)]


def ids_named(family: str, ma_lk: str, id_key: bytes) -> list[bytes]:
    """The ids of all records that an MA_LK may name at a family: of a visit, of a health check."""
    return [i for source_id in named_by(ma_lk) for i in record_ids(family, source_id, id_key)]


def _record_id(family: str, source_id: str, generation: int, id_key: bytes) -> bytes:
    message = "\x1f".join([family, source_id, str(generation)]).encode()
    return hmac.new(id_key, message, hashlib.sha256).digest()[:16]


def new_claim_of(incoming: Incoming, index_key: bytes) -> NewClaim | None:
    """The claim that a dossier makes of its patient, or None where it names none (it has no XML1).

    The fingerprint is made of number, exact name, birth date and sex; without a number of the facility's own patient
    code, name and birth date; without that of the record.
    """
    identity = patient_of(incoming.dossier)
    if identity is None:
        return None
    fingerprint = _fingerprint(incoming, identity, index_key)
    checks_in = "XML0" in incoming.dossier.tables and "XML1" not in incoming.dossier.tables
    return replace(_new_claim(fingerprint, identity, incoming.family, index_key), at_desk=checks_in)


def claim_by_number(identity: ClaimedIdentity, family: str, index_key: bytes) -> NewClaim:
    """The claim that dossiers of whatever facility make of somebody with a number."""
    return _new_claim(_by_number(identity, index_key), identity, family, index_key)


def _new_claim(fingerprint: bytes, identity: ClaimedIdentity, family: str, index_key: bytes) -> NewClaim:
    claim = Claim(
        identity.number,
        identity.number_type,
        identity.name,
        identity.birth_date,
        identity.sex,
        identity.foreign,
        identity.name_may_be_a_parents,
    )
    number_mark = number_mark_of(index_key, identity.number) if identity.number else None
    return NewClaim(fingerprint, number_mark, claim, first_state(claim), family)


def patient_of(dossier: Dossier) -> ClaimedIdentity | None:
    """Who a dossier says it is of, its patient or the child born, or None where it names nobody."""
    claimed = SOURCES[dossier.source].claims(dossier.tables)
    return next((one for one in claimed if one.role in {"patient", "child"}), None)


def told_name(dossier: Dossier) -> str:
    """How its sender is told of a dossier: by its MA_LK, or what else names it where it has none."""
    return dossier.source_id.rpartition(APART)[2]


def _fingerprint(incoming: Incoming, identity: ClaimedIdentity, index_key: bytes) -> bytes:
    if identity.number:
        return _by_number(identity, index_key)
    if identity.patient_code:
        return _claimed(identity, index_key, "claim by patient code", incoming.family, identity.patient_code)
    return _claimed(identity, index_key, "claim of a record", incoming.family, incoming.dossier.source_id)


def _by_number(identity: ClaimedIdentity, index_key: bytes) -> bytes:
    return _claimed(identity, index_key, "claim by number", identity.number, str(identity.foreign))


def _claimed(identity: ClaimedIdentity, index_key: bytes, *by: str) -> bytes:
    who = (exact_key(identity.name), identity.birth_date, identity.sex, str(identity.name_may_be_a_parents))
    return mark(index_key, *(word.encode() for word in (*by, *who)))


def plan(incoming: Incoming, look: Look, *, keys: ServiceKeys, today: date, submission_id: bytes) -> Plan:
    """The plan for one dossier of a submission (P3; rules: newest-version, reused-code, waiting-for-summary)."""
    dossier = incoming.dossier
    facts = SOURCES[dossier.source].visit(dossier.tables)
    ids = record_ids(incoming.family, dossier.source_id, keys.id)
    patient_mark, day_mark = _visit_marks(facts, keys.index)
    record_id, reused = _generation(ids, look.records, patient_mark, day_mark)
    record = look.records.get(record_id)
    heads = look.heads.get(record_id, ())
    filing = Filing(
        record_id=record_id,
        record=record,
        heads=heads,
        standing=next((h for h in heads if record and h.version == record.newest), None),
        content_mark=mark(keys.content, b"content", dossier.content_hash),
        made_on=min(dossier.made_on or today, today),
        patient_mark=patient_mark,
        day_mark=day_mark,
    )
    notes = ("ma_lk.reused",) if reused else ()
    planned = _waiting(filing, notes) if facts is None else _ordered(filing, facts, notes, incoming, submission_id)
    if isinstance(planned, Newest | Beside) and planned.version > MOST_VERSIONS:
        return NotTaken(Issue("record.too_many_versions"))
    return planned


def _visit_marks(facts: VisitFacts | None, index_key: bytes) -> tuple[bytes | None, bytes | None]:
    if facts is None:
        return None, None
    patient = mark(index_key, b"patient code", facts.patient_code.encode()) if facts.patient_code else None
    day = facts.admitted_on.isoformat() if facts.admitted_on else None
    return patient, mark(index_key, b"visit day", day.encode()) if day else None


def _generation(
    ids: Sequence[bytes], rows: Mapping[bytes, RecordRow], patient_mark: bytes | None, day_mark: bytes | None
) -> tuple[bytes, bool]:
    """The record that a dossier belongs to, and whether its MA_LK names another visit than before."""
    existing = [rows[i] for i in ids if i in rows]
    if not existing:
        return ids[0], False
    for record in reversed(existing):
        if not _other_visit(record, patient_mark, day_mark):
            return record.record_id, record.record_id != ids[0]
    # Past the last generation the newest takes it: a wrong correction can be seen and undone, a lost record cannot.
    return ids[min(len(existing), GENERATIONS - 1)], True


def _other_visit(record: RecordRow, patient_mark: bytes | None, day_mark: bytes | None) -> bool:
    return (
        None not in (patient_mark, day_mark, record.patient_mark, record.day_mark)
        and record.patient_mark != patient_mark
        and record.day_mark != day_mark
    )


def _waiting(filing: Filing, notes: tuple[str, ...]) -> Plan:
    holder = next((h for h in filing.heads if h.content_mark == filing.content_mark), None)
    if holder:
        return _duplicate(filing, holder)
    return Beside(filing, _next(filing), "waiting_for_xml1", (*notes, "record.waiting_for_xml1"))


def _ordered(
    filing: Filing, facts: VisitFacts, notes: tuple[str, ...], incoming: Incoming, submission_id: bytes
) -> Plan:
    heads, content = filing.heads, filing.content_mark
    newest = filing.record.newest if filing.record else 0
    known = [
        KnownVersion(h.version, h.content_mark, h.made_on, h.version == newest, h.state == "order_unclear", h.sent_as)
        for h in heads
        if h.state != "waiting_for_xml1"
    ]
    # A part that was sent before, sent again, says nothing of what came since.
    is_part = bool(incoming.carried)
    repeated = is_part or any((h.content_mark, h.submission_id) == (content, submission_id) for h in heads)
    if incoming.dossier.version is not None:
        decision = decide_by_number(known, content, incoming.dossier.version)
    else:
        decision = decide(known, content, filing.made_on, incoming.means, repeated=repeated)
    version, state = _next(filing), "ready"
    if facts.discharged is None:
        state, notes = "visit_open", (*notes, "record.visit_open")
    match decision.order:
        case Order.NEW | Order.REVERT:
            return Newest(filing, version, state, notes)
        case Order.UNCLEAR:
            return Beside(filing, version, "order_unclear", (*notes, "record.order_unclear"))
        case Order.OLDER:
            return Beside(filing, version, state, (*notes, "record.superseded"), decision.of)
        case Order.TAKEN:
            return NotTaken(Issue("form.version_taken", "/version"))
        case Order.DUPLICATE if incoming.told_as and filing.record is not None and filing.record.is_withdrawn:
            # It went with the dossier that it is cut out of, and comes back with one that stands.
            return Newest(filing, version, state, notes)
        case Order.DUPLICATE:
            return _duplicate(filing, next(h for h in heads if h.version == decision.of))
        case Order.LATE:
            late = _duplicate(filing, [h for h in heads if h.content_mark == content][-1])
            return replace(late, notes=(*late.notes, "record.superseded"), superseded_by=decision.of)


def _next(filing: Filing) -> int:
    return (filing.record.versions if filing.record else 0) + 1


def _duplicate(filing: Filing, holder: VersionHead) -> Duplicate:
    notes = tuple(note for note in holder.notes if note != "record.superseded")
    # The same content again is no newer version: it does not undo what its sender said of it.
    withdrawn = filing.record is not None and filing.record.is_withdrawn
    return Duplicate(filing, holder, (*notes, "record.withdrawn") if withdrawn else notes)
