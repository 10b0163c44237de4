"""A personal health book that speaks FHIR R4 transactions.  https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

import re
import time
from typing import Any, Final

import orjson

from ehr_sync.adapters.client_credentials import ClientCredentials
from ehr_sync.adapters.timed_http import Answer, Caller, NoAnswer
from ehr_sync.core.clock import Stopwatch
from ehr_sync.core.errors import Refused, Unavailable, UnknownOutcome
from ehr_sync.core.ports import FenceLost, Receipt, Watermark

_FHIR: Final = "application/fhir+json"
_LARGEST_ANSWER: Final = 10_000_000

# A transaction as mappings.fhir.bundle writes it: counted and searched, not parsed, as it can have 5 MB.
_ENTRY: Final = b'"request":{"method":"'
_MARK: Final = re.compile(rb'"request":\{"method":"PUT","url":"(Basic/[A-Za-z0-9.-]{1,64})"')
_NAMED_ENTRY: Final = re.compile(r"Bundle\.entry\[(\d{1,6})\]")


class FhirBook:
    """The port `HealthBook` over HTTP. Safe to share between threads."""

    def __init__(
        self,
        *,
        url: str,
        token_url: str,
        client_id: str,
        client_secret: str,
        deadline_seconds: float,
        stopwatch: Stopwatch = time.monotonic,
    ) -> None:
        self._url = url.rstrip("/")
        self._caller = Caller(seconds=deadline_seconds, largest_answer=_LARGEST_ANSWER, stopwatch=stopwatch)
        self._credentials = ClientCredentials(
            self._caller, url=token_url, client_id=client_id, secret=client_secret, stopwatch=stopwatch
        )

    def push(self, bundle: bytes, *, idempotency_key: str) -> Receipt:
        """As the port says. The Bundle is one of mappings.fhir.bundle.transaction."""
        headers = {"Content-Type": _FHIR, "Prefer": "return=minimal", "Idempotency-Key": idempotency_key}
        try:
            answer = self._signed("POST", self._url, headers, bundle)
        except NoAnswer as failure:
            if failure.sent:
                raise UnknownOutcome("book.no_answer") from None
            raise Unavailable("book.unreachable") from None
        _raise_for(answer)
        return _receipt(answer, bundle)

    def watermark(self, lane_id: str) -> Watermark | None:
        """As the port says. A watermark that was deleted is none."""
        try:
            answer = self._signed("GET", f"{self._url}/Basic/{lane_id}", {})
        except NoAnswer:
            raise Unavailable("book.no_answer") from None
        if answer.status in {404, 410}:
            return None
        if answer.status != 200:
            raise Unavailable(f"book.status_{answer.status}", answer.retry_after)
        return _watermark(answer, lane_id)

    def close(self) -> None:
        """Close the kept connections."""
        self._caller.close()

    def _signed(self, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
        with self._caller.deadline():
            token = self._credentials.token()
            answer = self._bearing(token, method, url, headers, body)
            if answer.status != 401:
                return answer
            # Revoked or ended early: a new token, once. The first request took no effect.
            self._credentials.forget(token)
            answer = self._bearing(self._credentials.token(), method, url, headers, body)
        if answer.status == 401:
            raise Unavailable("book.sign_in.not_accepted")
        return answer

    def _bearing(self, token: str, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        signed = {"Authorization": f"Bearer {token}", "Accept": _FHIR, **headers}
        return self._caller.send(method, url, headers=signed, body=body)


def _raise_for(answer: Answer) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    if status == 412:
        raise FenceLost
    if status == 429 or 300 <= status < 400:
        raise Unavailable(f"book.status_{status}", answer.retry_after)
    if 400 <= status < 500:
        raise Refused(f"book.refused.status_{status}{_entry_at_fault(answer)}")
    # 503 too: it may come from a gateway that has lost the answer of a book that has stored.
    raise UnknownOutcome(f"book.status_{status}", answer.retry_after)


def _entry_at_fault(answer: Answer) -> str:
    # Of an OperationOutcome nothing but a place in our own Bundle is repeated: its texts can hold anything.
    try:
        issues = orjson.loads(answer.body)["issue"]
        named = [place for issue in issues for place in issue.get("expression", [])]
        found = [match for place in named if (match := _NAMED_ENTRY.match(place))]
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        return ""
    return f".entry_{found[0][1]}" if found else ""


def _receipt(answer: Answer, bundle: bytes) -> Receipt:
    responses = _responses(answer)
    _check_all_there(responses, bundle.count(_ENTRY))
    mark = _MARK.search(bundle)
    if mark is None:
        return Receipt("")
    place, name = bundle.count(_ENTRY, 0, mark.start()), mark[1].decode()
    etag = _etag_of(responses, place, name)
    if not etag:
        raise UnknownOutcome("book.no_etag")
    return Receipt(etag)


def _responses(answer: Answer) -> list[dict[str, Any]]:
    try:
        bundle = orjson.loads(answer.body)
        if bundle["resourceType"] != "Bundle" or bundle["type"] != "transaction-response":
            raise UnknownOutcome("book.unreadable")
        return [entry["response"] for entry in bundle.get("entry", [])]
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        raise UnknownOutcome("book.unreadable") from None


def _check_all_there(responses: list[dict[str, Any]], wanted: int) -> None:
    if len(responses) < wanted:
        raise Refused("book.entry_missing")
    if len(responses) > wanted:
        raise UnknownOutcome("book.unreadable")
    statuses = [str(response.get("status", ""))[:3] for response in responses]
    good = {status for status in set(statuses) if re.fullmatch(r"2[0-9]{2}", status)}
    for place, status in enumerate(statuses):
        if status not in good:
            shown = status if re.fullmatch(r"[0-9]{3}", status) else "none"
            raise Refused(f"book.entry_refused.status_{shown}.entry_{place}")


# RFC 9110 8.8.3; what we keep and send back must be what it seems.
_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e]{1,200}"')


def _etag_of(responses: list[dict[str, Any]], place: int, name: str) -> str:
    # By location, as a book may answer in another order; by place, as `location` is not required.
    history = f"{name}/_history/"
    located = (response for response in responses if history in str(response.get("location", "")))
    etag = next(located, responses[place]).get("etag")
    return etag if isinstance(etag, str) and _ETAG.fullmatch(etag) else ""


def _watermark(answer: Answer, lane_id: str) -> Watermark:
    try:
        basic = orjson.loads(answer.body)
        tags = dict(tag["code"].split("|", 1) for tag in basic["meta"]["tag"] if "|" in tag.get("code", ""))
        etag = answer.headers.get("ETag") or f'W/"{basic["meta"]["versionId"]}"'
        if (basic["resourceType"], basic["id"]) == ("Basic", lane_id) and _ETAG.fullmatch(etag):
            return Watermark(int(tags["seq"]), tags["key"], etag)
    except (orjson.JSONDecodeError, TypeError, KeyError, ValueError, AttributeError):
        raise Unavailable("book.unreadable") from None
    raise Unavailable("book.unreadable")
