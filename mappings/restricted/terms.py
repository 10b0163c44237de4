"""Words that tell of HIV, its tests and its medicines (terms.toml), looked for in folded texts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from mappings.restricted.codes import CODE_SIGN
from mappings.restricted.folding import plain

# Typed with a lower l, a 1 or a stroke: seen only while there are capitals, for "hlv" is a coach.
_TYPED: Final = re.compile(
    r"(?<![A-Z0-9])(?<!\d )H[\W_]{0,3}[l1|!][\W_]{0,3}V(?![A-Z])|(?<![A-Za-z0-9])h[|!]v(?![a-z])"
    r"|(?<![A-Z0-9])A[l1|]DS(?![A-Z])|(?<![A-Z0-9])S[l1|]DA(?![A-Z])"
)
# One pattern that fails at most letters: a plain search for each of these would cost as much as all the list.
_SIGN: Final = re.compile(rf" (?:{CODE_SIGN}|h ?[il1]? ?v |a ?[l1]?ds |s ?[l1]?da )")


@dataclass(frozen=True, slots=True)
class Term:
    """One rule of the list."""

    match: re.Pattern[str]
    beside: re.Pattern[str] | None  # must be in the field too
    harmless: re.Pattern[str] | None  # taken away first, so that it spares only itself
    unless: re.Pattern[str] | None  # spares the whole field
    not_in: tuple[str, ...]
    only_in: tuple[str, ...]  # every field where none is named
    names: bool  # looked for in names of people too
    drugs: bool  # looked for in fields of drugs alone

    def hits(self, tag: str, folded: str) -> bool:
        """Whether a field of folded text says it."""
        if (
            tag in self.not_in
            or (self.only_in and tag not in self.only_in)
            or (self.unless and self.unless.search(folded))
        ):
            return False
        text = self.harmless.sub(" ", folded) if self.harmless else folded
        return self.match.search(text) is not None and (self.beside is None or self.beside.search(text) is not None)


@dataclass(frozen=True, slots=True)
class Rules:
    """The whole list. Every text that can match has one of the whole `words` or of the `signs`."""

    words: frozenset[str]
    signs: tuple[str, ...]
    terms: tuple[Term, ...]
    drugs: tuple[Term, ...]


def has_sign(folded: str) -> bool:
    """A first look that may be wrong in one direction only; plain searches, as one long pattern costs tenfold."""
    listed, spaced = rules(), f" {folded} "
    return (
        not listed.words.isdisjoint(folded.split())
        or _SIGN.search(spaced) is not None
        or any(map(spaced.__contains__, listed.signs))
    )


def is_typed_alike(value: str) -> bool:
    """Whether a text holds "HlV", "H1V", "H|V", "AlDS": what a reader takes for the word."""
    return _TYPED.search(plain(value)) is not None


@lru_cache(maxsize=1)
def rules() -> Rules:
    """The list, read once."""
    listed = tomllib.loads(Path(__file__).with_name("terms.toml").read_text(encoding="utf-8"))
    names = [name for group in listed["drugs"].values() for name in group]
    each_rule = [rule for group in ("term", "test", "drug") for rule in listed[group]]
    plain_names = {"match": rf"\b(?:{'|'.join(names)})\b"}
    return Rules(
        words=frozenset(names).union(*(rule.get("words", ()) for rule in each_rule)),
        signs=("hlv", *dict.fromkeys(sign for rule in each_rule for sign in rule.get("signs", ()))),
        terms=tuple(map(_term, [*listed["term"], *listed["test"]])),
        drugs=tuple(map(_term, [plain_names, *listed["drug"]])),
    )


def _term(listed: Mapping[str, object]) -> Term:
    return Term(
        match=re.compile(str(listed["match"])),
        beside=re.compile(str(listed["beside"])) if "beside" in listed else None,
        harmless=re.compile(str(listed["harmless"])) if "harmless" in listed else None,
        unless=re.compile(str(listed["unless"])) if "unless" in listed else None,
        not_in=_tags(listed.get("not_in")),
        only_in=_tags(listed.get("only_in")),
        names=bool(listed.get("names")),
        drugs=bool(listed.get("drugs")),
    )


def _tags(listed: object) -> tuple[str, ...]:
    return tuple(listed) if isinstance(listed, list) else ()
