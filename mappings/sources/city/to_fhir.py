"""A record in JSON to FHIR R4: what its kind makes of it, and where it comes from."""

from __future__ import annotations

from mappings.dates import VIETNAM
from mappings.fhir.provenance import provenance
from mappings.model import Dossier, MappedRecord, MappingContext
from mappings.sources.city.form import Making
from mappings.sources.city.reading import head_of, kind_of
from mappings.sources.dossier.visit import Register


def to_fhir(dossier: Dossier, context: MappingContext) -> MappedRecord:
    """The resources of a record, Provenance last; none where it was taken back or nothing of it may be shown."""
    kind, head = kind_of(dossier.tables), head_of(dossier.tables)
    if kind is None or not head or "THU_HOI" in head:
        return MappedRecord()
    register = Register(context.id_key, dossier.facility_code)
    received = context.received_at.astimezone(VIETNAM).date()
    making = Making(kind.name, context.ids_from, dossier.facility_code, context.uris, register, received)
    made = list(kind.to_fhir(dossier.tables, making))
    if made:
        made.append(making.resource("Provenance", provenance(made, making.by, context)))
        return MappedRecord(tuple(made), register.organization_codes(), register.practitioner_ids())
    return MappedRecord()
