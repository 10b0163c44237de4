"""Who may go on and who is told to come again: by client, person and address, with a clock that the test moves."""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ehr_sync.api.oauth import Apps
from ehr_sync.api.places import Places
from ehr_sync.api.problems import Problem
from ehr_sync.core.answers import Answer
from ehr_sync.core.quota import Lease
from ehr_sync.core.tally import Tally
from ehr_sync.usecases.access.assertions import TokenRefused
from tests.api import web
from tests.core.test_quota import Watch

XML = {"content_type": "application/xml"}
GOOD, BAD = ({"Authorization": f"Bearer {token}"} for token in ("good", "bad"))


def statuses(client: Any, times: int, **asked: Any) -> list[int]:
    call = {"path": "/api/v1/submissions", "method": "POST", "data": b"<a/>", "headers": GOOD, **XML, **asked}
    return [client.open(**call).status_code for _ in range(times)]


class Bucket:
    """A shared bucket of one client that holds so many, and fills up when the test says so."""

    def __init__(self, left: int) -> None:
        self.left = left

    def lease(self, _client: str) -> Lease:
        granted = min(1, self.left)
        self.left -= granted
        return Lease(granted, self.left)


@pytest.fixture
def watch() -> Watch:
    return Watch()


def limited(watch: Watch, left: int, **options: Any) -> Any:
    bucket = Bucket(left)
    return bucket, web.client(admission=web.admitting(watch, submissions=60, lease=bucket.lease, **options))


def test_a_used_up_quota_is_a_429_that_says_when_and_how_much(watch: Watch) -> None:
    _, client = limited(watch, 2)
    assert statuses(client, 2) == [200, 200]
    told = client.post("/api/v1/submissions", data=b"<a/>", headers={**GOOD, "Accept-Language": "en"}, **XML)
    assert (told.status_code, told.content_type, told.get_json()["code"]) == (
        429,
        "application/problem+json",
        "quota.used_up",
    )
    assert (told.headers["Retry-After"], told.headers["RateLimit-Policy"], told.headers["RateLimit"]) == (
        "1",
        '"submissions";q=60;w=60',
        '"submissions";r=0;t=60',
    )


def test_an_admitted_submission_says_how_many_are_left(watch: Watch) -> None:
    _, client = limited(watch, 30)
    told = client.post("/api/v1/submissions", data=b"<a/>", headers=GOOD, **XML)
    assert told.headers["RateLimit"] == '"submissions";r=29;t=31'


def test_a_refused_body_is_not_read(watch: Watch) -> None:
    read: list[bytes] = []

    def accept(*, body: Any, **_: Any) -> Answer:
        read.append(body.read(10))
        return Answer("x", ())

    client = web.client(accept, admission=web.admitting(watch, lease=Bucket(0).lease))
    assert (statuses(client, 3), read) == ([429] * 3, [])


def test_p2_who_repeats_after_a_429_gets_the_one_answer(watch: Watch) -> None:
    bucket, client = limited(watch, 1)
    call: dict[str, Any] = {"data": b"<a/>", "headers": {**GOOD, "Idempotency-Key": "k"}, **XML}
    first = client.post("/api/v1/submissions", **call)
    assert client.post("/api/v1/submissions", **call).status_code == 429
    bucket.left, watch.seconds = 1, watch.seconds + 1.1
    assert client.post("/api/v1/submissions", **call).get_data() == first.get_data()


def test_reads_take_nothing_from_what_a_client_may_send(watch: Watch) -> None:
    _, client = limited(watch, 1)
    for _ in range(5):
        assert client.get("/healthz").status_code == 200
    assert statuses(client, 1) == [200]


def test_bad_tokens_of_one_address_become_429_and_good_ones_go_on(watch: Watch) -> None:
    client = web.client(admission=web.admitting(watch, refusals=60))
    assert Counter(statuses(client, 100, headers=BAD)) == {401: 60, 429: 40}
    assert statuses(client, 3) == [200] * 3
    assert statuses(client, 1, headers=BAD, environ_base={"REMOTE_ADDR": "192.0.2.7"}) == [401]


def test_addresses_that_do_not_exist_become_429(watch: Watch) -> None:
    client = web.client(admission=web.admitting(watch, refusals=60))
    assert Counter(statuses(client, 100, path="/nowhere", method="GET")) == {404: 60, 429: 40}


@pytest.mark.parametrize("path", ["//nowhere", "/%6Eowhere"])
def test_misspelled_addresses_of_one_stranger_shut_out_no_other(watch: Watch, path: str) -> None:
    client = web.client(admission=web.admitting(watch, refusals=60))
    asked: dict[str, Any] = {"path": path, "method": "GET", "environ_overrides": {"RAW_URI": path}}
    assert Counter(statuses(client, 70, **asked)) == {404: 60, 429: 10}
    assert statuses(client, 1, environ_base={"REMOTE_ADDR": "192.0.2.7"}, **asked) == [404]


def test_a_429_instead_of_another_answer_is_logged_as_what_it_is(watch: Watch) -> None:
    log = io.StringIO()
    client = web.client(log_to=log, admission=web.admitting(watch, refusals=60))
    statuses(client, 61, path="/nowhere", method="GET")
    assert [(line["status"], line["code"]) for line in web.lines(log)[-2:]] == [
        (404, "not_found"),
        (429, "refusals.too_many"),
    ]


