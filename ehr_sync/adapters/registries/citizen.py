"""CongDan, a person as the registry shows them, whatever it is written in (rules: registry-messages)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import RegistryPerson

Said = Callable[..., str]
"""From the names of elements, one in the other, to the text there; "" where there is none."""

_SEX: Final = {"1": "male", "2": "female"}


def person_of(said: Said, number_kind: str) -> RegistryPerson:
    """The person. Raises Unavailable where number, name or birth date are missing: that is no answer (P5)."""
    personal, old = said("SoDinhDanh"), said("SoCMND")
    person = RegistryPerson(
        number=(old or personal) if number_kind == "cmnd" else (personal or old),
        name=" ".join(filter(None, (said("HoVaTen", part) for part in ("Ho", "ChuDem", "Ten")))) or said("HoVaTen"),
        birth_date=said("NgayThangNamSinh", "NgayThangNam") or said("NgayThangNamSinh", "Nam"),
        sex=_SEX.get(said("GioiTinh"), "unknown"),
    )
    if not person.number or not person.name or not _is_date(person.birth_date):
        raise Unavailable("registry.unreadable")
    return person


def _is_date(text: str) -> bool:
    return len(text) in {4, 8} and text.isascii() and text.isdecimal()
