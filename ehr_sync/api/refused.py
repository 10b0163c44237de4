"""Why this request was refused, said once: its line in the log, its entry in the audit log and the count are of it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g


@dataclass(frozen=True, slots=True)
class Why:
    """The code that the caller is told, and the exact one, which is ours; `client` is who a sign-in claims to be."""

    told: str
    exactly: str
    client: str = ""


def because(told: str, *, exactly: str = "", client: str = "") -> None:
    """Say why. Whatever refuses last is what is answered."""
    g.refused = Why(told, exactly or told, client)


def why() -> Why | None:
    """Why; None of a request that was not refused."""
    found: Why | None = g.get("refused")
    return found
