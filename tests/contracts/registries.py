"""The population registry in each flavour, as the contract suite asks it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from ehr_sync.adapters.client_credentials import ClientCredentials
from ehr_sync.adapters.client_sign_in import client_secret_basic
from ehr_sync.adapters.registries.gateway import Asker, Gateway, caller
from ehr_sync.adapters.registries.json_gateway import JsonLookUp
from ehr_sync.adapters.registries.signing import Bearer, Signing, TimestampedBasic
from ehr_sync.adapters.registries.soap import SoapLookUp, SoapYesOrNo
from ehr_sync.core.ports import RegistryPerson
from ehr_sync.sandbox.world import World
from tests.contracts.elapsed import DEADLINE

FLAVOURS: Final = ("soap_037", "soap_003", "json")
SHOWING: Final = ("soap_037", "json")
"""Those that show who they found."""

Registry = SoapLookUp | SoapYesOrNo | JsonLookUp


def registry_of(world: World, flavour: str, *, secret: str = "sandbox") -> Registry:  # noqa: S107 - the sandbox's
    """The sandbox's, signed in to as is usual for the flavour."""
    url = world.registry_json_url if flavour == "json" else world.registry_url
    return registry_at(url, flavour, token_url=world.registry_token_url, secret=secret)


def registry_at(url: str, flavour: str, *, token_url: str = "", secret: str = "sandbox", ca_file: str = "") -> Registry:  # noqa: S107
    """The one at an address; in JSON with a token, which is the secret itself where there is no token endpoint."""
    calls = caller(DEADLINE, ca_file=ca_file)
    signing: Signing = TimestampedBasic("ehr-sync", secret, clock=lambda: datetime.now(UTC))
    if flavour == "json":
        sign_in = client_secret_basic("ehr-sync", secret)
        desk = ClientCredentials(calls, url=token_url, sign_in=sign_in, whose="registry")
        signing = Bearer(desk if token_url else secret)
    gateway = Gateway(url, Asker("ehr-sync", "DVC-MAU", "canbo.mau"), signing, calls, {"X-Road-Client": "VN-TEST"})
    kinds: dict[str, type[Registry]] = {"soap_037": SoapLookUp, "soap_003": SoapYesOrNo, "json": JsonLookUp}
    return kinds[flavour](gateway)


def shown(flavour: str, person: RegistryPerson) -> RegistryPerson:
    """What the flavour shows of whom it found."""
    return person if flavour in SHOWING else RegistryPerson(person.number, "", "", "unknown")
