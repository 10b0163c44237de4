"""The adapters against the sandbox's servers, over real HTTP."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that vouches for itself, with its key beside it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key(), serial_number=1)
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    file.with_suffix(".key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


def tls(certificate: Path) -> ssl.SSLContext:
    """How a server shows that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context


def mutual_tls(certificate: Path) -> ssl.SSLContext:
    """The same where a client must show it too."""
    wanting = tls(certificate)
    wanting.load_verify_locations(certificate)
    wanting.verify_mode = ssl.CERT_REQUIRED
    return wanting
