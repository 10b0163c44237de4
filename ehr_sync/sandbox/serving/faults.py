"""Failures on order: POST /_faults says which, DELETE /_faults ends them.

{"kind": …, "times": 3, "match": {"method": "POST", "path": "/fhir", "contains": "…"}, …}
Without `times` a fault lasts until cleared.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Lock
from time import sleep
from typing import Any, Final

from ehr_sync.sandbox.serving.exchange import Answer, Application, Request
from ehr_sync.sandbox.serving.storage import Storage, note

KINDS: Final = {
    "delay": "waits `seconds`, then handles",
    "delay_after": "handles, then waits `seconds` before it answers",
    "drip": "handles, then answers with one byte every `seconds`",
    "drop_before": "closes the connection, nothing handled",
    "drop_after": "handles, then closes the connection without an answer",
    "status": "answers `status`, with `retry_after` where given, nothing handled",
    "status_after": "handles, then answers `status`",
    "garbage": "handles, then answers 200 with something that is no answer",
    "garbage_before": "answers 200 with something that is no answer, nothing handled",
}
UNHANDLED: Final = frozenset({"drop_before", "status", "garbage_before"})
GARBAGE: Final = Answer(body=b"<html><body>Xin vui l\xf2ng th\xff l\xe1i sau", content_type="text/html")


@dataclass(slots=True)
class Fault:
    """One order. `left` is how many requests it still meets; None: all until cleared."""

    kind: str
    left: int | None = None
    match: dict[str, str] = field(default_factory=dict)
    seconds: float = 1.0
    status: int = 503
    retry_after: str = ""

    def meets(self, request: Request) -> bool:
        """Does it concern this request?"""
        return (
            self.match.get("method", request.method) == request.method
            and request.path.startswith(self.match.get("path", ""))
            and self.match.get("contains", "").encode() in request.body
        )


class Faults:
    """The orders of one server, first come first served. They end with the process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._orders: list[Fault] = []

    def order(self, wish: dict[str, Any]) -> None:
        """Add one. Raises ValueError, KeyError or TypeError where it makes no sense."""
        if wish["kind"] not in KINDS:
            raise ValueError("kind")
        fields = {name: value for name, value in wish.items() if name != "times"}
        with self._lock:
            self._orders.append(Fault(left=wish.get("times"), **fields))

    def clear(self) -> None:
        """End all."""
        with self._lock:
            self._orders.clear()

    def take(self, request: Request) -> Fault | None:
        """The fault that meets this request, used up by one."""
        with self._lock:
            self._orders = [fault for fault in self._orders if fault.left is None or fault.left > 0]
            found = next((fault for fault in self._orders if fault.meets(request)), None)
            if found and found.left is not None:
                found.left -= 1
            return found


def with_faults(application: Application, faults: Faults, storage: Storage) -> Application:
    """The application, failing as ordered. What a fault keeps from being handled is journalled here."""

    def handle(request: Request) -> Answer:
        fault = faults.take(request)
        if fault is None:
            return application(request)
        if fault.kind in UNHANDLED:
            return _unhandled(request, fault, storage)
        if fault.kind == "delay":
            sleep(fault.seconds)
        return _spoiled(application(replace(request, fate=fault.kind)), fault)

    return handle


def _unhandled(request: Request, fault: Fault, storage: Storage) -> Answer:
    entry = {"kind": "fault", "outcome": fault.kind, "method": request.method, "path": request.path}
    with storage.transaction() as connection:
        note(connection, entry, received=request.body)
    if fault.kind == "drop_before":
        return Answer(dropped=True)
    return GARBAGE if fault.kind == "garbage_before" else _failure(fault)


def _spoiled(answer: Answer, fault: Fault) -> Answer:
    match fault.kind:
        case "delay_after":
            return replace(answer, wait=answer.wait + fault.seconds)
        case "drip":
            return replace(answer, drip=fault.seconds)
        case "drop_after":
            return replace(answer, dropped=True)
        case "status_after":
            return _failure(fault)
        case "garbage":
            return GARBAGE
    return answer


def _failure(fault: Fault) -> Answer:
    return Answer(fault.status, headers={"Retry-After": fault.retry_after} if fault.retry_after else {})
