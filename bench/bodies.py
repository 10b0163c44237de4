"""What is sent: single dossiers of the ordinary mix, made by the sandbox's generator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle

from bench.site import FACILITY, SENDERS
from ehr_sync.sandbox.city.people import Person, person
from ehr_sync.sandbox.dossiers.generator import Hoso, dossier, envelope

# Yesterday: the service's clock must not stand before what it is sent.
_MADE_ON = datetime.now(UTC).date() - timedelta(days=1)


def adult(n: int) -> int:
    """The index of the n-th person whom the registry proves: of every fifty, forty are adults with a number."""
    return n // 40 * 50 + n % 40


def adult_person(n: int) -> Person:
    """The n-th such person."""
    return person(adult(n))


def hoso(seed: int, person_index: int, *, rows: int | None = None, facility: str = FACILITY) -> Hoso:
    """One dossier of the ordinary mix; the seed also makes its MA_LK."""
    return dossier(seed, person_index=person_index, rows=rows, facility=facility, made_on=_MADE_ON)


def body(seed: int, person_index: int, *, rows: int | None = None) -> bytes:
    """A request's body with one dossier."""
    return envelope([hoso(seed, person_index, rows=rows)], facility=FACILITY, made_on=_MADE_ON)


def of_all_senders(seed: int, people: Sequence[int]) -> list[bytes]:
    """One dossier for each of these people (indices), from the senders in turn."""
    turns = zip(people, cycle(SENDERS), strict=False)
    return [
        envelope([hoso(seed + n, index, facility=code)], facility=code, made_on=_MADE_ON)
        for n, (index, code) in enumerate(turns)
    ]


def envelope_of(hosos: list[Hoso]) -> bytes:
    """A request's body with several."""
    return envelope(hosos, facility=FACILITY, made_on=_MADE_ON)
