"""The proxies of docs/deploy, really run in front of the service: TLS, limits, what is ours alone, logs of no path."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ehr_sync.runtime.processes import happens
from ehr_sync.sandbox.dossiers.generator import dossier, envelope
from ehr_sync.sandbox.world import World
from tests.databases import Dsns
from tests.ports import first_of_free_ports
from tests.whole import site as whole
from tests.whole.site import Site

DEPLOY: Final = Path(__file__).parents[2] / "docs/deploy"
NAME: Final = "ehr.example"
OURS, FOREIGN = "127.0.0.1", "127.0.0.2"
STRANGERS: Final = {"nginx": "127.0.0.4", "haproxy": "127.0.0.5"}
REFUSALS: Final = 20
WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy in front of a running service."""

    site: Site
    port: int
    folder: Path
    stranger: str  # whose refusals are counted; not the other proxy's, which the same service counts for a minute

    @property
    def host(self) -> str:
        return f"{NAME}:{self.port}"

    @property
    def log(self) -> str:
        """All that the proxy has written."""
        return "".join(path.read_text() for path in self.folder.glob("*.log"))

    def connection(self, source: str = OURS) -> ssl.SSLSocket:
        """A new connection over TLS, from an address of this machine."""
        context = ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))
        plain = socket.create_connection((OURS, self.port), timeout=20, source_address=(source, 0))
        return context.wrap_socket(plain, server_hostname=NAME)

    def said(self, first: str, body: bytes = b"", *, source: str = OURS, **headers: str) -> tuple[int, str, bytes]:
        """Status, head and body of the answer to one request."""
        named = {"Host": self.host, "Connection": "close", "Content-Length": str(len(body)), **headers}
        lines = [f"{first} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in named.items())]
        with self.connection(source) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        top, _, told = answer.partition(b"\r\n\r\n")
        return int(top.split()[1]), top.decode().lower(), told


def certificate(folder: Path) -> None:
    """A key, and a certificate for NAME that it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now, day = datetime.now(UTC), timedelta(days=1)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    for name, content in {"key.pem": private, "certificate.pem": public, "both.pem": public + private}.items():
        (folder / name).write_bytes(content)


def installed(program: str) -> str:
    """Where the program is; the test is skipped where it is not installed."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed: its configuration is not run here")
    return found


def configured(name: str, folder: Path, port: int, service: str) -> Path:
    """The configuration as it stands, but for the places that a deployment changes."""
    text = (DEPLOY / name).read_text()
    places = {
        "/run/ehr-sync-proxy": str(folder),
        "/var/log/ehr-sync-proxy": str(folder),
        "/etc/ehr-sync-proxy": str(folder),
        "127.0.0.1:8080": service,
        "listen 443": f"listen 127.0.0.1:{port}",
        "bind :443": f"bind 127.0.0.1:{port}",
    }
    for written, here in places.items():
        text = text.replace(written, here)
    (folder / name).write_text(text)
    return folder / name


def command(program: str, folder: Path, port: int, service: str) -> list[str]:
    found = installed(program)
    if program == "haproxy":
        return [found, "-db", "-f", str(configured("haproxy.cfg", folder, port, service))]
    # nginx's workers have root's rights here only where root runs the tests: its folder is root's alone.
    further = "daemon off;" + (" user root;" if os.getuid() == 0 else "")
    config = configured("nginx.conf", folder, port, service)
    return [found, "-p", str(folder), "-e", str(folder / "start.log"), "-c", str(config), "-g", further]


@pytest.fixture(scope="module")
def port() -> int:
    return first_of_free_ports()


