"""Who somebody is cannot be guessed: a facility has few tries on a number in a day, then it hears the same of all."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from ehr_sync import bootstrap
from ehr_sync.core.errors import NotFound
from ehr_sync.runtime.logs import make_log
from ehr_sync.runtime.metrics import exposition
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import Hoso, dossier, envelope, with_number, with_values
from ehr_sync.store import clients, number_tries, people
from ehr_sync.store.figures import figures
from ehr_sync.store.number_tries import LockOut
from ehr_sync.store.people import number_mark_of
from ehr_sync.usecases.intake import keep_records
from ehr_sync.usecases.intake.compose_body import compose
from ehr_sync.usecases.verification.watch_tries import end_lock_outs, list_lock_outs, watching_tries
from tests.usecases.service import HOSPITAL, Running, number_of

WHO: Final = 701
NUMBER: Final = number_of(WHO)
BORN: Final = person(WHO).birth_date
OTHER: Final = "01005"
MOST: Final = 3  # the setting's default
FEW: Final = ("review", "claim.too_many_tries")


def right(n: int, facility: str = "01001") -> Hoso:
    """The n-th visit of the person, as their card says who they are."""
    return dossier(7000 + n, person_index=WHO, facility=facility, rows=1)


def guess(n: int, facility: str = "01001") -> Hoso:
    """The n-th visit, born on another day: a day of the same year that is not theirs."""
    day = BORN + timedelta(days=n + 1)
    if day.year != BORN.year:
        day = BORN - timedelta(days=n + 1)
    return with_values(right(n, facility), "XML1", NGAY_SINH=f"{day:%Y%m%d}0000")


@pytest.fixture
def city(running: Running) -> Running:
    """With eight further facilities for which the same client sends."""
    with running.stores.database.begin() as connection:
        for code in (OTHER, *(f"0100{n}" for n in "ABCDEFG")):
            clients.add_facility(connection, running.stores.keys, code, name="Bệnh viện khác")
            clients.grant(connection, running.stores.keys, HOSPITAL, code)
    return running


def asked(running: Running) -> int:
    """How many different people of this number the registry was asked about."""
    return len({(e["name"], e["birth_date"]) for e in running.journal("registry") if e.get("number") == NUMBER})


def states(running: Running) -> list[tuple[str, str]]:
    return [tuple(row) for row in running.rows("SELECT state, reason FROM claim ORDER BY created_at, claim_id")]


def told(running: Running, code: str) -> tuple[Any, ...]:
    """What a sender sees of a dossier, but for its times and its own codes."""
    line = running.follow(code)
    return line.state, line.next, [(step.name, step.reason) for step in line.steps]


def test_a_visit_of_a_number_that_was_tried_before_is_mapped_once(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.post(guess(0))
    mapped = []

    def counted(*given: Any, **more: Any) -> Any:
        mapped.append(given)
        return compose(*given, **more)

    monkeypatch.setattr(keep_records, "compose", counted)
    running.post(right(1))
    assert len(mapped) == 1


def watch(running: Running) -> tuple[int, Sequence[LockOut]]:
    """One look of a scheduler that has just started: how many claims it let go, and of whom it told."""
    seen: list[LockOut] = []
    return watching_tries(stores=running.stores, most=MOST, tell=seen.append)(), seen


def age(running: Running, hours: int) -> None:
    running.run(
        "UPDATE claim SET tried_at = tried_at - make_interval(hours => :h), decided_at = decided_at"
        " - make_interval(hours => :h), created_at = created_at - make_interval(hours => :h)",
        h=hours,
    )


def test_of_many_guesses_one_after_the_other_few_are_asked_about(city: Running) -> None:
    for n in range(8):
        city.post(guess(n))
        city.verify()
    assert asked(city) == MOST
    assert states(city) == [("not_proven", "registry.no_match")] * MOST + [FEW] * 5


def test_of_many_guesses_in_one_file_few_are_asked_about(city: Running) -> None:
    city.post(*(guess(n) for n in range(12)))
    city.verify()
    assert asked(city) == MOST


def test_of_guesses_that_are_versions_of_one_record_few_are_asked_about(city: Running) -> None:
    first = guess(0)
    for n in range(6):
        day = (BORN + timedelta(days=n + 1)).strftime("%Y%m%d0000")
        city.post(with_values(first, "XML1", NGAY_SINH=day, LOI_DAN=f"Lần {n}"))
    city.verify()
    assert asked(city) == MOST


def test_of_guesses_at_the_name_few_are_asked_about(city: Running) -> None:
    for n, name in enumerate(("NGUYỄN VĂN AN", "TRẦN VĂN BÌNH", "LÊ VĂN CHÍNH", "ĐỖ VĂN DŨNG", "VŨ VĂN ĐỨC")):
        city.post(with_values(right(n), "XML1", HO_TEN=name))
    city.verify()
    assert len([s for s in states(city) if s == FEW]) == 2


def test_of_guesses_at_the_same_moment_few_are_asked_about(city: Running) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: city.post(guess(n)), range(16)))
    city.verify()
    assert asked(city) == MOST


def test_whoever_tries_a_number_waits_for_whoever_is_trying_it(city: Running) -> None:
    mark = number_mark_of(city.stores.keys.index, NUMBER)
    with ThreadPoolExecutor(2) as threads, city.stores.database.begin() as connection:
        number_tries.lock_numbers(connection, [mark])
        other = threads.submit(city.post, dossier(7600, person_index=703, rows=1))
        waits = threads.submit(city.post, guess(0))
        assert other.result(30).status == "accepted"
        assert wait([waits], 0.5).not_done
        connection.commit()
        assert waits.result(30).status == "accepted"


def test_guesses_that_the_registry_has_not_answered_yet_count_too(city: Running) -> None:
    for n in range(5):
        city.post(guess(n))
    assert states(city) == [("due", "")] * MOST + [FEW] * 2


@pytest.mark.parametrize("is_known", [False, True], ids=["nobody has proven them", "another hospital has proven them"])
@pytest.mark.parametrize("together", [False, True], ids=["one by one", "in one file"])
def test_the_right_guess_after_too_many_wrong_ones_is_told_as_a_wrong_one(
    city: Running, is_known: bool, together: bool
) -> None:
    if is_known:
        city.post(right(90, OTHER), facility=OTHER)
        city.settle()
    before = asked(city)
    sent = [*(guess(n) for n in range(MOST)), guess(MOST), right(MOST + 1)]
    if together:
        results = city.results(envelope(sent))
        city.settle()
    else:
        results = []
        for each in sent:
            results.append(city.post(each))
            city.settle()
    wrong, rightly = results[-2:]
    assert told(city, wrong.transaction_code) == told(city, rightly.transaction_code)
    assert told(city, wrong.transaction_code)[0] == "held"
    assert [issue.code for issue in wrong.issues] == [issue.code for issue in rightly.issues]
    assert asked(city) - before == MOST


def test_the_right_and_the_wrong_guess_beyond_the_limit_leave_the_same_rows(city: Running) -> None:
    city.post(right(90, OTHER), facility=OTHER)
    city.settle()
    for n in range(MOST):
        city.post(guess(n))
    city.settle()
    tables = ("claim", "person", "record", "record_version", "piece", "submission", "book_entry", "lane", "identifier")
    grown = []
    for each in (guess(50), right(51)):
        before = city.counts(*tables)
        city.post(each)
        after = city.counts(*tables)
        grown.append({table: after[table] - before[table] for table in tables})
    assert grown[0] == grown[1]
    assert (grown[0]["claim"], grown[0]["book_entry"]) == (1, 0)


def test_the_right_guess_beyond_the_limit_does_not_even_wait_for_the_person(city: Running) -> None:
    """By how long an answer takes while the person's row is busy, or just by that it takes a look more."""
    city.post(right(90, OTHER), facility=OTHER)
    city.settle()
    for n in range(MOST):
        city.post(guess(n))
    city.post(right(50))
    person_id = city.person_of(NUMBER)
    with ThreadPoolExecutor(1) as threads, city.stores.database.begin() as connection:
        people.lock(connection, city.stores.keys.edges, [person_id])
        assert threads.submit(city.post, right(51)).result(30).status == "accepted"


