"""Person keys: committed before use, gone for good when erased, opened by the root key alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from ehr_sync.core.errors import Misconfigured
from ehr_sync.store.database import Database
from ehr_sync.store.key_store import KeyStore
from ehr_sync.store.sealing import Unreadable
from tests.store.conftest import ROOT


def test_a_new_persons_key_is_committed_before_it_is_handed_out(key_store: KeyStore, key_database: Database) -> None:
    person_id, key = key_store.new_person()
    assert KeyStore(key_database, ROOT).keys([person_id]) == {person_id: key}


def test_no_two_threads_are_given_one_person(key_store: KeyStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(lambda _: key_store.new_person(), range(300)))
    assert len({person_id for person_id, _ in given}) == len({key for _, key in given}) == 300


def test_somebody_without_a_key_is_left_out(key_store: KeyStore) -> None:
    known, unknown = key_store.new_person(), key_store.new_person()
    key_store.erase(unknown[0])
    assert key_store.keys([known[0], unknown[0]]) == dict([known])


def test_an_erased_key_is_in_the_ledger_and_nowhere_else(key_store: KeyStore, key_database: Database) -> None:
    person_id, _ = key_store.new_person()
    for _ in range(2):
        key_store.erase(person_id)
    assert key_store.erased() == {person_id}
    assert KeyStore(key_database, ROOT).keys([person_id]) == {}


def test_an_erased_key_is_forgotten_by_other_processes_after_half_a_minute(
    key_store: KeyStore, key_database: Database
) -> None:
    now = [0.0]
    other = KeyStore(key_database, ROOT, stopwatch=lambda: now[0])
    person_id, key = key_store.new_person()
    assert other.keys([person_id]) == {person_id: key}
    key_store.erase(person_id)
    now[0] = 31.0
    assert other.keys([person_id]) == {}


def test_another_root_key_opens_nothing_and_says_what_to_do(key_store: KeyStore, key_database: Database) -> None:
    with pytest.raises(Misconfigured, match="EHR_SYNC_KEY_FILE"):
        KeyStore(key_database, bytes(32))


def test_processes_that_start_at_once_agree_on_one_key_encryption_key(key_database: Database) -> None:
    with ThreadPoolExecutor(5) as threads:
        stores = list(threads.map(lambda _: KeyStore(key_database, ROOT), range(5)))
    person_id, key = stores[0].new_person()
    assert [store.keys([person_id]) for store in stores] == [{person_id: key}] * 5


def test_what_is_wrapped_opens_in_its_place_only(key_store: KeyStore) -> None:
    wrapped = key_store.wrap(b"key", b"here")
    assert key_store.unwrap(wrapped, b"here") == b"key"
    with pytest.raises(Unreadable):
        key_store.unwrap(wrapped, b"there")


def test_p11_a_key_moved_to_another_person_does_not_open(key_store: KeyStore, key_database: Database) -> None:
    one, other = (key_store.new_person()[0] for _ in range(2))
    with key_database.begin() as connection:
        swap = text(
            "UPDATE person_key SET wrapped = (SELECT wrapped FROM person_key WHERE person_id = :a) WHERE person_id = :b"
        )
        connection.execute(swap, {"a": one, "b": other})
    with pytest.raises(Unreadable):
        KeyStore(key_database, ROOT).keys([other])
    assert KeyStore(key_database, ROOT).keys_that_open([one, other]).keys() == {one}


def test_heads_of_the_audit_log_are_kept_and_never_overwritten(key_store: KeyStore) -> None:
    for head in [(0, b"none"), (3, b"abc"), (3, b"xyz"), (9, b"def")]:
        key_store.note_audit_head(head)
    assert key_store.audit_heads() == {3: b"abc", 9: b"def"}
