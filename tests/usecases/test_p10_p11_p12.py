"""P10: every read is one entry that shows tampering. P11: a stolen dump shows nobody. P12: one clock."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
import pytest
from sqlalchemy import text

from ehr_sync.core.errors import NotFound
from ehr_sync.core.ports import Login
from ehr_sync.sandbox.dossiers.generator import Hoso, corrected, dossier, envelope, json_batch
from ehr_sync.store import audit
from ehr_sync.store.sealing import Unreadable
from ehr_sync.usecases.access.actors import actor_of
from ehr_sync.usecases.book import read_book
from ehr_sync.usecases.book.read_summary import read_summary
from ehr_sync.usecases.book.search_book import LostPlace, Search, search_book
from mappings.fhir.search import orders_of
from tests.databases import Dsns
from tests.usecases.service import DAY, FACILITY, HOSPITAL, Running, is_clinical, number_of

VISIT: Final = dossier(851, person_index=851, shape="inpatient", rows=8)
NUMBER: Final = number_of(851)
OWNER: Final = Login("owner", NUMBER)
STRANGER: Final = Login("stranger", number_of(852))
NOBODY: Final = Login("nobody", "")
UNKNOWN: Final = "11111111-1111-8111-8111-111111111111"

Read = Callable[[Running, Login, str, str], Any]
"""A read of a person's book: by whom, of which patient, of which condition."""


def wiring(running: Running, login: Login) -> dict[str, Any]:
    return {"login": login, "stores": running.stores, "uris": running.service.uris}


def patient(running: Running, login: Login, patient_id: str, _: str) -> Any:
    return read_book.read_resource("Patient", patient_id, **wiring(running, login))


def resource(running: Running, login: Login, _: str, condition: str) -> Any:
    return read_book.read_resource("Condition", condition, **wiring(running, login))


def everything(running: Running, login: Login, patient_id: str, _: str) -> Any:
    return search_book("everything", (), of(patient_id), **wiring(running, login))


def search(running: Running, login: Login, patient_id: str, _: str) -> Any:
    return search_book("search Condition", ("Condition",), of(patient_id), **wiring(running, login))


def in_order(running: Running, login: Login, patient_id: str, _: str) -> Any:
    asked = replace(of(patient_id), orders=orders_of("Condition", "-recorded-date"))
    return search_book("search Condition", ("Condition",), asked, **wiring(running, login))


def version(running: Running, login: Login, _: str, condition: str) -> Any:
    return read_book.read_resource("Condition", condition, version="1", **wiring(running, login))


def summary(running: Running, login: Login, patient_id: str, _: str) -> Any:
    return read_summary(patient_id, **wiring(running, login))


READS: Final = [patient, resource, everything, search, in_order, version, summary]


def of(patient_id: str) -> Search:
    return Search(owners=(frozenset({patient_id}),), count=3)


def own_patient(running: Running, login: Login) -> None:
    search_book("search Patient", ("Patient",), Search(), **wiring(running, login))


def delivered(running: Running) -> tuple[str, str]:
    """The ids of the owner's Patient and of one of their conditions, where a stranger has a book too."""
    running.post(VISIT)
    running.post(dossier(852, person_index=852, rows=1))
    running.settle()
    [condition, *_] = [id_ for kind, id_ in running.shown(NUMBER) if kind == "Condition"]
    return str(running.person_of(NUMBER)), condition


def entries(running: Running) -> list[Any]:
    return running.rows("SELECT n, actor, action, person_id, detail FROM audit_event ORDER BY n")


@pytest.mark.parametrize("read", READS)
def test_p10_every_read_of_ones_own_book_is_exactly_one_entry(running: Running, read: Read) -> None:
    patient_id, condition = delivered(running)
    before = len(entries(running))
    read(running, OWNER, patient_id, condition)

    [entry] = entries(running)[before:]
    assert (entry.actor, entry.person_id) == (actor_of(OWNER, running.stores), UUID(patient_id))


def test_p10_a_search_for_ones_patient_is_one_entry_with_or_without_a_book(running: Running) -> None:
    patient_id, _ = delivered(running)
    before = len(entries(running))
    for login in (OWNER, NOBODY):
        own_patient(running, login)
    assert [entry.person_id for entry in entries(running)[before:]] == [UUID(patient_id), None]


