"""docs/states.md names exactly the states that the code and the database know."""

from __future__ import annotations

import inspect
import re
from typing import get_args, get_type_hints

import pytest
from sqlalchemy import CheckConstraint

from ehr_sync.api.transactions import NEXT, REASONS, WORDS
from ehr_sync.core.answers import FileStatus, Status
from ehr_sync.core.identity import State
from ehr_sync.core.names import Rung
from ehr_sync.core.quality import PLACES
from ehr_sync.core.review import ACCEPTING, ANSWERS, KINDS, REJECTING
from ehr_sync.core.review import RULES as REVIEW_RULES
from ehr_sync.core.verdict import RULES, RULES_VERSION, Findings
from ehr_sync.core.versions import MadeOnMeans, Order
from ehr_sync.store.staff import Role
from ehr_sync.store.tables import delivery, facility, lane, metadata, person, record_version, resync
from ehr_sync.usecases.intake import follow_transaction
from tests.docs.markdown import first_words, quoted, rows, section

PAGE = "docs/states.md"
SOURCE = inspect.getsource(follow_transaction)


def allowed(table_name: str, constraint_name: str) -> set[str]:
    """What a constraint of the form "column IN (...)" lets in."""
    found = {c.name: c for c in metadata.tables[table_name].constraints if isinstance(c, CheckConstraint)}
    return set(re.findall(r"'(\w+)'", str(found[constraint_name].sqltext)))


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("## People", allowed(person.name, "person_state_is_known")),
        ("## Claims", allowed("claim", "claim_state_is_known")),
        ("## Questions of a desk", allowed("verification", "verification_state_is_known")),
        ("## Lanes", allowed(lane.name, "lane_state_is_known")),
        ("## Deliveries", allowed(delivery.name, "delivery_outcome_is_known")),
        ("## Resyncs", allowed(resync.name, "resync_state_is_known")),
        (
            "## Reviews",
            allowed("review", "review_state_is_known") | {kind for kind in KINDS if re.fullmatch(r"\w+", kind)},
        ),
        (
            "## Versions",
            allowed(record_version.name, "version_state_is_known") | allowed(facility.name, "made_on_means_is_known"),
        ),
    ],
)
def test_each_table_holds_what_the_database_lets_in(heading: str, names: set[str]) -> None:
    explained = {word for word in first_words(section(PAGE, heading)) if re.fullmatch(r"\w+", word)}
    assert explained == names


def test_the_database_knows_the_states_of_claims_and_what_ngaylap_can_mean() -> None:
    assert {state.value for state in State} == allowed("claim", "claim_state_is_known")
    assert set(get_args(MadeOnMeans)) == allowed("facility", "made_on_means_is_known")
    assert set(PLACES) == allowed("quality", "quality_kind_is_known")
    assert set(get_args(Role)) == allowed("staff", "staff_role_is_known")


def test_no_constraint_on_a_state_is_forgotten() -> None:
    named = {
        str(c.name)
        for table in metadata.tables.values()
        for c in table.constraints
        if " IN (" in str(getattr(c, "sqltext", ""))
    }
    assert len(named) == 12


def test_every_order_of_versions_is_told() -> None:
    assert {order.name.lower() for order in Order} <= set(quoted(section(PAGE, "### Which version is newest")))


def test_every_state_of_a_life_line_is_told_with_what_it_waits_for() -> None:
    told = {(*quoted(row[0]), *quoted(row[2])) for row in rows(section(PAGE, "## Life line")) if len(row) == 4}
    assert told - {("state", "next")} == set(re.findall(r'(?:return |= |\()"(\w+)", "(\w+)"', SOURCE))


def test_every_step_of_a_life_line_is_told() -> None:
    told = {word for row in rows(section(PAGE, "## Life line")) if len(row) == 2 for word in quoted(row[0])}
    decided = {state.value for state in State} - {"due", "proven"}
    assert told == set(re.findall(r'Step\("(\w+)"', SOURCE)) | decided


def test_every_word_that_a_sender_reads_is_told() -> None:
    assert set(WORDS) | set(NEXT) <= set(quoted(section(PAGE, "## Life line")))


def test_every_reason_of_a_decision_has_words_for_its_reader() -> None:
    told = {word for row in rows(section(PAGE, "## Claims")) for word in quoted(row[2])}
    decided = {word for word in told if re.fullmatch(r"(registry|claim|review)\.[a-z0-9_]+", word)}
    assert decided - {"claim.unreadable"} == set(REASONS)


def test_every_value_of_an_axis_is_told() -> None:
    told = {quoted(axis)[0]: set(quoted(values)) for axis, values in _verdict_rows(2)[1:]}
    known = {axis: {value.value for value in values} for axis, values in get_type_hints(Findings).items()}
    assert told == {**known, "name": known["name"] - {rung.value for rung in Rung}}


def test_every_rule_of_verdicts_is_told_in_its_order() -> None:
    told = [
        (name, quoted(when), quoted(grade), quoted(state), quoted(why))
        for name, when, grade, state, why in _verdict_rows(5)[1:]
    ]
    written = []
    for rule in RULES:
        asked = [
            word for axis, values in rule.when.items() for word in (axis, *sorted(value.value for value in values))
        ]
        grade, reason = [rule.grade.value] if rule.grade else [], [rule.reason] if rule.reason else []
        written.append((rule.name, asked, grade, [rule.state.value if rule.state else "due"], reason))
    assert told == written
    assert f"version {RULES_VERSION};" in section(PAGE, "## Verdicts")


def test_every_rule_of_reviews_is_told_in_its_order() -> None:
    told = [tuple(row) for row in rows(section(PAGE, "## Reviews")) if len(row) == 4][1:]
    people = {1: "one", 2: "two"}
    written = []
    for rule in REVIEW_RULES:
        asked = "; ".join(
            f"`{axis}`: " + ", ".join(f"`{v}`" for v in sorted(rule.when[axis])) for axis in sorted(rule.when)
        )
        bar = rule.ruling.bar
        written.append(
            (rule.name, asked or "all else", "none" if bar else people[rule.ruling.people], f"`{bar}`" if bar else "")
        )
    assert told == written


def test_every_word_of_a_review_is_told() -> None:
    told = set(quoted(section(PAGE, "## Reviews")))
    assert {*KINDS, *ACCEPTING, *REJECTING, *ANSWERS} <= told


def _verdict_rows(cells: int) -> list[list[str]]:
    return [row for row in rows(section(PAGE, "## Verdicts")) if len(row) == cells]


def test_every_status_of_an_answer_is_told() -> None:
    told = [quoted(row[1])[0] for row in rows(section(PAGE, "## Answers to a submission"))[1:]]
    assert told == [*get_args(FileStatus), *get_args(Status)]
