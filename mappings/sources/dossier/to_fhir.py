"""A dossier of QĐ 130, 4750 or 3176 to FHIR R4: pure, and the same bytes for the same dossier in any row
order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from mappings.dates import VIETNAM, latest_appointment, latest_event
from mappings.fhir.elements import code, day, days, minute
from mappings.fhir.ids import resource_id
from mappings.fhir.provenance import provenance
from mappings.model import Dossier, MappedRecord, MappingContext, Resource, Row
from mappings.sources.dossier.rows import of_episode
from mappings.sources.dossier.tables import TABLES
from mappings.sources.dossier.tables.xml1.encounter import TABLE
from mappings.sources.dossier.unshown import without_unshown_rows
from mappings.sources.dossier.visit import SUPPLIED, Register, Visit
from mappings.sources.table import Rows, SourceTable


def to_fhir(dossier: Dossier, context: MappingContext) -> MappedRecord:
    """The resources of a dossier in the order of its tables, Encounter first, Provenance last.

    No resource where there is no XML1 (an amendment) or its NGAY_RA is blank (the visit is still open)
    (rules: waiting-for-summary, open-visits). Never raises for what a sender sent.
    """
    summaries = dossier.tables.get("XML1", ())
    if not summaries or not summaries[0].get("NGAY_RA"):
        return MappedRecord()
    tables = without_unshown_rows(of_episode(dossier.tables, summaries[0].get("MA_LK") or dossier.source_id))
    sent = [(table, rows) for table in TABLES if (rows := tables.get(table.name))]
    orders = [row for table, rows in sent if table.orders for row in rows]
    visit = _visit(summaries[0], orders, dossier, context)
    resources = _mapped(sent, visit)
    by = visit.register.organization(visit.facility)
    resources.append(visit.resource("Provenance", TABLE, (), 0, provenance(resources, by, context)))
    return MappedRecord(
        resources=tuple(resources),
        organizations=visit.register.organization_codes(),
        practitioners=visit.register.practitioner_ids(),
    )


def _mapped(sent: Sequence[tuple[SourceTable[Visit], Rows]], visit: Visit) -> list[Resource]:
    """What the tables become, each step over all of them before the next."""
    for table, rows in sent:
        if table.announce is not None:
            table.announce(rows, visit)
    resources = [list(table.resources(rows, visit)) if table.resources else [] for table, rows in sent]
    documents = [list(table.documents(rows, visit)) if table.documents else [] for table, rows in sent]
    return [one for pair in zip(resources, documents, strict=True) for made in pair for one in made]


def _visit(row: Row, ordered: Sequence[Row], dossier: Dossier, context: MappingContext) -> Visit:
    kind = code(row.get("MA_LOAI_KCB"))
    received = context.received_at.astimezone(VIETNAM).date()
    latest = latest_event(received)
    start = _bounded(row.get("NGAY_VAO", ""), latest)
    leaving = _bounded(row["NGAY_RA"], latest)
    left = day(leaving)
    is_supplied = kind in SUPPLIED
    return Visit(
        ids_from=context.ids_from,
        facility=dossier.facility_code,
        uris=context.uris,
        register=Register(context.id_key, dossier.facility_code),
        encounter={"reference": "Encounter/" + resource_id(context.ids_from, f"{TABLE}/Encounter", (), 0)},
        kind=kind,
        on=min(left, received) if left is not None else received,
        received=received,
        start=minute(start),
        end=_last_day(start, leaving or f"{latest:%Y%m%d}", ordered) if is_supplied else minute(leaving),
        supply_end=left.isoformat() if is_supplied and left is not None else "",
        come_again=frozenset(on for on in days(row.get("NGAY_TAI_KHAM")) if on <= latest_appointment(received)),
        taken_over=context.taken_over,
    )


def _bounded(value: str, latest: date) -> str:
    """The time as sent, or "" where it is so long after the dossier came that its year is a slip."""
    found = day(value)
    return value if found is not None and found <= latest else ""


def _last_day(start: str, leaving: str, ordered: Sequence[Row]) -> str:
    """The day of the last order, a date: where NGAY_RA is the last day of medicine, the visit ended before
    (rules: supply-visits). Never its minute: results of that day come after it and are of the visit.
    """
    until = day(leaving)
    # What was given back or cancelled later was no order.
    times = [row.get("NGAY_YL", "") for row in ordered if not row.get("SO_LUONG", "").startswith("-")]
    told = [found for at in (start, *times) if (found := day(at))]
    days = [one for one in told if until is not None and one <= until]
    return max(days).isoformat() if days else ""
