"""Ways of real FHIR servers, before the sandbox's book: a proxy that changes what passes it by one dialect."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

import orjson


@dataclass(slots=True)
class Said:
    """An answer that can be changed."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(slots=True)
class Asked:
    """A request, and how to have the book answer it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    forward: Callable[[Asked], Said] = field(repr=False)

    @property
    def is_push(self) -> bool:
        return self.method == "POST" and self.path.rstrip("/") == "/fhir"


Dialect = Callable[[Asked], Said]


def plain(asked: Asked) -> Said:
    """As the sandbox's book answers."""
    return asked.forward(asked)


def outcome(status: int, text: str = "", code: str = "processing") -> Said:
    issue = {"severity": "error", "code": code, "diagnostics": text}
    return Said(status, {}, orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]}))


def each_response(change: Callable[[dict[str, Any]], object]) -> Dialect:
    """A dialect that changes every entry of a transaction-response."""

    def answer(asked: Asked) -> Said:
        said = asked.forward(asked)
        if asked.is_push and said.status == 200:
            bundle = said.json()
            for entry in bundle["entry"]:
                change(entry["response"])
            said.body = orjson.dumps(bundle)
        return said

    return answer


def unquoted_etag(asked: Asked) -> Said:
    """HAPI FHIR: "etag": "3"."""
    bare = each_response(lambda said: said.update(etag=said["etag"][3:-1]) if "etag" in said else None)
    answer = bare(asked)
    if "ETag" in answer.headers:
        answer.headers["ETag"] = answer.headers["ETag"][3:-1]
    return answer


def tags_merged_and_sorted(asked: Asked) -> Said:
    """Tags of all versions stay, sorted; lists come back in another order."""
    answer = asked.forward(asked)
    if asked.method == "GET" and "/Basic/" in asked.path and answer.status == 200:
        basic = answer.json()
        basic["meta"]["tag"] = [{"code": "key|old"}, {"code": "seq|1"}, {"code": "seq|2"}]
        basic["identifier"] = basic["identifier"][::-1]
        answer.body = orjson.dumps(basic)
    return answer


def conflict_for_wrong_match(asked: Asked) -> Said:
    """409 where R4 says 412."""
    answer = asked.forward(asked)
    return outcome(409, code="conflict") if answer.status == 412 else answer


def nothing_for_match_on_nothing(asked: Asked) -> Said:
    """404 where R4 says 412."""
    answer = asked.forward(asked)
    return outcome(404, code="not-found") if answer.status == 412 else answer


def match_ignored(asked: Asked) -> Said:
    """Whatever ifMatch says."""
    if asked.is_push:
        bundle = orjson.loads(asked.body)
        for entry in bundle["entry"]:
            entry["request"].pop("ifMatch", None)
        asked.body = orjson.dumps(bundle)
    return asked.forward(asked)


def location_without_etag(asked: Asked) -> Said:
    answer = each_response(lambda said: said.pop("etag", None))(asked)
    answer.headers.pop("ETag", None)
    return answer


def neither_etag_nor_location(asked: Asked) -> Said:
    answer = each_response(lambda said: (said.pop("etag", None), said.pop("location", None)))(asked)
    return Said(answer.status, {}, answer.body)


def integer_status(asked: Asked) -> Said:
    return each_response(lambda said: said.update(status=int(said["status"][:3])))(asked)


def outcome_with_200(asked: Asked) -> Said:
    answer = asked.forward(asked)
    return outcome(200, "All OK") if asked.is_push and answer.status == 200 else answer


def empty_200(asked: Asked) -> Said:
    answer = asked.forward(asked)
    return Said(200, {}, b"") if asked.is_push and answer.status == 200 else answer


def one_entry_fewer(asked: Asked) -> Said:
    answer = asked.forward(asked)
    if asked.is_push and answer.status == 200:
        bundle = answer.json()
        answer.body = orjson.dumps({**bundle, "entry": bundle["entry"][:-1]})
    return answer


def at_most(count: int, status: int, text: str) -> Dialect:
    """No more than so many entries."""

    def answer(asked: Asked) -> Said:
        if asked.is_push and len(orjson.loads(asked.body)["entry"]) > count:
            return outcome(status, text)
        return asked.forward(asked)

    return answer


def every_other_push(status: int) -> Dialect:
    """Every other push comes too early, or meets another transaction on the same resource."""
    seen: list[int] = []

    def answer(asked: Asked) -> Said:
        if asked.is_push:
            seen.append(1)
            if len(seen) % 2:
                return outcome(status)
        return asked.forward(asked)

    return answer


class Proxy:
    """Forwards to a book in a dialect, which a test may change."""

    def __init__(self, url: str, dialect: Dialect) -> None:
        self.dialect = dialect
        self.asked: list[tuple[str, str]] = []
        self._origin = url.removesuffix("/fhir")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/fhir"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: self.headers[name] for name in _PASSED if name in self.headers}
                proxy.asked.append((self.command, self.path))
                answer = proxy.dialect(Asked(self.command, self.path, headers, body, proxy._forward))
                self.send_response(answer.status)
                for name, value in (answer.headers | {"Content-Length": str(len(answer.body))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            do_POST = do_PUT = do_DELETE = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        return Handler

    def _forward(self, asked: Asked) -> Said:
        request = urllib.request.Request(  # noqa: S310 - the sandbox's own address
            self._origin + asked.path, data=asked.body or None, headers=asked.headers, method=asked.method
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return Said(answer.status, _kept(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Said(error.code, _kept(error.headers), error.read())

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


_PASSED: Final = ("Authorization", "Content-Type", "Idempotency-Key", "Prefer", "If-Match")


def _kept(headers: Any) -> dict[str, str]:
    return {name: headers[name] for name in ("ETag", "Location", "Retry-After", "Content-Type") if name in headers}


@contextmanager
def before(url: str, dialect: Dialect) -> Iterator[Proxy]:
    """A proxy before the book at this address."""
    proxy = Proxy(url, dialect)
    thread = Thread(target=proxy.serve, daemon=True)
    thread.start()
    yield proxy
    proxy.close()
    thread.join(5)
