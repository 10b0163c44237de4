"""Which diagnoses are a person's own conditions, and which of them a summary calls active (rules: own-conditions)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

Json = Mapping[str, Any]

LOINC: Final = "http://loinc.org"
ICD10: Final = ("http://fhir.hl7.org.vn/core/CodeSystem/vn-icd10-cs", "http://hl7.org/fhir/sid/icd-10")
# What was a main diagnosis once, longer ago than this before the last visit, may be over: nobody said that it is not.
_RECENT: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One diagnosis of one visit. `where` is the address of the Organization and `place` its name; `on` is the day or
    minute that the visit began.
    """

    code: str
    text: str
    where: str
    place: str
    on: str
    is_main: bool
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class OwnCondition:
    """A condition with all diagnoses that say it, the last first."""

    code: str
    said: tuple[Diagnosis, ...]

    @property
    def named(self) -> Diagnosis:
        """Whose words it has: of the last visit that it was about, else of the last that named it."""
        return next((each for each in self.said if each.is_main), self.said[0])

    @property
    def first(self) -> str:
        """When it was first met."""
        return self.said[-1].on

    @property
    def last(self) -> str:
        """When it was last met."""
        return self.said[0].on

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the places where, the last first."""
        return tuple({each.where: each.place for each in self.said}.values())

    def is_active(self, last_visit: str) -> bool:
        """Whether a summary calls it active: met more than once, or within a year before the last visit of all."""
        if len({each.on for each in self.said}) > 1:
            return True
        return _day(last_visit) - _day(self.last) <= _RECENT


def diagnoses_of(encounter: Json, resources: Mapping[str, Json]) -> Iterator[tuple[Diagnosis, Json]]:
    """Every diagnosis that a visit ended with, and the Condition that says it; `resources` by their addresses."""
    where = str(encounter.get("serviceProvider", {}).get("reference", ""))
    for use in encounter.get("diagnosis", ()):
        condition = resources.get(use["condition"]["reference"])
        if condition is None or _first_code(use.get("use", {})) == "AD":
            continue
        is_main = use.get("rank") == 1
        yield (
            Diagnosis(
                code=icd_code(condition),
                text=words(condition.get("code", {})),
                where=where,
                place=str(resources.get(where, {}).get("name", "")),
                on=str(encounter.get("period", {}).get("start", "")),
                is_main=is_main,
                is_certain=_is_certain(condition, is_main),
            ),
            condition,
        )


def _is_certain(condition: Json, is_main: bool) -> bool:
    """Whether a diagnosis is more than a doubt, and not "theo dõi" in its words. A main one is called confirmed where
    nothing is in doubt; one of which nothing is said may be in doubt (rules: doubted-diagnoses). Of others that are
    not in doubt nothing is ever said.
    """
    codings = condition.get("verificationStatus", {}).get("coding", ())
    said = {coding.get("code") for coding in codings}
    certain = said == {"confirmed"} or not (said or is_main)
    return certain and "theo dõi" not in condition.get("code", {}).get("text", "").casefold()


def words(concept: Json) -> str:
    """The words of a CodeableConcept: its text, else what its first coding with words is called."""
    displays = (coding.get("display", "") for coding in concept.get("coding", ()))
    return str(concept.get("text") or next(filter(None, displays), ""))


def first_code(concept: Json) -> str:
    """The code of a CodeableConcept's first coding; "" where it has none."""
    return str((concept.get("coding") or [{}])[0].get("code", ""))


def loinc_code(concept: Json) -> str:
    """The code that a CodeableConcept has in LOINC; "" where it has none."""
    codings = concept.get("coding", ())
    return next((str(each.get("code", "")) for each in codings if each.get("system") == LOINC), "")


def icd_code(condition: Json) -> str:
    """The ICD-10 code of a diagnosis; "" where it has none."""
    codings = condition.get("code", {}).get("coding", ())
    return next((str(each.get("code", "")) for each in codings if each.get("system") in ICD10), "")


def own_conditions(diagnoses: Iterable[Diagnosis]) -> list[OwnCondition]:
    """What was a main diagnosis, or was diagnosed at two places; the last met first. A doubt counts for nothing, and so
    does a code that came beside another at one place alone: such codes are added to justify a drug.
    """
    met: dict[str, list[Diagnosis]] = defaultdict(list)
    for each in diagnoses:
        if each.code and each.is_certain:
            met[each.code].append(each)
    own = []
    for code, said in met.items():
        if any(each.is_main for each in said) or len({each.where for each in said}) > 1:
            own.append(OwnCondition(code, tuple(sorted(said, key=lambda each: each.on, reverse=True))))
    return sorted(own, key=lambda each: (each.last, each.code), reverse=True)


def _first_code(concept: Json) -> str:
    return str((concept.get("coding") or [{}])[0].get("code", ""))


def _day(moment: str) -> date:
    try:
        return date.fromisoformat(moment[:10])
    except ValueError:
        return date.min