def test_another_hospital_is_asked_for_though_one_is_locked_out(city: Running) -> None:
    for n in range(6):
        city.post(guess(n))
    sent = city.post(right(20, OTHER), facility=OTHER)
    city.settle()
    assert told(city, sent.transaction_code)[0] == "delivered"
    assert city.living(NUMBER)


def test_what_agrees_with_the_proven_person_is_no_try(city: Running) -> None:
    for n in range(6):
        city.post(right(n))
        city.settle()
    for n in range(MOST):
        city.post(guess(20 + n))
    city.verify()
    assert [s for s in states(city) if s == FEW] == []


def test_what_agrees_with_the_proven_person_is_no_try_in_the_same_file_either(city: Running) -> None:
    city.post(right(90, OTHER), facility=OTHER)
    city.settle()
    city.post(right(0), *(guess(n) for n in range(1, 1 + MOST)))
    assert FEW not in states(city)


def test_who_proved_a_person_goes_on_sending_them_after_slips_of_the_hand(city: Running) -> None:
    city.post(right(0))
    city.settle()
    for n in range(1, 6):
        city.post(guess(n))
    sent = city.post(right(30))
    city.settle()
    assert told(city, sent.transaction_code)[0] == "delivered"


def test_a_correction_of_a_record_that_says_the_same_person_is_no_try(city: Running) -> None:
    city.post(right(90, OTHER), facility=OTHER)
    visit = right(0)
    city.post(visit)
    city.settle()
    for n in range(1, 6):
        city.post(guess(n))
    sent = city.post(with_values(visit, "XML1", LOI_DAN="Tái khám sau một tuần"))
    city.settle()
    assert told(city, sent.transaction_code)[0] == "delivered"


