"""The verdict: every combination of what can be found, each row of the table of rules, and the registry's answers."""

from __future__ import annotations

import itertools
from typing import Any, Final

import pytest

from ehr_sync.core.identity import Claim, State
from ehr_sync.core.ports import RegistryPerson
from ehr_sync.core.verdict import (
    RULES,
    BirthFound,
    Findings,
    Grade,
    NameFound,
    Number,
    Person,
    SexFound,
    Transport,
    Verdict,
    decided,
    findings_of,
    first_state,
    judge,
)

# ---- Every combination, against a model of its own: what each axis allows at most, the worst of them counts. ----

TRANSPORTS: Final = ["answered", "unreachable", "rate_limited", "malformed", "not_asked"]
PEOPLE: Final = {
    "found": 3,
    "deceased": 2,
    "superseded": 1,
    "restricted": 1,
    "not_found_or_mismatch": 1,
    "invalidated": 0,
    "unknown": None,
}
NUMBERS: Final = {"personal": 3, "old": 1}
NAMES: Final = {
    "equal": 3,
    "equal_after_tone_placement": 3,
    "equal_i_y": 2,
    "equal_without_diacritics": 2,
    "absent": 2,
    "unknown": 2,
    "reordered": 1,
    "part_missing": 1,
    "near": 1,
    "different": 0,
}
BIRTHS: Final = {"equal": 3, "part_missing": 2, "absent": 2, "unknown": 2, "different": 0}
SEXES: Final = ["equal", "different", "absent", "unknown"]  # it proves nothing and contradicts nothing
GRADES: Final = ["certainly-not", "possible", "probable", "certain"]


def expected(transport: str, person: str, number: str, name: str, birth: str) -> tuple[str, str | None]:
    """State and grade, as docs/states.md tells them."""
    most = PEOPLE[person]
    if transport != "answered" or most is None:
        return "due", None
    grade = GRADES[min(most, NUMBERS[number], NAMES[name], BIRTHS[birth])]
    if grade == "certain":
        return "proven", grade
    silent = person == "not_found_or_mismatch"
    return "not_proven" if grade == "certainly-not" or silent else "review", grade


def found(*values: str) -> Findings:
    transport, person, number, name, birth, sex = values
    return Findings(
        Transport(transport), Person(person), Number(number), NameFound(name), BirthFound(birth), SexFound(sex)
    )


def test_p4_p5_every_combination_of_what_can_be_found_has_its_grade_and_state() -> None:
    assert [len(axis) for axis in (Transport, Person, Number, NameFound, BirthFound, SexFound)] == [
        len(axis) for axis in (TRANSPORTS, PEOPLE, NUMBERS, NAMES, BIRTHS, SEXES)
    ]
    wrong = []
    for values in itertools.product(TRANSPORTS, PEOPLE, NUMBERS, NAMES, BIRTHS, SEXES):
        verdict = decided(found(*values))
        told = verdict.state.value, verdict.grade.value if verdict.grade else None
        if told != expected(*values[:5]) or (told[0] == "due") != (told[1] is None):
            wrong.append((values, told))
    assert wrong == []


# ---- Each row, by the plainest case of it. What is not named is of a good answer. ----

GOOD: Final = dict(transport="answered", person="found", number="personal", name="equal", birth="equal", sex="equal")
ROWS: Final[list[tuple[str, dict[str, str], str, str]]] = [
    ("no answer", {"transport": "unreachable"}, "due", ""),
    ("nothing said", {"person": "unknown"}, "due", "registry.unreadable"),
    ("number invalid", {"person": "invalidated"}, "not_proven", "registry.number_invalid"),
    ("name differs", {"name": "different"}, "not_proven", "registry.no_match"),
    ("birth differs", {"birth": "different"}, "not_proven", "registry.no_match"),
    ("silent", {"person": "not_found_or_mismatch"}, "not_proven", "registry.no_match"),
    ("superseded", {"person": "superseded"}, "review", "registry.number_superseded"),
    ("restricted", {"person": "restricted"}, "review", "registry.restricted"),
    ("name near", {"name": "part_missing"}, "review", "registry.name_near"),
    ("old number", {"number": "old"}, "review", "registry.old_number"),
    ("name loosely", {"name": "equal_i_y"}, "review", "registry.name_only_loosely"),
    ("birth year", {"birth": "part_missing"}, "review", "registry.birth_year_only"),
    ("name not shown", {"name": "unknown"}, "review", "registry.not_shown"),
    ("birth not shown", {"birth": "absent"}, "review", "registry.not_shown"),
    ("deceased", {"person": "deceased"}, "review", "registry.deceased"),
    ("exact", {}, "proven", "registry.exact"),
    ("exact but sex", {"sex": "different"}, "proven", "registry.exact_but_sex"),
]


def test_every_row_of_the_table_has_its_case_here() -> None:
    assert [rule.name for rule in RULES] == [name for name, *_ in ROWS]


@pytest.mark.parametrize(("name", "changed", "state", "reason"), ROWS)
def test_a_row_decides_its_plainest_case(name: str, changed: dict[str, str], state: str, reason: str) -> None:
    findings = found(*(GOOD | changed).values())
    verdict = decided(findings)
    assert (verdict.state.value, verdict.reason, verdict.findings) == (state, reason, findings)
    assert next(rule.name for rule in RULES if rule.applies(findings)) == name


# ---- What the registry answered ----

NUMBER: Final = "099200000001"
HELD: Final = RegistryPerson(NUMBER, "NGUYỄN VĂN HÒA", "19900517", "male")


