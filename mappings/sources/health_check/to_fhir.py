"""A health check to FHIR R4: one Encounter with its paper, what was measured and found, and what it concludes."""

from __future__ import annotations

from typing import Final

from mappings.dates import VIETNAM, latest_event
from mappings.fhir.elements import code, day, minute
from mappings.fhir.ids import resource_id
from mappings.fhir.provenance import provenance
from mappings.model import Dossier, MappedRecord, MappingContext, Resource, Row
from mappings.sources.dossier.visit import Register, Visit
from mappings.sources.health_check.check import Check
from mappings.sources.health_check.tables import CHECK, PERSON, TABLES

_ENCOUNTER: Final = f"{CHECK}/Encounter"


def to_fhir(dossier: Dossier, context: MappingContext) -> MappedRecord:
    """The resources of a health check in the order of its parts, Provenance last; none where it does not say of whom or
    of what it is. Never raises for what a sender sent.
    """
    person, head = (next(iter(dossier.tables.get(name, ())), {}) for name in (PERSON, CHECK))
    if not person or not head:
        return MappedRecord()
    check = Check(_visit(head, dossier, context), person)
    made = _mapped(dossier, check)
    visit = check.visit
    by = visit.register.organization(visit.facility)
    made.append(visit.resource("Provenance", CHECK, (), 0, provenance(made, by, context)))
    return MappedRecord(tuple(made), visit.register.organization_codes(), visit.register.practitioner_ids())


def _mapped(dossier: Dossier, check: Check) -> list[Resource]:
    sent = [(table, rows) for table in TABLES if (rows := dossier.tables.get(table.name))]
    for table, rows in sent:
        if table.announce is not None:
            table.announce(rows, check)
    resources = [list(table.resources(rows, check)) if table.resources else [] for table, rows in sent]
    documents = [list(table.documents(rows, check)) if table.documents else [] for table, rows in sent]
    return [one for pair in zip(resources, documents, strict=True) for made in pair for one in made]


def _visit(head: Row, dossier: Dossier, context: MappingContext) -> Visit:
    received = context.received_at.astimezone(VIETNAM).date()
    on = day(head.get("NGAY_VAO"))
    # A day long after the check came is a slip of the year.
    came = minute(head["NGAY_VAO"]) if on is not None and on <= latest_event(received) else ""
    return Visit(
        ids_from=context.ids_from,
        facility=dossier.facility_code,
        uris=context.uris,
        register=Register(context.id_key, dossier.facility_code),
        encounter={"reference": "Encounter/" + resource_id(context.ids_from, _ENCOUNTER, (), 0)},
        kind=code(head.get("MA_LOAI_KCB")),
        on=min(on, received) if on is not None else received,
        received=received,
        start=came,
        end=came,
        supply_end="",
    )