def test_the_same_dossiers_again_are_no_try(city: Running) -> None:
    for _ in range(3):
        for n in range(MOST):
            city.post(guess(n))
        city.verify()
    sent = city.post(with_values(guess(0), "XML1", LOI_DAN="Uống nhiều nước"))
    assert told(city, sent.transaction_code)[2][-1] == ("not_proven", "registry.no_match")


def test_claims_that_nobody_is_asked_about_are_no_tries(city: Running) -> None:
    for n in range(5):
        city.post(
            with_number(
                right(n),
                "",
            )
        )
        city.post(with_values(with_number(right(10 + n), "N1234567"), "XML1", MA_QUOCTICH="840"))
    assert FEW not in states(city)


def test_one_sender_with_many_codes_has_few_tries_too(city: Running) -> None:
    for n, code in enumerate(f"0100{letter}" for letter in "ABCDEFG"):
        for each in range(MOST):
            city.post(guess(10 * n + each, code), facility=code)
    city.verify()
    assert asked(city) == 4 * MOST


# ---- the end of it ----


def test_after_a_day_what_was_held_back_is_asked_about_and_the_right_one_arrives(city: Running) -> None:
    for n in range(MOST):
        city.post(guess(n))
    sent = city.post(right(9))
    city.settle()
    assert watch(city)[0] == 0
    age(city, 23)
    assert watch(city)[0] == 0
    age(city, 2)
    assert watch(city)[0] == 1
    city.settle()
    assert told(city, sent.transaction_code)[0] == "delivered"
    assert len([key for key in city.living(NUMBER) if key[0] == "Encounter"]) == 1


