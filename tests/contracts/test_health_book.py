"""The port HealthBook, sentence by sentence, on the FHIR adapter and the sandbox's book."""

from __future__ import annotations

import orjson
import pytest

from ehr_sync.adapters.fhir_book import FhirBook
from ehr_sync.core.errors import Refused, Unavailable, UnknownOutcome
from ehr_sync.core.ports import FenceLost, Receipt, Watermark
from ehr_sync.sandbox.serving import asking
from ehr_sync.sandbox.world import World
from tests.contracts.canned import Canned
from tests.contracts.conftest import book_at
from tests.contracts.elapsed import DEADLINE, GRACE, ends_within
from tests.contracts.pushes import ORDINARY, finding_of, new_id, person_of, push_about, pushed

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
        book.push(pushed(lane, finding_of(new_id(), finding), seq=2), idempotency_key=new_id())

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


# --- push: "Raises Refused for any other 4xx and for an answer in which an entry is missing or is not 2xx."


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 410, 413, 415, 422])
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


def test_the_same_key_with_another_bundle_is_refused(book: FhirBook) -> None:
    key = new_id()
    book.push(push_about(ORDINARY), idempotency_key=key)

    with pytest.raises(Refused, match=r"book\.refused\.status_409"):
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


def test_no_error_holds_a_personal_value(canned: Canned) -> None:
    body = b'{"resourceType":"OperationOutcome","issue":[{"diagnostics":"099155900001","expression":["099155900001"]}]}'

    with pytest.raises(Refused) as caught:
        push_at(canned, body, status=400)
    assert "099155900001" not in repr((caught.value, caught.value.__cause__))


def push_at(canned: Canned, body: bytes, *, status: int = 200) -> Receipt:
    """Push three entries to a book that answers with that body."""
    token = b'{"access_token":"t","token_type":"Bearer","expires_in":60}'
    canned.answers = [canned.http(200, token), canned.http(status, body)]
    book = book_at(canned.url, canned.url)
    try:
        return book.push(push_about(ORDINARY), idempotency_key=new_id())
    finally:
        book.close()


def transaction_response(*statuses: str) -> bytes:
    entries = [{"response": {"status": status}} for status in statuses]
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})
