"""Real health books speak in dialects: in each, everything settles or is told as what it is (P6, P7, P8)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import orjson
import pytest

from ehr_sync import bootstrap
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.runtime.logs import make_log
from ehr_sync.sandbox.dossiers.generator import corrected, dossier, planted, without_row
from ehr_sync.store import destinations
from ehr_sync.store.destinations import Destination
from ehr_sync.store.register import REGISTER
from ehr_sync.store.resyncs import Scope
from ehr_sync.usecases.delivery import compose_bundle, send_or_ask
from ehr_sync.usecases.delivery.compose_bundle import lane_id, old_lane_id
from ehr_sync.usecases.delivery.resync_lanes import order_resync
from ehr_sync.usecases.delivery.watch_book import watch_book
from mappings.fhir.bundle import NextWatermark, watermark
from tests.usecases import dialects
from tests.usecases.dialects import Asked, Dialect, Proxy, Said, before, outcome
from tests.usecases.service import DAY, Running, number_of, with_settings
from tests.usecases.test_p6_p7_delivery import assert_settled, lane, visits

INDEX: Final = 701
NUMBER: Final = number_of(INDEX)
VISIT: Final = dossier(701, person_index=INDEX, shape="outpatient", rows=6)
LATER: Final = DAY + timedelta(days=1)

QUICK: Final = RetryPolicy(0.01, 0.05)


@pytest.fixture
def proxy(running: Running) -> Iterator[Proxy]:
    with before(running.world.book_url, dialects.plain) as made:
        yield made


def speaking(running: Running, proxy: Proxy, dialect: Dialect) -> Running:
    proxy.dialect = dialect
    return with_settings(running, book_url=proxy.url)


def deliver(running: Running, times: int = 12) -> None:
    """As the scheduler does, with every pause over at once."""
    for _ in range(times):
        watch(running)
        running.deliver()


def watch(running: Running, told: list[tuple[str, str]] | None = None) -> None:
    service = running.service
    running.run("UPDATE destination SET probe_at = clock_timestamp() WHERE probe_at IS NOT NULL")
    book = bootstrap.book_of(service)
    watch_book(
        stores=running.stores,
        book=book,
        book_url=service.settings.book_url,
        uris=service.uris,
        retry=QUICK,
        tell=lambda _, stands, why: (told if told is not None else []).append((stands, why)),
    )


def place(running: Running) -> Destination:
    with running.stores.database.begin() as connection:
        return destinations.standing(connection, running.stores.destination)


def register(running: Running) -> Any:
    [row] = running.rows("SELECT * FROM lane WHERE person_id = :who", who=REGISTER)
    return row


def resync(running: Running, **scope: Any) -> None:
    order_resync(Scope(**scope), by="ops", reason="yc", stores=running.stores)
    running.resync()


SETTLING: Final[dict[str, Dialect]] = {
    "as the sandbox": dialects.plain,
    "an etag without quotes": dialects.unquoted_etag,
    "tags merged and sorted": dialects.tags_merged_and_sorted,
    "409 for a wrong ifMatch": dialects.conflict_for_wrong_match,
    "404 for a wrong ifMatch": dialects.nothing_for_match_on_nothing,
    "ifMatch ignored": dialects.match_ignored,
    "a location and no etag": dialects.location_without_etag,
    "neither etag nor location": dialects.neither_etag_nor_location,
    "an integer status": dialects.integer_status,
    "an OperationOutcome with 200": dialects.outcome_with_200,
    "nothing with 200": dialects.empty_200,
    "at most 12 entries, by 413": dialects.at_most(12, 413, ""),
    "at most 12 entries, by 422": dialects.at_most(12, 422, "too many entries in Bundle"),
    "at most 12 entries, by 400": dialects.at_most(12, 400, "The limit is 12 entries"),
    **{f"{status} at first": dialects.every_other_push(status) for status in (408, 409, 423, 425, 429)},
}


@pytest.mark.parametrize("name", SETTLING)
def test_p6_first_push_correction_withdrawal_and_resync_settle_in_every_dialect(
    running: Running, proxy: Proxy, name: str
) -> None:
    told = speaking(running, proxy, SETTLING[name])
    codes = [told.post(VISIT).transaction_code, told.post(visits(1)[0]).transaction_code]
    told.verify()
    deliver(told)
    assert_settled(told)
    assert [told.follow(code).state for code in codes] == ["delivered"] * 2

    told.post(corrected(VISIT, 1), made_on=LATER)
    deliver(told)
    assert_settled(told)

    told.post(without_row(corrected(VISIT, 1), "XML2"), made_on=LATER + timedelta(days=1))
    told.post(planted(visits(1)[0], "icd_main"), made_on=LATER)
    deliver(told)
    assert_settled(told)

    resync(told)
    deliver(told)
    assert_settled(told)
    assert place(told).paused == ""


def test_p8_one_entry_fewer_is_told_as_that_and_nothing_is_delivered(running: Running, proxy: Proxy) -> None:
    told = speaking(running, proxy, dialects.one_entry_fewer)
    code = told.post(VISIT).transaction_code
    told.verify()
    deliver(told, 3)
    assert (register(told).state, register(told).reason) == ("parked", "book.entry_missing")
    assert told.follow(code).state == "delivering"

    told = speaking(running, proxy, dialects.plain)
    resync(told)
    deliver(told)
    proxy.dialect = dialects.one_entry_fewer
    told.post(corrected(VISIT, 1), made_on=LATER)
    deliver(told, 3)
    assert (lane(told).state, lane(told).reason) == ("parked", "book.entry_missing")


# ---- The watermark ----


def test_a_lanes_first_act_is_to_put_its_watermark_alone(running: Running, proxy: Proxy) -> None:
    told = speaking(running, proxy, dialects.plain)
    told.post(VISIT)
    told.verify()
    told.deliver()

    writes = [(method, path.split("/")[2:3]) for method, path in proxy.asked if method != "GET"]
    assert writes == [("PUT", ["Basic"]), ("POST", [])] * 2
    pushes = [orjson.loads(push["received"]) for push in told.journal("book", kind="push")]
    assert [push["entry"][0]["request"].get("ifMatch") for push in pushes] == ['W/"1"'] * 2
    assert "ifNoneMatch" not in str(pushes)


@pytest.mark.parametrize(("dialect", "fenced"), [(dialects.plain, True), (dialects.match_ignored, False),
    (dialects.conflict_for_wrong_match, True)])  # fmt: skip
def test_a_book_is_asked_whether_it_fences(running: Running, proxy: Proxy, dialect: Dialect, fenced: bool) -> None:
    told = speaking(running, proxy, dialect)
    assert place(told).fenced is None
    watch(told)

    assert place(told).fenced is fenced
    deleted = [path for method, path in proxy.asked if method == "DELETE"]
    assert len(deleted) == 1
    watch(told)
    assert [path for method, path in proxy.asked if method == "DELETE"] == deleted


# ---- Lanes of before ----


@pytest.fixture
def of_before(running: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A service whose lanes are as migration 0002 leaves them: delivered, with their watermarks under the old ids."""
    running.post(VISIT)
    with monkeypatch.context() as before_:
        before_.setattr(compose_bundle, "lane_id", old_lane_id)
        before_.setattr(send_or_ask, "lane_id", old_lane_id)
        running.settle()
    running.run("UPDATE lane SET etag = NULL, old_mark = true")
    return running


