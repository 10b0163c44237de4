"""The population registry in each flavour, as the contract suite asks it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from ehr_sync.adapters.client_credentials import ClientCredentials
from ehr_sync.adapters.client_sign_in import client_secret_basic
from ehr_sync.adapters.registries.gateway import LARGEST_ANSWER, Asker, Gateway
from ehr_sync.adapters.registries.json_gateway import JsonLookUp
from ehr_sync.adapters.registries.signing import Bearer, Signing, TimestampedBasic
from ehr_sync.adapters.registries.soap import SoapLookUp, SoapYesOrNo
from ehr_sync.adapters.timed_http import Caller
from ehr_sync.core.ports import RegistryPerson
from ehr_sync.sandbox.world import World
from tests.contracts.elapsed import DEADLINE

FLAVOURS: Final = ("soap_037", "soap_003", "json")
SHOWING: Final = ("soap_037", "json")
"""Those that show who they found."""

Registry = SoapLookUp | SoapYesOrNo | JsonLookUp


def registry_of(
    world: World,
    flavour: str,
    *,
    secret: str = "sandbox",  # noqa: S107 - the sandbox's
    exactly: bool = False,
) -> Registry:
    """The sandbox's, signed in to as is usual for the flavour."""
    url = world.registry_json_url if flavour == "json" else world.registry_url
    return registry_at(url, flavour, token_url=world.registry_token_url, secret=secret, exactly=exactly)


def registry_at(
    url: str,
    flavour: str,
    *,
    token_url: str = "",
    secret: str = "sandbox",  # noqa: S107 - the sandbox's
    exactly: bool = False,
    signing: Signing | None = None,
    **tls: str,
) -> Registry:
    """The one at an address; in JSON with a token, which is the secret itself where there is no token endpoint."""
    calls = Caller(seconds=DEADLINE, largest_answer=LARGEST_ANSWER, **tls)  # type: ignore[arg-type]  # files by name
    if signing is None and flavour == "json":
        sign_in = client_secret_basic("ehr-sync", secret)
        desk = ClientCredentials(calls, url=token_url, sign_in=sign_in, whose="registry")
        signing = Bearer(desk if token_url else secret)
    signing = signing or TimestampedBasic("ehr-sync", secret, clock=lambda: datetime.now(UTC))
    gateway = Gateway(url, Asker("ehr-sync", "DVC-MAU", "canbo.mau"), signing, calls, {"X-Road-Client": "VN-TEST"})
    match flavour:
        case "soap_003":
            return SoapYesOrNo(gateway, exactly=exactly)
        case "json":
            return JsonLookUp(gateway)
    return SoapLookUp(gateway)


def shown(flavour: str, person: RegistryPerson) -> RegistryPerson:
    """What the flavour shows of whom it found."""
    return person if flavour in SHOWING else RegistryPerson(person.number, "", "", "unknown")