@pytest.mark.parametrize("login", [STRANGER, NOBODY])
@pytest.mark.parametrize("read", READS)
def test_p10_a_foreign_id_is_as_unknown_and_its_owner_can_see_who_tried(
    running: Running, read: Read, login: Login
) -> None:
    patient_id, condition = delivered(running)
    before = len(entries(running))
    with pytest.raises(NotFound) as foreign:
        read(running, login, patient_id, condition)
    with pytest.raises(NotFound) as unknown:
        read(running, login, UNKNOWN, UNKNOWN)

    assert foreign.value.code == unknown.value.code
    assert [entry.person_id for entry in entries(running)[before:]] == [UUID(patient_id), None]
    assert {entry.actor for entry in entries(running)[before:]} == {actor_of(login, running.stores)}


def test_p11_what_only_begins_with_an_id_reads_nothing_and_is_not_written_to_the_log(running: Running) -> None:
    patient_id, _ = delivered(running)
    begins = f'{patient_id}","identifier":[{{"use":"official'
    with pytest.raises(NotFound):
        read_book.read_resource("Patient", begins, **wiring(running, OWNER))
    assert (entries(running)[-1].action, entries(running)[-1].detail) == ("refused read", "")


def test_p11_a_place_that_is_none_is_refused_and_not_written_to_the_log(running: Running) -> None:
    delivered(running)
    asked = Search(orders=orders_of("Condition", "recorded-date"), start=NUMBER)
    with pytest.raises(LostPlace):
        search_book("search Condition", ("Condition",), asked, **wiring(running, OWNER))
    assert (entries(running)[-1].action, entries(running)[-1].detail) == ("search Condition", "")
    search_book("search Condition", ("Condition",), asked, **wiring(running, NOBODY))
    assert (entries(running)[-1].action, entries(running)[-1].detail) == ("search Condition", "")


def test_p11_the_log_does_not_name_a_reader_by_a_number_that_their_provider_calls_them(running: Running) -> None:
    own_patient(running, Login(NUMBER, NUMBER))
    assert NUMBER not in str(entries(running))


def test_a_record_that_cannot_be_opened_does_not_hide_what_another_record_holds(running: Running) -> None:
    patient_id, condition = delivered(running)
    held = running.rows("SELECT record_id FROM book_entry")
    running.post(dossier(853, person_index=851, rows=1))
    running.settle()
    [(broken,)] = set(running.rows("SELECT record_id FROM book_entry")) - set(held)
    with running.stores.database.begin() as connection:
        connection.execute(text("UPDATE book_entry SET manifest = 'x' WHERE record_id = :broken"), {"broken": broken})

    assert f'"id":"{condition}"'.encode() in resource(running, OWNER, patient_id, condition)
    with pytest.raises(Unreadable):
        everything(running, OWNER, patient_id, condition)


@pytest.mark.parametrize("read", READS)
def test_p10_an_id_that_is_none_is_not_found(running: Running, read: Read) -> None:
    running.post(VISIT)
    running.settle()
    for bad in ("", "x", "'; --", '","', UNKNOWN + "0", "\x00", "ø"):
        with pytest.raises(NotFound):
            read(running, OWNER, bad, bad)


def test_p10_a_gone_resource_is_not_found(running: Running) -> None:
    _, condition = delivered(running)
    running.post(dossier(851, person_index=853, shape="inpatient", rows=8), made_on=DAY + timedelta(days=1))
    with pytest.raises(NotFound):
        resource(running, OWNER, "", condition)


def test_p10_following_a_transaction_is_one_entry_and_trying_anothers_is_one_too(running: Running) -> None:
    code = running.post(VISIT).transaction_code
    running.settle()
    owner = running.person_of(NUMBER)
    before = len(entries(running))
    running.follow(code)
    with pytest.raises(NotFound):
        running.follow(code, client="somebody")

    added = entries(running)[before:]
    assert [(entry.actor, entry.person_id) for entry in added] == [
        (f"client:{HOSPITAL}", owner),
        ("client:somebody", owner),
    ]


def test_p10_every_question_to_the_registry_and_every_push_is_one_entry(running: Running) -> None:
    delivered(running)
    actions = [entry.action for entry in entries(running) if entry.actor == "service"]
    assert (actions.count("verify"), actions.count("push")) == (2, 2)


@pytest.mark.parametrize("read", READS)
def test_p10_nothing_is_given_to_a_reader_where_the_log_cannot_be_written(running: Running, read: Read) -> None:
    patient_id, condition = delivered(running)
    running.run("ALTER TABLE audit_event RENAME TO gone")
    with pytest.raises(Exception, match="database"):
        read(running, OWNER, patient_id, condition)


def test_p10_the_log_of_a_whole_day_verifies(running: Running) -> None:
    delivered(running)
    with running.stores.database.begin() as connection:
        assert list(audit.faults(connection, running.stores.keys.audit, {})) == []


