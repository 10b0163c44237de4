"""docs/issues.md, made from the catalogue of issues: python -m mappings.issues.page > docs/issues.md"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final

from mappings.issues.catalogue import CATALOGUE, Entry, Texts
from mappings.model import Severity

_HEAD: Final = """# Issue codes

Made from `mappings/issues/issues.json` by `python -m mappings.issues.page`; do not edit. Codes and severities are
stable; texts may get better. How they reach a sender is told in [integration](integration.md).

| Severity | Mức | |
|---|---|---|
| `refused` | từ chối | the dossier, or the file, was not taken |
| `warning` | cảnh báo | it was taken; something in it should be mended |
| `information` | thông tin | it was taken; nothing has to be done |
"""
_COLUMNS: Final = """
| Code | Severity | Ý nghĩa, cách sửa | Meaning, remedy | Path, such as |
|---|---|---|---|---|
"""
_MARKS: Final[Mapping[Severity, str]] = {
    "refused": "**refused**",
    "warning": "warning",
    "information": "information",
}


def page() -> str:
    """The page, in Markdown: one table for each first word of a code."""
    groups = groupby(CATALOGUE.items(), key=lambda item: item[0].partition(".")[0])
    return _HEAD + "".join(_group(name, dict(entries)) for name, entries in groups)


def _group(name: str, entries: Mapping[str, Entry]) -> str:
    return f"\n## {name}\n{_COLUMNS}" + "".join(_lines(entries))


def _lines(entries: Mapping[str, Entry]) -> Iterator[str]:
    for code, entry in entries.items():
        yield _line(code, entry, entry, f"`{entry.example}`" if entry.example else "")
        if entry.at_line:
            yield _line(code, entry, entry.at_line, "`line 1`")


def _line(code: str, entry: Entry, texts: Texts, path: str) -> str:
    said = f"{texts.vi} {texts.fix_vi} | {texts.en} {texts.fix_en}"
    return f"| `{code}` | {_MARKS[entry.severity]} | {said} | {path} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
