"""What of a person's book may leave: the last door before every adapter and the citizen's API (P4, P9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.identity import SEX_PROVEN, Claim
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.record_body import Line, Mark
from ehr_sync.store import people
from ehr_sync.store.book_entries import OpenEntry
from mappings.model import Resource, Uris
from mappings.people import organization, patient, practitioner


@dataclass(frozen=True, slots=True)
class ProvenPerson:
    """A person whose number the registry has confirmed, as far as it was confirmed."""

    person_id: UUID
    claim: Claim = field(repr=False)
    sex: str  # "unknown" where the registry holds another one


def proven_person(connection: Connection, person_id: UUID, person_key: bytes) -> ProvenPerson | None:
    """The person, or None: then nothing of theirs leaves (P4)."""
    facts = people.proven_facts(connection, person_id)
    if facts is None:
        return None
    claim = people.open_facts(person_key, person_id, facts.claim_id, facts.sealed)
    return ProvenPerson(person_id, claim, claim.sex if facts.reason == SEX_PROVEN else "unknown")


def leaving(entry: OpenEntry) -> Iterator[tuple[Line, Mark]]:
    """The lines of an entry that may leave, with their marks. A record with any restricted trigger is withheld whole
    (trade rules 14), whatever its manifest says: this door does not rely on who filed it.
    """
    if not entry.body.restricted:
        yield from zip(entry.lines, entry.entry.manifest.marks, strict=True)


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
    entries: Sequence[OpenEntry], *, names: Callable[[str], str], keys: ServiceKeys, uris: Uris
) -> list[Resource]:
    """The Organizations and Practitioners that entries refer to: a function of code and register alone."""
    shown = [e.body for e in entries if any(True for _ in leaving(e))]
    codes = sorted({code for body in shown for code in body.organizations})
    ids = sorted({id_ for body in shown for id_ in body.practitioners})
    return [organization(code, names(code), keys.id, uris) for code in codes] + [practitioner(id_, uris) for id_ in ids]
