"""What an app may do with a book, in SMART's words.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_CLINICAL: Final = re.compile(r"patient/(\*|[A-Z][A-Za-z]{1,63})\.(read|\*|c?r?u?d?s?)")
_OTHERS: Final = ("openid", "fhirUser", "launch/patient", "offline_access", "online_access")
ALL: Final = "*"
SUPPORTED: Final = (*_OTHERS, "patient/*.rs", "patient/*.read")
"""Of clinical scopes the widest; each type of the book stands for itself too."""


@dataclass(frozen=True, slots=True)
class AppAccess:
    """An app that reads for a person: its client id, and the types that it may read by id and search; "*" is all."""

    client_id: str
    reads: frozenset[str]
    searches: frozenset[str]

    def may(self, type_: str, letters: str) -> bool:
        """Whether it may do all of `letters` ("r", "s", "rs") with a type; of "*", whether with all types."""
        held = {"r": self.reads, "s": self.searches}
        return all(ALL in held[letter] or type_ in held[letter] for letter in letters)

    @property
    def reaches_something(self) -> bool:
        """Whether there is a type that it may both read and search."""
        both = self.reads & self.searches
        return bool(both) or (ALL in self.reads | self.searches and bool(self.reads) and bool(self.searches))


def grantable(asked: Iterable[str], types: Collection[str]) -> tuple[str, ...]:
    """What of the scopes asked for an app can be given, each once, in their order; v1 stays v1.

    Left out: what is not known, types that no book holds, all that would write, and scopes with a query
    (`?param=value`), which would be too wide without it. `fhirUser` says something only with `openid`.
    """
    wanted = list(dict.fromkeys(asked))
    found = dict.fromkeys(given for scope in wanted for given in _given(scope, types))
    if "openid" not in found:
        found.pop("fhirUser", None)
    return tuple(found)


def access(client_id: str, scopes: Iterable[str]) -> AppAccess:
    """What an app with these scopes may do."""
    reads, searches = set[str](), set[str]()
    for scope in scopes:
        match = _CLINICAL.fullmatch(scope)
        if match:
            letters = "rs" if match[2] == "read" else match[2]
            reads |= {match[1]} if "r" in letters else set()
            searches |= {match[1]} if "s" in letters else set()
    return AppAccess(client_id, frozenset(reads), frozenset(searches))


def covers(granted: Collection[str], asked: Collection[str]) -> bool:
    """Whether what is asked is no more than what was granted (RFC 6749 section 6)."""
    held = access("", granted)
    return all(scope in granted or _is_within(scope, held) for scope in asked)


def _given(scope: str, types: Collection[str]) -> Iterator[str]:
    if scope in _OTHERS:
        yield scope
    match = _CLINICAL.fullmatch(scope)
    if match is None or (match[1] != ALL and match[1] not in types):
        return
    if match[2] in {"read", "*"}:
        yield f"patient/{match[1]}.read"
        return
    letters = "".join(letter for letter in match[2] if letter in "rs")
    if letters:
        yield f"patient/{match[1]}.{letters}"


def _is_within(scope: str, held: AppAccess) -> bool:
    asked = access("", [scope])
    if not asked.reads and not asked.searches:
        return False
    return all(held.may(t, "r") for t in asked.reads) and all(held.may(t, "s") for t in asked.searches)
