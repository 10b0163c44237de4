"""The catalogue of everything that can be wrong with what a sender sent, in both languages.

Severity, texts and remedies are data (issues.json); code only ever names a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

import orjson

from mappings.model import Issue, Severity


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of issue: what it means, how to mend it, and a path where it may stand."""

    severity: Severity
    vi: str
    en: str
    fix_vi: str
    fix_en: str
    example: str


def _read_catalogue() -> Mapping[str, Entry]:
    entries = orjson.loads(files(__package__).joinpath("issues.json").read_bytes())
    return MappingProxyType({code: Entry(**entry) for code, entry in entries.items()})


CATALOGUE: Mapping[str, Entry] = _read_catalogue()


def render(issue: Issue, language: str) -> dict[str, str]:
    """The issue as shown: code, severity, path, expected, message, fix; English if asked, else Vietnamese.

    Raises KeyError for a code that is not in the catalogue; a test holds the two together.
    """
    entry = CATALOGUE[issue.code]
    english = language.lower().startswith("en")
    return {
        "code": issue.code,
        "severity": entry.severity,
        "path": issue.path,
        "expected": issue.expected,
        "message": entry.en if english else entry.vi,
        "fix": entry.fix_en if english else entry.fix_vi,
    }


def is_refusal(issue: Issue) -> bool:
    """Whether this issue alone keeps a record, or a file, from being taken."""
    return CATALOGUE[issue.code].severity == "refused"
