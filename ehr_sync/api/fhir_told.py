"""How a FHIR answer is told: one resource with its version, or a Bundle with its links.

https://hl7.org/fhir/R4/http.html  https://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol
from urllib.parse import urlencode

import orjson
from flask import Request, Response

from ehr_sync.api.fhir_asked import Asked
from ehr_sync.api.problems import FHIR_JSON, Problem, not_heard
from ehr_sync.usecases.book.read_book import START, Position
from mappings.fhir.bundle import history, searchset

_LONGEST: Final = 4_000  # of an address: servers take little more in a first line
WORDS: Final = "_words"
"""The parameter of a link that holds, sealed, what its reader sent in a body."""


class Page(Protocol):
    """Some of a person's resources as JSON with meta, how many there are in all, and where the next page begins."""

    @property
    def resources(self) -> Sequence[bytes]: ...
    @property
    def total(self) -> int: ...
    @property
    def following(self) -> Position | str | None: ...


def told(page: Page, asked: Asked, address: str, *, base: str, hide: Callable[[bytes], str] | None) -> Response:
    """A searchset at this address. `hide` seals what links repeat, where it must not stand in an address."""
    start, following = asked.search.start, page.following if asked.search.count else None
    return fhir_json(
        searchset(
            map(asked.cut, page.resources) if asked.cut else page.resources,
            total=page.total,
            self_url=_link(address, asked, start, hide),
            next_url=_link(address, asked, following, hide) if following else None,
            base_url=base,
            outcome=not_heard(asked.unheard) if asked.unheard else None,
        )
    )


def told_history(page: Page, asked: Asked, address: str, *, base: str) -> Response:
    """A history Bundle: what stands today, in its one version."""
    start, following = asked.search.start, page.following if asked.search.count else None
    return fhir_json(
        history(
            page.resources,
            total=page.total,
            self_url=_link(address, asked, start, None),
            next_url=_link(address, asked, following, None) if following else None,
            base_url=base,
        )
    )


def one(resource: bytes, cut: Callable[[bytes], bytes] | None, request: Request) -> Response:
    """One resource; 304 where its reader has this version (RFC 9110, 13.1.2)."""
    meta = orjson.loads(resource)["meta"]
    has_it = request.if_none_match.contains_weak(meta["versionId"])
    response = Response(status=304) if has_it else fhir_json(cut(resource) if cut else resource)
    response.set_etag(meta["versionId"], weak=True)
    response.last_modified = datetime.fromisoformat(meta["lastUpdated"])
    return response


def fhir_json(body: bytes) -> Response:
    """An answer in FHIR JSON."""
    response = Response(body)
    response.headers["Content-Type"] = FHIR_JSON
    return response


def _link(address: str, asked: Asked, start: Position | str, hide: Callable[[bytes], str] | None) -> str:
    counted = asked.search.count is not None and asked.summary != "count"
    paging = [("_count", str(asked.search.count))] if counted else []
    place = [("_from", _place(start))] if start != START else []
    heard = [(WORDS, hide(orjson.dumps(asked.heard)))] if hide and asked.heard else asked.heard
    whole = urlencode([*heard, *paging, *place])
    if len(whole) > _LONGEST:
        raise Problem("request.too_large")  # a link that nobody could follow
    return f"{address}?{whole}" if whole else address


def _place(start: Position | str) -> str:
    return f"{start.seq}.{start.passed}" if isinstance(start, Position) else start