def claimed(**changed: Any) -> Claim:
    good = dict(number=NUMBER, number_type="cccd", name="NGUYỄN VĂN HÒA", birth_date="1990-05-17", sex="male")
    return Claim(**{**good, "foreign": False, "name_may_be_a_parents": False, **changed})


@pytest.mark.parametrize(
    ("asked", "held", "told"),
    [
        ("1990-05-17", "19900517", "equal"),
        ("1990", "19900517", "part_missing"),
        ("1990-05-17", "1990", "part_missing"),
        ("1990", "1990", "part_missing"),
        ("1990-05-18", "19900517", "different"),
        ("1991-05-17", "19900517", "different"),
        ("1991", "19900517", "different"),
        ("1990-05-17", "1991", "different"),
        ("1991", "1990", "different"),
        ("1990-05-17", "", "unknown"),
    ],
)
def test_a_birth_date_is_compared_as_far_as_both_know_it(asked: str, held: str, told: str) -> None:
    answer = RegistryPerson(NUMBER, HELD.name, held, HELD.sex)
    assert findings_of(claimed(birth_date=asked), answer).birth_date is BirthFound(told)


@pytest.mark.parametrize(
    ("asked", "held", "told", "reason"),
    [
        ("male", "male", "equal", "registry.exact"),
        ("male", "female", "different", "registry.exact_but_sex"),
        ("male", "unknown", "unknown", "registry.exact_but_sex"),
        ("unknown", "male", "absent", "registry.exact_but_sex"),
        ("unknown", "unknown", "unknown", "registry.exact_but_sex"),
    ],
)
def test_p4_a_sex_that_is_not_confirmed_is_not_proven(asked: str, held: str, told: str, reason: str) -> None:
    verdict = judge(claimed(sex=asked), RegistryPerson(NUMBER, HELD.name, HELD.birth_date, held))
    assert verdict.findings is not None
    assert (verdict.state, verdict.reason, verdict.findings.sex.value) == (State.PROVEN, reason, told)


@pytest.mark.parametrize(
    ("name", "state", "reason", "grade"),
    [
        ("NGUYỄN VĂN HÒA", "proven", "registry.exact", "certain"),
        ("NGUYỄN VĂN HOÀ", "proven", "registry.exact", "certain"),
        ("NGUYEN VAN HOA", "review", "registry.name_only_loosely", "probable"),
        ("NGUYỄN VĂN HÓA", "review", "registry.name_near", "possible"),
        ("NGUYỄN HÒA", "review", "registry.name_near", "possible"),
        ("TRẦN VĂN HÒA", "not_proven", "registry.no_match", "certainly-not"),
    ],
)
def test_p4_a_name_is_judged_by_its_rung(name: str, state: str, reason: str, grade: str) -> None:
    verdict = judge(claimed(name=name), HELD)
    assert (verdict.state.value, verdict.reason, verdict.grade) == (state, reason, Grade(grade))


@pytest.mark.parametrize("birth", ["", "19900517"])
def test_p4_a_yes_that_shows_no_name_proves_nothing(birth: str) -> None:
    verdict = judge(claimed(), RegistryPerson(NUMBER, "", birth, "unknown"))
    assert (verdict.state, verdict.reason, verdict.grade) == (State.REVIEW, "registry.not_shown", Grade.PROBABLE)


def test_an_old_number_never_proves_alone() -> None:
    verdict = judge(claimed(number="012345678", number_type="cmnd"), HELD)
    assert (verdict.state, verdict.reason) == (State.REVIEW, "registry.old_number")


@pytest.mark.parametrize("name", ["NGUYỄN VĂN HÒA", "TRẦN VĂN HÒA"])
@pytest.mark.parametrize("birth", ["1990-05-17", "1991-05-17"])
def test_p5_another_number_is_never_a_verdict(name: str, birth: str) -> None:
    other = RegistryPerson("099200000002", HELD.name, HELD.birth_date, HELD.sex)
    verdict = judge(claimed(name=name, birth_date=birth), other)
    assert (verdict.state, verdict.reason, verdict.grade) == (State.DUE, "registry.other_number", None)


def test_nobody_found_names_no_field_and_is_no_contradiction() -> None:
    found = Findings(person=Person.NOT_FOUND_OR_MISMATCH)
    assert judge(claimed(), None) == Verdict(State.NOT_PROVEN, "registry.no_match", Grade.POSSIBLE, found)


@pytest.mark.parametrize(
    ("number_type", "foreign", "parents", "state"),
    [
        ("cccd", False, False, State.DUE),
        ("cccd", True, False, State.DUE),
        ("cmnd", False, False, State.DUE),
        ("cmnd", True, False, State.NO_NUMBER),
        ("passport", True, False, State.NO_NUMBER),
        ("account", False, False, State.NO_NUMBER),
        ("other", False, False, State.NO_NUMBER),
        ("none", False, False, State.NO_NUMBER),
        ("cccd", False, True, State.NOT_ASKED),
        ("none", False, True, State.NOT_ASKED),
    ],
)
def test_only_a_number_of_this_country_under_ones_own_name_is_asked_about(
    number_type: str, foreign: bool, parents: bool, state: State
) -> None:
    claim = claimed(number_type=number_type, foreign=foreign, name_may_be_a_parents=parents)
    assert first_state(claim).state is state


def test_p11_no_repr_tells_who() -> None:
    said = repr([claimed(), HELD, first_state(claimed()), judge(claimed(), HELD)])
    assert [value for value in (NUMBER, "HÒA", "1990") if value in said] == []
