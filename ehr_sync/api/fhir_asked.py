"""What a FHIR request asks for, read from its parameters: nothing that narrows an answer goes unheard.

https://hl7.org/fhir/R4/search.html  docs/decisions/023-an-unknown-filter-is-refused.md
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from flask import Request

from ehr_sync.api.problems import Problem
from ehr_sync.usecases.book.read_book import START, Position
from ehr_sync.usecases.book.search_book import Search
from mappings.fhir.search import (
    DatesFilter,
    Filter,
    Malformed,
    Order,
    Unsupported,
    alternatives,
    filter_of,
    named,
    orders_of,
)
from mappings.fhir.search_dates import DateFilter, stretch
from mappings.fhir.search_parameters import LAST_UPDATED, OWNERS, PARAMETERS
from mappings.fhir.subset import are_known, summarized, with_elements

LARGEST_PAGE: Final = 1_000
_FORMATS: Final = {"application/fhir+json", "application/json", "json", "application/*", "*/*"}
_VERSIONS: Final = {"", "4.0", "4.0.1"}
# They begin with "_" and filter nothing; the total is always told.
_IDLE: Final = frozenset({"_format", "_pretty", "_total", "_totalMethod"})
_POSITION: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
# A name that may be said again: of what a caller wrote, only what has the form of a parameter, and no capitals as
# people's names have here.
_NAME: Final = re.compile(r"_?[a-z]+([A-Z][a-z]+)*(-[a-z]+)*(:[A-Z]?[a-z]+([A-Z][a-z]+)*)?", re.ASCII)

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it was understood: of which types, the search, the form of what it finds, and what of it was
    (not) heard.
    """

    types: tuple[str, ...]
    search: Search
    elements: tuple[str, ...] = ()
    summary: str = "false"
    heard: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    unheard: tuple[str, ...] = ()

    @property
    def cut(self) -> Callable[[bytes], bytes] | None:
        """What makes a resource as small as it was asked for; None where it stays whole."""
        if self.summary == "true":
            return summarized
        return partial(with_elements, names=self.elements) if self.elements else None


def check_format(request: Request) -> None:
    """Raises Problem where an answer in R4 JSON is not what is asked for."""
    # A plus that was not escaped arrives as a blank.
    asked = request.args.get("_format", "").strip().replace(" ", "+")
    wanted = [asked] if asked else [name for name, quality in request.accept_mimetypes if quality > 0]
    if wanted and not any(map(_is_ours, wanted)):
        raise Problem("media.not_acceptable")


def is_lenient(request: Request) -> bool:
    """Whether a reader says that they may be answered as if what is not known had not been asked."""
    return "handling=lenient" in request.headers.get("Prefer", "").replace(" ", "").lower()


def search_of(type_: str, pairs: Pairs, *, base: str, default: int, lenient: bool) -> Asked:
    """A search of a type. Raises Problem, naming the parameter."""
    reading = _Reading((type_,), base, lenient)
    return reading.all(pairs, {"_sort": reading.sort, **reading.form}, reading.filter, default)


def everything_of(patient_id: str, pairs: Pairs, *, base: str, lenient: bool) -> Asked:
    """$everything of a person.  https://hl7.org/fhir/R4/patient-operation-everything.html  Raises Problem."""
    reading = _Reading((), base, lenient)
    reading.owners.append(frozenset({patient_id}))
    return reading.all(pairs, {"_since": reading.since, "_type": reading.only, **reading.form}, _unknown, None)


def history_of(type_: str, pairs: Pairs, *, base: str, default: int, lenient: bool) -> Asked:
    """The history of a type, what changed last first.  https://hl7.org/fhir/R4/http.html#history  Raises Problem."""
    reading = _Reading((type_,), base, lenient)
    reading.orders = orders_of(type_, "-_lastUpdated")
    return reading.all(pairs, {"_since": reading.since}, _unknown, default)


def form_of(type_: str, pairs: Pairs, *, base: str) -> Asked:
    """The form of one resource that is read; what else is said of it changes nothing. Raises Problem."""
    reading = _Reading((type_,), base, lenient=True)
    return reading.all(pairs, reading.form, _unknown, None)


def check_bare(pairs: Pairs, *, lenient: bool) -> None:
    """Raises Problem where anything is asked of what takes no parameters."""
    _Reading((), "", lenient).all(pairs, {}, _unknown, None)


