"""Editions that a test loads, and takes away again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mappings.terminology import editions
from mappings.terminology.editions import Loaded


@contextmanager
def installed(*loaded: Loaded) -> Iterator[None]:
    """While it lasts, these are loaded beside what is shipped."""
    editions.install(loaded)
    try:
        yield
    finally:
        editions.install(())
