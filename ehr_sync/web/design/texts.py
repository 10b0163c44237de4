"""python -m ehr_sync.web.design.texts: bring the translations up to the texts of pages; what is new has none yet.

Texts stand in Vietnamese where they are used, inside `_()` of a template or `gettext()`; English is in
translations/en/LC_MESSAGES/messages.po.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

WEB: Final = Path(__file__).resolve().parents[1]
ENGLISH: Final = Path(__file__).resolve().parent / "translations" / "en" / "LC_MESSAGES" / "messages.po"
_METHODS: Final = [("**.py", "python"), ("**.html", "jinja2")]
_KEYWORDS: Final = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}


def texts() -> Iterator[tuple[str, int, str | tuple[str, ...]]]:
    """Every text of the pages: its file, line, and itself."""
    found = extract_from_dir(str(WEB), _METHODS, keywords=_KEYWORDS, options_map={"**.html": {"silent": "false"}})
    for file, line, message, _, _ in found:
        yield file, line, message


def update() -> int:
    """Write the English catalogue anew; returns how many texts have no translation."""
    with ENGLISH.open("rb") as file:
        known = read_po(file, locale="en")
    made = Catalog(locale="en", charset="utf-8", project="ehr-sync", fuzzy=False)
    for _, _, message in texts():
        there = known.get(message[0] if isinstance(message, tuple) else message)
        made.add(message, there.string if there else None)
    with ENGLISH.open("wb") as out:
        write_po(out, made, width=120, sort_output=True, no_location=True, omit_header=True)
    return sum(1 for message in made if message.id and not all(_strings(message.string)))


def _strings(string: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [string or ""] if isinstance(string, str | None) else list(string)


if __name__ == "__main__":
    missing = update()
    raise SystemExit(f"Translate {missing} texts in {ENGLISH}." if missing else 0)
