"""A book as its owner reads it: by visit, by test, by medicine; made of the FHIR resources that a reader may see.

Nothing is said that no facility said: what is missing stays missing, and nothing is coloured, ranked or guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ehr_sync.web.citizen.lists import (
    Allergy,
    Birth,
    Problem,
    Record,
    Treatment,
    Vaccination,
    allergy_of,
    problem_of,
    record_of,
    treatment_of,
    vaccination_of,
)
from ehr_sync.web.citizen.visits import (
    Appointment,
    Medicine,
    Paper,
    Report,
    Result,
    Visit,
    medicine_of,
    name_of,
    paper_of,
    report_of,
    result_of,
    visit_of,
)
from mappings.summary.conditions import OwnCondition, own_conditions, words

Json = Mapping[str, Any]


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
            visits.append(visit_of(encounter, own, provenance, by_id))
            continue
        place = name_of(provenance["agent"][0]["who"], by_id)
        records.append(record_of(own, provenance, place))
        for each in own:
            match each["resourceType"]:
                case "RelatedPerson":
                    births.append(Birth(words(each["relationship"][0]), each["name"][0]["text"], place))
                case "EpisodeOfCare":
                    treatments.append(treatment_of(each, place))
                case "Observation":
                    measured.append(result_of(each, place, ""))
                case "Composition":
                    written.append(paper_of(each, place, "", by_id))
                case "MedicationRequest":
                    prescribed.append(medicine_of(each, place, ""))
                case "DiagnosticReport" if each.get("conclusion"):
                    reported.append(report_of(each))
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
