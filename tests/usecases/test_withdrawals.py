"""A facility takes back what it sent: it leaves the book, its patient is told, and it can be undone
(rules: withdrawn-visits).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import pytest

from ehr_sync.core.errors import Conflict
from ehr_sync.core.ports import Login
from ehr_sync.sandbox.dossiers.births import with_births
from ehr_sync.sandbox.dossiers.generator import (
    RECORD_KINDS,
    Hoso,
    corrected,
    dossier,
    planted,
    with_values,
)
from ehr_sync.store import clients
from ehr_sync.store.remaps import Reach
from ehr_sync.store.resyncs import Scope
from ehr_sync.usecases.book.erase_person import erase_person
from ehr_sync.usecases.book.waiting_records import Connected, waiting_records
from ehr_sync.usecases.book.who_looked import who_looked
from ehr_sync.usecases.delivery.resync_lanes import order_resync
from ehr_sync.usecases.desk.asking import Asker, system
from ehr_sync.usecases.desk.look_at_day import count_day, list_work
from ehr_sync.usecases.desk.withdraw_dossiers import Done, restore_dossiers, withdraw_dossiers
from ehr_sync.usecases.intake.make_current import make_current
from ehr_sync.usecases.intake.remap_records import remap
from mappings.dates import VIETNAM
from mappings.formats.code_list import ListRow
from tests.usecases.older import older_mapping
from tests.usecases.service import DAY, FACILITY, HOSPITAL, Running, number_of
from tests.usecases.test_births import NAMED, STAY, E, row

NUMBER: Final = number_of(811)
A: Final = with_values(dossier(811, person_index=811, shape="inpatient", rows=12), "XML1", NGAY_VAO="202405020730")
EARLIER, LATER = DAY - timedelta(days=1), DAY + timedelta(days=1)
DESK: Final = Asker("facility:somebody", f"page:{FACILITY}")


def withdrawn(running: Running, *rows: ListRow, why: str = "sent_by_mistake", asker: Asker = DESK) -> list[Done]:
    return list(withdraw_dossiers(rows, asker, why=why, stores=running.stores))


def withdraw(running: Running, hoso: Hoso, why: str = "sent_by_mistake") -> Done:
    [done] = withdrawn(running, ListRow(1, hoso.ma_lk), why=why)
    assert done.issue is None
    return done


def restore(running: Running, hoso: Hoso) -> Done:
    [done] = restore_dossiers([ListRow(1, hoso.ma_lk)], DESK, stores=running.stores)
    return done


def told(running: Running, number: str = NUMBER) -> Connected:
    """What its owner reads beside the book."""
    return waiting_records("page waiting", login=Login("citizen", number), stores=running.stores)


def test_a_withdrawn_record_leaves_the_book_its_patient_is_told_and_it_can_be_undone(running: Running) -> None:
    sent = running.post(A)
    running.settle()
    before = running.living(NUMBER)
    assert before

    done = withdraw(running, A, why="wrong_patient")
    running.deliver()
    assert (done.code, done.why) == (sent.transaction_code, "wrong_patient")
    assert running.living(NUMBER) == {}
    assert {key[0] for key in running.shown(NUMBER)} <= {"Patient"}
    line = running.follow(sent.transaction_code)
    assert (line.state, line.next, line.steps[-1].name, line.steps[-1].reason) == (
        *("withdrawn", "nothing"),
        *("withdrawn", "wrong_patient"),
    )
    [gone] = told(running).withdrawn
    assert (gone.facility, gone.visited[:16], gone.at, gone.why) == (
        *("Bệnh viện mẫu", "2024-05-02T07:30"),
        *(done.at, "wrong_patient"),
    )
    day = running.stores.database.now().astimezone(VIETNAM).date()
    groups = count_day(day, DESK, stores=running.stores).groups
    assert (groups["done"], groups["accepted"]) == (1, 1)

    # Again, with another reason: nothing happens.
    pushes = len(running.stored(NUMBER))
    again = withdraw(running, A, why="test_data")
    running.deliver()
    assert ((again.at, again.why), len(running.stored(NUMBER))) == ((done.at, "wrong_patient"), pushes)

    assert (restore(running, A).at, restore(running, A).issue) == (None, None)
    running.deliver()
    assert running.living(NUMBER) == before
    assert (told(running).withdrawn, running.follow(sent.transaction_code).state) == ((), "delivered")


def test_p10_who_withdrew_is_an_entry_that_the_patient_sees(running: Running) -> None:
    running.post(A)
    running.settle()
    done = withdraw(running, A)
    entries = running.rows("SELECT actor, detail FROM audit_event WHERE action = 'withdraw'")
    assert entries == [("facility:somebody", f"page:{FACILITY} sent_by_mistake {done.code}")]
    looks = who_looked(
        "page who looked",
        login=Login("citizen", NUMBER),
        before=None,
        count=9,
        stores=running.stores,
        uris=running.service.uris,
    )
    assert ("staff", "withdraw") in [(look.who, look.action) for look in looks or ()]


@pytest.mark.parametrize(("after", "day"), [(corrected(A, 1), DAY), (corrected(A, 1), LATER)], ids=["day", "later"])
def test_p3_a_newer_version_brings_a_withdrawn_record_back(running: Running, after: Hoso, day: date) -> None:
    running.post(A)
    running.settle()
    withdraw(running, A)
    running.deliver()
    sent = running.post(after, made_on=day)
    running.settle()
    assert running.living(NUMBER) != {}
    assert (running.follow(sent.transaction_code).state, told(running).withdrawn) == ("delivered", ())


def test_p3_what_is_no_newer_version_brings_nothing_back(running: Running) -> None:
    first = running.post(A)
    running.settle()
    withdraw(running, A)
    same = running.post(A, made_on=LATER)
    unclear = running.post(corrected(A, 1), made_on=EARLIER)
    running.settle()
    assert (same.transaction_code, "record.withdrawn" in [issue.code for issue in same.issues]) == (
        first.transaction_code,
        True,
    )
    assert running.living(NUMBER) == {}
    with pytest.raises(Conflict, match=r"transaction\.withdrawn"):
        make_current(unclear.transaction_code, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)
    restore(running, A)
    make_current(unclear.transaction_code, client_id=HOSPITAL, stores=running.stores, uris=running.service.uris)
    running.settle()
    assert running.follow(unclear.transaction_code).state == "delivered"


def test_p4_a_proof_does_not_bring_a_withdrawn_record_into_a_book(running: Running) -> None:
    sent = running.post(A)
    withdraw(running, A)
    running.settle()
    assert (running.everything(NUMBER).total, running.follow(sent.transaction_code).state) == (0, "withdrawn")
    found = told(running)
    assert (found.waiting, found.withdrawn) == ((), ())  # it was in no book
    restore(running, A)
    running.settle()
    assert running.follow(sent.transaction_code).state == "delivered"


def test_what_waits_for_its_facility_waits_no_more(running: Running) -> None:
    nameless = with_values(A, "XML1", SO_CCCD="")
    running.post(nameless)
    running.settle()
    assert len(list_work(asker=DESK, stores=running.stores).lines) == 1
    withdraw(running, nameless)
    assert list_work(asker=DESK, stores=running.stores).lines == ()


def test_each_row_is_answered_for_itself(running: Running) -> None:
    keys = running.stores.keys
    with running.stores.database.begin() as connection:
        clients.add_client(connection, keys, "khac", name="Khác", jwks={"keys": []}, scopes=["submissions.write"])
        clients.add_facility(connection, keys, "01005", name="Bệnh viện khác")
        clients.grant(connection, keys, "khac", "01005")
    sent = running.post(A)
    reused = dossier(813, person_index=813, shape="outpatient", rows=4)
    running.post(reused)
    second = running.post(with_values(reused, "XML1", MA_BN="KHAC", NGAY_VAO="202405090800"))
    assert "ma_lk.reused" in [issue.code for issue in second.issues]
    rows = [
        ListRow(2, "KHONG-CO"),
        ListRow(3, reused.ma_lk),
        ListRow(4, code=second.transaction_code, why="duplicate"),
        ListRow(5, A.ma_lk, why="vì nhầm"),
        ListRow(6, code="GDX"),
        ListRow(7, A.ma_lk),
    ]
    done = withdrawn(running, *rows)
    assert [(each.code, each.why, each.issue.code if each.issue else "") for each in done] == [
        ("", "", "list.unknown_dossier"),
        ("", "", "list.several_dossiers"),
        (second.transaction_code, "duplicate", ""),
        ("", "", "list.reason_unknown"),
        ("", "", "list.unknown_dossier"),
        (sent.transaction_code, "sent_by_mistake", ""),
    ]
    # Another's is as one that is not there, by either name; and is noted with whom it concerns.
    theirs = withdrawn(running, ListRow(1, A.ma_lk), ListRow(2, code=sent.transaction_code), asker=system("khac"))
    assert [each.issue.code if each.issue else "" for each in theirs] == ["list.unknown_dossier"] * 2
    [(noted,)] = running.rows(
        "SELECT count(*) FROM audit_event WHERE action = 'refused withdraw' AND actor = 'client:khac'"
        " AND person_id IS NOT NULL"
    )
    assert noted == 1


def test_children_go_with_the_dossier_and_come_back_with_it(running: Running) -> None:
    running.post(NAMED)
    running.settle()
    child = running.living(E)
    assert child
    withdraw(running, STAY)
    running.deliver()
    assert (running.living(E), [gone.why for gone in told(running, E).withdrawn]) == ({}, ["sent_by_mistake"])
    # The same dossier again is no newer version: its children stay away too.
    running.post(NAMED, made_on=LATER)
    running.settle()
    assert running.living(E) == {}
    restore(running, STAY)
    running.deliver()
    assert running.living(E) == child

    withdraw(running, STAY)
    newer = with_values(NAMED, "XML1", LOI_DAN="Bú mẹ")
    running.post(newer, made_on=LATER)
    running.settle()
    assert running.living(E) == child
    # Of which the dossier tells no more does not come back with it.
    running.post(with_births(STAY, row(541, "17", named=True)), made_on=LATER + timedelta(days=1))
    withdraw(running, STAY)
    restore(running, STAY)
    running.settle()
    assert (len(running.living(E)), running.living(number_of(547))) == (len(child), {})


@pytest.mark.parametrize("kind", sorted(RECORD_KINDS)[:1])
def test_p9_a_withheld_record_that_is_withdrawn_leaves_no_sign(running: Running, kind: str) -> None:
    hidden = planted(A, kind)
    running.post(A)
    running.settle()
    running.post(hidden, made_on=LATER)
    running.settle()
    looked, waits = running.everything(NUMBER).total, told(running)
    done = withdraw(running, A)
    running.settle()
    assert done.why == "sent_by_mistake"
    assert (running.everything(NUMBER).total, told(running)) == (looked, waits)
    restore(running, A)
    running.settle()
    assert (running.living(NUMBER), told(running)) == ({}, waits)


def test_remap_resync_and_erasure_leave_what_was_withdrawn_out(running: Running) -> None:
    def wrong(json: bytes) -> bytes:
        return json.replace(b'"status":"final"', b'"status":"preliminary"')

    with older_mapping(written=wrong):
        sent = running.post(A)
    running.settle()
    withdraw(running, A)
    running.deliver()
    steps = remap(
        Reach(), dry_run=False, stores=running.stores, uris=running.service.uris, report=lambda code, fault: None
    )
    assert [outcome.fate.value for step in steps for outcome in step] == ["kept"]
    order_resync(Scope(), by="x", reason="test", stores=running.stores)
    running.resync()
    running.settle()
    assert running.living(NUMBER) == {}
    restore(running, A)
    running.settle()
    assert {one["status"] for key, one in running.living(NUMBER).items() if key[0] == "Observation"} == {"final"}

    withdraw(running, A)
    patient = running.rows("SELECT person_id FROM record")[0][0]
    erase_person(patient, by="x", stores=running.stores)
    assert running.counts("record", "book_entry") == {"record": 0, "book_entry": 0}
    [done] = withdrawn(running, ListRow(1, code=sent.transaction_code))
    assert done.issue is not None and done.issue.code == "list.unknown_dossier"
