"""POST /api/v1/submissions: a hospital's system hands over dossiers, or tries first what would become of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import nullcontext
from functools import partial
from typing import Final, Protocol

import orjson
from flask import Blueprint, Request, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from ehr_sync.api import access, connection, render
from ehr_sync.api.language import language_of
from ehr_sync.api.places import Places
from ehr_sync.api.problems import Problem
from ehr_sync.core.answers import Answer
from mappings.formats.bodies import Shape

MediaType = Shape
MEDIA_TYPES: Final[dict[str, MediaType]] = {
    "application/xml": "xml",
    "text/xml": "xml",
    "application/json": "json",
    "multipart/form-data": "multipart",
    "application/x-www-form-urlencoded": "form",
    # What says nothing of itself is looked at: XML, base64 of it, JSON or a form.
    "application/octet-stream": "form",
    "text/plain": "form",
}
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii"})
_TRIALS_AT_ONCE: Final = 2
_TRIALS_WAITING: Final = 4
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")


class Reader(Protocol):
    """A body as it arrives."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes more; b"" at the end."""
        ...


class Accept(Protocol):
    """The use case: takes the whole body, answers when all of it is committed (P1)."""

    def __call__(
        self, *, client_id: str, body: Reader, media_type: MediaType, idempotency_key: str | None
    ) -> Answer: ...


class DryRun(Protocol):
    """The use case that answers what sending would answer now, with what would become of each, and keeps nothing."""

    def __call__(self, *, client_id: str, actor: str, body: Reader, media_type: MediaType) -> Answer: ...


def submissions(accept: Accept, try_out: DryRun, places: Places, trials: Places, *, public_url: str) -> Blueprint:
    """The route, around its use cases. A body is read when it has its place."""
    blueprint = Blueprint("submissions", __name__)

    @blueprint.post("/api/v1/submissions")
    def submit() -> Response:
        client_id = access.caller().client_id
        dry_run = is_dry_run(request)
        media_type, idempotency_key, body = kind_of(request), idempotency_key_of(request), body_of(request)
        with trials.taken(client_id) if dry_run else nullcontext(), places.taken(client_id):
            if dry_run:
                answer = try_out(client_id=client_id, actor=f"client:{client_id}", media_type=media_type, body=body)
                rendered = render.dry_run(answer, language_of(request), f"{public_url}/fhir")
            else:
                answer = accept(client_id=client_id, media_type=media_type, idempotency_key=idempotency_key, body=body)
                rendered = render.answer(answer, language_of(request))
        return Response(orjson.dumps(rendered), mimetype="application/json")

    return blueprint


def trial_places() -> Places:
    """The places of all trials, which wait for one another: not in the places of those who send."""
    return Places(at_once=_TRIALS_AT_ONCE, each=1, waiting=_TRIALS_WAITING, crowded="trials.crowded")


class Body:
    """The request's body as it arrives; a chunked one does not say how long it is."""

    def __init__(self, request: Request) -> None:
        self._stream = request.stream
        self._missing = request.content_length
        self._was_too_slow = partial(connection.was_too_slow, request.environ)

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes more; b"" at the end. Raises Problem: too many, or the connection broke."""
        try:
            block: bytes = self._stream.read(size)
        except RequestEntityTooLarge:
            raise Problem("request.too_large") from None
        except Exception:  # each server has errors of its own for a broken connection and a malformed chunk
            raise Problem("request.too_slow" if self._was_too_slow() else "request.cut_off") from None
        if self._missing is not None:
            self._missing -= len(block)
        # A server gives what came before the connection broke, then an end like any other.
        if not block and size and self._missing:
            raise Problem("request.cut_off")
        return block


def is_dry_run(request: Request) -> bool:
    """Whether it is only to be tried. Raises Problem for any other parameter, or value: who has misspelt it must not
    have sent.
    """
    if not request.args:
        return False
    given = list(request.args.items(multi=True))
    if given not in ([("dry_run", "true")], [("dry_run", "false")]):
        raise Problem("request.parameter", parameters=["dry_run"])
    return given == [("dry_run", "true")]


def kind_of(request: Request, taken: Collection[str] = MEDIA_TYPES.keys()) -> MediaType:
    """What the body is by its Content-Type. Raises Problem for one that is not taken."""
    accepted = {"Accept-Post": ", ".join(taken)}
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem("media.encoded", headers={"Accept-Encoding": "identity"})
    if request.mimetype not in taken:
        raise Problem("media.unsupported", headers=accepted)
    if request.mimetype_params.get("charset", "utf-8").lower() not in _CHARSETS:
        raise Problem("media.charset", headers=accepted)
    return MEDIA_TYPES[request.mimetype]


def idempotency_key_of(request: Request) -> str | None:
    """The Idempotency-Key, or None. Raises Problem for a malformed one."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _VISIBLE_ASCII.fullmatch(key):
        raise Problem("idempotency_key.malformed")
    return key


def body_of(request: Request) -> Body:
    """The request's body. Raises Problem where it says that it is too large."""
    # Told at once, by the length alone: nobody should upload a gigabyte to hear that it is too much.
    if request.content_length is not None and request.content_length > (request.max_content_length or 0):
        raise Problem("request.too_large")
    return Body(request)
