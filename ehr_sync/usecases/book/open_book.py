"""What of a person's book may leave: the last door before every adapter and the citizen's API (P4, P9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field, replace
from uuid import UUID

from ehr_sync.core.identity import Claim
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.record_body import LastChange
from ehr_sync.core.verdict import SEX_PROVEN
from ehr_sync.store import identity_claims
from ehr_sync.store.book_entries import OpenEntry
from ehr_sync.store.people import ProvenFacts
from mappings.fhir.bundle import for_person
from mappings.fhir.people import organization, patient, practitioner
from mappings.model import Resource, Uris


@dataclass(frozen=True, slots=True)
class ProvenPerson:
    """A person whose number the registry, or a reviewer, has confirmed, as far as it was confirmed."""

    person_id: UUID
    claim: Claim = field(repr=False)
    sex: str  # "unknown" where the registry holds another one
    claim_id: bytes  # the claim that proved them
    reason: str = ""  # of that proof: the registry's, or a reviewer's


def opened(person_id: UUID, facts: ProvenFacts, person_key: bytes) -> ProvenPerson:
    """The person of these facts; of a proof that was taken back nothing but the number. Raises Unreadable."""
    claim = identity_claims.open_facts(person_key, person_id, facts.claim_id, facts.sealed)
    if not facts.stands:
        claim = replace(claim, name="", birth_date="")
    sex = claim.sex if facts.reason == SEX_PROVEN else "unknown"
    return ProvenPerson(person_id, claim, sex, facts.claim_id, facts.reason)


def leaving(entry: OpenEntry) -> Sequence[tuple[bytes, LastChange]]:
    """The resources of an entry that may leave, the person filled in, with their last changes."""
    if not _may_leave(entry):
        return ()
    # Filled in all at once: one by one it takes five times as long.
    resources = for_person(entry.body.resources, str(entry.entry.person_id))
    return list(zip(resources.split(b"\n"), entry.entry.manifest.last_changes, strict=True))


def _may_leave(entry: OpenEntry) -> bool:
    """The last door. A record that is withheld whole
    (rules: withheld-records, no-sign) stays so whatever its manifest says: this door
    does not rely on who filed it. One that was withdrawn has no last changes. Single items are not in any body.
    """
    return not entry.body.restricted and bool(entry.entry.manifest.last_changes)


def patient_of(person: ProvenPerson, uris: Uris) -> Resource:
    """The FHIR Patient: proven fields only."""
    claim = person.claim
    return patient(
        str(person.person_id),
        number=claim.number,
        number_type=claim.number_type,  # type: ignore[arg-type]  # kept as text, was a NumberType
        name=claim.name,
        birth_date=claim.birth_date,
        sex=person.sex,
        uris=uris,
    )


def cast_of(
    entries: Sequence[OpenEntry],
    *,
    names: Callable[[str], str],
    keys: ServiceKeys,
    uris: Uris,
    told: Set[str] = frozenset(),
) -> list[Resource]:
    """The Organizations and Practitioners that entries refer to, but for those `told` (facility codes, practitioner
    ids): a function of code and register alone.
    """
    shown = [e.body for e in entries if _may_leave(e)]
    codes = sorted({code for body in shown for code in body.organizations} - told)
    ids = sorted({id_ for body in shown for id_ in body.practitioners} - told)
    return [organization(code, names(code), keys.id, uris) for code in codes] + [practitioner(id_, uris) for id_ in ids]
