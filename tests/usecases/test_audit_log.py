"""P10 against somebody who owns the main database: what they take out of the audit log is told of elsewhere, and named.

The attacks are SQL as that owner types it; what the service tells meanwhile lies where they cannot write.
"""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, KeySet

from ehr_sync.adapters.checkpoint_copy import copy_to, file_of
from ehr_sync.core import anchor
from ehr_sync.core.errors import Misconfigured, NotFound, Unavailable
from ehr_sync.core.ports import Login
from ehr_sync.store import audit
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.database import anchor_on_commit
from ehr_sync.usecases.access.actors import actor_of
from ehr_sync.usecases.access.authenticate import Signer
from ehr_sync.usecases.auditing.checkpoint import NotSigned, checkpointing, read_signed, signed
from ehr_sync.usecases.auditing.verify_log import verify_log
from ehr_sync.usecases.book.search_book import Search, search_book
from tests.usecases.service import Running

READER: Final = Login("citizen", "001099000001")
LATE: Final = (
    """CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         DELETE FROM audit_event WHERE n = NEW.n;
         UPDATE audit_head SET n = NEW.n - 1,
           mac = coalesce((SELECT mac FROM audit_event WHERE n = NEW.n - 1), decode(repeat('00', 32), 'hex'));
         RETURN NULL; END $$""",
    "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON audit_event DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION cut()",
)
GONE: Final = ("DROP TRIGGER late ON audit_event", "DROP FUNCTION cut")


@dataclass(slots=True)
class Watched:
    """A service whose log lines are kept as a worker writes them, and whose checkpoints as a scheduler makes them."""

    running: Running
    lines: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def read(self, times: int = 1) -> None:
        """Somebody without a book asks for it: one entry each."""
        for _ in range(times):
            anchor.take()
            search_book(
                "search Patient",
                ("Patient",),
                Search(),
                login=READER,
                stores=self.running.stores,
                uris=self.running.service.uris,
            )
            self.lines.append(json.dumps({"event": "request", "audit": str(anchor.take())}))

    def own(self, *statements: str) -> None:
        """What the owner of the main database does."""
        for statement in statements:
            self.running.run(statement)

    def cut(self, last: int) -> None:
        """The log ends with this entry again, its head too."""
        self.own(
            f"DELETE FROM audit_event WHERE n > {last}",  # noqa: S608 - the attack
            f"UPDATE audit_head SET (n, mac) = (SELECT n, mac FROM audit_event WHERE n = {last})",  # noqa: S608
        )

    def checkpoint(self) -> None:
        """Note the head, in the key store and as a copy."""
        stores = self.running.stores
        checkpointing(stores=stores, entries=1, copy=self.copied.append, stopwatch=lambda: 0.0)()

    def faults(self, *, logs: bool = False, copies: bool = False, keys: KeySet | None = None) -> Sequence[str]:
        """What verifying finds, with what was told elsewhere or without."""
        found = verify_log(
            stores=self.running.stores,
            key_database=self.running.service.key_database,
            logs={"web.log": self.lines} if logs else {},
            copies={"far.jws": self.copied} if copies else {},
            keys=keys or own_keys(self.running),
        )
        return found.faults


def own_keys(running: Running) -> KeySet:
    return KeySet([ECKey.import_key(running.stores.keys.signing)])


@pytest.fixture
def watched(running: Running) -> Watched:
    """With five reads, of which a checkpoint covers the first three."""
    made = Watched(running)
    # The hospital was registered before: here the log begins with the first read.
    made.own("DELETE FROM audit_event", "DELETE FROM audit_head")
    made.read(3)
    made.checkpoint()
    made.read(2)
    return made


def test_p10_a_log_that_nobody_touched_fits_all_that_is_told_of_it(watched: Watched) -> None:
    assert watched.faults(logs=True, copies=True) == []


def test_p10_a_tail_cut_back_to_the_last_checkpoint_is_told_of_by_the_service_s_own_log(watched: Watched) -> None:
    watched.cut(3)
    assert watched.faults() == []  # as it was: nothing in either database tells of it
    assert watched.faults(logs=True) == ["the log web.log tells of entry 5, which is missing"]


def test_p10_a_tail_that_was_cut_and_written_over_is_told_of_by_the_log(watched: Watched) -> None:
    watched.cut(4)
    watched.read()
    assert watched.faults(logs=True) == ["entry 5 differs from what the log web.log says"]


def test_p10_a_read_that_a_deferred_trigger_takes_back_is_named_while_it_stands_and_after(watched: Watched) -> None:
    watched.own(*LATE)
    watched.read()
    assert watched.faults() == ["in the main database: trigger late on audit_event"]
    watched.own(*GONE)
    assert watched.faults() == []
    assert watched.faults(logs=True) == ["the log web.log tells of entry 6, which is missing"]


