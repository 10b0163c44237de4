"""The verdict on a claim: what was found on three axes (transport, person, fields), and by a table of rules the grade
that follows (rules: verdict-axes). Grades are FHIR's: https://hl7.org/fhir/R4/valueset-match-grade.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from ehr_sync.core.identity import Claim, State
from ehr_sync.core.names import Rung, compare_names
from ehr_sync.core.ports import RegistryPerson


class Transport(Enum):
    """Whether there is an answer at all. Nothing but an answer ever decides (P5)."""

    ANSWERED = "answered"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"
    MALFORMED = "malformed"
    NOT_ASKED = "not_asked"


class Person(Enum):
    """What the answer says of the person behind the number."""

    FOUND = "found"
    NOT_FOUND_OR_MISMATCH = "not_found_or_mismatch"  # the registry does not say which (rules: silent-registry)
    SUPERSEDED = "superseded"
    INVALIDATED = "invalidated"
    DECEASED = "deceased"
    RESTRICTED = "restricted"
    UNKNOWN = "unknown"


class Number(Enum):
    """What kind of number was asked about."""

    PERSONAL = "personal"  # 12 digits, one person's for life
    OLD = "old"  # a CMND of 9 digits, which two people may have


class NameFound(Enum):
    """The name: a rung of the ladder, or why there is none."""

    EQUAL = Rung.EQUAL.value
    EQUAL_AFTER_TONE_PLACEMENT = Rung.EQUAL_AFTER_TONE_PLACEMENT.value
    EQUAL_I_Y = Rung.EQUAL_I_Y.value
    EQUAL_WITHOUT_DIACRITICS = Rung.EQUAL_WITHOUT_DIACRITICS.value
    REORDERED = Rung.REORDERED.value
    PART_MISSING = Rung.PART_MISSING.value
    NEAR = Rung.NEAR.value
    DIFFERENT = Rung.DIFFERENT.value
    ABSENT = "absent"
    UNKNOWN = "unknown"


class BirthFound(Enum):
    """The birth date."""

    EQUAL = "equal"
    PART_MISSING = "part_missing"  # the years agree; one of the two has no day
    DIFFERENT = "different"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class SexFound(Enum):
    """The sex, which is never asked for: it proves nothing and contradicts nothing."""

    EQUAL = "equal"
    DIFFERENT = "different"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Grade(Enum):
    """How surely the claim is of the person found. Only CERTAIN proves."""

    CERTAIN = "certain"
    PROBABLE = "probable"
    POSSIBLE = "possible"
    CERTAINLY_NOT = "certainly-not"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found of a claim. No member tells a value. UNKNOWN: the source neither showed the field nor named it."""

    transport: Transport = Transport.ANSWERED
    person: Person = Person.UNKNOWN
    number: Number = Number.PERSONAL
    name: NameFound = NameFound.UNKNOWN
    birth_date: BirthFound = BirthFound.UNKNOWN
    sex: SexFound = SexFound.UNKNOWN


