"""P3: the newest version wins by rule and never by a guess; an older one is never shown or pushed over a newer one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import pytest

from ehr_sync.core.codes import record_version_of
from ehr_sync.core.errors import Conflict, NotFound
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import (
    billing_only,
    corrected,
    dossier,
    envelope,
    reordered,
    with_patient,
    with_values,
    without_row,
    without_table,
)
from ehr_sync.store import clients
from ehr_sync.usecases.intake.make_current import make_current
from tests.usecases.service import DAY, FACILITY, HOSPITAL, Running, number_of

PERSON: Final = 401
NUMBER: Final = number_of(PERSON)
A: Final = dossier(401, person_index=PERSON, shape="inpatient", rows=12)
B: Final = corrected(A, 1)
EARLIER, LATER, LATEST = (DAY + timedelta(days=n) for n in (-1, 1, 2))
FUTURE: Final = date(9999, 1, 1)


def version_of(code: str) -> int:
    return record_version_of(code)[1]


@pytest.mark.parametrize("day", [DAY, LATER, FUTURE])
def test_p3_new_content_of_the_same_day_or_later_stands(running: Running, day: date) -> None:
    running.post(A)
    running.settle()
    before = running.living(NUMBER)
    second = running.post(B, made_on=day)
    running.settle()

    assert (version_of(second.transaction_code), second.superseded_by) == (2, "")
    assert running.living(NUMBER) != before
    assert running.follow(second.transaction_code).state == "delivered"


def test_p3_an_earlier_content_sent_again_later_is_a_revert(running: Running) -> None:
    running.post(A)
    running.settle()
    before = running.living(NUMBER)
    running.post(B, made_on=LATER)
    running.settle()
    third = running.post(A, made_on=LATEST)
    running.settle()

    assert version_of(third.transaction_code) == 3
    assert running.living(NUMBER) == before


@pytest.mark.parametrize("day", [DAY, LATER])
def test_p3_an_earlier_content_not_sent_later_is_a_late_retry_and_says_what_stands(running: Running, day: date) -> None:
    first = running.post(A)
    second = running.post(B, made_on=LATER)
    running.settle()
    before, pushes = running.living(NUMBER), len(running.stored(NUMBER))
    late = running.post(A, made_on=day)
    running.settle()

    assert (late.transaction_code, late.superseded_by) == (first.transaction_code, second.transaction_code)
    assert "record.superseded" in [issue.code for issue in late.issues]
    assert (running.living(NUMBER), len(running.stored(NUMBER))) == (before, pushes)


def test_p3_content_that_reverts_and_reverts_back_stands_each_time(running: Running) -> None:
    days = [DAY + timedelta(days=n) for n in range(5)]
    codes = [running.post(hoso, made_on=day).transaction_code for hoso, day in zip([A, B, A, B, A], days, strict=True)]
    assert list(map(version_of, codes)) == [1, 2, 3, 4, 5]


def test_p3_a_future_day_counts_as_today(running: Running) -> None:
    running.post(A, made_on=FUTURE)
    second = running.post(B, made_on=running.stores.database.now().date() + timedelta(days=1))
    assert (version_of(second.transaction_code), second.superseded_by) == (2, "")
    assert "record.order_unclear" not in [issue.code for issue in second.issues]


def test_p2_the_same_bytes_with_a_future_day_never_revert(running: Running) -> None:
    running.post(A, made_on=FUTURE)
    running.run("UPDATE record_version SET made_on = made_on - 3")  # three days ago
    running.post(B, made_on=running.stores.database.now().date() - timedelta(days=1))
    again = running.post(A, made_on=FUTURE)
    assert version_of(again.superseded_by) == 2
    assert running.counts("record_version") == {"record_version": 2}


# ---- Order unclear ----


def test_p3_new_content_of_an_earlier_day_is_kept_not_shown_and_asked(running: Running) -> None:
    running.post(A)
    running.settle()
    before = running.living(NUMBER)
    unclear = running.post(B, made_on=EARLIER)
    running.settle()

    assert "record.order_unclear" in [issue.code for issue in unclear.issues]
    line = running.follow(unclear.transaction_code)
    assert (line.state, line.next) == ("order_unclear", "make_current")
    assert running.living(NUMBER) == before


def test_p3_an_unclear_version_sent_again_is_the_same_unclear_version(running: Running) -> None:
    running.post(A)
    unclear = [running.post(B, made_on=day) for day in (EARLIER, EARLIER, LATER)]
    assert len({(u.transaction_code, u.issues) for u in unclear}) == 1
    assert running.counts("record_version") == {"record_version": 2}


def test_p3_a_version_made_current_stands_and_is_delivered(running: Running) -> None:
    first = running.post(A)
    running.settle()
    code = running.post(B, made_on=EARLIER).transaction_code
    make_current(code, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)
    make_current(code, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)
    running.settle()

    assert running.follow(code).state == "delivered"
    assert running.follow(first.transaction_code).superseded_by == code
    assert running.living(NUMBER) == shown_alone(running)


def shown_alone(running: Running) -> dict[tuple[str, str], object]:
    """What the citizen is shown of the visit, without our own meta."""
    shown = running.shown(NUMBER).items()
    register = {"Patient", "Organization", "Practitioner", "Provenance"}
    return {key: {k: v for k, v in value.items() if k != "meta"} for key, value in shown if key[0] not in register}


def test_p2_a_retry_does_not_undo_what_the_sender_made_current(running: Running) -> None:
    running.post(A)
    code = running.post(B, made_on=EARLIER).transaction_code
    make_current(code, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)

    assert running.post(A).superseded_by == code
    assert running.counts("record_version") == {"record_version": 2}


def test_p3_an_older_version_can_be_made_current_again(running: Running) -> None:
    first = running.post(A).transaction_code
    running.settle()
    before = running.living(NUMBER)
    running.post(B, made_on=LATER)
    running.settle()
    make_current(first, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)
    running.settle()
    assert running.living(NUMBER) == before


def test_what_waits_for_its_xml1_cannot_be_made_current(running: Running) -> None:
    code = running.post(without_table(A, "XML1")).transaction_code
    with pytest.raises(Conflict):
        make_current(code, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)


@pytest.mark.parametrize("code", ["GD", "", "nothing", "GD" + "A" * 29])
def test_nobody_makes_an_unknown_version_current(running: Running, code: str) -> None:
    with pytest.raises(NotFound):
        make_current(code, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)


def test_nobody_makes_another_senders_version_current(running: Running) -> None:
    code = running.post(A).transaction_code
    with pytest.raises(NotFound):
        make_current(code, client_id="somebody", stores=running.stores, uris=running.service.uris)


@pytest.mark.parametrize(("means", "stands"), [("visit_day", True), ("export_day", False)])
def test_p3_a_facility_that_told_what_ngaylap_means_is_not_asked(running: Running, means: str, stands: bool) -> None:
    running.run("UPDATE facility SET made_on_means = :means", means=means)
    first = running.post(A)
    second = running.post(B, made_on=EARLIER)

    assert "record.order_unclear" not in [issue.code for issue in second.issues]
    assert second.superseded_by == ("" if stands else first.transaction_code)
    newest = second if stands else first
    assert running.follow(newest.transaction_code).superseded_by == ""


# ---- What a book hears of a new version ----


def test_p3_a_change_of_billing_alone_is_a_version_and_pushes_nothing(running: Running) -> None:
    running.post(A)
    running.settle()
    second = running.post(billing_only(A), made_on=LATER)
    running.settle()

    assert (version_of(second.transaction_code), second.superseded_by) == (2, "")
    assert running.follow(second.transaction_code).state == "delivered"
    assert len(running.stored(NUMBER)) == 1


def test_p3_rows_in_another_order_with_new_stt_push_no_resource(running: Running) -> None:
    running.post(A)
    running.settle()
    again = running.post(reordered(A), made_on=LATER)
    running.settle()

    assert version_of(again.transaction_code) == 1
    assert len(running.stored(NUMBER)) == 1


def test_p3_a_correction_in_another_order_pushes_only_what_it_changes(running: Running) -> None:
    running.post(A)
    running.settle()
    running.post(reordered(with_values(A, "XML1", NHOM_MAU="AB+")), made_on=LATER)
    running.settle()

    entries = running.stored(NUMBER)[-1]["entries"]
    changed = [
        e for e in entries if e["type"] not in {"Basic", "Patient", "Organization", "Practitioner", "Provenance"}
    ]
    assert [e["type"] for e in changed] == ["Observation"]


def test_a_row_that_a_new_version_no_longer_has_disappears_from_the_book(running: Running) -> None:
    running.post(A)
    running.settle()
    drugs = {key for key in running.living(NUMBER) if key[0].startswith("Medication")}
    running.post(without_row(A, "XML2"), made_on=LATER)
    running.settle()

    left = {key for key in running.living(NUMBER) if key[0].startswith("Medication")}
    [gone] = drugs - left
    assert set(running.book(NUMBER)[gone]) <= {"resourceType", "id", "status", *NEUTRAL}
    assert gone not in running.shown(NUMBER)


NEUTRAL: Final = {"intent", "subject", "medicationCodeableConcept", "effectivePeriod"}


def test_a_row_that_comes_back_comes_back_under_its_id_with_the_next_version(running: Running) -> None:
    running.post(A)
    running.settle()
    before = running.shown(NUMBER)
    running.post(without_row(A, "XML2"), made_on=LATER)
    running.post(A, made_on=LATEST)
    running.settle()

    after = running.shown(NUMBER)
    assert after.keys() == before.keys()
    risen = {k: after[k]["meta"]["versionId"] for k in after if k[0].startswith("Medication") and after[k] != before[k]}
    assert list(risen.values()) == ["3"]


# ---- Parts ----


def test_an_absent_table_is_kept_where_the_summary_still_counts_it(running: Running) -> None:
    running.post(A)
    running.settle()
    before = running.living(NUMBER)
    second = running.post(with_values(without_table(A, "XML2"), "XML1", PP_DIEU_TRI="Khác"), made_on=LATER)
    running.settle()

    assert ("table.kept", "XML2") in [(issue.code, issue.path) for issue in second.issues]
    assert {k for k in running.living(NUMBER) if k[0].startswith("Medication")} == {
        k for k in before if k[0].startswith("Medication")
    }


def test_a_table_kept_twice_is_still_the_one_that_came(running: Running) -> None:
    running.post(A)
    for day, how in ((LATER, "Một"), (LATEST, "Hai")):
        third = running.post(with_values(without_table(A, "XML2"), "XML1", PP_DIEU_TRI=how), made_on=day)
    running.settle()

    assert ("table.kept", "XML2") in [(issue.code, issue.path) for issue in third.issues]
    assert any(kind.startswith("Medication") for kind, _ in running.living(NUMBER))


def test_p2_a_repeated_version_with_a_kept_table_has_the_same_answer(running: Running) -> None:
    running.post(A)
    body = envelope([with_values(without_table(A, "XML2"), "XML1", PP_DIEU_TRI="Khác")], made_on=LATER)
    assert running.post_bytes(body) == running.post_bytes(body)


def test_an_absent_table_that_the_summary_does_not_count_is_removed(running: Running) -> None:
    running.post(A)
    running.settle()
    before = set(running.living(NUMBER))
    running.post(with_values(without_table(A, "XML2"), "XML1", T_THUOC="0.00"), made_on=LATER)
    running.settle()
    drugs = {key for key in before if key[0].startswith("Medication")}
    assert (bool(drugs), set(running.living(NUMBER))) == (True, before - drugs)


def test_an_amendment_of_an_unknown_record_waits_and_is_the_same_when_repeated(running: Running) -> None:
    part = without_table(A, "XML1")
    first, again = running.post(part), running.post(part, made_on=LATER)

    assert "record.waiting_for_xml1" in [issue.code for issue in first.issues]
    assert (again.transaction_code, again.issues) == (first.transaction_code, first.issues)
    line = running.follow(first.transaction_code)
    assert (line.state, line.next) == ("waiting_for_xml1", "summary_table")
    assert running.counts("record_version") == {"record_version": 1}


def test_the_whole_dossier_after_its_amendment_stands_and_is_shown(running: Running) -> None:
    running.post(without_table(A, "XML1"))
    whole = running.post(A, made_on=EARLIER)
    running.settle()
    assert running.follow(whole.transaction_code).state == "delivered"


def test_an_amendment_of_a_known_record_takes_nothing_away(running: Running) -> None:
    running.post(A)
    running.settle()
    before = running.living(NUMBER)
    part = running.post(without_table(without_table(A, "XML1"), "XML2"), made_on=LATER)
    running.settle()

    assert running.follow(part.transaction_code).state == "delivered"
    assert running.living(NUMBER) == before


def test_an_amendment_repeated_after_its_record_went_to_another_patient_has_the_same_answer(running: Running) -> None:
    part = without_table(A, "XML1")
    running.post(A)
    first = running.post(part, made_on=DAY)
    running.post(with_patient(A, person(77)), made_on=LATER)
    again = running.post(part, made_on=LATEST)

    assert (again.status, again.transaction_code) == ("accepted", first.transaction_code)
    # What came since stands: a part that was sent before says nothing of it.
    assert {issue.code for issue in again.issues} - {issue.code for issue in first.issues} == {"record.superseded"}
    assert running.counts("record_version", "piece") == {"record_version": 3, "piece": 4}


def test_an_open_visit_is_kept_and_not_shown_until_its_discharge(running: Running) -> None:
    opened = running.post(with_values(A, "XML1", NGAY_RA=""))
    running.settle()
    assert running.follow(opened.transaction_code).state == "visit_open"
    assert running.stored(NUMBER) == []

    closed = running.post(A, made_on=LATER)
    running.settle()
    assert running.follow(closed.transaction_code).state == "delivered"


# ---- One name, two visits; one place, two names ----


SECOND_VISIT: Final = dossier(402, person_index=402, ma_lk=A.ma_lk, rows=5, visit_day=date(2026, 3, 3))


def test_an_ma_lk_used_for_another_visit_makes_a_second_record_and_leaves_the_first(running: Running) -> None:
    first = running.post(A)
    running.settle()
    before = running.living(NUMBER)
    second = running.post(SECOND_VISIT)
    again = running.post(A, made_on=DAY)
    running.settle()

    assert "ma_lk.reused" in [issue.code for issue in second.issues]
    assert record_version_of(second.transaction_code)[0] != record_version_of(first.transaction_code)[0]
    assert (again.transaction_code, again.superseded_by) == (first.transaction_code, "")
    assert running.living(NUMBER) == before
    assert running.living(number_of(402))


def test_p2_a_reused_ma_lk_sent_again_has_the_same_answer(running: Running) -> None:
    running.post(A)
    body = envelope([SECOND_VISIT], made_on=DAY)
    assert running.post_bytes(body) == running.post_bytes(body)


def test_a_correction_under_a_new_code_of_the_same_place_finds_the_record(running: Running) -> None:
    first = running.post(A)
    with running.stores.database.begin() as connection:
        clients.add_facility(
            connection, running.stores.keys, "01999", name="Bệnh viện mẫu, tên mới", same_place_as=FACILITY
        )
        clients.grant(connection, running.stores.keys, HOSPITAL, "01999")
    renamed = with_values(B, "XML1", MA_CSKCB="01999")
    second = running.post(renamed, made_on=LATER, facility="01999")

    assert record_version_of(second.transaction_code)[0] == record_version_of(first.transaction_code)[0]
    assert version_of(second.transaction_code) == 2


def test_the_same_ma_lk_of_two_places_are_two_records(running: Running) -> None:
    first = running.post(A)
    with running.stores.database.begin() as connection:
        clients.add_facility(connection, running.stores.keys, "01888", name="Nơi khác")
        clients.grant(connection, running.stores.keys, HOSPITAL, "01888")
    second = running.post(with_values(A, "XML1", MA_CSKCB="01888"), facility="01888")
    assert record_version_of(second.transaction_code)[0] != record_version_of(first.transaction_code)[0]


def test_p4_a_version_made_current_whose_claim_is_not_proven_is_not_shown(running: Running) -> None:
    running.post(A)
    running.settle()
    other_name = with_values(A, "XML1", HO_TEN="TRẦN VĂN KHÁC")
    unclear = running.post(other_name, made_on=EARLIER)
    before = running.living(NUMBER)
    make_current(unclear.transaction_code, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)
    running.settle()
    assert (bool(before), running.living(NUMBER)) == (True, before)