def test_a_client_that_is_refused_too_often_waits_whatever_its_address(watch: Watch) -> None:
    client = web.client(admission=web.admitting(watch, refusals=60))
    who: dict[str, Any] = {"path": "/problems/none", "method": "GET"}
    assert set(statuses(client, 60, **who)) == {404}
    assert statuses(client, 1, **who) == [429]
    watch.seconds += 1
    assert statuses(client, 1, **who) == [404]


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/revoke"])
def test_token_requests_of_one_address_are_bounded_before_their_form_is_read(watch: Watch, path: str) -> None:
    asked: list[Any] = []

    def issue(form: Any) -> Any:
        asked.append(form)
        raise TokenRefused("invalid_request", "form.repeated")

    client = web.client(admission=web.admitting(watch, tokens=60), issue=issue, apps=Apps(issue, issue))
    form: dict[str, Any] = {"path": path, "content_type": "application/x-www-form-urlencoded", "data": "a=b"}
    assert Counter(statuses(client, 100, **form)) == {400: 60, 429: 40}
    assert len(asked) == 60
    assert statuses(client, 1, environ_base={"REMOTE_ADDR": "192.0.2.7"}, **form) == [400]


def test_tokens_of_one_client_are_bounded_from_whatever_address(watch: Watch) -> None:
    client = web.client(admission=web.admitting(watch, tokens=60))
    form: dict[str, Any] = {"path": "/oauth2/token", "content_type": "application/x-www-form-urlencoded", "data": "a=b"}
    from_many = [statuses(client, 1, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"}, **form)[0] for n in range(100)]
    assert Counter(from_many) == {200: 60, 429: 40}


def test_the_last_hop_that_is_no_proxy_of_ours_is_counted(watch: Watch) -> None:
    client = web.client(admission=web.admitting(watch, refusals=60, trusted_proxies="127.0.0.0/8"))
    one, other = ({**BAD, "X-Forwarded-For": f"198.51.100.9, {last}"} for last in ("192.0.2.1", "192.0.2.2"))
    assert Counter(statuses(client, 70, headers=one)) == {401: 60, 429: 10}
    assert statuses(client, 1, headers=other) == [401]


def test_refusals_are_counted_by_reason(watch: Watch) -> None:
    counted = Counter[str]()
    tally = Tally(counted.update, watch)
    client = web.client(admission=web.admitting(watch, tally=tally))
    statuses(client, 3, headers=BAD)
    statuses(client, 2, path="/nowhere", method="GET")
    tally.keep()
    assert counted == {"token.bad": 3, "not_found": 2}


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/revoke"])
def test_refused_tokens_are_counted_by_reason_too(watch: Watch, path: str) -> None:
    def refuse(form: Any) -> Any:
        raise TokenRefused("invalid_client", "assertion.expired")

    counted = Counter[str]()
    tally = Tally(counted.update, watch)
    client = web.client(admission=web.admitting(watch, tally=tally), issue=refuse, apps=Apps(refuse, refuse))
    statuses(client, 3, path=path, content_type="application/x-www-form-urlencoded", data="a=b")
    tally.keep()
    assert counted == {"assertion.expired": 3}


# How many submissions at once.


def ended(places: Places, client: str, times: int, until: threading.Event) -> Counter[str]:
    """So many of a client's come at once, and each keeps its place until the test says so; how each ended."""

    def one(_: int) -> str:
        try:
            with places.taken(client):
                until.wait(20)
        except Problem as problem:
            return problem.code
        return "taken"

    with ThreadPoolExecutor(times) as pool:
        return Counter(pool.map(one, range(times)))


@pytest.fixture
def soon() -> Iterator[threading.Event]:
    """Set after half a second."""
    event = threading.Event()
    timer = threading.Timer(0.5, event.set)
    timer.start()
    yield event
    timer.join()


def test_who_finds_no_place_and_no_seat_is_told_at_once(soon: threading.Event) -> None:
    places = Places(at_once=4, each=3, waiting=3)
    assert ended(places, "a", 20, soon) == {"taken": 3 + 2, "client.too_many_at_once": 15}


def test_one_client_takes_neither_the_last_place_nor_the_last_seat(soon: threading.Event) -> None:
    places = Places(at_once=4, each=3, waiting=3)
    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(ended, places, "a", 20, soon)
        soon.wait(0.2)
        assert ended(places, "b", 2, soon) == {"taken": 2}
        flood.result()


def test_when_all_places_and_seats_are_taken_others_are_told_that_it_is_crowded(soon: threading.Event) -> None:
    places = Places(at_once=2, each=1, waiting=1)
    with ThreadPoolExecutor(1) as pool, places.taken("a"), places.taken("b"):
        waits = pool.submit(ended, places, "c", 1, soon)
        soon.wait(0.2)
        assert ended(places, "d", 1, soon) == {"submissions.crowded": 1}
    assert waits.result() == {"taken": 1}


def test_whoever_waits_too_long_is_told_so() -> None:
    places = Places(at_once=1, each=1, waiting=1, wait_seconds=0.1)
    with places.taken("a"), pytest.raises(Problem, match=r"submissions\.crowded"), places.taken("b"):
        pass


def test_a_place_comes_back_however_the_submission_ends() -> None:
    places = Places(at_once=1, each=1, waiting=1, wait_seconds=0.1)
    with pytest.raises(ZeroDivisionError), places.taken("a"):
        _ = 1 / 0
    with places.taken("b"):
        pass