def test_p10_a_read_that_was_taken_back_is_told_of_though_later_ones_stand_in_its_place(watched: Watched) -> None:
    watched.own(*LATE)
    watched.read()
    watched.own(*GONE)
    watched.read(3)
    assert watched.faults(logs=True) == ["entry 6 differs from what the log web.log says"]


def test_p10_a_rule_in_the_key_store_is_named(watched: Watched) -> None:
    with watched.running.service.key_database.begin() as connection:
        connection.exec_driver_sql("CREATE RULE mute AS ON INSERT TO audit_checkpoint DO INSTEAD NOTHING")
    assert watched.faults() == ["in the key store: rule mute on audit_checkpoint"]


def test_p10_a_transaction_that_is_rolled_back_is_told_of_nowhere(watched: Watched) -> None:
    stores = watched.running.stores
    with suppress(ZeroDivisionError), stores.database.begin() as connection:
        audit.write(connection, stores.keys.audit, [AuditEntry("service", "push")])
        raise ZeroDivisionError
    assert anchor.take() is None
    with stores.database.begin() as connection:
        connection.exec_driver_sql("SELECT 1")  # on the same connection of the pool
    assert anchor.take() is None


def test_p10_what_is_counted_with_an_entry_that_is_there_is_a_trace_without_an_anchor(watched: Watched) -> None:
    stores = watched.running.stores
    with stores.database.begin() as connection:
        anchor_on_commit(connection, None)
    assert (anchor.is_traced(), anchor.take(), anchor.is_traced()) == (True, None, False)
    with stores.database.begin() as connection:
        audit.write(connection, stores.keys.audit, [AuditEntry("service", "push")])
        anchor_on_commit(connection, None)
    assert anchor.take() is not None


def test_p10_a_transaction_that_fails_as_it_commits_is_told_of_nowhere(watched: Watched) -> None:
    watched.own(LATE[0].replace("RETURN NULL", "RAISE EXCEPTION 'no'"), LATE[1])
    with pytest.raises(Exception, match="database"):
        watched.read()
    assert anchor.take() is None


# ---- checkpoints ----


@pytest.mark.parametrize(("age", "stale"), [("4 minutes", False), ("6 minutes", True)])
def test_p10_entries_that_no_checkpoint_covers_for_minutes_are_a_fault(watched: Watched, age: str, stale: bool) -> None:
    key = watched.running.stores.keys.audit
    [(at,)] = watched.running.rows(f"SELECT clock_timestamp() - interval '{age}'")
    with watched.running.stores.database.begin() as connection:
        # As it was written then, with the key: no forgery.
        mac = connection.exec_driver_sql("SELECT mac FROM audit_event WHERE n = 3").scalar_one()
        for n in (4, 5):
            entry = AuditEntry(actor_of(READER, watched.running.stores), "search Patient")
            mac = audit._mac(key, mac, n, at.astimezone(UTC), entry)
            connection.exec_driver_sql("UPDATE audit_event SET at = %s, mac = %s WHERE n = %s", (at, mac, n))
        connection.exec_driver_sql("UPDATE audit_head SET mac = %s", (mac,))
    expected = [
        f"no checkpoint covers the entries since {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}: does a scheduler run?"
    ]
    assert watched.faults() == (expected if stale else [])
    watched.checkpoint()
    assert watched.faults() == []


def test_p10_the_head_is_noted_every_so_many_entries_and_every_minute(watched: Watched) -> None:
    clock = {"now": 0.0}
    heads: list[str] = []
    check = checkpointing(stores=watched.running.stores, entries=4, copy=heads.append, stopwatch=lambda: clock["now"])
    assert check()  # the first: nobody knows what was noted before
    assert not check()
    watched.read(3)
    clock["now"] = 59.0
    assert not check()
    watched.read(1)
    assert check()  # four came
    watched.read(1)
    clock["now"] = 118.0
    assert not check()
    clock["now"] = 119.0
    assert check()  # a minute passed
    clock["now"] = 500.0
    assert not check()  # nothing came
    keys = own_keys(watched.running)
    assert [read_signed(head, keys)[0] for head in heads] == [5, 9, 10]
    assert {9, 10} <= watched.running.stores.key_store.audit_heads().keys()


def test_p10_a_second_place_that_is_away_costs_no_checkpoint_in_the_key_store(watched: Watched) -> None:
    def away(_: str) -> None:
        raise Unavailable("audit.copy_away")

    check = checkpointing(stores=watched.running.stores, entries=1, copy=away, stopwatch=lambda: 0.0)
    with pytest.raises(Unavailable):
        check()
    assert 5 in watched.running.stores.key_store.audit_heads()
    assert not check()  # and it is not asked again each second


# ---- the second place ----


