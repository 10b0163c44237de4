"""The facility's desk: a day that adds up, lists, dossiers, and files that are checked before they are sent."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Final

import pytest

from ehr_sync.core.errors import NotFound
from ehr_sync.sandbox.dossiers.generator import (
    ITEM_KINDS,
    RECORD_KINDS,
    Hoso,
    dossier,
    envelope,
    json_batch,
    planted,
    with_values,
    without_table,
)
from ehr_sync.store import clients
from ehr_sync.store.database import Database
from ehr_sync.store.kept_files import KEPT_FOR, KeptFile, KeptFiles
from ehr_sync.store.spool import Spool
from ehr_sync.usecases import overview
from ehr_sync.usecases.book.erase_person import erase_person
from ehr_sync.usecases.desk import client_keys
from ehr_sync.usecases.desk.asking import Asker, system
from ehr_sync.usecases.desk.look_at_day import GROUPS, STATES, Line, count_day, has_sent, list_dossiers, list_work
from ehr_sync.usecases.desk.look_at_dossier import compare_versions, find_dossiers, read_dossier
from ehr_sync.usecases.desk.send_files import Desk, check_files, refused_of
from ehr_sync.usecases.desk.send_files import send_files as send
from ehr_sync.usecases.desk.withdraw_dossiers import withdraw_dossiers
from mappings.dates import VIETNAM
from mappings.formats.code_list import ListRow
from mappings.sources.differences import Change
from tests.usecases.service import DAY, FACILITY, HOSPITAL, Running, number_of
from tests.usecases.test_twins import under

DESK: Final = Asker("facility:somebody", f"page:{FACILITY}")
OTHER: Final = Asker("facility:other", "page:01005")
KIND: Final = sorted(RECORD_KINDS)[0]
GOOD: Final = dossier(401, person_index=401, shape="outpatient", rows=6)


def today(running: Running) -> date:
    return running.stores.database.now().astimezone(VIETNAM).date()


def groups(running: Running, asker: Asker = DESK) -> dict[str, int]:
    return {name: n for name, n in count_day(today(running), asker, stores=running.stores).groups.items() if n}


def listed(running: Running, group: str, asker: Asker = DESK, limit: int = 50) -> list[Line]:
    """All pages of a list."""
    found: list[Line] = []
    after = ""
    while True:
        part = list_dossiers(today(running), group, after=after, limit=limit, asker=asker, stores=running.stores)
        assert len(part.lines) <= limit
        found += part.lines
        after = part.next
        if not after:
            return found


@pytest.fixture
def two(running: Running) -> Running:
    """With a second hospital."""
    keys = running.stores.keys
    with running.stores.database.begin() as connection:
        clients.add_client(connection, keys, "khac", name="Khác", jwks={"keys": []}, scopes=["submissions.write"])
        clients.add_facility(connection, keys, "01005", name="Bệnh viện khác")
        clients.grant(connection, keys, "khac", "01005")
    return running


def test_no_look_asks_for_the_time_while_it_holds_a_connection(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, day, now = running.post(GOOD).transaction_code, today(running), Database.now

    def asked(database: Database) -> datetime:
        assert database._engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # a pool that counts
        return now(database)

    monkeypatch.setattr(Database, "now", asked)
    stores = running.stores
    count_day(day, DESK, stores=stores)
    list_dossiers(day, "accepted", asker=DESK, stores=stores)
    list_work(asker=DESK, stores=stores)
    assert has_sent(DESK, stores=stores)
    assert find_dossiers(GOOD.ma_lk, DESK, stores=stores) == (code,)
    read_dossier(code, DESK, stores=stores)
    client_keys.list_own_keys(system(HOSPITAL), stores=stores)
    with pytest.raises(NotFound):
        client_keys.remove_key(HOSPITAL, "none", FACILITY, {FACILITY}, DESK, stores=stores)


def test_what_was_sent_from_the_page_counts_as_sent_by_the_place(running: Running) -> None:
    running.post_bytes(envelope([GOOD], made_on=DAY), client=DESK.client_id)
    [(came,)] = running.rows("SELECT accepted_at FROM record_version")
    with running.stores.database.reading() as connection:
        assert [one.last for one in clients.last_sent(connection)] == [came]
    [row] = overview.show("facilities", {}, limit=9, by="x", stores=running.stores).rows
    assert row["last_sent_at"] == came


def no_number(seed: int) -> Hoso:
    return with_values(dossier(seed, person_index=seed, shape="outpatient", rows=4), "XML1", SO_CCCD="")


TWIN: Final = dossier(421, person_index=421, shape="outpatient", rows=4)
TAKEN_BACK: Final = dossier(422, person_index=422, shape="outpatient", rows=4)


def every_state(running: Running) -> dict[str, str]:
    """Dossiers in every state that a life line may have: maGiaoDich to state."""
    post = running.post
    changed = with_values(GOOD, "XML1", LOI_DAN="Uống nhiều nước")
    codes = [
        post(GOOD).transaction_code,
        post(changed).transaction_code,
        post(with_values(GOOD, "XML1", LOI_DAN="Kiêng muối"), made_on=DAY - timedelta(days=1)).transaction_code,
        post(no_number(411)).transaction_code,
        post(with_values(dossier(412, person_index=412), "XML1", NGAY_RA="")).transaction_code,
        post(without_table(dossier(413, person_index=413), "XML1")).transaction_code,
        post(dossier(414, person_index=900_001)).transaction_code,
        post(dossier(415, person_index=900_009)).transaction_code,
        post(dossier(416, person_index=900_025, shape="outpatient", rows=4)).transaction_code,
        post(planted(dossier(417, person_index=417), KIND)).transaction_code,
    ]
    running.settle()
    codes += [
        post(dossier(418, person_index=418)).transaction_code,
        post(dossier(419, person_index=401, shape="outpatient", rows=4)).transaction_code,
        post(TWIN).transaction_code,
        post(under(TWIN, "LK-KHAC")).transaction_code,
        post(TAKEN_BACK).transaction_code,
    ]
    withdraw_dossiers([ListRow(1, TAKEN_BACK.ma_lk)], DESK, why="duplicate", stores=running.stores)
    return {code: running.follow(code).state for code in codes}


def test_a_list_says_of_each_dossier_what_its_life_line_says(running: Running) -> None:
    wanted = every_state(running)
    assert {line.code: line.state for line in listed(running, "accepted")} == wanted
    assert set(wanted.values()) == {state for states in STATES.values() for state in states} - {"received"}


def test_a_day_adds_up_and_each_number_is_as_long_as_its_list(running: Running) -> None:
    every_state(running)
    running.post(with_values(dossier(420, person_index=420), "XML1", HO_TEN=""))
    day = count_day(today(running), DESK, stores=running.stores).groups
    assert {group: len(listed(running, group)) for group in GROUPS} == day
    assert day["sent"] == day["accepted"] + day["refused"] == 16
    assert day["accepted"] == sum(day[group] for group in STATES)


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_pages_of_a_list_hold_each_dossier_once_newest_first(running: Running, limit: int) -> None:
    bad = with_values(dossier(420, person_index=420), "XML1", HO_TEN="")
    running.post(GOOD, bad, no_number(411))
    running.post(with_values(dossier(421, person_index=421), "XML1", HO_TEN=""))
    running.post(no_number(412))
    found = listed(running, "sent", limit=limit)
    assert len(found) == len({(line.at, line.source_id) for line in found}) == 5
    assert [line.at for line in found] == sorted((line.at for line in found), reverse=True)
    assert [line.state for line in found if line.source_id == bad.ma_lk] == ["refused"]


def test_a_refused_dossier_stands_on_its_day_with_what_its_sender_heard(running: Running) -> None:
    bad = with_values(dossier(420, person_index=420), "XML1", HO_TEN="")
    told = running.post(bad)
    [line] = listed(running, "refused")
    assert (line.source_id, line.code, set(line.issues)) == (bad.ma_lk, "", set(told.issues))
    assert line.issues[0].code == "patient.missing"
    assert groups(running) == {"sent": 1, "refused": 1}


def test_the_same_refused_bytes_again_count_once_a_day(running: Running) -> None:
    for _ in range(3):
        running.post(with_values(dossier(420, person_index=420), "XML1", HO_TEN=""))
    assert groups(running) == {"sent": 1, "refused": 1}


def test_a_file_that_nobody_can_read_is_a_refusal_of_the_only_place_that_its_sender_has(two: Running) -> None:
    assert two.post_bytes(b"<GIAMDINHHS>").failed == 1
    assert groups(two) == {"sent": 1, "refused": 1}
    assert groups(two, OTHER) == {}


def test_a_place_sees_nothing_of_another_ones_day(two: Running) -> None:
    code = two.post(GOOD).transaction_code
    two.post(with_values(dossier(420, person_index=420), "XML1", HO_TEN=""))
    assert groups(two, OTHER) == {}
    assert find_dossiers(GOOD.ma_lk, OTHER, stores=two.stores) == ()
    for look in (read_dossier, compare_versions):
        with pytest.raises(NotFound) as error:
            look(code, OTHER, stores=two.stores)
        assert error.value.code == "transaction.unknown"


def test_p10_who_asks_for_anothers_dossier_is_noted_with_the_person(two: Running) -> None:
    code = two.post(GOOD).transaction_code
    with pytest.raises(NotFound):
        read_dossier(code, OTHER, stores=two.stores)
    [row] = two.rows("SELECT person_id, detail FROM audit_event WHERE action = 'refused life line'")
    assert row.person_id is not None
    assert code in row.detail


def test_p10_each_look_at_the_desk_is_one_entry(running: Running) -> None:
    code = running.post(GOOD).transaction_code
    running.post(with_values(GOOD, "XML1", LOI_DAN="Kiêng muối"))
    second = running.post(with_values(GOOD, "XML1", LOI_DAN="Kiêng đường")).transaction_code
    before = running.counts("audit_event")["audit_event"]
    stores = running.stores
    count_day(today(running), DESK, stores=stores)
    list_dossiers(today(running), "sent", asker=DESK, stores=stores)
    list_work(asker=DESK, stores=stores)
    find_dossiers(GOOD.ma_lk, DESK, stores=stores)
    find_dossiers("không có", DESK, stores=stores)
    read_dossier(code, DESK, stores=stores)
    compare_versions(second, DESK, stores=stores)
    rows = running.rows("SELECT actor, action FROM audit_event WHERE n > :before ORDER BY n", before=before)
    assert [row.action for row in rows] == [
        "count day",
        "list dossiers",
        "list work",
        "find dossier",
        "find dossier",
        "read dossier",
        "compare versions",
    ]
    assert {row.actor for row in rows} == {DESK.actor}


def test_an_erased_person_stands_in_no_list(running: Running) -> None:
    bad = with_values(GOOD, "XML1", NGAY_VAO="203013012500")
    running.post(GOOD)
    assert running.post(bad).status == "refused"
    running.settle()
    assert groups(running) == {"sent": 2, "accepted": 1, "refused": 1, "in_book": 1}
    erase_person(running.person_of(number_of(401)), by="test", stores=running.stores)
    assert groups(running) == {}
    assert running.counts("refusal") == {"refusal": 0}


def test_a_system_sees_its_day_too(running: Running) -> None:
    running.post(GOOD)
    assert groups(running, system(HOSPITAL)) == groups(running)


def test_the_work_list_holds_claims_that_nobody_asks_about_any_more_oldest_first(running: Running) -> None:
    every_state(running)
    lines = list_work(asker=DESK, stores=running.stores)
    assert [(line.state, line.claim_state) for line in lines.lines] == [
        ("held", "no_number"),
        ("held", "not_proven"),
        ("held", "review"),
    ]
    first = list_work(limit=1, asker=DESK, stores=running.stores)
    rest = list_work(after=first.next, asker=DESK, stores=running.stores)
    assert (*first.lines, *rest.lines) == lines.lines
    assert count_day(today(running), DESK, stores=running.stores).work == 3


def test_an_open_visit_whose_patient_is_not_confirmed_is_work_while_the_patient_is_there(running: Running) -> None:
    running.post(with_values(no_number(411), "XML1", NGAY_RA=""))
    [line] = list_work(asker=DESK, stores=running.stores).lines
    assert (line.state, line.claim_state) == ("visit_open", "no_number")


@pytest.mark.parametrize("after", ["x", "ä", "AAAA", "a" * 4000, "_____________________________________w=="])
def test_a_place_that_is_none_is_not_found(running: Running, after: str) -> None:
    with pytest.raises(NotFound):
        list_dossiers(today(running), "sent", after=after, asker=DESK, stores=running.stores)


@pytest.mark.parametrize("day", [date.max, date.min])
def test_the_first_and_last_day_of_all_are_no_fault(running: Running, day: date) -> None:
    try:
        assert set(count_day(day, DESK, stores=running.stores).groups.values()) == {0}
    except NotFound as error:
        assert error.code == "not_found"


# ---- one dossier ----


def test_a_dossier_is_found_by_ma_lk_with_all_versions_and_which_one_stands(running: Running) -> None:
    first = running.post(GOOD)
    second = running.post(with_values(GOOD, "XML1", LOI_DAN="Kiêng muối"))
    running.settle()
    assert find_dossiers(f"  {GOOD.ma_lk} ", DESK, stores=running.stores) == (second.transaction_code,)
    seen = read_dossier(first.transaction_code, DESK, stores=running.stores)
    assert seen.source_id == GOOD.ma_lk
    assert [(v.number, v.line.transaction_code, v.line.state, v.stands) for v in seen.versions] == [
        (2, second.transaction_code, "delivered", True),
        (1, first.transaction_code, "superseded", False),
    ]
    assert set(seen.versions[0].issues) == set(second.issues)


def changed(running: Running, first: Hoso, second: Hoso) -> dict[tuple[str, str, str], list[Change]]:
    running.post(first)
    code = running.post(second).transaction_code
    tables = compare_versions(code, DESK, stores=running.stores).tables
    assert tables is not None
    return {(table.table, row.kind, row.key): list(row.changes) for table in tables for row in table.rows}


def test_p10_what_is_noted_of_a_search_is_what_was_found(running: Running) -> None:
    stands = running.post(GOOD).transaction_code
    running.post(with_values(GOOD, "XML1", LOI_DAN="Kiêng muối"), made_on=DAY - timedelta(days=1))
    assert find_dossiers(GOOD.ma_lk, DESK, stores=running.stores) == (stands,)
    [(detail,)] = running.rows("SELECT detail FROM audit_event WHERE action = 'find dossier'")
    assert detail == f"page:{FACILITY} {stands}"


def test_differences_name_table_row_and_field_with_old_and_new(running: Running) -> None:
    found = changed(running, GOOD, with_values(GOOD, "XML1", CHAN_DOAN_VAO="Ho <script>alert(1)</script> kéo dài"))
    [change] = found["XML1", "changed", ""]
    assert (change.tag, change.is_personal) == ("CHAN_DOAN_VAO", False)
    assert change.after == "Ho kéo dài"
    assert found.keys() == {("XML1", "changed", "")}


def test_differences_say_that_a_person_was_corrected_and_never_to_what(running: Running) -> None:
    found = changed(running, GOOD, with_values(GOOD, "XML1", HO_TEN="Đặng Thị Khác", SO_CCCD="001099123456"))
    assert found["XML1", "changed", ""] == [
        Change("HO_TEN", "", "", is_personal=True),
        Change("SO_CCCD", "", "", is_personal=True),
    ]


def test_a_text_that_names_the_patient_is_not_shown(running: Running) -> None:
    name = GOOD.tables["XML1"][0]["HO_TEN"]
    found = changed(running, GOOD, with_values(GOOD, "XML1", CHAN_DOAN_VAO=f"BN {name.upper()} ho"))
    assert found["XML1", "changed", ""] == [Change("CHAN_DOAN_VAO", "", "", is_personal=True)]


def test_p9_versions_of_a_withheld_record_are_compared_no_more_than_those_that_show_nothing(running: Running) -> None:
    running.post(GOOD)
    code = running.post(planted(GOOD, KIND)).transaction_code
    assert compare_versions(code, DESK, stores=running.stores).tables is None
    running.post(with_values(no_number(411), "XML1", NGAY_RA=""))
    code = running.post(no_number(411)).transaction_code
    assert compare_versions(code, DESK, stores=running.stores).tables is None


@pytest.mark.parametrize("kind", ITEM_KINDS)
def test_p9_an_item_that_is_withheld_is_no_difference(running: Running, kind: str) -> None:
    first = dossier(440, person_index=440, shape="inpatient", rows=12)
    running.post(first)
    code = running.post(planted(first, kind)).transaction_code
    tables = compare_versions(code, DESK, stores=running.stores).tables
    # A field that held an item may be told as blank, as of a dossier that never had it, and a paper that holds more.
    assert tables is not None
    added = [table.table for table in tables for row in table.rows if row.kind == "added"]
    assert not {"XML2", "XML3", "XML4"} & set(added)
    for sign in ("HIV", "AIDS", "ARV", "Z11", "Z20", "Z71", "Z83"):
        assert sign not in str([(t.table, r.key, c.tag, c.after) for t in tables for r in t.rows for c in r.changes])


def test_a_first_version_differs_from_nothing(running: Running) -> None:
    code = running.post(GOOD).transaction_code
    with pytest.raises(NotFound):
        compare_versions(code, DESK, stores=running.stores)


# ---- files ----


@pytest.fixture
def desk(running: Running) -> Desk:
    """The same service, for files."""
    settings = running.service.settings
    kept = KeptFiles(settings.spool_folder, settings.spool_bytes)
    return Desk(kept, running.stores, settings, running.service.uris)


def file(content: bytes, name: str = "thang-5.xml") -> KeptFile:
    spool = Spool(Path(gettempdir()), 1_000)
    spool.write(content)
    spool.finish()
    return KeptFile(name, spool)


def everything_but_the_log(running: Running) -> dict[str, int]:
    names = [row[0] for row in running.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    return {name: n for name, n in running.counts(*names).items() if not name.startswith("audit")}


BAD: Final = with_values(dossier(420, person_index=420, shape="outpatient", rows=4), "XML1", HO_TEN="")
MIXED: Final = envelope([GOOD, BAD, no_number(411)], made_on=DAY)


def test_a_check_answers_what_sending_would_and_writes_one_entry_of_the_log(running: Running, desk: Desk) -> None:
    before, log = everything_but_the_log(running), running.counts("audit_event")["audit_event"]
    [seen], _ = check_files([file(MIXED)], DESK, desk=desk)
    assert everything_but_the_log(running) == before
    assert running.counts("audit_event")["audit_event"] == log + 1
    sent = running.post_bytes(MIXED)
    assert [(h.source_id, h.status, h.issues) for f in seen.answer.files for h in f.dossiers] == [
        (h.source_id, h.status, h.issues) for f in sent.files for h in f.dossiers
    ]
    assert {h.transaction_code for f in seen.answer.files for h in f.dossiers} == {""}
    assert seen.answer.batch_id == ""


def test_what_was_checked_is_sent_as_it_is_and_twice_has_no_second_effect(running: Running, desk: Desk) -> None:
    _, token = check_files([file(MIXED)], DESK, desk=desk)
    [first] = send(token, DESK, desk=desk)
    before = running.counts("record_version", "piece", "submission", "claim")
    [second] = send(token, DESK, desk=desk)
    assert first.answer == second.answer
    assert running.counts("record_version", "piece", "submission", "claim") == before
    assert before["record_version"] == 2
    assert [h.status for f in first.answer.files for h in f.dossiers] == ["accepted", "refused", "accepted"]
    assert {row.client_id for row in running.rows("SELECT client_id FROM submission")} == {DESK.client_id}


def test_a_dossier_that_the_system_sent_already_is_no_second_version_at_the_desk(running: Running, desk: Desk) -> None:
    code = running.post(GOOD).transaction_code
    _, token = check_files([file(envelope([GOOD], made_on=DAY))], DESK, desk=desk)
    [sent] = send(token, DESK, desk=desk)
    assert sent.answer.files[0].dossiers[0].transaction_code == code
    assert running.counts("record_version") == {"record_version": 1}


def test_nobody_else_opens_what_was_kept_and_nobody_after_a_quarter_of_an_hour(
    running: Running, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = check_files([file(MIXED)], DESK, desk=desk)
    for asker in (OTHER, Asker(OTHER.actor, DESK.client_id), Asker(DESK.actor, OTHER.client_id)):
        with pytest.raises(NotFound):
            send(token, asker, desk=desk)
    with pytest.raises(NotFound):
        send("x" * 43, DESK, desk=desk)
    later = running.stores.database.now() + KEPT_FOR
    with pytest.raises(NotFound):
        desk.kept.open(token, whose=f"{DESK.actor} {DESK.client_id}", now=later)


def test_p11_what_is_kept_shows_nothing_on_disk_and_goes_with_the_next(running: Running, desk: Desk) -> None:
    folder = running.service.settings.spool_folder / "ehr-sync-kept"
    check_files([file(MIXED, "Nguyen Van A.xml")], DESK, desk=desk)
    [path] = folder.iterdir()
    content = path.read_bytes()
    assert b"GIAMDINHHS" not in content
    assert b"Nguyen" not in content + path.name.encode()
    assert (path.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    check_files([file(MIXED)], DESK, desk=desk)
    assert len(list(folder.iterdir())) == 1
    assert path not in list(folder.iterdir())


def one_refused(running: Running, desk: Desk, content: bytes) -> tuple[list[str], bytes]:
    _, token = check_files([file(content)], DESK, desk=desk)
    _, left = refused_of(token, 0, DESK, desk=desk)
    media_type = "json" if left[:1] == b"{" else "xml"
    answer = running.post_bytes(left, media_type=media_type)  # type: ignore[arg-type]
    return [hoso.source_id for f in answer.files for hoso in f.dossiers], left


def test_only_what_was_refused_is_given_back_in_the_same_form(running: Running, desk: Desk) -> None:
    ids, left = one_refused(running, desk, MIXED)
    assert ids == [BAD.ma_lk]
    assert b"<SOLUONGHOSO>1</SOLUONGHOSO>" in left
    batch = json_batch([envelope([GOOD], made_on=DAY), MIXED], FACILITY)
    ids, left = one_refused(running, desk, batch)
    assert ids == [BAD.ma_lk]
    assert left.startswith(b"{")


@pytest.mark.parametrize("content", [b"<GIAMDINHHS>", b"", b"{}", b"[1]", b"\xff\xfe", b'{"files": ["%%"]}'])
def test_what_cannot_be_read_is_told_as_refused_and_given_back_as_it_came(
    running: Running, desk: Desk, content: bytes
) -> None:
    [seen], token = check_files([file(content)], DESK, desk=desk)
    assert [f.status for f in seen.answer.files] == ["refused"]
    assert refused_of(token, 0, DESK, desk=desk)[1] == content
    with pytest.raises(NotFound):
        refused_of(token, 1, DESK, desk=desk)


def test_a_file_of_another_place_is_refused_at_the_desk(two: Running, desk: Desk) -> None:
    [seen], _ = check_files([file(envelope([GOOD], made_on=DAY))], OTHER, desk=desk)
    assert [issue.code for issue in seen.answer.files[0].issues] == ["facility.not_yours"]