def old_mark(running: Running) -> str:
    return old_lane_id(running.stores.keys, lane(running).person_id, running.stores.destination)


def test_p6_a_lane_of_before_moves_to_its_new_watermark_and_deletes_the_old(of_before: Running) -> None:
    of_before.post(corrected(VISIT, 1), made_on=LATER)
    of_before.deliver()

    assert_settled(of_before)
    assert lane(of_before).old_mark is False
    assert [entry["id"] for entry in of_before.journal("book", kind="alone", action="delete")] == [old_mark(of_before)]
    assert [len(push["entries"]) for push in of_before.stored(NUMBER)][1] < len(of_before.stored(NUMBER)[0]["entries"])


def test_p6_a_lane_of_before_whose_watermark_is_lost_is_told_everything(of_before: Running) -> None:
    bootstrap.book_of(of_before.service).delete_watermark(old_mark(of_before))
    of_before.post(corrected(VISIT, 1), made_on=LATER)
    of_before.deliver()
    assert (lane(of_before).state, lane(of_before).reason) == ("parked", "book.watermark_deleted")
    resync(of_before)
    of_before.deliver()

    assert_settled(of_before)
    first, again = [{entry["id"] for entry in push["entries"]} for push in of_before.stored(NUMBER)]
    assert len(first & again) >= len(first) - 1


