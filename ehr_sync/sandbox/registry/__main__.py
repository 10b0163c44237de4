"""The population registry of the sandbox: python -m ehr_sync.sandbox.registry --port N --folder F.

It matches number, name and birth date by itself and never says which of them failed, as the real one. It is asked in
SOAP (037, 003) at /registry and in JSON at /registry/json, by whoever signs with a hash or bears a token of its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import click

from ehr_sync.sandbox.city.population import Held, held_of, registry_behaviour, somebody_elses_number
from ehr_sync.sandbox.registry.messages import (
    Question,
    read_json_question,
    read_question,
    write_answer,
    write_fault,
    write_json_answer,
    write_yes_or_no,
)
from ehr_sync.sandbox.serving import oauth, server
from ehr_sync.sandbox.serving.accounts import SECRET, USER
from ehr_sync.sandbox.serving.exchange import Answer, Request
from ehr_sync.sandbox.serving.storage import Storage, note

PATH: Final = "/registry"
JSON_PATH: Final = "/registry/json"
HELD_FOR_SECONDS: Final = 120.0  # "time_out": longer than any client waits
_CLOCKS_APART_MS: Final = 300_000
_TOKEN_SECONDS: Final = 300.0
SCHEMA: Final = oauth.SCHEMA

_WRITE: Final = {"037": write_answer, "003": write_yes_or_no, "json": write_json_answer}

Match = Callable[[str, str], bool]


def strict(asked: str, held: str) -> bool:
    """Equal to the byte: what the key that judges forgives must have been mended before it was asked."""
    return asked == held


def lenient(asked: str, held: str) -> bool:
    """Equal without marks and anything but letters and digits, as one public system compares."""
    return _bare(asked) == _bare(held)


def _bare(name: str) -> str:
    upper = unicodedata.normalize("NFD", name.upper().replace("Đ", "D").replace("Ð", "D"))
    return "".join(letter for letter in upper if letter.isascii() and letter.isalnum())


class Registry:
    """Answers questions about the invented population and journals each of them."""

    def __init__(self, storage: Storage, *, matches: Match, user: str, secret: str) -> None:
        self._storage, self._matches, self._user, self._secret = storage, matches, user, secret
        self._desk = oauth.TokenDesk(storage, user, secret, _TOKEN_SECONDS)

    def handle(self, request: Request) -> Answer:
        """A question, or a token for asking."""
        match (request.method, request.path):
            case ("POST", "/oauth2/token"):
                return self._desk.issue(request)
            case ("DELETE", "/_tokens"):
                return self._desk.revoke_all()
            case ("POST", path) if path in {PATH, JSON_PATH}:
                return self._asked(request, read_question if path == PATH else read_json_question)
        return Answer(404)

    def _asked(self, request: Request, read: Callable[[bytes], Question]) -> Answer:
        if not self._is_signed(request) and not self._desk.knows(request):
            return self._refused(request, "bad_signature", 401)
        try:
            question = read(request.body)
        except ValueError:
            return self._refused(request, "bad_question", 400)
        return self._answered(question, registry_behaviour(question.number), request.fate)

    def _is_signed(self, request: Request) -> bool:
        stamp = request.headers.get("timestamp", "")
        if not stamp.isdecimal() or abs(int(stamp) - time.time() * 1000) > _CLOCKS_APART_MS:
            return False
        digest = hashlib.sha256(f"{request.url}{self._user}{stamp}{self._secret}".encode()).hexdigest()
        expected = "Basic " + base64.b64encode(f"{self._user}:{digest}".encode()).decode()
        return hmac.compare_digest(expected.encode(), request.headers.get("authorization", "").encode())

    def _refused(self, request: Request, why: str, status: int) -> Answer:
        with self._storage.transaction() as connection:
            note(connection, {"kind": "question", "outcome": why, "status": status, "fate": request.fate})
        return Answer(status, write_fault(), content_type="text/xml; charset=utf-8")

    def _answered(self, question: Question, behaviour: str, fate: str) -> Answer:
        found = self._found(question, behaviour)
        outcome = {"time_out": "held", "error_500": "error", "garbage": "garbage"}.get(behaviour)
        entry = {
            "kind": "question",
            "outcome": outcome or ("found" if found else "none"),
            **asdict(question),
            "behaviour": behaviour,
            "answered_number": found.number if found and not outcome else None,
            "fate": fate,
        }
        with self._storage.transaction() as connection:
            note(connection, entry)
        return _said(found, behaviour, question.operation)

    def _found(self, question: Question, behaviour: str) -> Held | None:
        held = held_of(question.number)
        matches = lenient if behaviour == "marks_dropped" else self._matches
        if held is None or not matches(question.name, held.name) or not _born(question.birth_date, held.birth_date):
            return None
        return replace(held, number=somebody_elses_number()) if behaviour == "other_number" else held


def _born(asked: str, held: str) -> bool:
    # A year alone is compared with the year; a registry that holds a year only knows no day to agree with.
    return asked == held or (len(asked) == 4 and held.startswith(asked))


def _said(found: Held | None, behaviour: str, operation: str) -> Answer:
    match behaviour:
        case "time_out":
            return Answer(wait=HELD_FOR_SECONDS, dropped=True)
        case "error_500":
            return Answer(500, write_fault(), content_type="text/xml; charset=utf-8")
        case "garbage":
            return Answer(200, b"<html><body>503 Service Unavailable</body></html>", content_type="text/html")
    kind = "application/json" if operation == "json" else "text/xml; charset=utf-8"
    return Answer(200, _WRITE[operation](found), content_type=kind)


@click.command(help="The sandbox's population registry.")
@server.arguments
@click.option("--lenient", "is_lenient", is_flag=True, help="Compare names without their marks.")
@click.option("--user", default=USER)
@click.option("--secret", default=SECRET)
def main(*, port: int, folder: Path, tied: bool, is_lenient: bool, user: str, secret: str) -> None:
    """Serve until killed."""
    server.end_with_parent(tied)
    storage = Storage(folder / "registry.sqlite", SCHEMA)
    registry = Registry(storage, matches=lenient if is_lenient else strict, user=user, secret=secret)
    server.serve(registry.handle, port=port, storage=storage)


if __name__ == "__main__":
    main()
