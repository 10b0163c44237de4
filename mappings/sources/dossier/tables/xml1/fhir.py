"""The visit (QĐ 3176 table XML1) to FHIR: Encounter, and what XML1 says beside it.

The patient is only referred to: what is proven of a person comes from the registry's verdict, not from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from mappings.fhir.elements import SUBJECT, Json, coding, concept, period
from mappings.model import Resource, Row
from mappings.sources.dossier.tables.xml1.conditions import conditions
from mappings.sources.dossier.tables.xml1.coverages import coverages
from mappings.sources.dossier.tables.xml1.encounter import TABLE, encounter
from mappings.sources.dossier.tables.xml1.measurements import observations
from mappings.sources.dossier.unshown import without_unshown
from mappings.sources.dossier.visit import FOLLOW_UP, Visit
from mappings.terminology import icd9cm

# Where somebody can write of a death, or of a dying patient who is taken home.
_TEXTS: Final = (
    *("LY_DO_VV", "LY_DO_VNT", "CHAN_DOAN_VAO", "CHAN_DOAN_RV", "PP_DIEU_TRI", "GHI_CHU"),
    *("MA_BENH_CHINH", "MA_BENH_KT"),
)
_FOLLOW_UP: Final = concept(
    coding(
        "http://terminology.hl7.org/CodeSystem/v2-0276", "FOLLOWUP", "A follow up visit from a previous appointment"
    ),
    words="Hẹn khám lại",
)


def summary(
    row: Row,
    visit: Visit,
    *,
    exams: tuple[Json, ...] = (),
    procedure_codes: frozenset[str] = frozenset(),
    uncoded_procedures: int = 0,
) -> list[Resource]:
    """The Encounter first, then what XML1 says beside it.

    `exams` are the examinations of XML3, which say the kind of visit; `procedure_codes` are the ICD-9-CM codes
    that XML3 has already, or had and took back; `uncoded_procedures` are its operations of which no code is known.
    """
    shown = without_unshown(row, _TEXTS)
    found, diagnosis = conditions(row, shown, visit)
    return [
        encounter(shown, visit, exams, diagnosis),
        *found,
        *_procedures(row, visit, procedure_codes, uncoded_procedures),
        *observations(row, visit),
        *_appointments(visit),
        *coverages(row, visit),
    ]


def _procedures(row: Row, visit: Visit, known: frozenset[str], uncoded: int) -> Iterator[Resource]:
    """The operations that XML1 names and XML3 does not. XML1 sums up XML3 (QĐ 4750, table 1, 30): where XML3 has as
    many operations without a code, they are these, and one operation is not told twice.
    """
    missing = [one for one in icd9cm.read(row.get("MA_PTTT_QT")) if one not in known]
    for one in missing if len(missing) > uncoded else ():
        body: Json = {
            "status": "completed",
            "code": _operation(one, visit),
            "subject": SUBJECT,
            "encounter": visit.encounter,
        }
        if span := period(visit.start, visit.end):
            body["performedPeriod"] = span
        yield visit.resource("Procedure", TABLE, (one,), 0, body)


def _operation(code: str, visit: Visit) -> Json:
    named = icd9cm.icd9cm(code, visit.uris)
    return concept(named, words="" if "display" in named else f"Phẫu thuật, thủ thuật mã {code}")


def _appointments(visit: Visit) -> Iterator[Resource]:
    """One a day, of NGAY_TAI_KHAM and of the slips (XML14). It is proposed, also where a slip says a time: `booked`
    would need an end, which nobody says (app-3; rules: follow-up-days).
    """
    for on in sorted(_days(visit)):
        slip = visit.told.slips.get(on)
        at = slip.at if slip and slip.at else on.isoformat()
        body: Json = {}
        if slip and slip.numbers:
            body["identifier"] = [{"system": visit.uris["appointment-paper"], "value": one} for one in slip.numbers]
        body |= {"status": "proposed", "appointmentType": _FOLLOW_UP, "supportingInformation": [visit.encounter]}
        if slip and slip.given:
            body["created"] = slip.given
        body["participant"] = [{"actor": SUBJECT, "status": "needs-action"}]
        body["requestedPeriod"] = [period(at, at)]
        yield visit.resource("Appointment", FOLLOW_UP, (on.isoformat(),), 0, body)


def _days(visit: Visit) -> frozenset[date]:
    """All that are named; but where the summary names one day and the slip another, the slip is what the patient holds:
    the summary still says the day that was before.
    """
    slips = frozenset(visit.told.slips)
    is_moved = bool(slips) and len(visit.come_again) == 1 and not visit.come_again & slips
    return slips if is_moved else visit.come_again | slips
