"""A dossier of QĐ 130, 4750 or 3176 to FHIR R4: pure, and the same bytes for the same dossier in any row
order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from mappings.dates import VIETNAM
from mappings.fhir.elements import Json, code, coding, concept, day, minute
from mappings.fhir.ids import resource_id
from mappings.model import Dossier, MappedRecord, MappingContext, Resource, Row
from mappings.sources.dossier.tables.xml1.encounter import TABLE
from mappings.sources.dossier.tables.xml1.fhir import summary
from mappings.sources.dossier.tables.xml2.fhir import medications
from mappings.sources.dossier.tables.xml3.fhir import services
from mappings.sources.dossier.tables.xml4.fhir import resulted_services, results
from mappings.sources.dossier.visit import SUPPLIED, Register, Visit

_AUTHOR: Final = concept(
    coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author", "Author")
)


def to_fhir(dossier: Dossier, context: MappingContext) -> MappedRecord:
    """The resources of a dossier, Encounter first, Provenance last.

    No resource where there is no XML1 (an amendment) or its NGAY_RA is blank (the visit is still open): trade
    rules 5. Never raises for what a sender sent.
    """
    summaries = dossier.tables.get("XML1", ())
    if not summaries or not summaries[0].get("NGAY_RA"):
        return MappedRecord(resources=(), organizations=(), practitioners=(), issues=())
    row, drugs = summaries[0], dossier.tables.get("XML2", ())
    done, found = dossier.tables.get("XML3", ()), dossier.tables.get("XML4", ())
    visit = _visit(row, (*drugs, *done), dossier, context)
    given = services(done, visit, resulted_services(found))
    resources = [
        *summary(row, visit, exams=given.exams, procedure_codes=given.international),
        *medications(drugs, visit),
        *given.resources,
        *results(found, visit, given.orders),
    ]
    resources.append(_provenance(resources, visit, context))
    return MappedRecord(
        resources=tuple(resources),
        organizations=visit.register.organization_codes(),
        practitioners=visit.register.practitioner_ids(),
        issues=(),
    )


def _visit(row: Row, ordered: Sequence[Row], dossier: Dossier, context: MappingContext) -> Visit:
    kind = code(row.get("MA_LOAI_KCB"))
    leaving = row["NGAY_RA"]
    start = minute(row.get("NGAY_VAO", ""))
    is_supplied = kind in SUPPLIED
    left = day(leaving)
    return Visit(
        record_id=context.record_id,
        facility=dossier.facility_code,
        uris=context.uris,
        register=Register(context.id_key, dossier.facility_code),
        encounter={"reference": "Encounter/" + resource_id(context.record_id, f"{TABLE}/Encounter", (), 0)},
        kind=kind,
        on=_editions_day(left, context),
        start=start,
        end=_last_order(start, leaving, ordered) if is_supplied else minute(leaving),
        supply_end=left.isoformat() if is_supplied and left is not None else "",
    )


def _editions_day(left: date | None, context: MappingContext) -> date:
    """The day whose code lists rule: trade rules 7."""
    received = context.received_at.astimezone(VIETNAM).date()
    return received if left is None else min(left, received)


def _last_order(start: str, leaving: str, ordered: Sequence[Row]) -> str:
    """The last order's time: where NGAY_RA is the last day of medicine, the visit ended before (trade rules
    7).
    """
    times = [minute(at) for row in ordered if (at := row.get("NGAY_YL", "")) and at <= leaving]
    return max((at for at in (start, *times) if "T" in at), default="")


def _provenance(resources: Sequence[Resource], visit: Visit, context: MappingContext) -> Resource:
    """Where the resources come from: the submission, by its transaction code.
    https://hl7.org/fhir/R4/provenance.html
    """
    source: Json = {"identifier": {"system": context.uris["transaction"], "value": context.transaction_code}}
    body: Json = {
        "target": [{"reference": f"{one.type}/{one.id}"} for one in resources],
        "recorded": context.received_at.astimezone(VIETNAM).isoformat(timespec="milliseconds"),
        "agent": [{"type": _AUTHOR, "who": visit.register.organization(visit.facility)}],
        "entity": [{"role": "source", "what": source}],
    }
    return visit.resource("Provenance", TABLE, (), 0, body)
