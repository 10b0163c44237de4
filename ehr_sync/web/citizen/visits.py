"""One visit as its owner reads it: what was found, given and done, who sent it; made of the FHIR resources that its
submission brought.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from mappings.fhir.narrative import lines
from mappings.summary.conditions import Diagnosis, diagnoses_of, first_code, loinc_code, words
from mappings.summary.medicines import prescribed_for
from mappings.terminology.units import comparable

Json = Mapping[str, Any]
_ADVICE: Final = "Lời dặn: "
_CONCLUDED: Final = ("Phân loại sức khỏe: ", "Kết luận: ")


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine as a facility wrote it down. `given`: there and then, and not to be taken at home."""

    name: str
    dose: str
    first: str
    last: str  # "" where nobody says until when
    amount: str
    given: bool
    place: str
    visit: str

    def is_taken_on(self, day: date) -> bool:
        """Whether it was prescribed for this day (rules: given-or-prescribed)."""
        return not self.given and bool(self.last) and self.first[:10] <= day.isoformat() <= self.last[:10]


@dataclass(frozen=True, slots=True)
class Result:
    """One value of a test. `number` is None where it is no number with a unit."""

    key: tuple[str, str]  # system and code of the test; the text where it has no code
    loinc: str  # its code in LOINC, where that is certain or its facility says one
    name: str
    value: str
    unit: str
    number: float | None
    low: float | None
    high: float | None
    method: str
    measure: str  # what its value can be compared in: a UCUM code, else the unit as written
    at: str
    place: str
    visit: str


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody found and wrote: an image, a test as a whole."""

    name: str
    conclusion: str
    at: str


@dataclass(frozen=True, slots=True)
class Appointment:
    """When one is asked to come again: days, or a minute where the facility says one."""

    key: str
    first: str
    last: str
    place: str
    visit: str


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper that a facility gave, by what it says: each heading with its lines, in the facility's words. `to` are the
    places that it sends one to.
    """

    key: str
    title: str
    on: str
    number: str
    signed: tuple[str, ...]
    to: tuple[str, ...]
    parts: tuple[tuple[str, tuple[str, ...]], ...]
    place: str
    visit: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit: when, where, what for, what was found, given and done; who sent it, and when it came."""

    key: str
    start: str
    end: str
    place: str
    kind: str
    emergency: bool
    reasons: tuple[str, ...]
    diagnoses: tuple[Diagnosis, ...]
    outcome: str
    left: str
    advice: tuple[str, ...]
    notes: tuple[str, ...]  # what else the facility wrote of the visit as a whole
    vitals: tuple[Result, ...]
    results: tuple[Result, ...]
    reports: tuple[Report, ...]
    procedures: tuple[str, ...]
    medicines: tuple[Medicine, ...]
    appointments: tuple[Appointment, ...]
    papers: tuple[Paper, ...]
    came: str
    version: int

    @property
    def main(self) -> Diagnosis | None:
        """What it was about."""
        return next((each for each in self.diagnoses if each.is_main), None)

    @property
    def others(self) -> tuple[Diagnosis, ...]:
        """What else was diagnosed."""
        return tuple(each for each in self.diagnoses if not each.is_main)

    @property
    def conclusions(self) -> tuple[str, ...]:
        """What a health check concludes: the class of health, then its words."""
        return tuple(each for each in self.notes if each.startswith(_CONCLUDED))

    @property
    def year(self) -> str:
        """The year that it began in."""
        return self.start[:4]

    def words(self) -> str:
        """All that is said of it, to be searched."""
        said = [self.place, self.kind, *self.reasons, self.outcome, *self.advice, *self.notes, *self.procedures]
        said += [f"{each.text} {each.code}" for each in self.diagnoses]
        said += [each.name for each in (*self.vitals, *self.results)] + [each.name for each in self.medicines]
        said += [f"{each.name} {each.conclusion}" for each in self.reports]
        said += [line for each in self.papers for _, told in each.parts for line in told]
        return " ".join(said).casefold()


def visit_of(encounter: Json, own: Sequence[Json], provenance: Json, by_id: Mapping[str, Json]) -> Visit:
    """The visit of an Encounter, of what its submission brought."""
    kinds: dict[str, list[Json]] = defaultdict(list)
    for each in own:
        kinds[each["resourceType"]].append(each)
    key, period = encounter["id"], encounter.get("period", {})
    place = name_of(encounter.get("serviceProvider") or provenance["agent"][0]["who"], by_id)
    # The class of a health check is said where the check is: it is the result of no test.
    observed = [each for each in kinds["Observation"] if not _is_of(each, "exam")]
    results = [result_of(each, place, key) for each in observed]
    vital = {each["id"] for each in observed if _is_of(each, "vital-signs")}
    notes = [e["valueAnnotation"]["text"] for e in _extensions(encounter, "visit-note")]
    reports = (report_of(each) for each in kinds["DiagnosticReport"])
    return Visit(
        key=key,
        start=period.get("start", ""),
        end=period.get("end", ""),
        place=place,
        kind=words(encounter.get("type", [{}])[0]),
        emergency=first_code(encounter.get("priority", {})) == "EM",
        reasons=tuple(filter(None, map(words, encounter.get("reasonCode", ())))),
        diagnoses=tuple(diagnosis for diagnosis, _ in diagnoses_of(encounter, by_id)),
        outcome=next((words(e["valueCodeableConcept"]) for e in _extensions(encounter, "treatment-outcome")), ""),
        left=words(encounter.get("hospitalization", {}).get("dischargeDisposition", {})),
        advice=tuple(note.removeprefix(_ADVICE) for note in notes if note.startswith(_ADVICE)),
        notes=tuple(note for note in notes if not note.startswith(_ADVICE)),
        vitals=tuple(r for r, each in zip(results, observed, strict=True) if each["id"] in vital),
        results=tuple(r for r, each in zip(results, observed, strict=True) if each["id"] not in vital),
        reports=tuple(report for report in reports if report.conclusion),
        procedures=tuple(words(each["code"]) for each in kinds["Procedure"]),
        medicines=tuple(
            medicine_of(each, place, key) for each in (*kinds["MedicationRequest"], *kinds["MedicationAdministration"])
        ),
        appointments=tuple(_appointment(each, place, key) for each in kinds["Appointment"]),
        papers=tuple(paper_of(each, place, key, by_id) for each in kinds["Composition"]),
        came=provenance.get("recorded", ""),
        version=int(encounter.get("meta", {}).get("versionId", 1)),
    )


def result_of(observation: Json, place: str, visit: str) -> Result:
    """An Observation; `visit` is the id of its Encounter, "" where it is of none."""
    quantity, code = observation.get("valueQuantity", {}), observation["code"]
    coding = (code.get("coding") or [{}])[0]
    text = observation.get("valueString") or words(observation.get("valueCodeableConcept", {}))
    within = (observation.get("referenceRange") or [{}])[0]
    number, unit = quantity.get("value"), quantity.get("unit", "")
    shown = f"{quantity.get('comparator', '')}{number:.12g}" if isinstance(number, int | float) else text
    if observation.get("component"):
        shown = "/".join(
            f"{part['valueQuantity']['value']:.12g}" for part in observation["component"] if _has_value(part)
        )
        unit = next(
            (part["valueQuantity"].get("unit", "") for part in observation["component"] if _has_value(part)), ""
        )
    return Result(
        key=(coding.get("system", ""), coding.get("code", words(code))),
        loinc=loinc_code(code),
        name=words(code),
        value=shown,
        unit=unit,
        number=float(number) if isinstance(number, int | float) and unit and "comparator" not in quantity else None,
        low=within.get("low", {}).get("value"),
        high=within.get("high", {}).get("value"),
        method=words(observation.get("method", {})),
        measure=comparable(quantity.get("code", "")) or unit,
        at=observation.get("effectiveDateTime", observation.get("issued", "")),
        place=place,
        visit=visit,
    )


def _has_value(part: Json) -> bool:
    return isinstance(part.get("valueQuantity", {}).get("value"), int | float)


def medicine_of(resource: Json, place: str, visit: str) -> Medicine:
    """A MedicationRequest or MedicationAdministration."""
    given = resource["resourceType"] == "MedicationAdministration"
    dosages = [resource.get("dosage", {})] if given else resource.get("dosageInstruction", [])
    period = resource.get("effectivePeriod", {})
    when = (period.get("start") or resource.get("effectiveDateTime", ""), period.get("end", ""))
    first, last = when if given else prescribed_for(resource)
    quantity = resource.get("dispenseRequest", {}).get("quantity", {})
    return Medicine(
        name=words(resource.get("medicationCodeableConcept", {})),
        dose="; ".join(filter(None, (dose.get("text", "") for dose in dosages))),
        first=first,
        last=last,
        amount=f"{quantity['value']:.12g} {quantity.get('unit', '')}".strip() if "value" in quantity else "",
        given=given,
        place=place,
        visit=visit,
    )


def report_of(resource: Json) -> Report:
    """A DiagnosticReport."""
    return Report(words(resource["code"]), resource.get("conclusion", ""), resource.get("effectiveDateTime", ""))


def _appointment(resource: Json, place: str, visit: str) -> Appointment:
    asked = (resource.get("requestedPeriod") or [{}])[0]
    first = resource.get("start") or asked.get("start", "")
    return Appointment(resource["id"], first, resource.get("end") or asked.get("end", "") or first, place, visit)


def paper_of(resource: Json, place: str, visit: str, by_id: Mapping[str, Json]) -> Paper:
    """A Composition."""
    asked = [by_id[entry["reference"]] for entry in _entries(resource) if entry["reference"] in by_id]
    sent_to = [name_of(to, by_id) for each in asked if each["resourceType"] == "ServiceRequest" for to in _to(each)]
    return Paper(
        key=resource["id"],
        title=resource["title"],
        on=resource.get("date", ""),
        number=resource.get("identifier", {}).get("value", ""),
        signed=tuple(each["display"] for each in resource["author"] if "display" in each),
        to=tuple(sent_to),
        parts=tuple((each["title"], tuple(lines(each["text"]["div"]))) for each in resource.get("section", ())),
        place=place,
        visit=visit,
    )


def _entries(composition: Json) -> Iterator[Json]:
    return (entry for section in composition.get("section", ()) for entry in section.get("entry", ()))


def _to(request: Json) -> Sequence[Json]:
    found: Sequence[Json] = request.get("performer", ())
    return found


def _extensions(resource: Json, ends: str) -> Iterator[Json]:
    return (each for each in resource.get("extension", ()) if each["url"].endswith(ends))


def _is_of(observation: Json, category: str) -> bool:
    return any(first_code(each) == category for each in observation.get("category", ()))


def name_of(reference: Json, by_id: Mapping[str, Json]) -> str:
    """The name of whom a reference leads to; "" where nobody says one."""
    found = by_id.get(reference.get("reference", ""), {})
    return str(found.get("name") or reference.get("display") or "")
