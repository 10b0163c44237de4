"""No secret lies in the tree; one that is planted is found."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, OctKey, RSAKey

from ehr_sync.adapters import key_file
from tests.api import hospital
from tests.supply.secrets import found

ROOT: Final = Path(__file__).parents[2]
CHANCE: Final = hashlib.sha256(b"planted").digest()
"""32 bytes as chance gives them, the same on each run."""
WORD: Final = base64.b32encode(CHANCE).decode()[:20].lower() + "7x2"


def test_no_secret_lies_in_the_tree() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    assert len(files) > 100
    told = {name: found(name, (ROOT / name).read_bytes().decode(errors="replace")) for name in files}
    assert {name: what for name, what in told.items() if what} == {}


def pem(kind: PrivateFormat, *, sealed: bool = False) -> str:
    lock = BestAvailableEncryption(b"x") if sealed else NoEncryption()
    return generate_private_key(SECP384R1()).private_bytes(Encoding.PEM, kind, lock).decode()


def key_file_text(folder: Path) -> str:
    key_file.create(folder / "k")
    return (folder / "k").read_text()


PLANTED: Final[dict[str, Callable[[Path], object]]] = {
    "a key as PEM": lambda _: pem(PrivateFormat.PKCS8),
    "a key as OpenSSL writes it": lambda _: pem(PrivateFormat.TraditionalOpenSSL),
    "a key as SSH writes it": lambda _: pem(PrivateFormat.OpenSSH),
    "a key under a password": lambda _: pem(PrivateFormat.PKCS8, sealed=True),
    "a key in one line of code": lambda _: repr(pem(PrivateFormat.PKCS8)),
    "an EC key as JWK": lambda _: ECKey.generate_key("P-384").as_dict(private=True),
    "an RSA key as JWK": lambda _: RSAKey.generate_key(2048, private=True).as_dict(private=True),
    "a shared key as JWK": lambda _: OctKey.generate_key(256).as_dict(private=True),
    "a key file of the service": key_file_text,
    "a signed assertion": lambda _: hospital.assertion(),
    "32 bytes as base64": lambda _: f"KEY = {base64.b64encode(CHANCE).decode()!r}",
    "32 bytes for addresses": lambda _: f"key: {base64.urlsafe_b64encode(CHANCE).decode().rstrip('=')}",
    "32 bytes as hex": lambda _: f"key={CHANCE.hex()}",
    "a password in code": lambda _: f'PASSWORD = "{WORD}"',
    "a password in JSON": lambda _: f'{{"password": "{WORD}"}}',
    "a password in settings": lambda _: f"EHR_SYNC_BOOK_SECRET={WORD}\n",
    "a password in YAML": lambda _: f"db_password: {WORD}\n",
    "a typed secret": lambda _: f'client_secret: Final[str] = "{WORD}"',
    "a password in a DSN": lambda _: f"postgresql://ehr:{WORD}@db/ehr",
    "a token of a forge": lambda _: "ghp" + "_" + 36 * "a",
    "a token of a cloud": lambda _: "AKIA" + 16 * "A",
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_secret_is_found_and_not_repeated(tmp_path: Path, planted: str) -> None:
    secret = str(PLANTED[planted](tmp_path))
    told = found("notes/page.md", f"First line.\n\n{secret}\n")
    assert told
    assert [line for line in told if WORD in line or CHANCE.hex() in line] == []


@pytest.mark.parametrize("name", ["a.pem", "x/server.key", "x/keys.json", ".env", "x/id_ed25519", "b.p12", "c.jwks"])
def test_a_file_that_keys_are_kept_in_is_found_by_its_name(name: str) -> None:
    assert found(name, "") == ["a file of keys"]


@pytest.mark.parametrize(
    "innocent",
    [
        "-----BEGIN PRIVATE KEY----- is how one starts",
        'token_type = "at+jwt"',
        "token = hospital_access_token_of_benh_vien_a",
        "password: ask whoever runs it",
        "test_an_entry_missing_or_not_2xx_is_refused",
        "sha256:83490def1f723413db5096591f7609ac52544805be93849170088ed04f5a2e0b",
        "http://127.0.0.1:8080/oauth2/token",
        "11111111-1111-8111-8111-111111111111",
    ],
)
def test_what_is_no_secret_is_let_be(innocent: str) -> None:
    assert found("notes/page.md", innocent) == []
