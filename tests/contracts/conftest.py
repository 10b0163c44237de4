"""The adapters against the sandbox's servers, over real HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ehr_sync.adapters.client_sign_in import client_secret_basic
from ehr_sync.adapters.fhir_book import FhirBook
from ehr_sync.adapters.oidc_identity import OidcIdentity
from ehr_sync.sandbox.world import World
from tests.contracts.canned import Canned, canned_server
from tests.contracts.elapsed import DEADLINE


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def outside(world: World) -> Iterator[World]:
    """The world, without any failure left over from another test."""
    yield world
    world.clear()


@pytest.fixture
def book(outside: World) -> Iterator[FhirBook]:
    made = book_at(outside.book_url, outside.book_token_url)
    yield made
    made.close()


@pytest.fixture
def identity(outside: World) -> Iterator[OidcIdentity]:
    made = OidcIdentity(issuer=outside.issuer_url, audience="ehr-sync", clock=now, deadline_seconds=DEADLINE)
    yield made
    made.close()


def book_at(url: str, token_url: str, *, secret: str = "sandbox") -> FhirBook:  # noqa: S107 - the sandbox's
    return FhirBook(
        url=url, token_url=token_url, sign_in=client_secret_basic("ehr-sync", secret), deadline_seconds=DEADLINE
    )


@pytest.fixture
def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def canned() -> Iterator[Canned]:
    """A server that answers with whatever bytes a test gives it."""
    with canned_server() as server:
        yield server
