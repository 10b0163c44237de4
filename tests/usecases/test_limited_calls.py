"""The registry's quota, kept for desks and shared in turns, and a registry that is left alone while it fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

from ehr_sync import bootstrap
from ehr_sync.core.call_quota import CallQuota
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.sandbox.dossiers.check_in import checked_in
from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.usecases.verification.limit_calls import CallLimits
from tests.usecases.service import FOR_AN_HOUR, Running, number_of

TWELVE: Final = CallQuota(per_minute=12)  # of which two are kept for desks


def questions(running: Running) -> int:
    """How many calls the registry counted."""
    return len(running.journal("registry", kind="question"))


def states(running: Running) -> list[tuple[str, int]]:
    """State and attempts of every claim, in order."""
    return sorted((row.state, row.attempts) for row in running.rows("SELECT state, attempts FROM claim"))


def verify(running: Running, limits: CallLimits) -> None:
    sweep = running.verification(limits=limits)
    sweep.run_dry()
    sweep.drain()


def test_no_call_is_made_beyond_the_quota_and_what_waits_for_it_has_not_failed(running: Running) -> None:
    running.post(*[dossier(650 + n, person_index=650 + n, rows=1) for n in range(14)])
    limits = CallLimits(retry=FOR_AN_HOUR, quota=TWELVE, deadline=timedelta(seconds=1))

    verify(running, limits)

    made, after = questions(running), states(running)
    waiting = after.count(("due", 0))
    assert 8 <= made <= 10  # a claim is begun only where three calls are left
    assert waiting >= 4
    assert after == [("due", 0)] * waiting + [("proven", 0)] * (14 - waiting)

    running.post(checked_in(dossier(670, person_index=670, rows=1)))
    verify(running, limits)  # with two calls at least that are kept for them, of which one claim may need three
    assert questions(running) - made <= 2
    for _ in range(3):
        running.run("DELETE FROM registry_calls")  # a minute goes by
        verify(running, limits)
    assert states(running) == [("proven", 0)] * 15


def test_a_patient_at_a_desk_is_asked_about_before_all_who_are_at_none(running: Running) -> None:
    running.post(*[dossier(650 + n, person_index=650 + n, rows=1) for n in range(3)])
    running.post(checked_in(dossier(670, person_index=670, rows=1)))

    quota = CallQuota(per_minute=3)  # for one claim at most
    verify(running, CallLimits(retry=FOR_AN_HOUR, quota=quota, deadline=timedelta(seconds=1)))

    assert [asked["number"] for asked in running.journal("registry", kind="question")] == [number_of(670)]
    assert running.rows("SELECT count(*) FROM claim WHERE at_desk") == [(0,)]  # nobody waits any more


def test_who_checks_in_is_moved_to_the_desks_line_where_the_claim_waits_already(running: Running) -> None:
    visit = dossier(671, person_index=671, rows=1)
    running.post(visit)
    running.post(checked_in(dossier(672, person_index=671, rows=1)))

    assert running.rows("SELECT at_desk FROM claim") == [(True,)]


def test_p5_a_registry_that_fails_for_everybody_is_left_alone_and_found_again(running: Running) -> None:
    running.post(*[dossier(650 + n, person_index=650 + n, rows=1) for n in range(24)])
    running.world.order("registry", "status", status=503)
    told: list[str] = []
    now = [0.0]
    limits = CallLimits(retry=FOR_AN_HOUR, tell=told.append, stopwatch=lambda: now[0], jitter=lambda: 1.0)

    verify(running, limits)

    asked = len(running.journal("registry", kind="fault"))
    assert 10 <= asked <= 17  # ten in a row, and what was under way with them
    assert states(running) == [("due", 0)] * (24 - asked) + [("due", 1)] * asked
    assert told == ["registry.status_503"]

    running.world.clear("registry")
    verify(running, limits)
    assert questions(running) == 0
    now[0] = 60.0
    verify(running, limits)
    assert told == ["registry.status_503", ""]
    assert states(running) == [("due", 1)] * asked + [("proven", 0)] * (24 - asked)


def test_p5_one_answer_that_says_when_to_come_again_stops_all(running: Running) -> None:
    running.post(*[dossier(650 + n, person_index=650 + n, rows=1) for n in range(12)])
    running.world.order("registry", "status", status=429, retry_after="300")
    now = [0.0]
    limits = CallLimits(retry=FOR_AN_HOUR, stopwatch=lambda: now[0], jitter=lambda: 1.0)

    verify(running, limits)
    heard: list[Any] = running.journal("registry", kind="fault")
    now[0] = 299.0
    verify(running, limits)

    assert len(heard) <= 8  # those that were under way together
    assert len(running.journal("registry", kind="fault")) == len(heard)


def test_two_workers_in_a_storm_keep_to_the_quota_and_every_claim_ends_right(running: Running) -> None:
    running.post(*[dossier(650 + n, person_index=650 + n, rows=1) for n in range(30)])
    storm: list[tuple[str, dict[str, Any]]] = [
        *[("status", {"status": 500}), ("drop_after", {}), ("garbage", {}), ("status", {"status": 429})],
        *[("status", {"status": 503, "retry_after": "0"}), ("drop_before", {})],
    ]
    for kind, wish in storm:
        running.world.order("registry", kind, times=2, **wish)
    soon, quota = RetryPolicy(0.01, 0.02), CallQuota(per_minute=15)  # three of them for desks

    def work(_: int) -> None:
        limits = CallLimits(retry=soon, quota=quota, deadline=timedelta(seconds=1))
        sweep = running.verification(retry=soon, limits=limits)
        for _ in range(30):
            sweep.step(0.02)
        sweep.drain()

    made: list[int] = []
    while running.rows("SELECT 1 FROM claim WHERE state = 'due'") and len(made) < 20:
        before = len(running.journal("registry"))
        with ThreadPoolExecutor(2) as two:
            list(two.map(work, range(2)))
        made.append(len(running.journal("registry")) - before)
        running.run("DELETE FROM registry_calls")  # a minute goes by

    assert max(made) <= 12
    assert running.rows("SELECT state, count(*) FROM claim GROUP BY state") == [("proven", 30)]


def test_the_log_keeps_in_whose_name_each_question_was_asked(running: Running) -> None:
    running.post(dossier(650, person_index=650, rows=1))
    sweep = bootstrap.verification(running.service)
    sweep.run_dry()
    sweep.drain()

    [(asked,)] = running.rows("SELECT detail FROM audit_event WHERE action = 'verify'")
    [question] = running.journal("registry", kind="question")
    number, *name = asked.split(" ")
    assert (f"{number}-1", name) == (question["request_number"], ["DVC-MAU", "ehr-sync"])