def test_p6_a_book_that_is_ahead_of_a_lane_of_before_is_not_taken_back(of_before: Running) -> None:
    ahead = NextWatermark(old_mark(of_before), 9, "ab", "")
    bootstrap.book_of(of_before.service).put_watermark(ahead.lane_id, watermark(ahead, of_before.service.uris).json)
    of_before.post(corrected(VISIT, 1), made_on=LATER)
    of_before.deliver()

    assert (lane(of_before).state, lane(of_before).reason) == ("parked", "book.ahead_of_us")


# ---- A book that lost something ----


def lost(dialect: Dialect, ids: set[str]) -> Dialect:
    """A book in which these watermarks are gone until they are put again."""

    def answer(asked: Asked) -> Said:
        if asked.method == "PUT":
            ids.discard(asked.path.rpartition("/")[2])
        if any(id_ in asked.path or (asked.is_push and id_.encode() in asked.body) for id_ in ids):
            return outcome(404 if asked.method == "GET" else 412)
        return dialect(asked)

    return answer


def mark_of(running: Running, who: Any) -> str:
    return lane_id(running.stores.keys, who, running.stores.destination)


def test_p8_a_book_that_lost_everything_is_told_everything_again_players_first(running: Running, proxy: Proxy) -> None:
    told = speaking(running, proxy, dialects.plain)
    told.post(VISIT)
    told.settle()
    first = told.stored(NUMBER)[0]
    proxy.dialect = lost(dialects.plain, {mark_of(told, lane(told).person_id), mark_of(told, REGISTER)})
    code = told.post(corrected(VISIT, 1), made_on=LATER).transaction_code
    before_ = len(told.journal("book", kind="push", outcome="stored"))
    deliver(told, 2)

    again = told.journal("book", kind="push", outcome="stored")[before_:]
    assert [push["number"] for push in again] == ["", NUMBER]
    known = {entry["id"] for entry in first["entries"]}
    assert known - {entry["id"] for entry in again[1]["entries"]} == set()
    assert told.follow(code).state == "delivered"
    assert_settled(told)


def test_p8_a_register_that_is_there_is_not_told_again(running: Running, proxy: Proxy) -> None:
    told = speaking(running, proxy, dialects.plain)
    told.post(VISIT)
    told.settle()
    proxy.dialect = lost(dialects.plain, {mark_of(told, lane(told).person_id)})
    told.post(corrected(VISIT, 1), made_on=LATER)
    before_ = len(told.journal("book", kind="push", outcome="stored"))
    deliver(told, 2)

    assert [push["number"] for push in told.journal("book", kind="push", outcome="stored")[before_:]] == [NUMBER]
    assert_settled(told)