# ---- P11 ----


def sensitive(hoso: Hoso) -> set[str]:
    """Every value of a dossier that says who or what: names, numbers, codes of people, and clinical words."""
    tags = ("HO_TEN", "SO_CCCD", "MA_BN", "MA_LK", "DIA_CHI", "DIEN_THOAI", "MA_THE_BHYT", "NGAY_SINH", "MA_HSBA")
    values = {hoso.summary[tag] for tag in tags}
    words = ("CHAN_DOAN_RV", "CHAN_DOAN_VAO", "LY_DO_VV", "PP_DIEU_TRI", "GHI_CHU")
    values |= {hoso.summary[tag] for tag in words}
    texts = {"XML2": ("TEN_THUOC", "LIEU_DUNG"), "XML3": ("TEN_DICH_VU",), "XML4": ("TEN_CHI_SO",)}
    values |= {
        row.get(tag, "") for table, names in texts.items() for row in hoso.tables.get(table, []) for tag in names
    }
    return {value for value in values if len(value) > 5}


def dump(dsns: Dsns) -> bytes:
    """Every row of both databases as COPY writes it; bytes as they are, and texts decomposed too."""
    written = bytearray()
    for dsn in (dsns.main, dsns.keys):
        with psycopg.connect(dsn) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                for row in connection.execute(b"SELECT * FROM " + table.encode()):
                    written += b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    return bytes(written)


def test_p11_a_stolen_dump_shows_no_name_no_number_and_nothing_clinical(running: Running, dsns: Dsns) -> None:
    others = [dossier(860 + n, person_index=860 + n, rows=6) for n in range(3)]
    running.post(VISIT)
    running.post_bytes(json_batch([envelope(others, made_on=DAY)], FACILITY), media_type="json", key="mot")
    running.settle()
    running.post(corrected(VISIT, 1), made_on=DAY + timedelta(days=1))
    running.settle()
    running.shown(NUMBER)

    stolen = dump(dsns)
    assert len(stolen) > 10_000
    found = [
        value
        for hoso in (VISIT, *others)
        for value in sensitive(hoso)
        for form in ("NFC", "NFD")
        if unicodedata.normalize(form, value).encode() in stolen
    ]
    assert found == []


def test_p11_fhir_words_are_not_in_a_dump(running: Running, dsns: Dsns) -> None:
    delivered(running)
    stolen = dump(dsns)
    assert [
        word for word in (b"resourceType", b"Condition", b"GIAMDINH", b"NOIDUNGFILE", b"MA_LK") if word in stolen
    ] == []


def test_p11_nothing_that_the_service_hands_about_tells_of_a_person_in_its_repr(running: Running) -> None:
    answer = running.post_bytes(envelope([VISIT], made_on=DAY))
    running.settle()
    page = running.everything(NUMBER)
    said = repr([answer, page, OWNER, running.follow(answer.files[0].dossiers[0].transaction_code)])

    assert [value for value in sensitive(VISIT) if value in said] == []


def test_p11_no_entry_of_the_log_names_anybody(running: Running) -> None:
    patient_id, condition = delivered(running)
    for read in READS:
        read(running, OWNER, patient_id, condition)
    text = str(entries(running))
    assert [value for value in sensitive(VISIT) if value in text] == []


# ---- P12 and the citizen's view ----


def test_p12_times_come_from_the_database_and_not_from_the_host(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    code = running.post(VISIT).transaction_code
    [(age,)] = running.rows("SELECT clock_timestamp() - accepted_at FROM record_version")
    assert timedelta(0) <= age < timedelta(seconds=30)
    assert running.follow(code).steps[0].at is not None


def test_what_a_citizen_is_shown_is_what_the_book_holds(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    shown = {k: {n: x for n, x in v.items() if n != "meta"} for k, v in running.shown(NUMBER).items() if is_clinical(v)}
    assert shown == running.living(NUMBER)


def test_p3_every_shown_resource_has_a_version_and_a_time(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    resources = [orjson.loads(r) for r in running.everything(NUMBER).resources]
    metas = [each["meta"] for each in resources]
    derived = {"Patient", "Organization", "Practitioner"}  # nobody counts theirs: it names what stands in them
    counted = {each["meta"]["versionId"] for each in resources if each["resourceType"] not in derived}
    named = {each["meta"]["versionId"] for each in resources if each["resourceType"] in derived}
    assert (counted, {len(version) for version in named}) == ({"1"}, {16})
    assert not any(meta["lastUpdated"].startswith("1970") for meta in metas)
