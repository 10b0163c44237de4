"""What is kept of somebody beside visits, as its owner reads it: allergies, problems that a facility follows, doses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
