"""A personal health book that speaks FHIR R4 transactions.  https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

import re
import time
from typing import Any, Final

import orjson

from ehr_sync.adapters.client_credentials import ClientCredentials
from ehr_sync.adapters.client_sign_in import SignIn
from ehr_sync.adapters.timed_http import Answer, Caller, NoAnswer
from ehr_sync.core.clock import Stopwatch
from ehr_sync.core.errors import Refused, Unavailable, UnknownOutcome
from ehr_sync.core.ports import Denied, FenceLost, Receipt, TooLarge, Watermark, WatermarkDeleted

_FHIR: Final = "application/fhir+json"
_LARGEST_ANSWER: Final = 10_000_000

# A transaction as mappings.fhir.bundle writes it: counted and searched, not parsed, as it can have 5 MB.
_ENTRY: Final = b'"request":{"method":"'
_WATERMARK: Final = re.compile(rb'"request":\{"method":"PUT","url":"(Basic/[A-Za-z0-9.-]{1,64})"')

_AGAIN: Final = frozenset({408, 423, 425, 429})
_LOST: Final = frozenset({404, 409, 410, 412})
_DENIED: Final = frozenset({403, 405})
# https://hl7.org/fhir/R4/valueset-issue-type.html; others say it in words alone, which are looked at and not repeated.
_TOO_MANY: Final = frozenset({"too-costly", "too-long"})
_LIMIT: Final = r"\b(max|limit|exceed|at most)"
_TOO_MANY_WORDS: Final = re.compile(rf"(?i)too (many|large|long)|{_LIMIT}[^.]{{0,60}}\bentr|\bentr[^.]{{0,60}}{_LIMIT}")
_NAMED_ENTRY: Final = re.compile(r"Bundle\.entry\[(\d{1,6})\]")


class FhirBook:
    """The port `HealthBook` over HTTP. Safe to share between threads."""

    def __init__(
        self,
        *,
        url: str,
        token_url: str,
        sign_in: SignIn,
        scope: str = "",
        deadline_seconds: float,
        stopwatch: Stopwatch = time.monotonic,
    ) -> None:
        self._url = url.rstrip("/")
        self._caller = Caller(seconds=deadline_seconds, largest_answer=_LARGEST_ANSWER, stopwatch=stopwatch)
        self._credentials = ClientCredentials(
            self._caller, url=token_url, sign_in=sign_in, scope=scope, stopwatch=stopwatch
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
        """As the port says."""
        answer = self._asked("GET", f"Basic/{lane_id}")
        if answer.status == 410:
            raise WatermarkDeleted
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise Unavailable(f"book.status_{answer.status}", answer.retry_after)
        return _watermark(answer, lane_id)

    def put_watermark(self, lane_id: str, basic: bytes) -> str:
        """As the port says."""
        answer = self._asked("PUT", f"Basic/{lane_id}", basic)
        if answer.status in _DENIED | {404}:
            raise Denied(f"book.status_{answer.status}")
        if not 200 <= answer.status < 300:
            _raise_for_watermark(answer)
        version = _version_in(answer)
        if not version:
            # It said neither ETag nor location nor what it holds now.
            found = self.watermark(lane_id)
            version = found.etag if found else ""
        if not version:
            raise Unavailable("book.no_etag")
        return version

    def delete_watermark(self, lane_id: str) -> None:
        """As the port says."""
        answer = self._asked("DELETE", f"Basic/{lane_id}")
        if not 200 <= answer.status < 300 and answer.status not in {404, 410}:
            raise Unavailable(f"book.status_{answer.status}", answer.retry_after)

    def closed(self, lane_id: str) -> str:
        """As the port says."""
        for path in ("metadata", f"Basic/{lane_id}"):
            try:
                status = self._asked("GET", path).status
            except Unavailable as failure:
                return failure.code
            missing = {404} if path == "metadata" else set[int]()
            if status in _DENIED | {401} | missing or status >= 500:
                return f"book.status_{status}"
        return ""

    def close(self) -> None:
        """Close the kept connections."""
        self._caller.close()

    def _asked(self, method: str, path: str, body: bytes | None = None) -> Answer:
        try:
            return self._signed(method, f"{self._url}/{path}", {"Content-Type": _FHIR} if body else {}, body)
        except NoAnswer:
            raise Unavailable("book.no_answer") from None

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
    if status in _LOST:
        raise FenceLost("book.fence_lost" if status == 412 else f"book.status_{status}")
    if status in _AGAIN or 300 <= status < 400:
        raise Unavailable(f"book.status_{status}", answer.retry_after)
    if status == 413 or (400 <= status < 500 and _says_too_many(answer)):
        raise TooLarge("book.too_large")
    if status in _DENIED:
        raise Denied(f"book.refused.status_{status}")
    if 400 <= status < 500:
        raise Refused(f"book.refused.status_{status}{_entry_at_fault(answer)}")
    # 503 too: it may come from a gateway that has lost the answer of a book that has stored.
    raise UnknownOutcome(f"book.status_{status}", answer.retry_after)


def _raise_for_watermark(answer: Answer) -> None:
    status = answer.status
    if 400 <= status < 500 and status not in _AGAIN | _LOST:
        raise Refused(f"book.refused.status_{status}")
    raise Unavailable(f"book.status_{status}", answer.retry_after)


def _says_too_many(answer: Answer) -> bool:
    try:
        issues = orjson.loads(answer.body)["issue"]
        texts = [str(issue.get(name, "")) for issue in issues for name in ("diagnostics", "details")]
        return any(issue.get("code") in _TOO_MANY for issue in issues) or any(map(_TOO_MANY_WORDS.search, texts))
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        return False


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
    found = _WATERMARK.search(bundle)
    if found is None:
        return Receipt("")
    place, name = bundle.count(_ENTRY, 0, found.start()), found[1].decode()
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


# A version, in an ETag with or without W/ and quotes: what we keep and send back must be what it seems.
_ETAG: Final = re.compile(r'(?:W/)?"?([\x21\x23-\x2e\x30-\x7e]{1,200}?)"?')
_HISTORY: Final = re.compile(r"/_history/([A-Za-z0-9.-]{1,64})")


def _etag_of(responses: list[dict[str, Any]], place: int, name: str) -> str:
    # By location, as a book may answer in another order; by place, as `location` is not required.
    history = f"{name}/_history/"
    located = (response for response in responses if history in str(response.get("location", "")))
    response = next(located, responses[place])
    return _etag(_located(response.get("location"))) or _etag(response.get("etag"))


def _located(location: object) -> object:
    found = _HISTORY.search(str(location))
    return found[1] if found else None


def _etag(version: object) -> str:
    found = _ETAG.fullmatch(str(version)) if version or version == 0 else None
    return f'W/"{found[1]}"' if found else ""


def _version_in(answer: Answer) -> str:
    try:
        version = orjson.loads(answer.body)["meta"]["versionId"]
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        version = None
    headers = answer.headers
    located = _located(headers.get("Location")) or _located(headers.get("Content-Location"))
    return _etag(version) or _etag(located) or _etag(headers.get("ETag"))


def _watermark(answer: Answer, lane_id: str) -> Watermark:
    try:
        basic = orjson.loads(answer.body)
        said, etag = _said(basic), _version_in(answer)
        if (basic["resourceType"], basic["id"]) == ("Basic", lane_id) and etag:
            return Watermark(int(said["seq"]), said["key"], etag)
    except (orjson.JSONDecodeError, TypeError, KeyError, ValueError, AttributeError):
        raise Unavailable("book.unreadable") from None
    raise Unavailable("book.unreadable")


def _said(basic: dict[str, Any]) -> dict[str, str]:
    """Seq and key: by the system that each is of, or, of a watermark of before (migration 0002), by tag."""
    if "identifier" in basic:
        return {each["system"].rpartition("/")[2]: each["value"] for each in basic["identifier"]}
    return dict(tag["code"].split("|", 1) for tag in basic["meta"]["tag"] if "|" in tag.get("code", ""))
