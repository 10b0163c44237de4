"""Every branch of "which version is newest" (P3), and what no order of sendings may ever do."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_sync.core import versions
from ehr_sync.core.versions import Decision, KnownVersion, MadeOnMeans, Order

DAY: Final = date(2024, 5, 10)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
A, B, C = b"a", b"b", b"c"


def decide(
    kept: list[KnownVersion], content: bytes, made_on: date, means: MadeOnMeans = "ask", *, repeated: bool = False
) -> Decision:
    """If not told otherwise: of bytes that never came before, for a facility that has not said what NGAYLAP means."""
    return versions.decide(kept, content, made_on, means, repeated=repeated)


def known(
    version: int, content: bytes, made_on: date = DAY, *, stands: bool = False, unclear: bool = False
) -> KnownVersion:
    return KnownVersion(version, content, made_on, stands, unclear)


ALONE: Final = [known(1, A, stands=True)]
CORRECTED: Final = [known(1, A), known(2, B, stands=True)]
ASKED: Final = [known(1, A, stands=True), known(2, B, BEFORE, unclear=True)]


@pytest.mark.parametrize(
    ("kept", "content", "made_on", "expected"),
    [
        ([], A, DAY, Decision(Order.NEW)),
        ([known(1, A)], A, DAY, Decision(Order.DUPLICATE, 1)),
        ([known(1, A)], B, DAY, Decision(Order.NEW)),
        (ALONE, A, DAY, Decision(Order.DUPLICATE, 1)),
        (ALONE, A, AFTER, Decision(Order.DUPLICATE, 1)),
        (ALONE, A, BEFORE, Decision(Order.DUPLICATE, 1)),
        (ALONE, B, DAY, Decision(Order.NEW)),
        (ALONE, B, AFTER, Decision(Order.NEW)),
        (ALONE, B, BEFORE, Decision(Order.UNCLEAR)),
        (CORRECTED, A, AFTER, Decision(Order.REVERT)),
        (CORRECTED, A, DAY, Decision(Order.LATE, 2)),
        (CORRECTED, A, BEFORE, Decision(Order.LATE, 2)),
        (CORRECTED, B, AFTER, Decision(Order.DUPLICATE, 2)),
        (CORRECTED, C, BEFORE, Decision(Order.UNCLEAR)),
        (ASKED, B, BEFORE, Decision(Order.DUPLICATE, 2)),
        (ASKED, B, AFTER, Decision(Order.DUPLICATE, 2)),
        (ASKED, C, DAY, Decision(Order.NEW)),
    ],
)
def test_p3_each_sending_has_its_one_decision(
    kept: list[KnownVersion], content: bytes, made_on: date, expected: Decision
) -> None:
    assert decide(kept, content, made_on) == expected


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ("ask", Decision(Order.UNCLEAR)),
        ("export_day", Decision(Order.OLDER, 1)),
        ("visit_day", Decision(Order.NEW)),
    ],
)
def test_p3_a_facility_can_say_what_an_earlier_day_means(means: MadeOnMeans, expected: Decision) -> None:
    assert decide(ALONE, B, BEFORE, means) == expected


MADE_CURRENT: Final = [known(1, A, AFTER), known(2, B, DAY, stands=True)]


@pytest.mark.parametrize("made_on", [DAY, AFTER])
def test_p2_a_retry_of_the_same_day_never_reverts_what_was_made_current(made_on: date) -> None:
    assert decide(MADE_CURRENT, A, made_on) == Decision(Order.LATE, 2)


def test_p2_the_very_bytes_again_never_revert() -> None:
    assert decide(CORRECTED, A, AFTER, repeated=True) == Decision(Order.LATE, 2)


SENDINGS: Final = st.lists(
    st.tuples(st.sampled_from([A, B, C]), st.integers(0, 3).map(lambda n: DAY + timedelta(days=n))), max_size=12
)
MEANINGS: Final = st.sampled_from(["ask", "export_day", "visit_day"])


def standing(versions: list[KnownVersion]) -> KnownVersion:
    [found] = [v for v in versions if v.stands]
    return found


def play(sendings: list[tuple[bytes, date]], means: MadeOnMeans) -> list[KnownVersion]:
    """What is kept after these sendings, as the service keeps it."""
    kept: list[KnownVersion] = []
    for content, made_on in sendings:
        order = decide(kept, content, made_on, means).order
        stands = order in {Order.NEW, Order.REVERT}
        if stands:
            kept = [known(v.version, v.content_mark, v.made_on, unclear=v.unclear) for v in kept]
        if order not in {Order.DUPLICATE, Order.LATE}:
            kept.append(known(len(kept) + 1, content, made_on, stands=stands, unclear=order is Order.UNCLEAR))
    return kept


@given(SENDINGS, MEANINGS)
def test_p3_one_version_stands_from_the_first_sending_on(
    sendings: list[tuple[bytes, date]], means: MadeOnMeans
) -> None:
    assert len([v for v in play(sendings, means) if v.stands]) == min(1, len(sendings))


@given(SENDINGS, st.sampled_from(["ask", "export_day"]))
def test_p3_what_stands_is_never_dated_before_what_stood(
    sendings: list[tuple[bytes, date]], means: MadeOnMeans
) -> None:
    days = [standing(play(sendings[:n], means)).made_on for n in range(1, len(sendings) + 1)]
    assert days == sorted(days)


@given(SENDINGS, MEANINGS)
def test_p2_the_last_sending_again_changes_nothing(sendings: list[tuple[bytes, date]], means: MadeOnMeans) -> None:
    assert play(sendings + sendings[-1:], means) == play(sendings, means)


def numbered(version: int, content: bytes, sent_as: int, *, stands: bool = False) -> KnownVersion:
    return KnownVersion(version, content, DAY, stands, unclear=False, sent_as=sent_as)


CORRECTED_BY_NUMBER: Final = [numbered(1, A, 1), numbered(2, B, 5, stands=True)]


@pytest.mark.parametrize(
    ("kept", "content", "number", "expected"),
    [
        ([], A, 7, Decision(Order.NEW)),
        (CORRECTED_BY_NUMBER, B, 5, Decision(Order.DUPLICATE, 2)),
        (CORRECTED_BY_NUMBER, A, 1, Decision(Order.LATE, 2)),
        (CORRECTED_BY_NUMBER, C, 6, Decision(Order.NEW)),
        (CORRECTED_BY_NUMBER, C, 4, Decision(Order.OLDER, 2)),
        (CORRECTED_BY_NUMBER, C, 5, Decision(Order.TAKEN)),
        (CORRECTED_BY_NUMBER, C, 1, Decision(Order.TAKEN)),
        # Its sender let an earlier one stand: a number between the two is older than what was sent since.
        ([numbered(1, A, 1, stands=True), numbered(2, B, 5)], C, 3, Decision(Order.OLDER, 1)),
        ([numbered(1, A, 1, stands=True), numbered(2, B, 5)], B, 5, Decision(Order.LATE, 1)),
        ([numbered(1, A, 1, stands=True), numbered(2, B, 5)], C, 6, Decision(Order.NEW)),
    ],
)
def test_p3_a_number_of_the_senders_own_decides(
    kept: list[KnownVersion], content: bytes, number: int, expected: Decision
) -> None:
    assert versions.decide_by_number(kept, content, number) == expected