@pytest.fixture(scope="module")
def site(module_dsns: Dsns, world: World, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    limits: dict[str, Any] = {
        "allowed_hosts": f"{NAME}:{port}",
        "trusted_proxies": "127.0.0.1",
        "refusals_per_minute": str(REFUSALS),
    }
    with whole.running(module_dsns, world, tmp_path_factory.mktemp("site"), **limits) as running:
        yield running


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def proxy(
    request: pytest.FixtureRequest, site: Site, port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp(request.param)
    certificate(folder)
    started = command(request.param, folder, port, urlsplit(site.address).netloc)
    with (folder / "out.log").open("wb") as out, subprocess.Popen(started, stdout=out, stderr=out) as process:
        running = Proxy(site, port, folder, STRANGERS[request.param])
        try:
            assert happens(lambda: is_up(running), 20), running.log
            yield running
        finally:
            process.terminate()


def is_up(proxy: Proxy) -> bool:
    try:
        return proxy.said("GET /healthz")[0] == 200
    except OSError:
        return False


def test_a_hospital_sends_through_it(proxy: Proxy) -> None:
    body = envelope([dossier(n, person_index=n, rows=60) for n in range(30)])
    status, _, told = proxy.said(
        "POST /api/v1/submissions", body, Content_Type="application/xml", **proxy.site.sender()
    )
    assert (status, len(json.loads(told)["fileResults"][0]["hoSo"])) == (200, 30)
    assert len(body) > 500_000


@pytest.mark.parametrize(
    "path", ["/metrics", "/readyz", "//metrics", "/%6Detrics", "/metrics/", "/readyz?a=b", "/./metrics"]
)
def test_what_is_ours_alone_is_not_told_to_others(proxy: Proxy, path: str) -> None:
    status, _, told = proxy.said(f"GET {path}", source=FOREIGN)
    assert (status, json.loads(told)["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_what_is_ours_alone_is_told_to_us(proxy: Proxy, path: str) -> None:
    assert proxy.said(f"GET {path}")[0] == 200


def test_another_name_is_not_served(proxy: Proxy) -> None:
    assert proxy.said("GET /fhir/metadata", Host="evil.example")[0] in {421, 400}
    context = ssl.create_default_context(cafile=str(proxy.folder / "certificate.pem"))
    with pytest.raises(ssl.SSLError), socket.create_connection((OURS, proxy.port), timeout=20) as plain:
        context.wrap_socket(plain, server_hostname="evil.example")


def test_slow_heads_and_small_bodies_never_reach_the_service(proxy: Proxy) -> None:
    def reached() -> int:
        return proxy.site.log.count('"route":"/healthz"') + proxy.site.log.count('"route":"/api/v1/submissions"')

    before, post = (
        reached(),
        f"POST /api/v1/submissions HTTP/1.1\r\nHost: {proxy.host}\r\nContent-Length: 9000\r\n\r\n<a",
    )
    with ExitStack() as slow:
        for said in ("GET /healthz HTTP/1.1\r\nX-Slow: ", post):
            slow.enter_context(proxy.connection()).sendall(said.encode())
        time.sleep(1)
        assert reached() == before


def test_who_sends_too_much_is_told_so_with_a_time(proxy: Proxy) -> None:
    # What the proxy answers by itself, so that it is the proxy's limit that is met.
    request = f"GET /metrics HTTP/1.1\r\nHost: {proxy.host}\r\n\r\n".encode()
    with proxy.connection("127.0.0.3") as connection:
        for _ in range(30):
            told = b""
            connection.sendall(request * 50)
            while told.count(b"HTTP/1.1 ") < 50:
                told += connection.recv(1_000_000)
            if b" 429 " in told:
                break
    assert b"retry-after: 5" in told[told.index(b" 429 ") :].lower()
    assert proxy.said("GET /healthz")[0] == 200  # another address goes on


def test_an_address_that_a_caller_invents_is_not_believed(proxy: Proxy) -> None:
    told = Counter(
        proxy.said(
            "GET /fhir/Patient", source=proxy.stranger, X_Forwarded_For=f"192.0.2.{n}", Forwarded=f"for=192.0.2.{n}"
        )[0]
        for n in range(WORKERS * REFUSALS + 20)
    )
    assert told.keys() == {401, 429}
    assert proxy.said("GET /fhir/Patient")[0] == 401


def test_its_log_holds_no_path_and_no_query(proxy: Proxy) -> None:
    for first in ("GET /canary/099200001234?name=canary", "POST /fhir/canary?canary=1", "GET /metrics?canary"):
        proxy.said(first, X_Canary="canary", source=FOREIGN)
    with proxy.connection() as connection:
        connection.sendall(b"GET /canary\x00 HTTP/9.canary\r\n\r\n")
        connection.recv(1000)
    lines = proxy.log
    assert "anary" not in lines and "0992" not in lines
    assert happens(lambda: " 404 " in proxy.log, 10)