def test_p10_a_log_cut_in_both_databases_is_told_of_by_the_signed_copy(watched: Watched) -> None:
    watched.checkpoint()
    watched.cut(3)
    with watched.running.service.key_database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit_checkpoint WHERE n > 3")
    assert watched.faults() == []
    assert watched.faults(copies=True) == ["the copy far.jws tells of entry 5, which is missing"]


def test_p10_whoever_has_the_public_key_alone_can_check_a_checkpoint(watched: Watched) -> None:
    """With a JOSE library and the key set that the service publishes, and nothing of the service."""
    published: Any = Signer("http://127.0.0.1", own_keys(watched.running), KeySet([])).public_jwks()
    [told] = watched.copied
    read = jws.deserialize_compact(told, KeySet.import_key_set(published), algorithms=["ES256"])
    head = json.loads(read.payload)
    [(mac,)] = watched.running.rows("SELECT mac FROM audit_event WHERE n = 3")
    assert (head["n"], head["mac"]) == (3, bytes(mac).hex())
    assert datetime.now(UTC) - datetime.fromisoformat(head["at"]) < timedelta(minutes=1)


def swapped_signature(told: str, other: str) -> str:
    return f"{told.rpartition('.')[0]}.{other.rpartition('.')[2]}"


def test_p10_a_line_of_the_copy_that_the_service_did_not_sign_is_named(watched: Watched) -> None:
    watched.checkpoint()
    first, second = watched.copied
    foreign = ECKey.generate_key("P-256", auto_kid=True).as_dict(private=True)
    watched.copied += [
        signed(5, bytes(32), at=datetime.now(UTC), signing=foreign),
        swapped_signature(first, second),
        "2026-11-28T00:00:00Z host ehr-sync: nothing of ours",
        "",
        f"<14>Nov 28 00:00:00 host ehr-sync: {first}\x00",
    ]
    assert watched.faults(copies=True) == [
        "line 3 of the copy far.jws is not signed by this service",
        "line 4 of the copy far.jws is not signed by this service",
        "line 5 of the copy far.jws is no checkpoint",
    ]


def test_p10_a_copy_from_before_the_signing_key_was_changed_is_read_with_the_former_key(watched: Watched) -> None:
    former = own_keys(watched.running)
    new = KeySet([ECKey.generate_key("P-256", auto_kid=True)])
    assert watched.faults(copies=True, keys=new) == ["line 1 of the copy far.jws is not signed by this service"]
    assert watched.faults(copies=True, keys=KeySet([*new.keys, *former.keys])) == []


@pytest.mark.parametrize("kind", ["at+jwt", "JWT", None])
def test_p10_no_token_of_ours_passes_as_a_checkpoint(watched: Watched, kind: str | None) -> None:
    key = ECKey.import_key(watched.running.stores.keys.signing)
    header: dict[str, Any] = {"alg": "ES256", "kid": key.kid} | ({"typ": kind} if kind else {})
    payload = json.dumps({"n": 1, "mac": "00"})
    token = jws.serialize_compact(header, payload, key, algorithms=["ES256"])
    with pytest.raises(NotSigned):
        read_signed(token, own_keys(watched.running))


def test_a_copy_in_a_file_grows_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "heads.jws"
    copy = copy_to(str(path))
    assert copy is not None
    for text in ("one", "two"):
        copy(text)
    assert path.read_text() == "one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert file_of(str(path)) == path
    path.rename(tmp_path / "moved")
    copy("three")
    assert path.read_text() == "three\n"


def test_a_copy_that_cannot_be_written_is_said_at_start_and_later_put_off(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for place in (tmp_path / "nowhere" / "heads", tmp_path, tmp_path / "link"):
        with pytest.raises(Misconfigured):
            copy_to(str(place))
    folder = tmp_path / "mount"
    folder.mkdir()
    copy = copy_to(str(folder / "heads"))
    assert copy is not None
    (folder / "heads").unlink()
    folder.rmdir()
    with pytest.raises(Unavailable):
        copy("one")


def test_a_copy_goes_to_syslog_as_one_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(5)
        place = f"syslog://127.0.0.1:{daemon.getsockname()[1]}"
        copy = copy_to(place)
        assert copy is not None and file_of(place) is None
        copy("header.payload.signature")
        assert daemon.recv(1000).rstrip(b"\0") == b"<14>ehr-sync: header.payload.signature"


def test_no_second_place_is_none() -> None:
    assert (copy_to(""), file_of("")) == (None, None)


def test_p10_a_refused_life_line_is_told_of_like_a_read(watched: Watched) -> None:
    anchor.take()
    with pytest.raises(NotFound):
        watched.running.follow("GD" + "A" * 29)
    assert anchor.is_traced() and anchor.take() is not None and not anchor.is_traced()
