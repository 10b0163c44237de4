"""The population registry as gateways of provinces (LGSP) speak it: the look-up 037 in JSON.

Of the answer no public text was found. It is taken to be 037's with its own names, as gateways write XML in JSON, in
capitals or not (rules: registry-messages); the contract suite says whether a live one fits.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from ehr_sync.adapters.registries.citizen import person_of
from ehr_sync.adapters.registries.gateway import Gateway
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import RegistryPerson, RegistryQuestion

_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}


class JsonLookUp:
    """The port `PopulationRegistry` in JSON. Safe to share between threads."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def look_up(self, question: RegistryQuestion) -> RegistryPerson | None:
        """As the port says. Who is found is told as the registry tells it, another number too."""
        asker, is_personal = self._gateway.asker, question.number_kind == "cccd"
        asked = {
            "maYeuCau": question.request_number,
            "maDVC": asker.purpose,
            "maCanBo": asker.officer,
            "soDinhDanh": question.number if is_personal else "",
            "soCMND": "" if is_personal else question.number,
            "hoVaTen": question.name,
            "ngayThangNam": question.birth_date,
            "userNameService": asker.user,
        }
        return _person(self._gateway.ask(orjson.dumps(asked), _HEADERS), question.number_kind)

    def close(self) -> None:
        """Close the kept connections."""
        self._gateway.close()


def _person(body: bytes, number_kind: str) -> RegistryPerson | None:
    # Only a collection that is there and empty is "none" (P5): anything else unexpected is no answer.
    try:
        root = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unavailable("registry.unreadable") from None
    collection = _only(root, "congdancollection")
    if collection == {}:
        return None
    citizens = _only(collection, "congdan")
    citizens = citizens if isinstance(citizens, list) else [citizens]
    if len(citizens) > 1 or not all(isinstance(citizen, dict) and citizen for citizen in citizens):
        raise Unavailable("registry.unreadable")
    return person_of(lambda *path: _text(citizens[0], *path), number_kind) if citizens else None


def _only(value: Any, name: str) -> Any:
    """What stands under this name, which must be the only one."""
    if not isinstance(value, dict) or [key.lower() for key in value] != [name]:
        raise Unavailable("registry.unreadable")
    return next(iter(value.values()))


def _text(value: Any, *path: str) -> str:
    for step in path:
        found = (
            [inner for key, inner in value.items() if key.lower() == step.lower()] if isinstance(value, dict) else []
        )
        value = found[0] if len(found) == 1 else None
    # A number may have lost its zeros, but for years and codes of one digit.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9999:
        return str(value)
    return value.strip() if isinstance(value, str) else ""
