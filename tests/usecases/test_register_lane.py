"""Organizations and Practitioners reach a book by a lane of their own, before those who refer to them, once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

import orjson
import pytest

from ehr_sync import bootstrap
from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.store import clients
from ehr_sync.store import lanes as lane_store
from ehr_sync.store.register import REGISTER
from ehr_sync.store.resyncs import Scope
from ehr_sync.usecases.delivery.resync_lanes import order_resync
from ehr_sync.usecases.delivery.tell_register import follow_renames
from tests.usecases.service import FACILITY, Running, number_of
from tests.usecases.test_p6_p7_delivery import Dying, Killed

PLAYERS: Final = {"Organization", "Practitioner"}
PUSH: Final = {"method": "POST", "path": "/fhir"}


def entries(push: dict[str, Any]) -> list[tuple[str, str]]:
    """What a push writes beside its watermark, as the book received it."""
    urls = [entry["request"]["url"].split("/") for entry in orjson.loads(push["received"])["entry"]]
    return [(kind, id_) for kind, id_ in urls if kind != "Basic"]


def stored(running: Running) -> Sequence[dict[str, Any]]:
    return running.journal("book", kind="push", outcome="stored")


def of_register(running: Running) -> Sequence[dict[str, Any]]:
    return [push for push in stored(running) if not push["number"]]


def told(running: Running, kind: str) -> Counter[str]:
    """How often each player of a type was told."""
    return Counter(id_ for push in stored(running) for type_, id_ in entries(push) if type_ == kind)


def lanes(running: Running) -> list[Any]:
    return running.rows("SELECT * FROM lane WHERE person_id <> :who", who=REGISTER)


def register(running: Running) -> Any:
    [row] = running.rows("SELECT * FROM lane WHERE person_id = :who", who=REGISTER)
    return row


def post(running: Running, *indexes: int) -> list[str]:
    codes = [running.post(dossier(index, person_index=index, rows=3)).transaction_code for index in indexes]
    running.verify()
    return codes


def rename(running: Running, name: str, code: str = FACILITY) -> None:
    with running.stores.database.begin() as connection:
        clients.add_facility(connection, running.stores.keys, code, name=name)


def names_told(running: Running) -> list[str]:
    sent = [entry.get("resource", {}) for push in stored(running) for entry in orjson.loads(push["received"])["entry"]]
    return [resource["name"] for resource in sent if resource.get("resourceType") == "Organization"]


def test_people_tell_no_player_and_the_register_nothing_else(running: Running) -> None:
    post(running, 801, 802, 803)
    running.deliver()

    theirs = {kind for push in running.pushes_of_people() for kind, _ in entries(push)}
    assert theirs & PLAYERS == set()
    assert {kind for push in of_register(running) for kind, _ in entries(push)} == PLAYERS
    assert [push["patients"] for push in of_register(running)] == [[]] * len(of_register(running))


def test_no_two_lanes_write_one_resource(running: Running) -> None:
    post(running, 804, 805)
    running.deliver()
    order_resync(Scope(), by="ops", reason="yc", stores=running.stores)
    running.resync()
    running.deliver()

    writers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for push in stored(running):
        for resource in entries(push):
            writers[resource].add(push["watermarks"][0]["id"])
    assert [resource for resource, lanes_ in writers.items() if len(lanes_) > 1] == []


def test_players_are_told_before_who_refers_to_them_in_one_sweep(running: Running) -> None:
    codes = post(running, 806)
    running.deliver()

    first, second = stored(running)
    assert (first["number"], second["number"]) == ("", number_of(806))
    assert running.follow(codes[0]).state == "delivered"


def test_a_player_is_told_once_however_many_refer_to_it(running: Running) -> None:
    for indexes in ((807, 808), (809,), (810, 811)):
        post(running, *indexes)
        running.deliver()

    assert set(told(running, "Organization").values()) == {1}
    assert set(told(running, "Practitioner").values()) == {1}
    assert len(running.pushes_of_people()) == 5


def test_two_schedulers_at_once_tell_every_player_once(running: Running) -> None:
    post(running, *range(812, 824))
    sweeps = [running.delivery(slots=3) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda sweep: (sweep.run_dry(), sweep.drain()), sweeps))
    running.deliver()

    assert set(told(running, "Organization").values()) == {1}
    assert set(told(running, "Practitioner").values()) == {1}
    assert sorted(push["number"] for push in running.pushes_of_people()) == sorted(map(number_of, range(812, 824)))


def test_many_players_are_cut_into_bundles(running: Running) -> None:
    post(running, *range(824, 832))
    sweep = running.delivery(entries=4)
    sweep.run_dry()
    sweep.drain()

    assert max(len(entries(push)) for push in of_register(running)) == 3
    seqs = [push["watermarks"][0]["seq"] for push in of_register(running)]
    assert seqs == sorted(set(seqs))
    assert (register(running).base, register(running).due_at) == (register(running).want, None)


# ---- Names ----


def test_a_renamed_facility_is_told_once_though_nobody_comes(running: Running) -> None:
    post(running, 832)
    running.deliver()
    rename(running, "Bệnh viện mới")
    for _ in range(3):
        follow_renames(stores=running.stores, uris=running.service.uris)
        running.deliver()

    assert names_told(running) == ["Bệnh viện mẫu", "Bệnh viện mới"]


def test_a_new_name_is_told_before_the_next_who_refers_to_it(running: Running) -> None:
    post(running, 833)
    running.deliver()
    rename(running, "Bệnh viện mới")
    post(running, 834)
    running.deliver()

    assert names_told(running) == ["Bệnh viện mẫu", "Bệnh viện mới"]
    assert stored(running)[-1]["number"] == number_of(834)


@pytest.mark.parametrize("slots", [1, 8])
def test_p7_who_begins_to_wait_when_the_register_has_just_been_told_does_not_wait(
    running: Running, monkeypatch: pytest.MonkeyPatch, slots: int
) -> None:
    post(running, 861)
    lock, between = lane_store.lock_unchanged, ["another scheduler tells the register"]

    def locked(*arguments: Any) -> Any:
        # By now this one has read that players are not told yet.
        if between:
            between.clear()
            other = running.delivery()
            other.run_dry()
            other.drain()
        return lock(*arguments)

    monkeypatch.setattr(lane_store, "lock_unchanged", locked)
    sweep = running.delivery(slots=slots)
    sweep.run_dry()
    sweep.drain()

    assert running.rows("SELECT due_at, reason FROM lane GROUP BY 1, 2") == [(None, "")]
    assert len(running.stored(number_of(861))) == 1


def test_a_facility_that_no_record_names_is_not_told(running: Running) -> None:
    rename(running, "Trạm y tế", code="01002")
    post(running, 835)
    running.deliver()
    follow_renames(stores=running.stores, uris=running.service.uris)
    running.deliver()

    assert names_told(running) == ["Bệnh viện mẫu"]


# ---- Waiting ----


def test_p6_who_waits_for_a_player_keeps_nobody_else_waiting(running: Running) -> None:
    post(running, 836)
    running.deliver()
    running.world.order("book", "status", status=400, match={**PUSH, "contains": '"Organization/'}, times=1)
    rename(running, "Bệnh viện mới")
    codes = post(running, 837)
    running.deliver()
    assert (register(running).state, [lane.state for lane in lanes(running)]) == ("parked", ["open"] * 2)
    assert (running.follow(codes[0]).state, running.follow(codes[0]).next) == ("delivering", "book")

    rename(running, "Bệnh viện mẫu")
    running.deliver()
    assert running.follow(codes[0]).state == "delivered"


def test_who_waits_looks_again_after_ten_seconds_and_is_woken_before(running: Running) -> None:
    post(running, 838)
    running.world.order("book", "status", status=429, retry_after="60", match=PUSH, times=1)
    running.deliver()

    [lane] = running.rows(
        "SELECT reason, attempts, due_at - clock_timestamp() AS left FROM lane WHERE person_id <> :who", who=REGISTER
    )
    assert (lane.reason, lane.attempts) == ("register.not_told", 0)
    assert timedelta(seconds=8) < lane.left <= timedelta(seconds=10)
    running.run("UPDATE lane SET due_at = clock_timestamp() WHERE person_id = :who", who=REGISTER)
    sweep = running.delivery()
    sweep.run_dry()
    sweep.drain()
    assert [push["number"] for push in stored(running)] == ["", number_of(838)]


@pytest.mark.parametrize("after", [True, False])
def test_p7_a_register_push_whose_worker_died_is_asked_about(running: Running, after: bool) -> None:
    codes = post(running, 839)
    dies = running.delivery(Dying(bootstrap.book_of(running.service), after=after))
    with pytest.raises(Killed):
        dies.run_dry()
    dies.drain()
    running.deliver()

    assert set(told(running, "Organization").values()) == {1}
    assert running.follow(codes[0]).state == "delivered"


def test_p10_a_register_push_is_a_read_of_nobody(running: Running) -> None:
    post(running, 840)
    running.deliver()

    rows = running.rows("SELECT person_id FROM audit_event WHERE action = 'push'")
    assert [row.person_id for row in rows] == [lanes(running)[0].person_id]


# ---- A book that lost everything ----


def test_a_resync_tells_the_players_before_the_people(running: Running) -> None:
    post(running, 841, 842)
    running.deliver()
    before = len(stored(running))
    order_resync(Scope(), by="ops", reason="yc", stores=running.stores)
    running.resync()
    running.deliver()

    again = [push["number"] for push in stored(running)[before:]]
    assert (again[0], sorted(again[1:])) == ("", sorted(map(number_of, (841, 842))))
    assert set(told(running, "Organization").values()) == {2}


def test_a_resync_of_one_patient_tells_no_player(running: Running) -> None:
    post(running, 843)
    running.deliver()
    before = len(stored(running))
    order_resync(Scope(patient=lanes(running)[0].person_id), by="ops", reason="yc", stores=running.stores)
    running.resync()
    running.deliver()

    assert [push["number"] for push in stored(running)[before:]] == [number_of(843)]
