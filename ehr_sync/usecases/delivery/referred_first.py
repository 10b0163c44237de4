"""The order in which a record that is too large for one Bundle is told: whatever is referred to comes first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from mappings.fhir.bundle import Deletion, Put

_REFERENCE: Final = re.compile(rb'"reference":"([A-Za-z]+/[A-Za-z0-9.-]{1,64})"')


def in_order(told: Sequence[Put | Deletion]) -> tuple[list[Put | Deletion], int]:
    """What is told of one record: the Encounter, then the rest, each behind what it refers to, and what is removed at
    the end; and how many stand at the start that refer to each other and must go together.
    """
    puts = {each[0]: each for each in told if not isinstance(each, Deletion)}
    order: dict[bytes, None] = {}
    for name in puts:
        if name.startswith(b"Encounter/"):
            order[name] = None
            _place(name, puts, order)
    together = len(order)
    for name in puts:
        _place(name, puts, order)
    return [puts[name] for name in order] + [each for each in told if isinstance(each, Deletion)], together


def _place(name: bytes, puts: dict[bytes, Put], order: dict[bytes, None]) -> None:
    # Without recursion: a chain of references can be as long as the record. Each name is looked at before what it
    # refers to, and placed behind it.
    waiting, seen = [(name, False)], set[bytes]()
    while waiting:
        name, placed = waiting.pop()
        if placed:
            order.setdefault(name)
        elif name not in seen:
            seen.add(name)
            waiting.append((name, True))
            referred = _REFERENCE.findall(puts[name][1])
            waiting += [(each, False) for each in referred if each in puts and each not in order and each not in seen]
