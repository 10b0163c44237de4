"""The body of a kept version, made anew by today's mapping from the bytes that came (remap and `:make-current`).

It is no version of the sender's: what was told of it, its transaction code, the time it was received, the code lists of
that day and the tables that it took over stay those of then.
"""

from __future__ import annotations

from dataclasses import dataclass

from ehr_sync.core.errors import Unavailable
from ehr_sync.core.identity import Claim
from ehr_sync.core.names import exact_key
from ehr_sync.core.record_body import Body
from ehr_sync.store import identity_claims
from ehr_sync.store.identity_claims import ClaimRow
from ehr_sync.store.records import RecordRow, VersionHead
from ehr_sync.usecases.intake.archived_dossier import dossier_of
from ehr_sync.usecases.intake.compose_body import compose
from ehr_sync.usecases.intake.plan_record import patient_of
from ehr_sync.usecases.stores import Stores
from mappings.issues.catalogue import is_refusal
from mappings.model import Dossier, Uris
from mappings.sources.catalogue import SOURCES


@dataclass(frozen=True, slots=True)
class Remade:
    """What today's mapping makes of a kept version. `tables` are the names of those that it holds.

    `refused` says that today's reader would refuse what it took then; `other_identity` that the number, the name or the
    birth date would be read otherwise. The claim itself is never read anew. `withholds`: today's rules take something
    out of it, or all.
    """

    body: Body
    tables: frozenset[str]
    refused: bool
    other_identity: bool
    withholds: bool


def remake(record: RecordRow, head: VersionHead, claim: ClaimRow, *, stores: Stores, uris: Uris) -> Remade:
    """The body of a version with an XML1, whose claim this is; no transaction is open.

    Raises Unavailable where a key or the envelope is missing, Unreadable where a key does not fit.
    """
    then = _facts_of(claim, stores)
    read = dossier_of(record, head, stores=stores)
    dossier = read.dossier
    body, _ = compose(
        dossier,
        read.carried,
        record_id=record.record_id,
        version=head.version,
        number=then.number,
        keys=stores.keys,
        uris=uris,
        received_at=head.accepted_at,
    )
    return Remade(
        body,
        frozenset(name for name, rows in dossier.tables.items() if rows),
        refused=any(map(is_refusal, dossier.issues)),
        other_identity=not _claims_the_same(dossier, then),
        withholds=read.is_cleaned or _withholds(dossier),
    )


def _facts_of(claim: ClaimRow, stores: Stores) -> Claim:
    key = stores.key_store.keys([claim.person_id]).get(claim.person_id)
    with stores.database.reading() as connection:
        sealed = identity_claims.sealed_facts(connection, claim.claim_id)
    if key is None or sealed is None:
        raise Unavailable("keys.missing")
    return identity_claims.open_facts(key, claim.person_id, claim.claim_id, sealed)


def _withholds(dossier: Dossier) -> bool:
    found = SOURCES[dossier.source].withheld(dossier.tables)
    return bool(found.record) or found.tables is not dossier.tables


def _claims_the_same(dossier: Dossier, then: Claim) -> bool:
    now = patient_of(dossier)
    if now is None:
        return False
    return (then.number, exact_key(then.name), then.birth_date) == (now.number, exact_key(now.name), now.birth_date)
