"""A medical assessment to FHIR Composition, as a paper of no visit.  https://hl7.org/fhir/R4/composition.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.dates import VIETNAM, latest_event
from mappings.fhir.elements import NOT_STATED, SUBJECT, Json, built, concept, day, text, trimmed_decimal
from mappings.fhir.ids import resource_id
from mappings.fhir.narrative import vietnamese
from mappings.fhir.provenance import provenance
from mappings.model import Dossier, MappedRecord, MappingContext, Row
from mappings.sources.assessment.cutting import TABLE
from mappings.sources.dossier.unshown import without_unshown
from mappings.sources.dossier.visit import Register

_TITLE: Final = "Biên bản giám định y khoa"
_TEXTS: Final = {"KET_QUA_KHAM": "Kết quả khám", "DE_NGHI": "Đề nghị", "DUOC_XACDINH": "Được xác định"}
_PERCENT: Final = {"TYLE_TTCT_MOI": "Tỷ lệ tổn thương cơ thể", "TONG_TYLE_TTCT": "Tổng tỷ lệ tổn thương cơ thể"}


def to_fhir(dossier: Dossier, context: MappingContext) -> MappedRecord:
    """The Composition of a finding and its Provenance; nothing where nothing of it is shown."""
    told = [made for row in dossier.tables.get(TABLE, ())[:1] for made in _sections(row)]
    if not told:
        return MappedRecord()
    row = dossier.tables[TABLE][0]
    register = Register(context.id_key, dossier.facility_code)
    by = register.organization(dossier.facility_code)
    number = {"system": context.uris["assessment-record"], "value": text(row.get("SO_BIEN_BAN"))}
    body: Json = {"identifier": number} if number["value"] else {}
    body |= {"status": "final", "type": concept(words=_TITLE), "subject": SUBJECT, **_dated(row, context)}
    body |= {"author": [by], "title": _TITLE, "custodian": by, "section": told}
    paper = built("Composition", resource_id(context.ids_from, TABLE, (), 0), body)
    source = resource_id(context.ids_from, f"{TABLE}/Provenance", (), 0)
    made = (paper, built("Provenance", source, provenance([paper], by, context)))
    return MappedRecord(made, register.organization_codes())


def _sections(row: Row) -> Iterator[Json]:
    shown = without_unshown(row, _TEXTS)
    words = {title: text(shown.get(tag)) for tag, title in _TEXTS.items()}
    words |= {title: f"{share} %" for tag, title in _PERCENT.items() if (share := trimmed_decimal(row.get(tag)))}
    for title, said in words.items():
        if div := vietnamese(said):
            yield {"title": title, "text": {"status": "additional", "div": div}}


def _dated(row: Row, context: MappingContext) -> Json:
    met = day(row.get("NGAY_HOP"))
    is_told = met is not None and met <= latest_event(context.received_at.astimezone(VIETNAM).date())
    return {"date": met.isoformat()} if met and is_told else {"_date": NOT_STATED}
