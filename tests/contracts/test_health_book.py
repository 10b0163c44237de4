"""The port HealthBook, sentence by sentence, on the FHIR adapter and the sandbox's book."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ehr_sync.adapters.fhir_book import FhirBook
from ehr_sync.core.errors import Refused, Unavailable, UnknownOutcome
from ehr_sync.core.ports import Denied, FenceLost, Receipt, TooLarge, Watermark, WatermarkDeleted
from ehr_sync.sandbox.serving import asking
from ehr_sync.sandbox.world import World
from mappings.fhir.bundle import NextWatermark, watermark
from tests.contracts.canned import Canned
from tests.contracts.conftest import book_at
from tests.contracts.elapsed import DEADLINE, GRACE, ends_within
from tests.contracts.pushes import ORDINARY, finding_of, new_id, person_of, push_about, pushed
from tests.given import URIS


def mark(name: str, value: str) -> dict[str, str]:
    return {"system": f"https://ehr-sync.example/fhir/sid/watermark/{name}", "value": value}


TO_FHIR = {"method": "POST", "path": "/fhir"}
TO_TOKEN = {"path": "/oauth2/token"}


# --- push: "Store the whole Bundle, atomically; returns when every entry is present and 2xx."


def test_a_push_stores_every_entry(book: FhirBook, outside: World) -> None:
    patient, finding, lane = new_id(), new_id(), new_id()

    book.push(pushed(lane, person_of(ORDINARY, patient), finding_of(patient, finding)), idempotency_key=new_id())

    entry = outside.journal("book")[-1]
    assert [(one["type"], one["id"], one["action"]) for one in entry["entries"]] == [
        ("Basic", lane, "create"),
        ("Patient", patient, "create"),
        ("Observation", finding, "create"),
    ]


def test_the_receipt_holds_the_etag_of_the_watermark(book: FhirBook) -> None:
    lane = new_id()

    receipt = book.push(push_about(ORDINARY, lane), idempotency_key=new_id())

    assert book.watermark(lane) == Watermark(1, "aa", receipt.watermark_etag)


def test_the_etag_of_a_receipt_guards_the_next_push(book: FhirBook) -> None:
    lane, patient = new_id(), new_id()
    first = book.push(pushed(lane, person_of(ORDINARY, patient), finding_of(patient)), idempotency_key=new_id())
    second = pushed(lane, finding_of(patient), seq=2, key="bb", etag=first.watermark_etag)

    receipt = book.push(second, idempotency_key=new_id())

    assert book.watermark(lane) == Watermark(2, "bb", receipt.watermark_etag)
    assert receipt != first


def test_a_push_that_loses_the_fence_stores_nothing(book: FhirBook, outside: World) -> None:
    lane, finding = new_id(), new_id()
    book.push(push_about(ORDINARY, lane), idempotency_key=new_id())

    with pytest.raises(FenceLost):
        book.push(pushed(lane, finding_of(new_id(), finding), seq=2, etag='W/"9"'), idempotency_key=new_id())

    assert outside.journal("book")[-1]["outcome"] == "declined"
    assert finding not in str([one.get("entries") for one in outside.journal("book")])


def test_a_late_push_under_an_old_etag_loses_the_fence(book: FhirBook) -> None:
    lane, patient = new_id(), new_id()
    first = book.push(pushed(lane, person_of(ORDINARY, patient), finding_of(patient)), idempotency_key=new_id())
    newer = pushed(lane, finding_of(patient), seq=3, key="bb", etag=first.watermark_etag)
    book.push(newer, idempotency_key=new_id())
    late = pushed(lane, finding_of(patient), seq=2, key="cc", etag=first.watermark_etag)

    with pytest.raises(FenceLost):
        book.push(late, idempotency_key=new_id())
    kept = book.watermark(lane)
    assert kept is not None
    assert kept.seq == 3


# --- push: "Raises Unavailable (with retry_after where given) where nothing can have taken effect"


def test_a_book_that_does_not_take_it_now_is_unavailable(book: FhirBook, outside: World) -> None:
    outside.order("book", "status", status=429, retry_after="12", times=1, match=TO_FHIR)

    with pytest.raises(Unavailable) as caught:
        book.push(push_about(ORDINARY), idempotency_key=new_id())
    assert (caught.value.code, caught.value.retry_after) == ("book.status_429", 12.0)


def test_without_retry_after_none_is_told(book: FhirBook, outside: World) -> None:
    outside.order("book", "status", status=429, times=1, match=TO_FHIR)

    with pytest.raises(Unavailable) as caught:
        book.push(push_about(ORDINARY), idempotency_key=new_id())
    assert caught.value.retry_after is None


def test_a_refused_connection_is_unavailable(outside: World, free_port: int) -> None:
    book = book_at(f"http://127.0.0.1:{free_port}/fhir", outside.book_token_url)

    with pytest.raises(Unavailable, match=r"book\.unreachable"):
        book.push(push_about(ORDINARY), idempotency_key=new_id())
    book.close()


def test_a_failed_sign_in_is_unavailable(outside: World) -> None:
    book = book_at(outside.book_url, outside.book_token_url, secret="not the secret")

    with pytest.raises(Unavailable, match=r"book\.sign_in\.status_401"):
        book.push(push_about(ORDINARY), idempotency_key=new_id())
    book.close()


@pytest.mark.parametrize("status", [400, 403, 429, 500, 503])
def test_a_sign_in_that_fails_in_any_way_is_unavailable(book: FhirBook, outside: World, status: int) -> None:
    outside.order("book", "status", status=status, retry_after="3", match=TO_TOKEN)

    with pytest.raises(Unavailable, match=f"book.sign_in.status_{status}") as caught:
        book.push(push_about(ORDINARY), idempotency_key=new_id())
    assert caught.value.retry_after == 3.0


@pytest.mark.parametrize(
    ("kind", "code"), [("garbage", "book.sign_in.unreadable"), ("drop_before", "book.sign_in.no_answer")]
)
def test_a_sign_in_without_a_token_is_unavailable(book: FhirBook, outside: World, kind: str, code: str) -> None:
    outside.order("book", kind, match=TO_TOKEN)

    with pytest.raises(Unavailable, match=code):
        book.push(push_about(ORDINARY), idempotency_key=new_id())


def test_a_slow_sign_in_counts_for_the_deadline(book: FhirBook, outside: World) -> None:
    outside.order("book", "delay", seconds=3, match=TO_TOKEN, times=1)

    with ends_within(DEADLINE + GRACE), pytest.raises(Unavailable, match=r"book\.sign_in\.no_answer"):
        book.push(push_about(ORDINARY), idempotency_key=new_id())


# --- the token


def test_one_token_serves_many_pushes(book: FhirBook, outside: World) -> None:
    before = tokens_issued(outside)

    book.push(push_about(ORDINARY), idempotency_key=new_id())
    book.push(push_about(ORDINARY), idempotency_key=new_id())

    assert tokens_issued(outside) == before + 1


def test_a_token_that_the_book_takes_back_is_renewed_and_the_push_arrives(book: FhirBook, outside: World) -> None:
    book.push(push_about(ORDINARY), idempotency_key=new_id())
    asking.send("DELETE", f"{outside.address('book')}/_tokens")

    receipt = book.push(push_about(ORDINARY), idempotency_key=new_id())

    assert receipt == Receipt('W/"1"')


def test_a_token_refused_twice_is_unavailable(book: FhirBook, outside: World) -> None:
    outside.order("book", "status", status=401, match=TO_FHIR)
    before = tokens_issued(outside)

    with pytest.raises(Unavailable, match=r"book\.sign_in\.not_accepted"):
        book.push(push_about(ORDINARY), idempotency_key=new_id())
    assert tokens_issued(outside) == before + 2


def tokens_issued(world: World) -> int:
    return sum(entry["kind"] == "token" and entry["outcome"] == "issued" for entry in world.journal("book"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 408, 423, 425, 429])
def test_a_status_that_means_not_now_is_unavailable(book: FhirBook, outside: World, status: int) -> None:
    outside.order("book", "status", status=status, retry_after="7", times=1, match=TO_FHIR)

    with pytest.raises(Unavailable, match=f"book.status_{status}") as caught:
        book.push(push_about(ORDINARY), idempotency_key=new_id())
    assert caught.value.retry_after == 7.0


# --- push: "Raises FenceLost on 404, 409, 410 and 412. Raises Denied on 403 and 405. Raises TooLarge on 413 and where a
#     4xx says that there are too many entries."


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "book.status_404"), (409, "book.status_409"), (410, "book.status_410"), (412, "book.fence_lost")],
)
def test_a_status_by_which_books_say_that_a_version_is_another_loses_the_fence(
    book: FhirBook, outside: World, status: int, code: str
) -> None:
    outside.order("book", "status", status=status, times=1, match=TO_FHIR)

    with pytest.raises(FenceLost) as caught:
        book.push(push_about(ORDINARY), idempotency_key=new_id())
    assert caught.value.code == code


@pytest.mark.parametrize("status", [403, 405])
def test_what_is_not_allowed_is_denied(book: FhirBook, outside: World, status: int) -> None:
    outside.order("book", "status", status=status, times=1, match=TO_FHIR)

    with pytest.raises(Denied, match=f"book.refused.status_{status}"):
        book.push(push_about(ORDINARY), idempotency_key=new_id())


@pytest.mark.parametrize(
    ("status", "issue"),
    [
        (413, {}),
        (400, {"code": "too-costly"}),
        (422, {"code": "too-long"}),
        (400, {"code": "invalid", "diagnostics": "Bundle has too many entries: 51"}),
        (422, {"code": "processing", "details": {"text": "At most 50 entries are taken"}}),
        (400, {"code": "invalid", "diagnostics": "number of entries exceeds 50"}),
    ],
)
def test_a_bundle_that_is_too_large_is_told_as_that(canned: Canned, status: int, issue: dict[str, Any]) -> None:
    with pytest.raises(TooLarge):
        push_at(canned, orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]}), status=status)


@pytest.mark.parametrize(
    "issue",
    [
        {"code": "invalid", "diagnostics": "Observation.value: exceeds precision"},
        {"code": "value", "details": {"text": "entry[3] is not valid"}},
        {"code": "duplicate", "diagnostics": "maximum cardinality of name is 1"},
    ],
)
def test_a_refusal_for_another_reason_is_not_taken_for_too_large(canned: Canned, issue: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        push_at(canned, orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]}), status=422)
    assert caught.value.code == "book.refused.status_422"


# --- push: "Raises Refused for any other 4xx and for an answer in which an entry is missing or is not 2xx."


@pytest.mark.parametrize("status", [400, 402, 406, 411, 415, 418, 422, 428, 431, 451])
def test_any_other_4xx_is_refused(book: FhirBook, outside: World, status: int) -> None:
    outside.order("book", "status", status=status, times=1, match=TO_FHIR)

    with pytest.raises(Refused, match=f"book.refused.status_{status}"):
        book.push(push_about(ORDINARY), idempotency_key=new_id())


def test_a_refusal_names_the_entry_that_the_book_named(book: FhirBook) -> None:
    with pytest.raises(Refused) as caught:
        book.push(push_about(900_026), idempotency_key=new_id())
    assert caught.value.code == "book.refused.status_400.entry_0"


def test_a_bundle_that_the_book_cannot_read_is_refused(book: FhirBook) -> None:
    with pytest.raises(Refused, match=r"book\.refused\.status_400"):
        book.push(b'{"resourceType":"Bundle","type":"transaction"', idempotency_key=new_id())


def test_the_same_key_with_another_bundle_is_told_as_a_conflict(book: FhirBook) -> None:
    key = new_id()
    book.push(push_about(ORDINARY), idempotency_key=key)

    with pytest.raises(FenceLost, match=r"book\.status_409"):
        book.push(push_about(ORDINARY), idempotency_key=key)


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        (["200 OK", "201 Created"], "book.entry_missing"),
        ([], "book.entry_missing"),
        (["200 OK", "201 Created", "404 Not Found"], "book.entry_refused.status_404.entry_2"),
        (["200 OK", "201 Created", ""], "book.entry_refused.status_none.entry_2"),
        (["200 OK", "2000", "500"], "book.entry_refused.status_500.entry_2"),
    ],
)
def test_an_entry_missing_or_not_2xx_is_refused(canned: Canned, entries: list[str], code: str) -> None:
    with pytest.raises(Refused) as caught:
        push_at(canned, transaction_response(*entries))
    assert caught.value.code == code


# --- push: "Raises UnknownOutcome (with retry_after where given) for a time-out, a broken connection after the request
#     was sent, any 5xx (a gateway may say 503 after the book has stored) and an unreadable answer."


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "garbage", "garbage_before"])
def test_a_push_without_a_usable_answer_is_unknown(book: FhirBook, outside: World, kind: str) -> None:
    outside.order("book", kind, times=1, match=TO_FHIR)

    with pytest.raises(UnknownOutcome):
        book.push(push_about(ORDINARY), idempotency_key=new_id())


@pytest.mark.parametrize("kind", ["status", "status_after"])
@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 507, 599])
def test_any_5xx_is_unknown(book: FhirBook, outside: World, kind: str, status: int) -> None:
    outside.order("book", kind, status=status, retry_after="12", times=1, match=TO_FHIR)

    with pytest.raises(UnknownOutcome, match=f"book.status_{status}") as caught:
        book.push(push_about(ORDINARY), idempotency_key=new_id())
    assert caught.value.retry_after == 12.0


@pytest.mark.parametrize("kind", ["delay", "delay_after"])
def test_a_time_out_is_unknown(book: FhirBook, outside: World, kind: str) -> None:
    outside.order("book", kind, seconds=2.5, times=1, match=TO_FHIR)

    with ends_within(DEADLINE + GRACE), pytest.raises(UnknownOutcome, match=r"book\.no_answer"):
        book.push(push_about(ORDINARY), idempotency_key=new_id())


@pytest.mark.parametrize("seconds", [0.02, 0.3])
def test_a_dripping_answer_is_unknown_when_the_deadline_is_over(book: FhirBook, outside: World, seconds: float) -> None:
    outside.order("book", "drip", seconds=seconds, times=1, match=TO_FHIR)

    with ends_within(DEADLINE + GRACE), pytest.raises(UnknownOutcome, match=r"book\.no_answer"):
        book.push(push_about(ORDINARY), idempotency_key=new_id())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"resourceType":"OperationOutcome"}',
        b'{"resourceType":"Bundle","type":"batch-response","entry":[]}',
        b'{"resourceType":"Bundle","type":"transaction-response","entry":[{}]}',
        b'{"resourceType":"Bundle","type":"transaction-response","entry":7}',
        b'{"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"200"}}]',
    ],
)
def test_an_unreadable_answer_is_unknown(canned: Canned, body: bytes) -> None:
    with pytest.raises(UnknownOutcome, match=r"book\.unreadable"):
        push_at(canned, body)


def test_an_answer_about_more_than_was_sent_is_unknown(canned: Canned) -> None:
    with pytest.raises(UnknownOutcome, match=r"book\.unreadable"):
        push_at(canned, transaction_response("200", "200", "200", "200"))


# How servers say which version the watermark now has: the version itself before any ETag.
SAID: list[tuple[dict[str, Any], str]] = [
    ({"status": "200", "etag": 'W/"7"'}, 'W/"7"'),
    ({"status": "200", "etag": '"7"'}, 'W/"7"'),
    ({"status": "200", "etag": "7"}, 'W/"7"'),
    ({"status": "200", "etag": "W/7"}, 'W/"7"'),
    ({"status": "200", "etag": 7}, 'W/"7"'),
    ({"status": "200", "location": "Basic/LANE/_history/7"}, 'W/"7"'),
    ({"status": "200", "location": "http://book.example/fhir/Basic/LANE/_history/7"}, 'W/"7"'),
    ({"status": "200", "location": "Basic/LANE/_history/7", "etag": 'W/"hash"'}, 'W/"7"'),
    ({"status": "200", "location": "Basic/LANE", "etag": 'W/"a-b.9"'}, 'W/"a-b.9"'),
    ({"status": 200, "etag": "7"}, 'W/"7"'),
    ({"status": 201, "location": "Basic/LANE/_history/7"}, 'W/"7"'),
]


@pytest.mark.parametrize(("said", "etag"), SAID)
def test_however_a_book_says_the_version_it_is_read(canned: Canned, said: dict[str, Any], etag: str) -> None:
    lane = new_id()
    first = {name: value.replace("LANE", lane) if isinstance(value, str) else value for name, value in said.items()}
    entries = [{"response": first}, {"response": {"status": "200"}}, {"response": {"status": 201}}]
    body = orjson.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})

    assert push_at(canned, body, lane=lane) == Receipt(etag)


def test_a_book_that_answers_in_another_order_is_read_by_where_its_entries_stand(canned: Canned) -> None:
    lane = new_id()
    entries = [
        {"response": {"status": "200", "location": f"Patient/{new_id()}/_history/3", "etag": 'W/"3"'}},
        {"response": {"status": "200", "location": f"Observation/{new_id()}/_history/4", "etag": 'W/"4"'}},
        {"response": {"status": "200", "location": f"http://book.example/fhir/Basic/{lane}/_history/7"}},
    ]
    body = orjson.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})

    assert push_at(canned, body, lane=lane) == Receipt('W/"7"')


@pytest.mark.parametrize("etag", ['W/"', "", None, 'W/"a b"', "é", []])
def test_what_is_no_etag_is_none(canned: Canned, etag: object) -> None:
    entries = [{"response": {"status": "200", "etag": etag}}, *[{"response": {"status": "200"}}] * 2]

    with pytest.raises(UnknownOutcome, match=r"book\.no_etag"):
        push_at(canned, orjson.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": entries}))


def test_an_answer_without_the_watermarks_etag_is_unknown(canned: Canned) -> None:
    with pytest.raises(UnknownOutcome, match=r"book\.no_etag"):
        push_at(canned, transaction_response("200", "200", "200"))


def test_a_push_whose_answer_was_lost_has_the_same_answer_under_the_same_key(book: FhirBook, outside: World) -> None:
    lane, key = new_id(), new_id()
    bundle = push_about(ORDINARY, lane)
    outside.order("book", "drop_after", times=1, match=TO_FHIR)
    with pytest.raises(UnknownOutcome):
        book.push(bundle, idempotency_key=key)

    receipt = book.push(bundle, idempotency_key=key)

    assert book.watermark(lane) == Watermark(1, "aa", receipt.watermark_etag)
    assert outside.journal("book")[-2]["outcome"] == "repeated"


# --- watermark: "The watermark Basic/{lane_id}, or None where the book has none. Raises Unavailable where it cannot
#     say."


def test_a_lane_never_pushed_has_no_watermark(book: FhirBook) -> None:
    assert book.watermark(new_id()) is None


@pytest.mark.parametrize("status", [302, 400, 403, 429, 500, 503])
def test_a_book_that_cannot_say_is_unavailable(book: FhirBook, outside: World, status: int) -> None:
    outside.order("book", "status", status=status, retry_after="5", times=1, match={"path": "/fhir/Basic"})

    with pytest.raises(Unavailable, match=f"book.status_{status}") as caught:
        book.watermark(new_id())
    assert caught.value.retry_after == 5.0


@pytest.mark.parametrize(
    ("kind", "code"),
    [("drop_before", "book.no_answer"), ("garbage", "book.unreadable"), ("drip", "book.no_answer")],
)
def test_a_watermark_without_a_usable_answer_is_unavailable(
    book: FhirBook, outside: World, kind: str, code: str
) -> None:
    lane = new_id()
    book.push(push_about(ORDINARY, lane), idempotency_key=new_id())
    outside.order("book", kind, times=1, match={"path": "/fhir/Basic"})

    with ends_within(DEADLINE + GRACE), pytest.raises(Unavailable, match=code):
        book.watermark(lane)


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceType":"Basic","id":"other","meta":{"versionId":"1","tag":[{"code":"seq|1"},{"code":"key|a"}]}}',
        b'{"resourceType":"Basic","id":"lane","meta":{"versionId":"1","tag":[{"code":"key|a"}]}}',
        b'{"resourceType":"Basic","id":"lane","meta":{"versionId":"1","tag":[{"code":"seq|x"},{"code":"key|a"}]}}',
        b'{"resourceType":"Basic","id":"lane","meta":{"tag":[{"code":"seq|1"},{"code":"key|a"}]}}',
    ],
)
def test_a_watermark_that_is_not_ours_is_unavailable(canned: Canned, outside: World, body: bytes) -> None:
    canned.answers = [canned.http(200, body)]
    book = book_at(canned.url, outside.book_token_url)

    with pytest.raises(Unavailable, match=r"book\.unreadable"):
        book.watermark("lane")
    book.close()


def test_a_deleted_watermark_is_told_as_that(book: FhirBook) -> None:
    lane = new_id()
    book.push(push_about(ORDINARY, lane), idempotency_key=new_id())
    book.delete_watermark(lane)

    with pytest.raises(WatermarkDeleted):
        book.watermark(lane)
    book.delete_watermark(lane)


@pytest.mark.parametrize("status", [200, 204, 404, 410])
def test_that_there_is_no_watermark_to_delete_is_no_failure(book: FhirBook, outside: World, status: int) -> None:
    outside.order("book", "status", status=status, times=1, match={"method": "DELETE"})
    book.delete_watermark(new_id())


@pytest.mark.parametrize("status", [302, 403, 405, 409, 429, 500, 503])
def test_a_watermark_that_may_still_be_there_is_unavailable(book: FhirBook, outside: World, status: int) -> None:
    outside.order("book", "status", status=status, times=1, match={"method": "DELETE"})
    with pytest.raises(Unavailable, match=f"book.status_{status}"):
        book.delete_watermark(new_id())


@pytest.mark.parametrize(
    "basic",
    [
        {"meta": {"versionId": "3", "tag": [{"code": "key|ab"}, {"code": "other"}, {"code": "seq|7"}]}},
        {"meta": {"versionId": "3"}, "identifier": [mark("key", "ab"), mark("seq", "7")]},
        {"meta": {"versionId": "3", "tag": [{"code": "seq|1"}]}, "identifier": [mark("seq", "7"), mark("key", "ab")]},
    ],
)
def test_a_watermark_is_read_from_its_body_and_one_of_before_from_its_tags(
    canned: Canned, outside: World, basic: dict[str, Any]
) -> None:
    canned.answers = [canned.http(200, orjson.dumps({"resourceType": "Basic", "id": "lane", **basic}), 'ETag: "99"')]
    book = book_at(canned.url, outside.book_token_url)

    assert book.watermark("lane") == Watermark(7, "ab", 'W/"3"')
    book.close()


# --- put_watermark


def basic(lane: str, seq: int) -> bytes:
    return watermark(NextWatermark(lane, seq, "", ""), URIS).json


def test_a_watermark_put_alone_guards_the_first_push(book: FhirBook) -> None:
    lane, patient = new_id(), new_id()
    etag = book.put_watermark(lane, basic(lane, 0))

    receipt = book.push(pushed(lane, person_of(ORDINARY, patient), etag=etag), idempotency_key=new_id())

    assert (etag, receipt) == ('W/"1"', Receipt('W/"2"'))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (["ETag: 5"], b""),
        (['ETag: "5"'], b""),
        (["Location: http://book.example/fhir/Basic/lane/_history/5"], b""),
        (["Content-Location: Basic/lane/_history/5"], b""),
        ([], b'{"resourceType":"Basic","id":"lane","meta":{"versionId":"5"}}'),
        (['ETag: W/"hash"'], b'{"resourceType":"Basic","id":"lane","meta":{"versionId":"5"}}'),
        (['ETag: W/"5"'], b'{"resourceType":"OperationOutcome"}'),
    ],
)
def test_however_the_version_of_a_watermark_put_alone_is_said_it_is_read(
    canned: Canned, outside: World, headers: list[str], body: bytes
) -> None:
    canned.answers = [canned.http(201, body, *headers)]
    book = book_at(canned.url, outside.book_token_url)

    assert book.put_watermark("lane", basic("lane", 0)) == 'W/"5"'
    book.close()


@pytest.mark.parametrize(
    ("status", "failure"),
    [(403, Denied), (404, Denied), (405, Denied), (400, Refused), (422, Refused)]
    + [(status, Unavailable) for status in (302, 408, 409, 412, 423, 425, 429, 500, 503)],
)
def test_a_watermark_that_is_not_taken_alone_is_told_as_what_it_is(
    book: FhirBook, outside: World, status: int, failure: type[Exception]
) -> None:
    outside.order("book", "status", status=status, times=1, match={"method": "PUT"})

    with pytest.raises(failure):
        book.put_watermark(new_id(), basic(new_id(), 0))


# --- closed


@pytest.mark.parametrize(
    ("status", "path", "code"),
    [
        (403, "/fhir/metadata", "book.status_403"),
        (404, "/fhir/metadata", "book.status_404"),
        (405, "/fhir/Basic", "book.status_405"),
        (403, "/fhir/Basic", "book.status_403"),
        (503, "/fhir/metadata", "book.status_503"),
        (404, "/fhir/Basic", ""),
        (410, "/fhir/Basic", ""),
    ],
)
def test_a_book_is_closed_where_its_capabilities_or_a_watermark_are_not_to_be_had(
    book: FhirBook, outside: World, status: int, path: str, code: str
) -> None:
    outside.order("book", "status", status=status, match={"method": "GET", "path": path})

    assert book.closed(new_id()) == code


def test_an_open_book_is_not_closed(book: FhirBook) -> None:
    assert book.closed(new_id()) == ""


def test_no_error_holds_a_personal_value(canned: Canned) -> None:
    body = b'{"resourceType":"OperationOutcome","issue":[{"diagnostics":"099155900001","expression":["099155900001"]}]}'

    with pytest.raises(Refused) as caught:
        push_at(canned, body, status=400)
    assert "099155900001" not in repr((caught.value, caught.value.__cause__))


def push_at(canned: Canned, body: bytes, *, status: int = 200, lane: str | None = None) -> Receipt:
    """Push three entries to a book that answers with that body."""
    token = b'{"access_token":"t","token_type":"Bearer","expires_in":60}'
    canned.answers = [canned.http(200, token), canned.http(status, body)]
    book = book_at(canned.url, canned.url)
    try:
        return book.push(push_about(ORDINARY, lane), idempotency_key=new_id())
    finally:
        book.close()


def transaction_response(*statuses: str) -> bytes:
    entries = [{"response": {"status": status}} for status in statuses]
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})
