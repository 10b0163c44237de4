"""The lists of the invented city, as files, and how they are read."""

from __future__ import annotations

import csv
from importlib.resources import files


def text_of(name: str) -> str:
    """A file of this folder as text."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def rows_of(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of this folder."""
    return list(csv.DictReader(text_of(name).splitlines()))