def test_after_a_day_no_more_guesses_are_let_go_than_a_day_has(city: Running) -> None:
    for n in range(12):
        city.post(guess(n))
    city.verify()
    for day in range(1, 4):
        age(city, 25)
        assert [watch(city)[0] for _ in range(3)] == [MOST, 0, 0]
        city.verify()
        assert asked(city) == (day + 1) * MOST
    age(city, 25)
    assert watch(city)[0] == 0


def test_guesses_of_yesterday_that_come_with_new_records_are_tries_of_today(city: Running) -> None:
    for n in range(MOST):
        city.post(guess(n))
    city.verify()
    age(city, 25)
    for n in range(MOST):
        city.post(with_values(guess(n), "XML1", MA_LK=f"LK.{n}"))
    city.post(guess(40))
    city.verify()
    assert states(city)[-1] == FEW


def test_an_operator_ends_a_lock_out_of_one_number_or_of_all(city: Running) -> None:
    for n in range(5):
        city.post(guess(n))
        city.post(with_values(dossier(7500 + n, person_index=702, rows=1), "XML1", HO_TEN=f"LÊ VĂN {'ABCDE'[n]}"))
    city.verify()
    first, second = list_lock_outs(stores=city.stores)
    assert (first.family, first.held, second.held) == ("01001", 2, 2)
    assert end_lock_outs("01001", lock=first.lock, by="an", stores=city.stores) == 2
    assert list_lock_outs(stores=city.stores) == [second]
    assert end_lock_outs("01001", lock=None, by="an", stores=city.stores) == 2
    city.verify()
    assert FEW not in states(city)
    with pytest.raises(NotFound):
        end_lock_outs("99999", lock=None, by="an", stores=city.stores)
    noted = city.rows("SELECT actor, detail FROM audit_event WHERE action = 'end lock-out' ORDER BY n")
    assert [detail.rpartition(" ")[2] for _, detail in noted] == ["claims=2", "claims=2"]
    assert NUMBER not in str(noted) and noted[0][0].removeprefix("ops:") != "an"


def test_two_facilities_that_are_locked_out_do_not_wait_for_each_other(city: Running) -> None:
    codes: list[str] = []
    for facility in ("01001", OTHER):
        for n in range(MOST):
            city.post(guess(10 * len(codes) + n, facility), facility=facility)
        codes.append(city.post(right(50 + len(codes), facility), facility=facility).transaction_code)
    city.settle()
    assert end_lock_outs(OTHER, lock=None, by="an", stores=city.stores) == 1
    city.settle()
    assert [told(city, code)[0] for code in codes] == ["held", "delivered"]


def test_an_operator_s_word_gives_the_facility_its_tries_again(city: Running) -> None:
    for n in range(5):
        city.post(guess(n))
    city.verify()
    end_lock_outs("01001", lock=None, by="an", stores=city.stores)
    sent = city.post(right(9))
    city.settle()
    assert told(city, sent.transaction_code)[0] == "delivered"


# ---- the alert ----


def test_a_lock_out_is_told_once_in_the_log_and_stands_in_the_metrics(city: Running) -> None:
    for n in range(MOST):
        city.post(guess(n))
    assert watch(city) == (0, [])
    assert "ehr_sync_locked_out 0.0" in metrics(city)
    city.post(guess(8))
    seen: list[LockOut] = []
    look = watching_tries(stores=city.stores, most=MOST, tell=seen.append)
    for _ in range(2):
        look()
    assert [(each.family, each.held) for each in seen] == [("01001", 1)]
    assert "ehr_sync_locked_out 1.0" in metrics(city)


def metrics(city: Running) -> str:
    with city.stores.database.begin() as connection:
        return exposition(figures(connection, 0)).decode()


def test_the_log_line_names_the_facility_and_no_number(city: Running) -> None:
    for n in range(5):
        city.post(guess(n))
    said = io.StringIO()
    bootstrap.tries_watch(replace(city.service, log=make_log(stream=said)))()
    line = said.getvalue()
    assert '"event":"number_locked_out"' in line and '"facility":"01001"' in line and '"dropped"' not in line
    assert NUMBER not in line
