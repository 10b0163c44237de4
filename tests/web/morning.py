"""A small morning at the service: something of everything that an operator is told of."""

from __future__ import annotations

from datetime import date
from typing import Final

from ehr_sync.sandbox.city.magic import BOOK, REGISTRY
from ehr_sync.sandbox.city.staff import OPERATOR
from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.sandbox.dossiers.hoso import Hoso, with_values
from ehr_sync.store.staff import Post
from ehr_sync.usecases.access.posts import grant_post
from tests.usecases.service import FACILITY, Running

_BOOK: Final = {behaviour: index for index, behaviour in BOOK.items()}
_REGISTRY: Final = {behaviour: index for index, behaviour in REGISTRY.items()}
DELIVERED: Final = (891, 892, 893)
PARKED: Final = _BOOK["bad_request"]
HELD: Final = _REGISTRY["not_found"]
WAITING: Final = 895
REFUSED: Final = 894
PEOPLE: Final = (*DELIVERED, REFUSED, PARKED, HELD, WAITING)


def employ(desk: Running) -> None:
    """Let the city's operator hold the post."""
    grant_post(OPERATOR.number, Post("ops"), first=None, last=date(2099, 1, 1), by="test", stores=desk.stores)


def play(desk: Running) -> None:
    """Three dossiers reach the book, one is refused, one held, one parked, one not asked about yet."""
    employ(desk)
    refused = with_values(_visit(REFUSED), "XML1", NGAY_VAO="202613320700")
    desk.post(refused, _visit(DELIVERED[0]))
    for index in (*DELIVERED[1:], PARKED, HELD):
        desk.post(_visit(index))
    desk.settle()
    desk.post(_visit(WAITING))
    desk.run("INSERT INTO scheduler VALUES (gen_random_uuid(), clock_timestamp())")


def _visit(index: int) -> Hoso:
    return dossier(index, person_index=index, rows=3, facility=FACILITY)
