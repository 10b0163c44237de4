"""A treatment of tuberculosis to FHIR EpisodeOfCare.  https://hl7.org/fhir/R4/episodeofcare.html"""

from __future__ import annotations

from typing import Final

from mappings.dates import VIETNAM, latest_event
from mappings.fhir.elements import SUBJECT, Json, built, code, coding, concept, day, period
from mappings.fhir.ids import resource_id
from mappings.fhir.provenance import provenance
from mappings.model import Dossier, MappedRecord, MappingContext, Row
from mappings.sources.cut_out import WITHDRAWN
from mappings.sources.dossier.visit import Register
from mappings.sources.tuberculosis.cutting import TABLE
from mappings.terminology.editions import display

# What the treatment is, then what is treated, then with what.
_TYPES: Final = (
    ("LOAI_DTRI_LAO", "tb-treatment"),
    ("PHANLOAI_LAO_VITRI", "tb-site"),
    ("PHANLOAI_LAO_TS", "tb-history"),
    ("PHANLOAI_LAO_VK", "tb-bacteriology"),
    ("PHANLOAI_LAO_KT", "tb-resistance"),
    ("PHACDO_DTRI_LAO", "tb-regimen"),
)


def to_fhir(dossier: Dossier, context: MappingContext) -> MappedRecord:
    """The EpisodeOfCare of a registration and its Provenance; nothing where the row is withheld,
    or the visit no longer has it.

    How it ended is not told: one of the results is a death (rules: never-shown).
    """
    rows = dossier.tables.get(TABLE, ())
    if not rows or WITHDRAWN in dossier.tables:
        return MappedRecord()
    register = Register(context.id_key, dossier.facility_code)
    by = register.organization(dossier.facility_code)
    received = context.received_at.astimezone(VIETNAM).date()
    began, ended = day(rows[0].get("NGAYBD_DTRI_LAO")), day(rows[0].get("NGAYKT_DTRI_LAO"))
    is_over = ended is not None and ended <= latest_event(received)
    span = period(began.isoformat() if began else "", ended.isoformat() if ended and is_over else "")
    body: Json = {"status": "finished" if is_over else "active"}
    if types := _types(rows[0], context):
        body["type"] = types
    body |= {"patient": SUBJECT, "managingOrganization": by, "period": span}
    episode = built("EpisodeOfCare", resource_id(context.ids_from, TABLE, (), 0), body)
    told = provenance([episode], by, context)
    source = built("Provenance", resource_id(context.ids_from, f"{TABLE}/Provenance", (), 0), told)
    return MappedRecord((episode, source), register.organization_codes())


def _types(row: Row, context: MappingContext) -> list[Json]:
    received = context.received_at.astimezone(VIETNAM).date()
    found = ((kind, code(row.get(tag))) for tag, kind in _TYPES)
    named = ((kind, value, display(kind, value, received)) for kind, value in found if value)
    return [concept(coding(context.uris[kind], value, name), words=name) for kind, value, name in named if name]
