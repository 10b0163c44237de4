"""Why this request was refused, said once: its line in the log, its entry in the audit log and the count are of it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, g


@dataclass(frozen=True, slots=True)
class Why:
    """The code that the caller is told, and the exact one, which is ours; `client` is who a sign-in claims to be, and
    `status` the status that a refusal would have which is told with 200; 0: that of its answer.
    """

    told: str
    exactly: str
    client: str = ""
    status: int = 0


def because(told: str, *, exactly: str = "", client: str = "", status: int = 0) -> None:
    """Say why. Whatever refuses last is what is answered."""
    g.refused = Why(told, exactly or told, client, status)


def status_of(response: Response) -> int:
    """The status by which a refusal is counted and noted, whatever the answer has."""
    found = why()
    return (found.status if found else 0) or response.status_code


def why() -> Why | None:
    """Why; None of a request that was not refused."""
    found: Why | None = g.get("refused")
    return found