Axes = Mapping[str, frozenset[Enum]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: what must be found for it to apply (an axis that it does not name may be anything), and what follows.
    `state` None: nothing was learned, and the claim stays as it is.
    """

    name: str
    when: Axes = field(hash=False)
    grade: Grade | None
    state: State | None
    reason: str

    def applies(self, findings: Findings) -> bool:
        """Whether everything that the row asks for was found."""
        return all(getattr(findings, axis) in values for axis, values in self.when.items())


def _rule(name: str, grade: Grade | None, state: State | None, reason: str, /, **when: Enum | set[Enum]) -> Rule:
    sets = {axis: frozenset(values if isinstance(values, set) else {values}) for axis, values in when.items()}
    return Rule(name, sets, grade, state, reason)


RULES_VERSION: Final = 1
"""Kept with each verdict: whoever changes a row of RULES raises it."""

_TRANSPORTS: Final = {
    "registry.status_429": Transport.RATE_LIMITED,
    "registry.unreadable": Transport.MALFORMED,
    "registry.other_number": Transport.MALFORMED,
    "claim.unreadable": Transport.NOT_ASKED,
    "edges.unfit": Transport.NOT_ASKED,
}
"""What the codes of failures say of the axis; any other: nothing was reached."""

SEX_PROVEN: Final = "registry.exact"

# What proves says all that it rests on: a value that an axis gets one day is no proof by itself.
_EXACT: Final[dict[str, Enum | set[Enum]]] = {
    "person": Person.FOUND,
    "number": Number.PERSONAL,
    "name": {NameFound.EQUAL, NameFound.EQUAL_AFTER_TONE_PLACEMENT},
    "birth_date": BirthFound.EQUAL,
}

# The first row that applies decides. What contradicts comes before what agrees.
RULES: Final = (
    _rule(
        "no answer", None, None, "",
        transport={Transport.UNREACHABLE, Transport.RATE_LIMITED, Transport.MALFORMED, Transport.NOT_ASKED},
    ),
    _rule("nothing said", None, None, "registry.unreadable", person=Person.UNKNOWN),
    _rule(
        "number invalid", Grade.CERTAINLY_NOT, State.NOT_PROVEN, "registry.number_invalid", person=Person.INVALIDATED
    ),
    _rule("name differs", Grade.CERTAINLY_NOT, State.NOT_PROVEN, "registry.no_match", name=NameFound.DIFFERENT),
    _rule("birth differs", Grade.CERTAINLY_NOT, State.NOT_PROVEN, "registry.no_match", birth_date=BirthFound.DIFFERENT),
    _rule(
        "silent", Grade.POSSIBLE, State.NOT_PROVEN, "registry.no_match", person=Person.NOT_FOUND_OR_MISMATCH
    ),
    _rule("superseded", Grade.POSSIBLE, State.REVIEW, "registry.number_superseded", person=Person.SUPERSEDED),
    _rule("restricted", Grade.POSSIBLE, State.REVIEW, "registry.restricted", person=Person.RESTRICTED),
    _rule(
        "name near", Grade.POSSIBLE, State.REVIEW, "registry.name_near",
        name={NameFound.REORDERED, NameFound.PART_MISSING, NameFound.NEAR},
    ),
    _rule("old number", Grade.POSSIBLE, State.REVIEW, "registry.old_number", number=Number.OLD),
    _rule(
        "name loosely", Grade.PROBABLE, State.REVIEW, "registry.name_only_loosely",
        name={NameFound.EQUAL_I_Y, NameFound.EQUAL_WITHOUT_DIACRITICS},
    ),
    _rule("birth year", Grade.PROBABLE, State.REVIEW, "registry.birth_year_only", birth_date=BirthFound.PART_MISSING),
    _rule(
        "name not shown", Grade.PROBABLE, State.REVIEW, "registry.not_shown",
        name={NameFound.ABSENT, NameFound.UNKNOWN},
    ),
    _rule(
        "birth not shown", Grade.PROBABLE, State.REVIEW, "registry.not_shown",
        birth_date={BirthFound.ABSENT, BirthFound.UNKNOWN},
    ),
    _rule("deceased", Grade.PROBABLE, State.REVIEW, "registry.deceased", person=Person.DECEASED),
    _rule("exact", Grade.CERTAIN, State.PROVEN, SEX_PROVEN, **_EXACT, sex=SexFound.EQUAL),
    _rule("exact but sex", Grade.CERTAIN, State.PROVEN, "registry.exact_but_sex", **_EXACT),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a claim. `reason` is a stable code that tells nothing about the person. `findings` is None where
    nobody was asked, `grade` where nothing was learned: the claim is then DUE.
    """

    state: State
    reason: str
    grade: Grade | None = None
    findings: Findings | None = None


def first_state(claim: Claim) -> Verdict:
    """The state of a claim that has not been asked about."""
    if claim.name_may_be_a_parents:
        return Verdict(State.NOT_ASKED, "claim.name_may_be_a_parents")
    if not claim.askable:
        return Verdict(State.NO_NUMBER, "claim.no_number" if not claim.number else "claim.number_not_askable")
    return Verdict(State.DUE, "")


def judge(claim: Claim, found: RegistryPerson | None) -> Verdict:
    """The verdict on a claim from the registry's answer, by RULES."""
    if found is not None and claim.number_type == "cccd" and found.number != claim.number:
        # Somebody else's number came back: the registry talks nonsense, which is no verdict (P5).
        return unanswered("registry.other_number")
    return decided(findings_of(claim, found))


def unanswered(code: str) -> Verdict:
    """The verdict where no usable answer came: none, and `code` says why."""
    return replace(decided(Findings(_TRANSPORTS.get(code, Transport.UNREACHABLE))), reason=code)


def decided(findings: Findings) -> Verdict:
    """What follows from what was found: the first row of RULES that applies."""
    rule = next(rule for rule in RULES if rule.applies(findings))
    return Verdict(rule.state or State.DUE, rule.reason, rule.grade, findings)


def findings_of(claim: Claim, found: RegistryPerson | None) -> Findings:
    """What an answer of the registry shows of a claim; nobody found names no field (rules: silent-registry)."""
    number = Number.PERSONAL if claim.number_type == "cccd" else Number.OLD
    if found is None:
        return Findings(person=Person.NOT_FOUND_OR_MISMATCH, number=number)
    return Findings(
        person=Person.FOUND,
        number=number,
        name=NameFound(compare_names(claim.name, found.name).value) if found.name else NameFound.UNKNOWN,
        birth_date=_birth(claim.birth_date.replace("-", ""), found.birth_date),
        sex=_sex(claim.sex, found.sex),
    )


def _birth(asked: str, held: str) -> BirthFound:
    """Both "yyyymmdd" or "yyyy"; `held` "" where it is not shown."""
    if not held:
        return BirthFound.UNKNOWN
    if asked == held and len(asked) == len("yyyymmdd"):
        return BirthFound.EQUAL
    agree = asked[:4] == held[:4] and len(asked) + len(held) < len("yyyymmdd") * 2
    return BirthFound.PART_MISSING if agree else BirthFound.DIFFERENT


def _sex(asked: str, held: str) -> SexFound:
    if held == "unknown":
        return SexFound.UNKNOWN
    if asked == "unknown":
        return SexFound.ABSENT
    return SexFound.EQUAL if asked == held else SexFound.DIFFERENT
