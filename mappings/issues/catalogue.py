"""The catalogue of everything that can be wrong with what a sender sent, in both languages.

Severity, texts and remedies are data (issues.json), and so are the words that may stand in a path or in what is
expected (phrases.json); code only ever names a code and a phrase.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import orjson

from mappings.model import Issue, Severity


@dataclass(frozen=True, slots=True)
class Texts:
    """What an issue means and how to mend it, in both languages."""

    vi: str
    en: str
    fix_vi: str
    fix_en: str


@dataclass(frozen=True, slots=True)
class Entry(Texts):
    """One kind of issue: its texts, and a path where it may stand. `at_line` speaks where the path is a line of the
    file and not a tag: the same code, another cause.
    """

    severity: Severity
    example: str
    at_line: Texts | None = None


def _read_catalogue() -> Mapping[str, Entry]:
    entries = orjson.loads(files(__package__).joinpath("issues.json").read_bytes())
    return MappingProxyType({code: _entry(entry) for code, entry in entries.items()})


def _entry(read: dict[str, Any]) -> Entry:
    at_line = read.pop("at_line", None)
    return Entry(**read, at_line=Texts(**at_line) if at_line else None)


CATALOGUE: Final[Mapping[str, Entry]] = _read_catalogue()
PHRASES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {key: (vi, en) for key, (vi, en) in orjson.loads(files(__package__).joinpath("phrases.json").read_bytes()).items()}
)
"""What code writes, its numbers as {}, to the same in Vietnamese and in English. What is not here has no words: tags,
codes and formats.
"""

_NUMBER: Final = re.compile("[0-9]+")
_LINE: Final = "line "


def render(issue: Issue, language: str) -> dict[str, str]:
    """The issue as shown: code, severity, path, expected, message, fix; English if asked, else Vietnamese.

    Raises KeyError for a code that is not in the catalogue; a test holds the two together.
    """
    entry = CATALOGUE[issue.code]
    english = language.lower().startswith("en")
    texts = entry.at_line if entry.at_line and issue.path.startswith(_LINE) else entry
    return {
        "code": issue.code,
        "severity": entry.severity,
        "path": _said(issue.path, english),
        "expected": _said(issue.expected, english),
        "message": texts.en if english else texts.vi,
        "fix": texts.fix_en if english else texts.fix_vi,
    }


def is_refusal(issue: Issue) -> bool:
    """Whether this issue alone keeps a record, or a file, from being taken."""
    return CATALOGUE[issue.code].severity == "refused"


def by_weight(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """What refused it first, then warnings, then what is only for information; else in their order."""
    return tuple(sorted(issues, key=lambda issue: _WEIGHTS.index(CATALOGUE[issue.code].severity)))


_WEIGHTS: Final[tuple[Severity, ...]] = ("refused", "warning", "information")


def _said(text: str, english: bool) -> str:
    phrase = PHRASES.get(_NUMBER.sub("{}", text))
    return phrase[english].format(*_NUMBER.findall(text)) if phrase else text