def refused(name: str) -> Problem:
    """A 400 that names a parameter."""
    return Problem("request.parameter", parameters=[name if len(name) <= 40 and _NAME.fullmatch(name) else ""])


class _Reading:
    """Gathers the parameters of one request."""

    def __init__(self, types: tuple[str, ...], base: str, lenient: bool) -> None:
        self.types, self.base, self.lenient = types, base, lenient
        self.filters: list[Filter] = []
        self.orders: tuple[Order, ...] = ()
        self.owners: list[frozenset[str]] = []
        self.elements: tuple[str, ...] = ()
        self.summary, self.count, self.place = "false", "", ""
        self.form: Mapping[str, Callable[[str], None]] = {"_summary": self.summarize, "_elements": self.choose}

    def all(
        self,
        pairs: Pairs,
        known: Mapping[str, Callable[[str], None]],
        others: Callable[[str, str], None],
        default: int | None,
    ) -> Asked:
        """Read all pairs by what is known of their names, `others` by what is left."""
        heard, unheard = [], []
        for name, value in pairs:
            if name in {"_count", "_from"}:
                self.page(name, value)
            elif name not in _IDLE:
                try:
                    known.get(name, partial(others, name))(value)
                    heard.append((name, value))
                except Malformed:
                    raise refused(name) from None
                except Unsupported:
                    if not self.lenient:
                        raise refused(name) from None
                    unheard.append(name)
        search = Search(tuple(self.filters), self.orders, tuple(self.owners), self._start(), self._count(default))
        return Asked(self.types, search, self.elements, self.summary, tuple(heard), tuple(dict.fromkeys(unheard)))

    def page(self, name: str, value: str) -> None:
        if name == "_count":
            self.count = value or "-"
        else:
            self.place = value or "-"

    def filter(self, name: str, value: str) -> None:
        """What narrows a search, or says whose book is meant."""
        if name in OWNERS.get(self.types[0], ()):
            self.owners.append(frozenset(_owner(piece, self.base) for piece in alternatives(value)))
        else:
            self.filters.append(filter_of(self.types[0], name, value, base=self.base))

    def sort(self, value: str) -> None:
        self.orders = orders_of(self.types[0], value)

    def since(self, value: str) -> None:
        found = stretch(value)
        if found is None:
            raise Malformed
        self.filters.append(DatesFilter(LAST_UPDATED, (DateFilter("ge", found),)))

    def only(self, value: str) -> None:
        kinds = value.split(",")
        if not all(kind in PARAMETERS for kind in kinds):
            raise Unsupported
        self.types = (*self.types, *kinds)

    def summarize(self, value: str) -> None:
        if value not in {"true", "false", "count"}:
            raise Unsupported
        self.summary = value

    def choose(self, value: str) -> None:
        names = tuple(name.strip() for name in value.split(","))
        if not are_known(names, self.types or PARAMETERS):
            raise Unsupported
        self.elements = names

    def _count(self, default: int | None) -> int | None:
        if self.summary == "count":
            return 0
        if not self.count:
            return default
        if not (self.count.isascii() and self.count.isdigit() and len(self.count) <= 6):
            raise refused("_count")
        return min(int(self.count), LARGEST_PAGE)

    def _start(self) -> Position | str:
        """Where a page begins: as the `next` link of the page before says."""
        if not self.place:
            return START
        if self.orders and _ID.fullmatch(self.place):
            return self.place
        found = _POSITION.fullmatch(self.place)
        if found is None or self.orders:
            raise refused("_from")
        return Position(int(found[1]), int(found[2]))


def _unknown(name: str, value: str) -> None:
    raise Unsupported


def _owner(piece: str, base: str) -> str:
    """The id of a person, given as an id, a reference, or a reference by its full address."""
    return named(piece, base).removeprefix("Patient/")


def _is_ours(media_type: str) -> bool:
    name, *parameters = (part.strip().lower() for part in media_type.split(";"))
    return name in _FORMATS and _version(parameters) in _VERSIONS


def _version(parameters: Iterable[str]) -> str:
    found = (each.partition("=")[2].strip('" ') for each in parameters if each.startswith("fhirversion="))
    return next(found, "")
