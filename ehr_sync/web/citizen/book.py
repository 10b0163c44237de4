"""A book as its owner reads it: by visit, by test, by medicine; made of the FHIR resources that a reader may see.

Nothing is said that no facility said: what is missing stays missing, and nothing is coloured, ranked or guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from ehr_sync.web.citizen.lists import (
    Allergy,
    Problem,
    Vaccination,
    allergy_of,
    problem_of,
    vaccination_of,
)
from mappings.fhir.narrative import lines
from mappings.summary.conditions import (
    Diagnosis,
    OwnCondition,
    diagnoses_of,
    first_code,
    loinc_code,
    own_conditions,
    words,
)
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


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one test over time, newest first."""

    name: str
    code: str
    results: tuple[Result, ...]

    def stretches(self) -> Iterator[tuple[Result, ...]]:
        """The values that can be compared with each other, of one unit and method; those with the newest first."""
        together: dict[tuple[str, str], list[Result]] = defaultdict(list)
        for result in self.results:
            together[result.measure, result.method].append(result)
        yield from map(tuple, together.values())


@dataclass(frozen=True, slots=True)
class Birth:
    """Who gave birth, by the certificate, and where that was written."""

    kin: str
    name: str
    place: str


@dataclass(frozen=True, slots=True)
class Treatment:
    """A treatment that lasts longer than a visit: what it is, its days, and what else is told of it."""

    name: str
    first: str
    last: str
    details: tuple[str, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Record:
    """What a facility sent beside visits, as an entry of the timeline: by which type of FHIR, and what it names."""

    key: str  # of its Provenance
    type: str
    start: str
    place: str
    names: tuple[str, ...]
    came: str
    version: int

    @property
    def year(self) -> str:
        """The year that it is of."""
        return self.start[:4]

    def words(self) -> str:
        """All that the timeline says of it, to be searched."""
        return " ".join((self.place, *self.names)).casefold()


_RECORDS: Final[Mapping[str, str]] = {
    "MedicationRequest": "authoredOn",
    "DiagnosticReport": "effectiveDateTime",
    "Immunization": "occurrenceDateTime",
    "AllergyIntolerance": "recordedDate",
    "Condition": "recordedDate",
    "Composition": "date",
    "EpisodeOfCare": "",
    "RelatedPerson": "",
    "Observation": "effectiveDateTime",
}
"""By what a record beside visits is told, and where its day stands."""


@dataclass(frozen=True, slots=True)
class Book:
    """Everything, newest first. `births`, `treatments`, what was `measured` at birth, papers `written` beside visits
    (a medical assessment), what was `prescribed` and `reported` alone, `problems`, `allergies` and `vaccinations` are
    of no visit.
    """

    patient: Json = field(repr=False)
    visits: tuple[Visit, ...] = field(repr=False)
    births: tuple[Birth, ...] = field(default=(), repr=False)
    treatments: tuple[Treatment, ...] = field(default=(), repr=False)
    measured: tuple[Result, ...] = field(default=(), repr=False)
    written: tuple[Paper, ...] = field(default=(), repr=False)
    prescribed: tuple[Medicine, ...] = field(default=(), repr=False)
    reported: tuple[Report, ...] = field(default=(), repr=False)
    problems: tuple[Problem, ...] = field(default=(), repr=False)
    allergies: tuple[Allergy, ...] = field(default=(), repr=False)
    vaccinations: tuple[Vaccination, ...] = field(default=(), repr=False)
    records: tuple[Record, ...] = field(default=(), repr=False)

    def timeline(self) -> list[Visit | Record]:
        """Every visit, and every record that is of none, newest first."""
        return sorted((*self.visits, *self.records), key=lambda each: (each.start, each.key), reverse=True)

    def visit(self, key: str) -> Visit | None:
        """The visit of this id."""
        return next((visit for visit in self.visits if visit.key == key), None)

    def medicines(self) -> list[Medicine]:
        """What was prescribed or given, by the day from which on."""
        of_visits = (medicine for visit in self.visits for medicine in visit.medicines)
        return sorted((*of_visits, *self.prescribed), key=lambda m: m.first, reverse=True)

    def appointments(self) -> list[Appointment]:
        """When one is asked to come again, the next first."""
        return sorted((a for v in self.visits for a in v.appointments), key=lambda a: a.first)

    def papers(self) -> list[Paper]:
        """What facilities gave on paper, the newest first."""
        of_visits = (paper for visit in self.visits for paper in visit.papers)
        return sorted((*of_visits, *self.written), key=lambda paper: (paper.on, paper.key), reverse=True)

    def paper(self, key: str) -> Paper | None:
        """The paper of this id."""
        return next((each for each in self.papers() if each.key == key), None)

    def conditions(self) -> list[OwnCondition]:
        """One's own conditions, by the day when they were last met."""
        return own_conditions(each for visit in self.visits for each in visit.diagnoses)

    def series(self) -> list[Series]:
        """The values of each test, over all places, by name: those of one code of LOINC are one test wherever they were
        made, and each other is what its facility calls it (rules: known-tests).
        """
        by_test: dict[tuple[str, str], list[Result]] = defaultdict(list)
        results = [*(one for visit in self.visits for one in (*visit.results, *visit.vitals)), *self.measured]
        known: dict[tuple[tuple[str, str], str], set[str]] = defaultdict(set)
        for result in results:
            known[result.key, result.name].update(filter(None, [result.loinc]))
        for result in results:
            # A value in words has no unit to know the test by: it stands with the others of its facility's code.
            codes = {result.loinc} if result.loinc else known[result.key, result.name]
            by_test[("", min(codes)) if len(codes) == 1 else result.key].append(result)
        made = [
            Series(newest[0].name, newest[0].key[1], tuple(newest))
            for newest in (sorted(found, key=lambda r: r.at, reverse=True) for found in by_test.values())
        ]
        return sorted(made, key=lambda each: each.name.casefold())


def read(resources: Iterable[Json]) -> Book:
    """The book that these resources make. A Patient is among them."""
    by_id = {f"{each['resourceType']}/{each['id']}": each for each in resources}
    patient = next(each for each in by_id.values() if each["resourceType"] == "Patient")
    visits, births, treatments, measured, written = [], [], [], [], []
    prescribed, reported, problems, allergies, vaccinations, records = [], [], [], [], [], []
    for provenance in (each for each in by_id.values() if each["resourceType"] == "Provenance"):
        own = [by_id[ref["reference"]] for ref in provenance["target"] if ref["reference"] in by_id]
        encounter = next((each for each in own if each["resourceType"] == "Encounter"), None)
        if encounter:
            visits.append(_visit(encounter, own, provenance, by_id))
            continue
        place = _name_of(provenance["agent"][0]["who"], by_id)
        records.append(_record(own, provenance, place))
        for each in own:
            match each["resourceType"]:
                case "RelatedPerson":
                    births.append(Birth(words(each["relationship"][0]), each["name"][0]["text"], place))
                case "EpisodeOfCare":
                    treatments.append(_treatment(each, place))
                case "Observation":
                    measured.append(_result(each, place, ""))
                case "Composition":
                    written.append(_paper(each, place, "", by_id))
                case "MedicationRequest":
                    prescribed.append(_medicine(each, place, ""))
                case "DiagnosticReport" if each.get("conclusion"):
                    reported.append(_report(each))
                case "Condition":
                    problems.append(problem_of(each, place))
                case "AllergyIntolerance":
                    allergies.append(allergy_of(each, place))
                case "Immunization":
                    vaccinations.append(vaccination_of(each, place))
    return Book(
        patient,
        tuple(sorted(visits, key=lambda each: (each.start, each.key), reverse=True)),
        tuple(births),
        tuple(sorted(treatments, key=lambda each: each.first, reverse=True)),
        tuple(measured),
        tuple(written),
        tuple(prescribed),
        tuple(sorted(reported, key=lambda each: each.at, reverse=True)),
        tuple(sorted(problems, key=lambda each: (each.stands, each.on), reverse=True)),
        tuple(sorted(allergies, key=lambda each: each.on, reverse=True)),
        tuple(sorted(vaccinations, key=lambda each: each.on, reverse=True)),
        tuple(records),
    )


def _record(own: Sequence[Json], provenance: Json, place: str) -> Record:
    """By the references of its Provenance: of what it brought not all may have been read."""
    types = {target["reference"].partition("/")[0] for target in provenance["target"]}
    type_ = next(each for each in _RECORDS if each in types)
    told = [each for each in own if each["resourceType"] == type_]
    days = [each[_RECORDS[type_]] for each in told if each.get(_RECORDS[type_])]
    days += [each["period"]["start"] for each in told if each.get("period", {}).get("start")]
    return Record(
        key=provenance["id"],
        type=type_,
        start=min(days, default=provenance["recorded"]),
        place=place,
        names=tuple(filter(None, dict.fromkeys(map(_told_as, told)))),
        came=provenance["recorded"],
        version=int(provenance.get("meta", {}).get("versionId", 1)),
    )


def _told_as(resource: Json) -> str:
    named = ("medicationCodeableConcept", "vaccineCode", "code", "relationship", "type")
    found: Any = next((resource[name] for name in named if resource.get(name)), {})
    return str(resource.get("title", "")) or words(found[0] if isinstance(found, list) else found)


def _treatment(episode: Json, place: str) -> Treatment:
    named, span = [words(each) for each in episode.get("type", ())], episode.get("period", {})
    return Treatment(named[0] if named else "", span.get("start", ""), span.get("end", ""), tuple(named[1:]), place)


def _visit(encounter: Json, own: Sequence[Json], provenance: Json, by_id: Mapping[str, Json]) -> Visit:
    kinds: dict[str, list[Json]] = defaultdict(list)
    for each in own:
        kinds[each["resourceType"]].append(each)
    key, period = encounter["id"], encounter.get("period", {})
    place = _name_of(encounter.get("serviceProvider") or provenance["agent"][0]["who"], by_id)
    # The class of a health check is said where the check is: it is the result of no test.
    observed = [each for each in kinds["Observation"] if not _is_of(each, "exam")]
    results = [_result(each, place, key) for each in observed]
    vital = {each["id"] for each in observed if _is_of(each, "vital-signs")}
    notes = [e["valueAnnotation"]["text"] for e in _extensions(encounter, "visit-note")]
    reports = (_report(each) for each in kinds["DiagnosticReport"])
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
            _medicine(each, place, key) for each in (*kinds["MedicationRequest"], *kinds["MedicationAdministration"])
        ),
        appointments=tuple(_appointment(each, place, key) for each in kinds["Appointment"]),
        papers=tuple(_paper(each, place, key, by_id) for each in kinds["Composition"]),
        came=provenance.get("recorded", ""),
        version=int(encounter.get("meta", {}).get("versionId", 1)),
    )


def _result(observation: Json, place: str, visit: str) -> Result:
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


def _medicine(resource: Json, place: str, visit: str) -> Medicine:
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


def _report(resource: Json) -> Report:
    return Report(words(resource["code"]), resource.get("conclusion", ""), resource.get("effectiveDateTime", ""))


def _appointment(resource: Json, place: str, visit: str) -> Appointment:
    asked = (resource.get("requestedPeriod") or [{}])[0]
    first = resource.get("start") or asked.get("start", "")
    return Appointment(resource["id"], first, resource.get("end") or asked.get("end", "") or first, place, visit)


def _paper(resource: Json, place: str, visit: str, by_id: Mapping[str, Json]) -> Paper:
    asked = [by_id[entry["reference"]] for entry in _entries(resource) if entry["reference"] in by_id]
    sent_to = [_name_of(to, by_id) for each in asked if each["resourceType"] == "ServiceRequest" for to in _to(each)]
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


def _name_of(reference: Json, by_id: Mapping[str, Json]) -> str:
    found = by_id.get(reference.get("reference", ""), {})
    return str(found.get("name") or reference.get("display") or "")
