"""A paper, and how it is set: by a process that has nothing but the words, and little time."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import orjson

from ehr_sync.core.errors import Unavailable

_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with lines, rows (name and value) and items below it."""

    title: str
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on it, in words; `language` is "vi" or "en"."""

    title: str
    language: str
    footer: str
    lines: tuple[str, ...]
    sections: tuple[Section, ...]


def set_paper(paper: Paper, *, made: datetime) -> bytes:
    """The PDF, tagged. Raises Unavailable where it takes too long or cannot be set."""
    given = orjson.dumps({"told": asdict(paper), "made": made.isoformat()})
    command = [sys.executable, "-I", "-m", "ehr_sync.web.printing"]
    try:
        # Nothing of ours goes along: no settings, no keys, no names in arguments.
        done = subprocess.run(  # noqa: S603
            command, input=given, capture_output=True, timeout=_SECONDS, check=True, env={}, cwd="/"
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        raise Unavailable("paper.not_set") from None
    return done.stdout
