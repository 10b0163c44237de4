"""Named step boundaries of the service, and tickets that end or stop a process which reaches one.

Production code knows nothing of this: the launcher (crashing.py) wraps functions by name. A ticket is a file named
after a boundary; the first process that reaches the boundary takes it and sends itself the signal that it holds.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import signal
import threading
from collections.abc import Callable, Sequence, Sized
from pathlib import Path
from typing import Any, Final

import psycopg

import ehr_sync.store

# Steps that are functions of ehr_sync.store, in whichever module.
_STORE: Final = (
    "claim_idempotency_key",
    "begin_submissions",
    "add_claims",
    "lock",
    "lock_records",
    "add_pieces",
    "add_versions",
    "put_entries",
    "want",
    "add_records",
    "set_records",
    "set_body",
    "end_submission",
    "take_due",
    "decide_claim",
    "postpone_claim",
    "take_number",
    "prove",
    "move_versions",
    "move_claim",
    "merge",
    "hold",
    "commit_intents",
    "settle_delivered",
    "settle_failed",
    "settle_unknown",
    "settle_not_applied",
    "mark_some",
    "announce",
    "put_off",
    "wake",
    "note_etag",
)
# Steps that are methods.
_METHODS: Final = (
    "ehr_sync.store.key_store:KeyStore.new_person",
    "ehr_sync.adapters.registries.soap:SoapLookUp.look_up",
    "ehr_sync.adapters.fhir_book:FhirBook.push",
    "ehr_sync.adapters.fhir_book:FhirBook.watermark",
    "ehr_sync.adapters.fhir_book:FhirBook.put_watermark",
)

# Where the crash run kills: a process that stops to exist here must cost nothing but time.
WEB: Final = (
    "after commit of claim_idempotency_key",
    "after new_person",
    "before begin_submissions",
    "before add_claims",
    "before lock",
    "before add_pieces",
    "before add_versions",
    "before put_entries",
    "before want",
    "before add_records",
    "before set_records",
    "before end_submission",
    "before commit of add_records",
    "after commit of add_records",
    "before commit of set_records",
    "after commit of set_records",
)
SCHEDULER: Final = (
    "before commit of take_due",
    "after commit of take_due",
    "before look_up",
    "after look_up",
    "before decide_claim",
    "before take_number",
    "before move_versions",
    "before move_claim",
    "before merge",
    "before commit of set_records",
    "after commit of set_records",
    "after commit of postpone_claim",
    "before commit of commit_intents",
    "after commit of commit_intents",
    "before push",
    "after push",
    "before hold",
    "before watermark",
    "after watermark",
    # Players, whom people's lanes wait for, and who wakes those.
    "before announce",
    "before commit of announce",
    "after commit of announce",
    "before put_off",
    "before commit of put_off",
    "after commit of put_off",
    "before wake",
    "before commit of wake",
    "after commit of wake",
    # A lane's first act.
    "before put_watermark",
    "after put_watermark",
    "before commit of note_etag",
    "after commit of note_etag",
    "before settle_delivered",
    "before commit of settle_delivered",
    "after commit of settle_delivered",
    "before settle_unknown",
    "after commit of settle_unknown",
    "before settle_not_applied",
    "after commit of settle_not_applied",
    "before settle_failed",
    "after commit of settle_failed",
)


class Tickets:
    """The tickets of one role ("web", "scheduler"), in a folder that all processes share."""

    def __init__(self, folder: Path, role: str) -> None:
        self._folder, self._role = folder, role
        folder.mkdir(exist_ok=True)

    def place(self, boundary: str, sign: signal.Signals = signal.SIGKILL) -> None:
        """The next process of the role that reaches the boundary gets the signal."""
        draft = self._folder / "draft"
        draft.write_text(str(int(sign)))
        draft.rename(self._file(boundary))

    def withdraw(self, boundary: str) -> bool:
        """Take a ticket back; False where somebody has taken it."""
        try:
            self._file(boundary).unlink()
        except FileNotFoundError:
            return False
        return True

    def waits(self, boundary: str) -> bool:
        """Whether nobody has taken it yet."""
        return self._file(boundary).exists()

    def reach(self, boundary: str) -> None:
        """This process is at the boundary."""
        file = self._file(boundary)
        try:
            sign = int(file.read_text())
            file.unlink()  # of two that reach it at once, one takes it
        except FileNotFoundError:
            return
        # To this very thread: else another may take a stop, while this one runs on for a while.
        signal.pthread_kill(threading.get_ident(), sign)

    def _file(self, boundary: str) -> Path:
        return self._folder / f"{self._role} {boundary}"


def install(role: str, folder: Path) -> None:
    """Wrap every step of this process. Raises LookupError where a step has another name by now."""
    tickets, written = Tickets(folder, role), threading.local()
    places = [(_owner_in_store(name), name) for name in _STORE] + [_method(place) for place in _METHODS]
    for owner, name in places:
        setattr(owner, name, _step(name, getattr(owner, name), tickets, written))
    psycopg.Connection.commit = _commit(psycopg.Connection.commit, tickets, written)  # type: ignore[method-assign]


def _owner_in_store(name: str) -> Any:
    names = [module.name for module in pkgutil.iter_modules(ehr_sync.store.__path__, "ehr_sync.store.")]
    modules = [importlib.import_module(module) for module in names if ".migrat" not in module]
    (owner,) = [m for m in modules if getattr(getattr(m, name, None), "__module__", "") == m.__name__]
    return owner


def _method(place: str) -> tuple[Any, str]:
    module, _, path = place.partition(":")
    owner, _, name = path.partition(".")
    return getattr(importlib.import_module(module), owner), name


def _step(name: str, function: Callable[..., Any], tickets: Tickets, written: threading.local) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **named: Any) -> Any:
        if _nothing(args[1:2]):
            return function(*args, **named)
        tickets.reach(f"before {name}")
        result = function(*args, **named)
        if isinstance(result, list) and not result:
            return result
        tickets.reach(f"after {name}")
        written.steps = {*getattr(written, "steps", ()), name}
        return result

    return wrapped


def _nothing(first: Sequence[Any]) -> bool:
    # Called with an empty collection it is no step: nothing is done.
    return bool(first) and isinstance(first[0], Sized) and not isinstance(first[0], str | bytes) and not len(first[0])


def _commit(function: Callable[..., Any], tickets: Tickets, written: threading.local) -> Callable[..., Any]:
    # A commit is named after every step before it in its thread.
    @functools.wraps(function)
    def wrapped(connection: Any) -> Any:
        steps, written.steps = getattr(written, "steps", ()), set()
        for step in steps:
            tickets.reach(f"before commit of {step}")
        result = function(connection)
        for step in steps:
            tickets.reach(f"after commit of {step}")
        return result

    return wrapped
