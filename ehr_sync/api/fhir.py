"""A citizen's own book over FHIR R4: read, search by patient, $everything.  https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from urllib.parse import urlencode

import orjson
from flask import Blueprint, Request, Response, request

from ehr_sync.api import access
from ehr_sync.api.capabilities import TYPES, capability_statement, searched_types
from ehr_sync.api.problems import FHIR_JSON, Problem
from ehr_sync.core.ports import Login
from ehr_sync.usecases.book.read_book import START, Position
from mappings.fhir.bundle import searchset

PAGE: Final = 100  # resources of a search where _count is not given; $everything then gives all
LARGEST_PAGE: Final = 1_000
_FORMATS: Final = {"application/fhir+json", "application/json", "json", "application/*", "*/*"}
# What a search looks at: by type the `patient`, of one's own Patient and of $everything nothing.
_PAGING: Final = frozenset({"_count", "_from", "_format"})
# What changes the form of an answer and not what is in it may go unheard, as FHIR has it: the `self` link tells.
_UNHEARD: Final = frozenset({"_pretty", "_summary", "_elements", "_sort", "_total", "_include", "_revinclude"})
_POSITION: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})", re.ASCII)


class Page(Protocol):
    """Some of a person's resources as JSON with meta, how many there are in all, and where the next page begins."""

    @property
    def resources(self) -> Sequence[bytes]: ...
    @property
    def total(self) -> int: ...
    @property
    def following(self) -> Position | None: ...


class Book(Protocol):
    """The use cases. Each raises NotFound for what is not the reader's own, and makes one audit entry."""

    def patient(self, *, login: Login) -> Page: ...
    def resource(self, type_: str, id_: str, *, login: Login) -> bytes: ...
    def everything(self, patient_id: str, *, login: Login, start: Position, count: int | None) -> Page: ...
    def search(self, type_: str, patient_id: str, *, login: Login, start: Position, count: int | None) -> Page: ...


def fhir(book: Book, *, public_url: str, version: str) -> Blueprint:
    """The routes, around the use cases."""
    blueprint = Blueprint("fhir", __name__, url_prefix="/fhir")
    base = f"{public_url}/fhir"
    statement = orjson.dumps(capability_statement(base, version))

    @blueprint.get("/metadata")
    def metadata() -> Response:
        _check_format(request)
        return _fhir(statement)

    @blueprint.get("/Patient")
    def patient() -> Response:
        _check(request)
        return _bundle(book.patient(login=access.login()), _Window(START, None), "Patient", {}, base)

    @blueprint.get("/Patient/<patient_id>/$everything")
    def everything(patient_id: str) -> Response:
        _check(request)
        window = _window(request, None)
        page = book.everything(patient_id, login=access.login(), start=window.start, count=window.count)
        return _bundle(page, window, f"Patient/{patient_id}/$everything", {}, base)

    @blueprint.get(f"/<any({','.join(TYPES)}):type_>/<resource_id>")
    def read(type_: str, resource_id: str) -> Response:
        _check_format(request)
        return _one(book.resource(type_, resource_id, login=access.login()))

    @blueprint.get(f"/<any({','.join(searched_types())}):type_>")
    def search(type_: str) -> Response:
        _check(request, "patient")
        window = _window(request, PAGE)
        patient_id = _patient_id(request, base)
        page = book.search(type_, patient_id, login=access.login(), start=window.start, count=window.count)
        return _bundle(page, window, type_, {"patient": patient_id}, base)

    return blueprint


@dataclass(frozen=True, slots=True)
class _Window:
    start: Position
    count: int | None


def _check(request: Request, *filters: str) -> None:
    """A filter that is not known is no filter: who asks for less must not get all, unless they say that they may
    (Prefer: handling=lenient).  https://hl7.org/fhir/R4/search.html#errors
    """
    _check_format(request)
    handling = request.headers.get("Prefer", "")
    unknown = request.args.keys() - _PAGING - set(filters)
    if "handling=strict" not in handling:
        unknown = {name for name in unknown if name.partition(":")[0] not in _UNHEARD}
    if unknown and "handling=lenient" not in handling:
        raise Problem("request.parameter")


def _check_format(request: Request) -> None:
    # A plus that was not escaped arrives as a blank.
    asked = request.args.get("_format", "").strip().replace(" ", "+")
    wanted = [asked] if asked else [name for name, quality in request.accept_mimetypes if quality > 0]
    if wanted and not any(name.partition(";")[0].strip().lower() in _FORMATS for name in wanted):
        raise Problem("media.not_acceptable")


def _window(request: Request, default: int | None) -> _Window:
    count = _whole_number(request, "_count")
    if count is not None:
        count = min(count, LARGEST_PAGE)
    return _Window(_start(request), default if count is None else count)


def _start(request: Request) -> Position:
    """Where a page begins: as the `next` link of the page before says."""
    text = request.args.get("_from")
    if text is None:
        return START
    found = _POSITION.fullmatch(text)
    if found is None:
        raise Problem("request.parameter", parameters=["_from"])
    return Position(int(found[1]), int(found[2]))


def _whole_number(request: Request, name: str) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise Problem("request.parameter", parameters=[name])
    return int(text)


def _patient_id(request: Request, base: str) -> str:
    """The id in `patient`: as an id, a reference, or a reference by its full address."""
    given = request.args.getlist("patient")
    if len(given) != 1:
        raise Problem("request.parameter", parameters=["patient"])
    return given[0].removeprefix(f"{base}/").removeprefix("Patient/")


def _bundle(page: Page, window: _Window, path: str, query: dict[str, str], base: str) -> Response:
    following = page.following if window.count else None
    return _fhir(
        searchset(
            page.resources,
            total=page.total,
            self_url=_address(base, path, query, window.start, window.count),
            next_url=_address(base, path, query, following, window.count) if following else None,
            base_url=base,
        )
    )


def _address(base: str, path: str, query: dict[str, str], start: Position, count: int | None) -> str:
    paging = {"_count": str(count)} if count is not None else {}
    place = {"_from": f"{start.seq}.{start.passed}"} if start != START else {}
    whole = urlencode(query | paging | place)
    return f"{base}/{path}?{whole}" if whole else f"{base}/{path}"


def _one(resource: bytes) -> Response:
    response = _fhir(resource)
    meta = orjson.loads(resource)["meta"]
    response.set_etag(meta["versionId"], weak=True)
    response.last_modified = datetime.fromisoformat(meta["lastUpdated"])
    return response


def _fhir(body: bytes) -> Response:
    response = Response(body)
    response.headers["Content-Type"] = FHIR_JSON
    return response
