"""Code lists by their editions: which one rules on a day, and what it says of a code.

Editions are those that stand in code_lists.json and those that an operator has loaded into this installation
(docs/decisions/066-code-lists-have-editions.md). What is in force on a day is never guessed: the edition that began
last before it rules, and where that one has ended, nobody knows the list of that day.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from mappings.terminology import packed

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
Span = tuple[date, date]
"""First and last day, both included."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of a list, in force from `first` until `last`, both included. `names` are the Vietnamese names of its
    codes, "" where it gives none. Codes with a `span` of their own are in it on those days alone; of a code that is in
    no later edition, `successors` are those that came in its place.

    Of one that is not `whole`, a code that it does not have may exist all the same. With `groups`, its codes are the
    first characters, so many, of the codes that are sent.
    """

    name: str  # of the decree: "QĐ 4469/QĐ-BYT (2020)"
    names: Mapping[str, str] = field(repr=False)
    first: date = date.min
    last: date = date.max
    whole: bool = True
    groups: int = 0
    spans: Mapping[str, Span] = field(default_factory=dict, repr=False)
    successors: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    limits: Mapping[str, str] = field(default_factory=dict, repr=False)

    def has(self, code: str) -> bool:
        """Whether the code is in it at all."""
        return (code[: self.groups] if self.groups else code) in self.names

    def holds(self, code: str, on: date) -> bool:
        """Whether the code is in it on a day."""
        first, last = self.span(code)
        return self.has(code) and first <= on <= last

    def span(self, code: str) -> Span:
        """The days on which a code of it may be used."""
        first, last = self.spans.get(code, (date.min, date.max))
        return max(first, self.first), min(last, self.last)


@dataclass(frozen=True, slots=True)
class Loaded:
    """An edition of a list that an operator has loaded. Of two that begin on one day the `number` says which came
    later, and counts.
    """

    list: str
    number: int
    edition: Edition


def names() -> Sequence[str]:
    """The lists that there are."""
    return tuple(_stored())


def title(name: str) -> str:
    """What a list is called in a sentence: the fields that it is of."""
    return str(_stored()[name]["tag"])


def digits(name: str) -> int:
    """How many digits the codes of a list have, so that zeros which got lost can be put back; 0 for any other form."""
    return int(_stored()[name].get("digits", 0))


def editions(name: str) -> Sequence[Edition]:
    """The editions of a list, the newest first. Raises KeyError for a list that does not exist."""
    return _installed.of(name)


def in_force(name: str, on: date) -> Edition | None:
    """The edition that rules on a day; None where it is not known here. KeyError as of `editions`."""
    for edition in _installed.of(name):
        if edition.first <= on:
            return edition if on <= edition.last else None
    return None


def display(name: str, code: str, on: date) -> str:
    """The Vietnamese name of a code of a list on a day; "" where the list has no such code then. KeyError as of
    `editions`.
    """
    edition = in_force(name, on)
    return edition.names[code] if edition is not None and edition.holds(code, on) and code in edition.names else ""


def name_in_any(name: str, code: str) -> str:
    """The name of a code in the newest edition that names it: a code keeps its meaning. KeyError as of `editions`."""
    return next((found for edition in _installed.of(name) if (found := edition.names.get(code, ""))), "")


def is_listed(name: str, code: str) -> bool:
    """Whether any edition of a list has the code, on whatever day."""
    return any(edition.has(code) for edition in _installed.of(name))


def shipped(name: str) -> Sequence[Edition]:
    """The editions that came with this version, the newest first. KeyError as of `editions`."""
    return _shipped(name)


# ---- what was loaded ----


class _Installed:
    """What was loaded into this process, beside what is shipped. Never changed: another takes its place."""

    def __init__(self, loaded: Iterable[Loaded] = ()) -> None:
        self._loaded = tuple(sorted(loaded, key=lambda one: (one.edition.first, one.number), reverse=True))
        self._lists: dict[str, tuple[Edition, ...]] = {}
        told = ";".join(str(one.number) for one in self._loaded)
        self.stamp = sha256(told.encode()).hexdigest() if told else ""

    def of(self, name: str) -> tuple[Edition, ...]:
        found = self._lists.get(name)
        if found is None:
            mine = [one.edition for one in self._loaded if one.list == name]
            # Sorted stably: of one day, what was loaded counts before what is shipped.
            both = sorted([*mine, *_shipped(name)], key=lambda one: one.first, reverse=True)
            found = self._lists[name] = tuple(both)
        return found


_installed = _Installed()


def install(loaded: Iterable[Loaded]) -> None:
    """From now on these are what this process has loaded. Safe from any thread: who has begun to read a list goes on
    with the editions that it has, so whoever notes by which lists a thing was made asks for the `stamp` before.
    """
    global _installed  # noqa: PLW0603 - one set of lists a process, put in place by the service at its start
    _installed = _Installed(loaded)


def stamp() -> str:
    """What was loaded, as one word: another where that is another, "" where it is nothing."""
    return _installed.stamp


# ---- what is shipped ----


@cache
def _stored() -> Mapping[str, Any]:
    stored: dict[str, Any] = json.loads(files(__package__).joinpath("code_lists.json").read_text("utf-8"))
    return stored


@cache
def _shipped(name: str) -> tuple[Edition, ...]:
    stored = _stored()[name]
    made = [_edition(one) for one in stored.get("editions", [stored])]
    return tuple(sorted(made, key=lambda one: one.first, reverse=True))


def _edition(stored: Mapping[str, Any]) -> Edition:
    rows = [{"code": one} if isinstance(one, str) else one for one in stored.get("codes", ())]
    replaced = _packed(stored, "successors")
    return Edition(
        stored["source"],
        _packed(stored, "packed") or {row["code"]: row.get("display", "") for row in rows},
        first=_day(stored, "from", date.min),
        last=_day(stored, "until", date.max),
        whole=not stored.get("partial", False),
        groups=stored.get("groups", 0),
        spans={row["code"]: _span(row) for row in rows if "from" in row or "until" in row},
        successors={code: tuple(told.split(";")) for code, told in replaced.items()}
        | {row["code"]: tuple(row["successors"]) for row in rows if "successors" in row},
        limits=_packed(stored, "limits"),
    )


def _packed(stored: Mapping[str, Any], key: str) -> Mapping[str, str]:
    return packed.names(stored[key]) if key in stored else _NOTHING


def _span(row: Mapping[str, Any]) -> Span:
    return _day(row, "from", date.min), _day(row, "until", date.max)


def _day(stored: Mapping[str, Any], key: str, otherwise: date) -> date:
    return date.fromisoformat(stored[key]) if key in stored else otherwise
