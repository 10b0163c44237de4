"""Search over resources as plain JSON values with their `meta`: which fit, and in which order.  Pure.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from mappings.fhir.search_dates import PREFIXES, DateFilter, parted, said_by, stretch
from mappings.fhir.search_parameters import Parameter, known

Json = Mapping[str, Any]
Found = TypeVar("Found")
_PIECE: Final = re.compile(r"(?:[^,\\]|\\.)+", re.DOTALL)
_BAR: Final = re.compile(r"((?:[^|\\]|\\.)*)(?:(\|)(.*))?", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([,|$\\])")


class Unsupported(Exception):
    """A filter, modifier, prefix or order that is not known here: a lenient reader may do without it."""


class Malformed(Exception):
    """A value that is none, whoever reads it."""


class Filter(Protocol):
    """One parameter of a search as it was given; several of them must all fit."""

    def finds(self, resource: Json) -> bool:
        """Whether a resource fits."""
        ...


@dataclass(frozen=True, slots=True)
class TokenFilter:
    """Any of these codes. A system of None is any, "" is none; a code of None is any of the system."""

    parameter: Parameter
    wanted: tuple[tuple[str | None, str | None], ...]

    def finds(self, resource: Json) -> bool:
        """Whether the resource has one of the codes; words without a code are none."""
        said = [pair for value in _values(resource, self.parameter) for pair in _coded(value, self.parameter.system)]
        return any(
            system in {None, pair[0]} and code in {None, pair[1]} for system, code in self.wanted for pair in said
        )


@dataclass(frozen=True, slots=True)
class DatesFilter:
    """Any of these dates. A resource that says no date fits none of them, whatever the prefix."""

    parameter: Parameter
    wanted: tuple[DateFilter, ...]

    def finds(self, resource: Json) -> bool:
        """Whether one of the dates that the resource says fits."""
        said = [found for value in _values(resource, self.parameter) if (found := said_by(value))]
        return any(one.finds(each) for one in self.wanted for each in said)


@dataclass(frozen=True, slots=True)
class ReferenceFilter:
    """Any of these, as "Type/id" or as an id alone."""

    parameter: Parameter
    wanted: frozenset[str]

    def finds(self, resource: Json) -> bool:
        """Whether the resource refers to one of them."""
        said = (value.get("reference", "") for value in _values(resource, self.parameter))
        return any(each in self.wanted or each.partition("/")[2] in self.wanted for each in said)


@dataclass(frozen=True, slots=True)
class Order:
    """One key of `_sort`."""

    parameter: Parameter
    descending: bool


def filter_of(type_: str, name: str, value: str, *, base: str) -> Filter:
    """The filter of one parameter as it was sent, `base` being this server's address.

    Raises Unsupported or Malformed.
    """
    parameter = known(type_).get(name)
    if parameter is None:
        raise Unsupported
    pieces = alternatives(value)
    if parameter.kind == "date":
        return DatesFilter(parameter, tuple(_date(piece) for piece in pieces))
    if parameter.kind == "reference":
        return ReferenceFilter(parameter, frozenset(named(piece, base) for piece in pieces))
    return TokenFilter(parameter, tuple(_token(piece) for piece in pieces))


def orders_of(type_: str, value: str) -> tuple[Order, ...]:
    """The keys of `_sort`: dates, `_lastUpdated` and `_id`, with "-" the last first. Raises Unsupported."""
    orders = []
    for piece in value.split(","):
        parameter = known(type_).get(piece.removeprefix("-"))
        if parameter is None or not (parameter.kind == "date" or piece.removeprefix("-") == "_id"):
            raise Unsupported
        orders.append(Order(parameter, piece.startswith("-")))
    return tuple(orders)


def fits(resource: Json, filters: Iterable[Filter]) -> bool:
    """Whether a resource fits all filters."""
    return all(each.finds(resource) for each in filters)


def ordered(found: Iterable[tuple[Json, Found]], orders: Sequence[Order]) -> list[Found]:
    """What was found with its resource, in order; what says no date comes last, equals by their id."""
    listed = sorted(found, key=lambda each: str(each[0]["id"]))
    for order in reversed(orders):
        if order.parameter.kind == "date":
            listed.sort(key=lambda each: _rank(each[0], order))
        else:
            listed.sort(key=lambda each: str(each[0]["id"]), reverse=order.descending)
    return [each for _, each in listed]


def alternatives(value: str) -> list[str]:
    """The pieces between commas, still escaped. Raises Malformed where one is empty."""
    pieces = _PIECE.findall(value)
    if not pieces or ",".join(pieces) != value:
        raise Malformed
    return pieces


def named(value: str, base: str) -> str:
    """A reference of ours as "Type/id" or an id, without address and version."""
    whole = _plain(value).removeprefix(f"{base}/")
    return whole.partition("/_history/")[0]


def _rank(resource: Json, order: Order) -> tuple[bool, float]:
    said = [found for value in _values(resource, order.parameter) if (found := said_by(value))]
    if not said:
        return True, 0.0
    # A stretch is ordered by its beginning, and the last first by its end.
    return False, -max(each.end for each in said) if order.descending else min(each.first for each in said)


def _date(piece: str) -> DateFilter:
    prefix, text = parted(_plain(piece))
    asked = stretch(text)
    if asked is None:
        raise Malformed
    if prefix not in PREFIXES:
        raise Unsupported
    return DateFilter(prefix, asked)


def _token(piece: str) -> tuple[str | None, str | None]:
    found = _BAR.fullmatch(piece)
    if found is None:  # it ends within an escape
        raise Malformed
    before, bar, after = found.groups()
    if not bar:
        return None, _plain(before)
    if not before and not after:
        raise Malformed
    return _plain(before), _plain(after) or None


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _values(resource: Json, parameter: Parameter) -> Iterator[Any]:
    for path in parameter.paths:
        found: list[Any] = [resource]
        for step in path.split("."):
            found = [one for each in found if isinstance(each, Mapping) for one in _listed(each.get(step))]
        yield from found


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _coded(value: Any, system: str) -> Iterator[tuple[str, str]]:
    """System and code of a CodeableConcept, Coding, Identifier, or of a code that stands alone."""
    if isinstance(value, str):
        # It has no system of its own, and its value set has one.
        yield "", value
        yield system, value
        return
    for each in value.get("coding", [value]):
        yield each.get("system", ""), each.get("code", each.get("value", ""))
