"""A citizen sees who looked at their data: from the audit log itself, in which this look is an entry too (P10)."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Connection

from ehr_sync.core.codes import record_version_of
from ehr_sync.core.errors import NotFound
from ehr_sync.core.ports import Login
from ehr_sync.store import apps, audit_reading, clients, people, records
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.audit_reading import Event
from ehr_sync.usecases.access.actors import BY_APP, actor_of
from ehr_sync.usecases.book.open_book import leaving
from ehr_sync.usecases.book.read_book import note, reading
from ehr_sync.usecases.book.withdrawn_records import withdrawn_of
from ehr_sync.usecases.stores import Stores
from mappings.model import Uris

CHECKS: Final = frozenset({"check identity", "refused check identity"})
"""That a facility asked at its desk who somebody is."""

Who = Literal["you", "another", "staff", "facility", "operator", "service"]


@dataclass(frozen=True, slots=True)
class Look:
    """One entry. `who` is a person ("you", "another", "operator", "staff": a facility's) or a system ("facility",
    "service"); `name` is the sending system's; `action` is the audit log's word; `app` names the app through which it
    was done, or which it is about, in Vietnamese and English.
    """

    n: int
    at: datetime
    who: Who
    name: str
    action: str
    app: tuple[str, str] | None = None


def who_looked(
    action: str, *, login: Login, before: int | None, count: int, stores: Stores, uris: Uris
) -> list[Look] | None:
    """The newest looks at one's own data, or those before entry `before`; None for somebody who has no book.
    One audit entry, `action`.

    What was done about a record that is withheld leaves no sign here either (rules: no-sign): of sending systems and a
    facility's people only what concerns a record that the reader sees, or saw before it was withdrawn, of the registry
    only the questions about the claim that proved them, of reviewers only what is about such a claim or record.
    """
    actor = actor_of(login, stores)
    with reading(login, stores, uris) as (connection, book):
        entry = AuditEntry(actor, action, book.person.person_id if book else None)
        note(connection, stores, entry, login)
        if book is None:
            return None
        shown = {entry.entry.record_id for entry in book.entries if leaving(entry)}
        shown |= {each.record_id for each in withdrawn_of(connection, book.entries)}
        claims = {book.person.claim_id, *shown, *_claims_of(connection, shown)}
        own = [book.person.person_id, *people.merged_into(connection, stores.keys.edges, [book.person.person_id])]
        looks: list[Look] = []
        while len(looks) < count:
            events = audit_reading.of_people(connection, own, before=before, count=count)
            looks += [
                _look(event, actor) for event in events if _may_be_told(event, book.person.claim_id, shown, claims)
            ]
            if len(events) < count:
                break
            before = events[-1].n
        names = clients.client_names(connection, {look.name for look in looks if look.who == "facility"})
        known = apps.names(connection, {look.app[0] for look in looks if look.app})
    return [replace(x, name=names.get(x.name, ""), app=known.get(x.app[0]) if x.app else None) for x in looks[:count]]


def _claims_of(connection: Connection, shown: Set[bytes]) -> Set[bytes]:
    """The claims that these records make, or made."""
    heads = records.version_heads(connection, records.records(connection, shown).values())
    return {head.claim_id for found in heads.values() for head in found if head.claim_id is not None}


def _may_be_told(event: Event, claim_id: bytes, shown: Set[bytes], claims: Set[bytes]) -> bool:
    if event.action in {"verify", "contradiction"}:
        return event.detail.startswith(claim_id.hex())
    if event.action.endswith("review"):
        return bytes.fromhex(event.detail[:32]) in claims
    if event.action in CHECKS:
        return True  # of no record
    try:
        # Behind the place whose people asked, where it was people.
        record_id, _ = record_version_of(event.detail.rpartition(" ")[2])
    except NotFound:
        return not event.actor.startswith(("client:", "facility:"))
    return record_id in shown


def _look(event: Event, own_actor: str) -> Look:
    kind, _, name = event.actor.partition(":")
    who: Who = "you" if event.actor == own_actor else _WHO.get(kind, "service")
    action, _, app = event.action.partition(BY_APP)
    if action in {"allow app", "end app"}:
        app = event.detail.partition(" ")[0]
    return Look(event.n, event.at, who, name, action, (app, app) if app else None)


_WHO: dict[str, Who] = {"citizen": "another", "client": "facility", "ops": "operator", "facility": "staff"}
