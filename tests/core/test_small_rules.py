"""Codes that senders quote, pauses after failures, and what became of a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_sync.core.answers import Answer, FileResult, HosoResult, file_result
from ehr_sync.core.codes import batch_id, record_version_of, transaction_code
from ehr_sync.core.errors import NotFound
from ehr_sync.core.identity import Claim, State
from ehr_sync.core.ports import RegistryPerson
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.core.verdict import judge
from ehr_sync.usecases.intake import stored_answer
from mappings.model import Issue

RECORD_IDS = st.binary(min_size=16, max_size=16)
VERSIONS = st.integers(1, 65_535)
POLICY = RetryPolicy(5.0, 3600.0)


@given(RECORD_IDS, VERSIONS)
def test_a_transaction_code_names_its_record_and_version(record_id: bytes, version: int) -> None:
    code = transaction_code(record_id, version)
    assert record_version_of(code) == (record_id, version)
    assert code.isalnum()
    assert len(code) == 31


@given(RECORD_IDS, VERSIONS, st.integers(2, 30), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_no_other_spelling_is_the_same_code(record_id: bytes, version: int, at: int, letter: str) -> None:
    code = transaction_code(record_id, version)
    changed = code[:at] + letter + code[at + 1 :]
    assert (letter == code[at]) == (spelled(changed) == (record_id, version))


def spelled(code: str) -> tuple[bytes, int] | None:
    try:
        return record_version_of(code)
    except NotFound:
        return None


@given(st.text(max_size=40))
def test_any_other_text_is_no_code(text: str) -> None:
    assert spelled(text) is None or transaction_code(*record_version_of(text)) == text


@pytest.mark.parametrize("change", [str.lower, lambda code: code + "=", lambda code: " " + code, lambda code: code[2:]])
def test_a_code_is_taken_as_written_only(change: object) -> None:
    code = transaction_code(bytes(16), 1)
    assert callable(change)
    assert spelled(change(code)) is None


def test_a_batch_id_is_letters_and_digits() -> None:
    assert batch_id(bytes(16)) == "B" + "A" * 26


@pytest.mark.parametrize(
    ("attempt", "least", "most"), [(1, 2.5, 5), (2, 5, 10), (3, 10, 20), (4, 20, 40), (30, 1800, 3600)]
)
def test_a_pause_doubles_up_to_the_longest(attempt: int, least: float, most: float) -> None:
    assert POLICY.pause(attempt, 0.0) == least
    assert POLICY.pause(attempt, 0.999_999_999) == pytest.approx(most)


@given(st.integers(1, 100_000), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 1e9))
def test_a_pause_is_never_none_nor_longer_than_the_longest(attempt: int, jitter: float, after: float | None) -> None:
    assert 0 < POLICY.pause(attempt, jitter, after) <= 3600.0


@pytest.mark.parametrize(("retry_after", "pause"), [(0.0, 5.0), (3.0, 5.0), (60.0, 60.0), (1e6, 3600.0)])
def test_the_other_sides_word_is_the_least(retry_after: float, pause: float) -> None:
    assert POLICY.pause(1, 1.0, retry_after) == pause


GOOD = HosoResult("LK1", "GD1", "accepted", (Issue("table.kept", "XML2", "x"),), "GD2")
BAD = HosoResult("LK2", "", "refused", (Issue("ma_lk.missing"),))


@pytest.mark.parametrize(
    ("results", "status"),
    [((), "accepted"), ((GOOD,), "accepted"), ((GOOD, BAD), "partial"), ((BAD,), "refused"), ((BAD, BAD), "refused")],
)
def test_a_file_is_what_its_dossiers_are(results: tuple[HosoResult, ...], status: str) -> None:
    assert file_result((), results).status == status


def test_a_file_refused_as_a_whole_counts_as_one() -> None:
    answer = Answer("B", (FileResult("refused", (Issue("x"),), ()), file_result((), (GOOD, BAD))))
    assert (answer.succeeded, answer.failed) == (1, 2)


def test_p2_an_answer_is_the_same_after_it_was_kept() -> None:
    answer = Answer("B1", (file_result((Issue("a", "b", "c"),), (GOOD, BAD)), FileResult("refused", (), ())))
    assert stored_answer.decode(stored_answer.encode(answer)) == answer


def test_p11_a_result_does_not_tell_its_source_id() -> None:
    assert "LK1" not in repr(GOOD)


def test_a_refused_file_with_refused_dossiers_counts_these_and_not_itself() -> None:
    refused = HosoResult("LK", "", "refused", ())
    whole, by_dossiers = FileResult("refused", (), ()), FileResult("refused", (), (refused, refused))
    assert [Answer("", (each,)).failed for each in (whole, by_dossiers)] == [1, 2]
    assert Answer("", (FileResult("accepted", (), ()),)).failed == 0


def test_the_words_of_states_and_reasons_are_those_of_the_database_and_of_the_pages() -> None:
    assert [state.value for state in State] == ["due", "proven", "not_proven", "review", "no_number", "not_asked"]
    old = Claim("012345678", "cmnd", "TRẦN THỊ THỬ", "1990-01-01", "female", foreign=False, name_may_be_a_parents=False)
    found = RegistryPerson("099200000001", "TRẦN THỊ THỬ", "19900101", "female")
    verdict = judge(old, found)
    assert (verdict.state, verdict.reason) == (State.REVIEW, "registry.old_number")
