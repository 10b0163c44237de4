"""What is kept of somebody beside visits, as its owner reads it: allergies, problems that a facility follows, doses,
births, treatments; and what was sent so, as entries of the timeline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mappings.summary.conditions import first_code, icd_code, words

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Allergy:
    """What somebody reacts to, as a facility recorded it, with what happened then."""

    name: str
    status: str  # of clinicalStatus: active, inactive, resolved
    certainty: str  # of verificationStatus: unconfirmed, confirmed, refuted; "" where nobody says
    criticality: str
    since: str
    reactions: tuple[tuple[str, str], ...]  # what happened, and how severe it was
    on: str
    place: str

    @property
    def stands(self) -> bool:
        """Whether it is still to be minded."""
        return self.status == "active" and self.certainty != "refuted"


@dataclass(frozen=True, slots=True)
class Problem:
    """What a facility keeps on its list of somebody's problems."""

    text: str
    code: str
    status: str  # of clinicalStatus: active, recurrence, relapse, inactive, remission, resolved
    certainty: str
    since: str
    over: str
    on: str
    place: str

    @property
    def stands(self) -> bool:
        """Whether the facility says that it is still so."""
        return self.status in {"active", "recurrence", "relapse"} and self.certainty != "refuted"


@dataclass(frozen=True, slots=True)
class Vaccination:
    """A dose of a vaccine, or why there was none."""

    name: str
    on: str
    given: bool
    why_not: str
    against: tuple[str, ...]
    dose: str
    lot: str
    place: str


def problem_of(resource: Json, place: str) -> Problem:
    """A Condition of a list of problems."""
    return Problem(
        text=words(resource["code"]),
        code=icd_code(resource),
        status=first_code(resource.get("clinicalStatus", {})),
        certainty=first_code(resource.get("verificationStatus", {})),
        since=resource.get("onsetDateTime", ""),
        over=resource.get("abatementDateTime", ""),
        on=resource.get("recordedDate", ""),
        place=place,
    )


def allergy_of(resource: Json, place: str) -> Allergy:
    """An AllergyIntolerance."""
    reactions = [
        ("; ".join(map(words, each["manifestation"])), each.get("severity", ""))
        for each in resource.get("reaction", ())
    ]
    return Allergy(
        name=words(resource["code"]),
        status=first_code(resource.get("clinicalStatus", {})),
        certainty=first_code(resource.get("verificationStatus", {})),
        criticality=resource.get("criticality", ""),
        since=resource.get("onsetDateTime", ""),
        reactions=tuple(reactions),
        on=resource.get("recordedDate", ""),
        place=place,
    )


def vaccination_of(resource: Json, place: str) -> Vaccination:
    """An Immunization."""
    protocol = (resource.get("protocolApplied") or [{}])[0]
    return Vaccination(
        name=words(resource["vaccineCode"]),
        on=resource["occurrenceDateTime"],
        given=resource["status"] == "completed",
        why_not=words(resource.get("statusReason", {})),
        against=tuple(map(words, protocol.get("targetDisease", ()))),
        dose=str(protocol.get("doseNumberPositiveInt", "")),
        lot=resource.get("lotNumber", ""),
        place=place,
    )


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


def record_of(own: Sequence[Json], provenance: Json, place: str) -> Record:
    """By the references of its Provenance: of what it brought not all may have been read."""
    types = {target["reference"].partition("/")[0] for target in provenance["target"]}
    type_ = next(each for each in _RECORDS if each in types)
    told = [each for each in own if each["resourceType"] == type_]
    days = [each[_RECORDS[type_]] for each in told if each.get(_RECORDS[type_])]
    days += [each["period"]["start"] for each in told if each.get("period", {}).get("start")]
    return Record(
        key=provenance.get("id", ""),
        type=type_,
        start=next(iter(days), provenance.get("recorded", "")),  # those of one record are of one day
        place=place,
        names=tuple(filter(None, dict.fromkeys(map(_told_as, told)))),
        came=provenance.get("recorded", ""),
        version=int(provenance.get("meta", {}).get("versionId", 1)),
    )


def _told_as(resource: Json) -> str:
    named = ("medicationCodeableConcept", "vaccineCode", "code", "relationship", "type")
    found: Any = next((resource[name] for name in named if resource.get(name)), {})
    return str(resource.get("title", "")) or words(found[0] if isinstance(found, list) else found)


def treatment_of(episode: Json, place: str) -> Treatment:
    """An EpisodeOfCare."""
    named, span = [words(each) for each in episode.get("type", ())], episode.get("period", {})
    return Treatment(named[0] if named else "", span.get("start", ""), span.get("end", ""), tuple(named[1:]), place)
