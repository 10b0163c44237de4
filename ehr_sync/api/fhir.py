"""A citizen's own book over FHIR R4: read, vread, history, search, $everything, $summary, batches of these.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import orjson
from flask import Blueprint, Response, current_app, g, request
from werkzeug.datastructures import MultiDict

from ehr_sync.api import access
from ehr_sync.api.capabilities import TYPES, capability_statement, searched_types
from ehr_sync.api.fhir_asked import (
    Asked,
    Pairs,
    check_bare,
    check_format,
    everything_of,
    form_of,
    history_of,
    is_lenient,
    refused,
    search_of,
)
from ehr_sync.api.fhir_batch import BATCH_BYTES, answers, is_batched
from ehr_sync.api.fhir_told import WORDS, Page, fhir_json, one, told, told_history
from ehr_sync.api.problems import Problem
from ehr_sync.core.ports import Login
from ehr_sync.usecases.book.search_book import LostPlace, Search
from mappings.fhir.search import fits

PAGE: Final = 100  # resources of a search where _count is not given; $everything then gives all
# As long as an address may be, which a next page's must hold sealed.
_FORM_BYTES: Final = 2_000
_FORM: Final = "application/x-www-form-urlencoded"


class Book(Protocol):
    """The use cases. Each raises NotFound for what is not the reader's own, and makes one audit entry."""

    def resource(self, type_: str, id_: str, version: str | None, how: str, *, login: Login) -> bytes: ...
    def search(self, action: str, types: Collection[str], asked: Search, *, login: Login) -> Page: ...
    def summary(self, patient_id: str, *, login: Login) -> bytes: ...
    def hide(self, words: bytes, *, login: Login) -> str: ...
    def hidden(self, hidden: str, *, login: Login) -> bytes | None: ...


def fhir(book: Book, *, public_url: str, version: str) -> Blueprint:
    """The routes, around the use cases."""
    blueprint = Blueprint("fhir", __name__, url_prefix="/fhir")
    base = f"{public_url}/fhir"
    statement = orjson.dumps(capability_statement(base, version))
    own, searched = f"<any({','.join(TYPES)}):type_>", f"<any({','.join(searched_types())}):type_>"

    @blueprint.get("/metadata")
    def metadata() -> Response:
        check_format(request)
        return fhir_json(statement)

    @blueprint.get("/Patient/<patient_id>/$everything")
    def everything(patient_id: str) -> Response:
        check_format(request)
        asked = everything_of(patient_id, _pairs(book), base=base, lenient=is_lenient(request))
        page = _page(book, "everything", asked)
        return told(page, asked, f"{base}/Patient/{patient_id}/$everything", base=base, hide=_hide(book))

    @blueprint.get("/Patient/<patient_id>/$summary")
    def summary(patient_id: str) -> Response:
        check_format(request)
        check_bare(_plain(request.args), lenient=is_lenient(request))
        return fhir_json(book.summary(patient_id, login=access.login()))

    @blueprint.get(f"/{own}/<resource_id>")
    def read(type_: str, resource_id: str) -> Response:
        return _read(type_, resource_id, None)

    @blueprint.get(f"/{own}/<resource_id>/_history/<version_id>")
    def vread(type_: str, resource_id: str, version_id: str) -> Response:
        return _read(type_, resource_id, version_id)

    def _read(type_: str, resource_id: str, version_id: str | None) -> Response:
        check_format(request)
        form = form_of(type_, _plain(request.args), base=base)
        return one(book.resource(type_, resource_id, version_id, "read", login=access.login()), form.cut, request)

    @blueprint.get(f"/{own}/<resource_id>/_history")
    def history(type_: str, resource_id: str) -> Response:
        check_format(request)
        asked = history_of(type_, _plain(request.args), base=base, default=PAGE, lenient=is_lenient(request))
        resource = book.resource(type_, resource_id, None, "history", login=access.login())
        page = _Standing((resource,) if fits(orjson.loads(resource), asked.search.filters) else ())
        return told_history(page, asked, f"{base}/{type_}/{resource_id}/_history", base=base)

    @blueprint.get(f"/{own}/_history")
    def history_of_type(type_: str) -> Response:
        check_format(request)
        asked = history_of(type_, _plain(request.args), base=base, default=PAGE, lenient=is_lenient(request))
        return told_history(_page(book, f"history {type_}", asked), asked, f"{base}/{type_}/_history", base=base)

    @blueprint.get(f"/{searched}")
    def search(type_: str) -> Response:
        return _search(type_, _pairs(book), _hide(book))

    @blueprint.post(f"/{searched}/_search")
    def search_by_post(type_: str) -> Response:
        if request.mimetype != _FORM:
            raise Problem("media.unsupported", headers={"Accept-Post": _FORM})
        request.max_content_length = _FORM_BYTES
        return _search(type_, [*_pairs(book), *_plain(request.form)], partial(book.hide, login=access.login()))

    def _search(type_: str, pairs: Pairs, hide: Callable[[bytes], str] | None) -> Response:
        check_format(request)
        asked = search_of(type_, pairs, base=base, default=PAGE, lenient=is_lenient(request))
        page = _page(book, f"search {type_}", asked)
        return told(page, asked, f"{base}/{type_}", base=base, hide=hide)

    @blueprint.post("")
    @blueprint.post("/")
    def batch() -> Response:
        check_format(request)
        if request.mimetype not in {"application/fhir+json", "application/json"}:
            raise Problem("media.unsupported", headers={"Accept-Post": "application/fhir+json"})
        request.max_content_length = BATCH_BYTES
        return fhir_json(answers(request.get_data(), app=current_app, asked=request))

    return blueprint


@dataclass(frozen=True, slots=True)
class _Standing:
    """The one version of a resource that there is, if it is asked for."""

    resources: tuple[bytes, ...]
    following: None = None

    @property
    def total(self) -> int:
        return len(self.resources)


def _page(book: Book, action: str, asked: Asked) -> Page:
    try:
        return book.search(action, asked.types, asked.search, login=access.login())
    except LostPlace:
        raise refused("_from") from None


def _pairs(book: Book) -> Pairs:
    """The parameters of the address, those among them that are sealed opened."""
    pairs = [pair for pair in _plain(request.args) if pair[0] != WORDS]
    for hidden in request.args.getlist(WORDS):
        words = book.hidden(hidden, login=access.login())
        if words is None:
            raise refused(WORDS)
        g.hides = True
        pairs += [(name, value) for name, value in orjson.loads(words)]
    return pairs


def _hide(book: Book) -> Callable[[bytes], str] | None:
    """What came in a body must stand in no address; and a personal number in none that we make."""
    if is_batched(request) or g.get("hides") or "identifier" in request.args:
        return partial(book.hide, login=access.login())
    return None


def _plain(given: MultiDict[str, str]) -> list[tuple[str, str]]:
    return list(given.items(multi=True))
