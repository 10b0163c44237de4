"""Which diagnoses are a person's own conditions, and which of them a summary calls active (rules: own-conditions)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

ICD10: Final = ("http://fhir.hl7.org.vn/core/CodeSystem/vn-icd10-cs", "http://hl7.org/fhir/sid/icd-10")
# What was a main diagnosis once, longer ago than this before the last visit, may be over: nobody said that it is not.
_RECENT: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One diagnosis of one visit. `where` names the place, `on` is the day or minute that the visit began."""

    code: str
    text: str
    where: str
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
        """Where, the last first."""
        return tuple(dict.fromkeys(each.where for each in self.said))

    def is_active(self, last_visit: str) -> bool:
        """Whether a summary calls it active: met more than once, or within a year before the last visit of all."""
        if len({each.on for each in self.said}) > 1:
            return True
        return _day(last_visit) - _day(self.last) <= _RECENT


def is_certain(condition: Mapping[str, Any]) -> bool:
    """Whether a diagnosis is more than a doubt: confirmed, and not "theo dõi" in its words."""
    concept = condition.get("verificationStatus", {})
    codes = {coding.get("code") for coding in concept.get("coding", ())}
    return codes <= {"confirmed"} and "theo dõi" not in condition.get("code", {}).get("text", "").casefold()


def icd_code(condition: Mapping[str, Any]) -> str:
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


def _day(moment: str) -> date:
    try:
        return date.fromisoformat(moment[:10])
    except ValueError:
        return date.min
