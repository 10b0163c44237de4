"""Who fails again and again is left alone for a while, then tried once."""

from __future__ import annotations

from typing import Final

import pytest

from ehr_sync.core.breaker import Breaker
from ehr_sync.core.retry import RetryPolicy

FAILED: Final = "failed"
ANSWERED: Final = "answered"
RETURNED: Final = "returned"


class Told:
    """A breaker that opens after three failures in a row, for 10, 20, 40 s (never more), and its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        retry = RetryPolicy(10.0, 40.0)
        self.breaker = Breaker(
            after=3, retry=retry, longest_wait=3600.0, stopwatch=lambda: self.now, jitter=lambda: 1.0
        )

    def hear(self, *outcomes: str, retry_after: float | None = None) -> None:
        for outcome in outcomes:
            if outcome == FAILED:
                self.breaker.failed(retry_after)
            else:
                self.breaker.succeeded() if outcome == ANSWERED else self.breaker.returned()

    def admitted(self, at: float) -> int:
        self.now = at
        return self.breaker.admit(8)

    def try_once(self, at: float) -> None:
        assert self.admitted(at) == 1
        self.breaker.passed(1)


@pytest.mark.parametrize(
    ("heard", "admitted"),
    [
        ([FAILED] * 2, 8),
        ([FAILED] * 3, 0),
        ([FAILED, FAILED, ANSWERED, FAILED, FAILED], 8),  # only in a row
        ([FAILED, FAILED, RETURNED, FAILED], 0),  # who did not call tells nothing
    ],
)
def test_only_failures_in_a_row_close_the_door(heard: list[str], admitted: int) -> None:
    told = Told()
    told.hear(*heard)
    assert told.admitted(at=0) == admitted


def test_after_the_pause_one_is_tried_and_its_answer_lets_all_pass() -> None:
    told = Told()
    told.hear(*[FAILED] * 3)
    assert told.admitted(at=9.9) == 0
    told.try_once(at=10)
    assert told.admitted(at=10.1) == 0
    told.hear(ANSWERED)
    assert told.admitted(at=10.2) == 8


def test_each_vain_try_makes_the_pause_longer_up_to_the_longest() -> None:
    told = Told()
    told.hear(*[FAILED] * 3)
    for at, pause in ((10, 20), (30, 40), (70, 40)):
        told.try_once(at=at)
        told.hear(FAILED)
        assert told.admitted(at=at + pause - 0.1) == 0
    assert told.admitted(at=110) == 1


def test_what_set_out_before_and_fails_within_the_pause_makes_it_no_longer() -> None:
    told = Told()
    told.hear(*[FAILED] * 8)
    assert told.admitted(at=10) == 1


@pytest.mark.parametrize(("said", "until"), [(300.0, 300.0), (4.0, 10.0), (86_400.0, 3600.0)])
def test_whoever_says_when_to_come_again_is_believed_at_once_within_bounds(said: float, until: float) -> None:
    told = Told()
    told.hear(FAILED, retry_after=said)
    assert told.admitted(at=until - 0.1) == 0
    assert told.admitted(at=until) == 1


def test_a_try_that_came_back_without_calling_is_made_by_the_next_at_once() -> None:
    told = Told()
    told.hear(*[FAILED] * 3)
    told.try_once(at=10)
    told.hear(RETURNED)
    assert told.admitted(at=10) == 1


def test_a_try_that_is_never_heard_of_again_is_made_anew_after_another_pause() -> None:
    told = Told()
    told.hear(*[FAILED] * 3)
    told.try_once(at=10)
    assert (told.admitted(at=19.9), told.admitted(at=20)) == (0, 1)