def test_p8_a_book_that_is_behind_what_it_confirmed_is_told_everything_again(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    running.post(corrected(VISIT, 1), made_on=LATER)
    running.settle()
    mark = NextWatermark(mark_of(running, lane(running).person_id), 1, "ab", "")
    bootstrap.book_of(running.service).put_watermark(mark.lane_id, watermark(mark, running.service.uris).json)
    running.post(corrected(VISIT, 2), made_on=LATER)
    running.deliver()

    first, *_, last = running.stored(NUMBER)
    assert {entry["id"] for entry in first["entries"]} <= {entry["id"] for entry in last["entries"]}
    assert running.living(NUMBER).keys() == {key for key in running.shown(NUMBER) if key[0] not in NOT_CLINICAL}
    assert lane(running).due_at is None


NOT_CLINICAL: Final = {"Patient", "Organization", "Practitioner", "Provenance"}


def test_p8_a_deleted_watermark_waits_for_the_operators_yes(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    who = lane(running).person_id
    bootstrap.book_of(running.service).delete_watermark(mark_of(running, who))
    running.post(corrected(VISIT, 1), made_on=LATER)
    running.deliver()
    assert (lane(running).state, lane(running).reason) == ("parked", "book.watermark_deleted")
    resync(running, patient=who)
    running.deliver()

    assert_settled(running)
    assert len(running.stored(NUMBER)) == 2


def test_p8_more_than_fifty_lanes_behind_in_an_hour_are_asked_about_once(running: Running) -> None:
    with running.stores.database.begin() as connection:
        counts = [destinations.note_lost(connection, running.stores.destination) for _ in range(50)]
    assert counts == list(range(1, 51))
    running.post(VISIT)
    running.settle()
    running.run(
        "UPDATE lane SET have = have + 5, base = base + 5, want = want + 5 WHERE person_id <> :who", who=REGISTER
    )
    running.run("UPDATE lane SET etag = 'W/\"77\"' WHERE person_id <> :who", who=REGISTER)
    running.run("UPDATE person SET seq = seq + 5")
    running.post(corrected(VISIT, 1), made_on=LATER)
    running.deliver()
    assert (place(running).paused, place(running).asks) == ("book.lost_data", True)
    watch(running)
    running.deliver()
    assert len(running.stored(NUMBER)) == 1

    with running.stores.database.begin() as connection:
        assert destinations.resume(connection, running.stores.destination)
    running.deliver()
    assert len(running.stored(NUMBER)) == 2


def lost_lanes(running: Running) -> int:
    return sum(count for (count,) in running.rows("SELECT lost FROM destination"))


def test_p8_deleted_watermarks_count_among_the_fifty(running: Running) -> None:
    with running.stores.database.begin() as connection:
        for _ in range(50):
            destinations.note_lost(connection, running.stores.destination)
    running.post(VISIT)
    running.settle()
    assert place(running).paused == ""
    bootstrap.book_of(running.service).delete_watermark(mark_of(running, lane(running).person_id))
    running.post(corrected(VISIT, 1), made_on=LATER)
    running.deliver()

    assert (lane(running).state, lane(running).reason) == ("parked", "book.watermark_deleted")
    assert (place(running).paused, place(running).asks, lost_lanes(running)) == ("book.lost_data", True, 51)


def test_p8_a_deleted_watermark_of_which_nothing_was_confirmed_is_no_loss(running: Running) -> None:
    running.post(VISIT)
    running.ready()
    [(who,)] = running.rows("SELECT person_id FROM lane WHERE person_id <> :who", who=REGISTER)
    book, mark = bootstrap.book_of(running.service), NextWatermark(mark_of(running, who), 1, "ab", "")
    book.put_watermark(mark.lane_id, watermark(mark, running.service.uris).json)
    book.delete_watermark(mark.lane_id)
    running.deliver()

    assert (lane(running).state, lane(running).reason) == ("parked", "book.watermark_deleted")
    assert lost_lanes(running) == 0


def test_lanes_found_behind_over_more_than_an_hour_are_counted_anew(running: Running) -> None:
    with running.stores.database.begin() as connection:
        destinations.note_lost(connection, "x")
        destinations.note_lost(connection, "x")
    running.run("UPDATE destination SET lost_since = lost_since - interval '61 minutes'")
    with running.stores.database.begin() as connection:
        assert destinations.note_lost(connection, "x") == 1


# ---- 4xx that pass ----


def test_p7_a_fence_lost_again_and_again_backs_off(running: Running, proxy: Proxy) -> None:
    told = speaking(running, proxy, lambda asked: outcome(412) if asked.is_push else dialects.plain(asked))
    told.post(VISIT)
    told.verify()
    told.deliver()
    told.run("UPDATE lane SET due_at = clock_timestamp() WHERE person_id = :who", who=REGISTER)
    told.delivery().run_dry()

    pushes = [method for method, path in proxy.asked if method == "POST"]
    assert len(pushes) <= 3
    [left] = told.rows("SELECT due_at - clock_timestamp() AS left FROM lane WHERE person_id = :who", who=REGISTER)
    assert left.left > timedelta(minutes=25)


def closed_by(status: int) -> Dialect:
    return lambda asked: outcome(status)


@pytest.mark.parametrize("status", [403, 404, 405])
def test_p6_a_book_that_is_closed_to_all_is_paused_and_opens_by_itself(
    running: Running, proxy: Proxy, status: int
) -> None:
    told = speaking(running, proxy, dialects.plain)
    told.post(VISIT)
    told.settle()
    proxy.dialect = closed_by(status)
    told.post(corrected(VISIT, 1), made_on=LATER)
    told.deliver()
    told.deliver()
    assert place(told).paused == f"book.status_{status}"
    assert lane(told).state in {"open", "unknown"}
    asked = len(proxy.asked)
    told.deliver()
    assert len(proxy.asked) == asked
    watch(told)
    assert place(told).paused == f"book.status_{status}"

    proxy.dialect = dialects.plain
    deliver(told, 2)
    assert_settled(told)


def test_a_destination_that_is_paused_asks_or_opens_again_is_told_once(running: Running, proxy: Proxy) -> None:
    told, news = speaking(running, proxy, dialects.plain), list[tuple[str, str]]()

    def look() -> None:
        for _ in range(3):
            watch(told, news)

    look()
    told.post(VISIT)
    told.settle()
    proxy.dialect = closed_by(403)
    told.post(corrected(VISIT, 1), made_on=LATER)
    told.deliver()
    told.deliver()
    look()
    proxy.dialect = dialects.plain
    look()
    with told.stores.database.begin() as connection:
        destinations.pause(connection, told.stores.destination, "book.lost_data", timedelta(0), asks=True)
    look()
    with told.stores.database.begin() as connection:
        destinations.resume(connection, told.stores.destination)
    look()

    assert news == [("paused", "book.status_403"), ("open", ""), ("asks", "book.lost_data"), ("open", "")]


def test_what_is_told_of_a_destination_is_a_line_of_the_log(running: Running) -> None:
    lines, name = io.StringIO(), running.stores.destination
    look = bootstrap.book_watch(replace(running.service, log=make_log(stream=lines)))
    with running.stores.database.begin() as connection:
        destinations.pause(connection, name, "book.status_403", timedelta(hours=1))
    look()
    with running.stores.database.begin() as connection:
        destinations.resume(connection, name)
    look()

    found = [
        {key: line[key] for key in line.keys() - {"time"}} for line in map(orjson.loads, lines.getvalue().splitlines())
    ]
    assert found == [
        {"event": "destination_paused", "level": "warning", "destination": name, "reason": "book.status_403"},
        {"event": "destination_open", "level": "info", "destination": name},
    ]


@pytest.mark.parametrize("status", [403, 405])
def test_p6_what_is_not_allowed_to_one_lane_parks_it_alone(running: Running, proxy: Proxy, status: int) -> None:
    told = speaking(running, proxy, dialects.plain)
    told.post(VISIT)
    told.settle()
    proxy.dialect = lambda asked: outcome(status) if asked.is_push else dialects.plain(asked)
    told.post(corrected(VISIT, 1), made_on=LATER)
    told.deliver()

    assert (lane(told).state, lane(told).reason) == ("parked", f"book.refused.status_{status}")
    assert place(told).paused == ""


def refusing(status: int, numbers: set[str] | None = None) -> Dialect:
    """Refuses people's pushes; of these numbers, or all."""

    def answer(asked: Asked) -> Said:
        theirs = asked.is_push and b'"Patient/' in asked.body
        if theirs and (numbers is None or any(number.encode() in asked.body for number in numbers)):
            return outcome(status)
        return dialects.plain(asked)

    return answer


@pytest.mark.parametrize("status", [400, 401, 422])
def test_p6_many_refusals_in_a_row_are_the_books_fault_and_park_nobody(
    running: Running, proxy: Proxy, status: int
) -> None:
    told = speaking(running, proxy, refusing(status))
    people = [860 + n for n in range(12)]
    codes = [told.post(dossier(index, person_index=index, rows=1)).transaction_code for index in people]
    told.verify()
    told.deliver()
    assert place(told).paused.endswith(f"status_{status}") or place(told).paused == "book.sign_in.not_accepted"
    assert [told.follow(code).state for code in codes] == ["delivering"] * 12

    proxy.dialect = dialects.plain
    deliver(told, 2)
    assert [told.follow(code).state for code in codes] == ["delivered"] * 12


def test_p6_few_refusals_among_others_park_their_own_lanes(running: Running, proxy: Proxy) -> None:
    bad = [880, 881]
    told = speaking(running, proxy, refusing(422, {number_of(index) for index in bad}))
    codes = [told.post(dossier(index, person_index=index, rows=1)).transaction_code for index in [*bad, 882, 883]]
    told.verify()
    deliver(told, 2)

    assert [told.follow(code).state for code in codes] == ["refused_by_book"] * 2 + ["delivered"] * 2
    assert place(told).paused == ""


# ---- Too large ----


def test_p6_a_record_larger_than_a_bundle_is_cut_inside_and_seq_moves_with_its_last_part(
    running: Running, proxy: Proxy
) -> None:
    told = speaking(running, proxy, dialects.at_most(8, 413, ""))
    code = told.post(VISIT).transaction_code
    told.verify()
    deliver(told)

    pushes = told.stored(NUMBER)
    assert len(pushes) > 2
    assert [push["watermarks"][0]["seq"] for push in pushes] == [0] * (len(pushes) - 1) + [1]
    assert "Encounter" in {entry["type"] for entry in pushes[0]["entries"]}
    ids = [entry["id"] for push in pushes for entry in push["entries"] if entry["type"] not in {"Basic", "Patient"}]
    assert len(ids) == len(set(ids))
    assert told.follow(code).state == "delivered"
    assert_settled(told)


def test_p6_a_record_that_changes_between_its_parts_is_told_anew(running: Running, proxy: Proxy) -> None:
    told = speaking(running, proxy, dialects.plain)
    told.post(VISIT)
    told.ready()
    sweep = told.delivery(entries=8, slots=1)
    while not told.stored(NUMBER):
        sweep.step(0.05)
    sweep.drain()
    assert lane(told).part > 0
    told.post(without_row(corrected(VISIT, 1), "XML2"), made_on=LATER)
    assert lane(told).part == 0
    told.hurry()
    sweep = told.delivery(entries=8)
    sweep.run_dry()
    sweep.drain()
    assert_settled(told)


def test_a_book_that_takes_less_is_asked_anew_when_a_scheduler_starts(running: Running, proxy: Proxy) -> None:
    told = speaking(running, proxy, dialects.at_most(8, 413, ""))
    told.post(VISIT)
    told.verify()
    deliver(told)
    assert place(told).most_entries is not None
    bootstrap.book_watch(told.service)
    assert (place(told).most_entries, place(told).fenced) == (None, None)


def test_p6_a_single_resource_that_is_too_large_parks_its_lane(running: Running, proxy: Proxy) -> None:
    told = speaking(running, proxy, lambda asked: outcome(413) if b'"Patient/' in asked.body else dialects.plain(asked))
    told.post(VISIT)
    told.verify()
    deliver(told)
    assert (lane(told).state, lane(told).reason) == ("parked", "book.too_large")
