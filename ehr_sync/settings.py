"""Environment → frozen Settings, checked at start. docs/settings.md is made from this file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ehr_sync.core.errors import Misconfigured

PREFIX = "EHR_SYNC_"


def _setting(doc: str, default: object = MISSING, *, secret: bool = False) -> Any:
    metadata = {"doc": doc}
    if default is MISSING:
        return field(metadata=metadata, repr=not secret)
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that can be set. Each field is the environment variable EHR_SYNC_<FIELD IN CAPITALS>."""

    dsn: str = _setting("libpq URI of the main database", secret=True)
    key_dsn: str = _setting("libpq URI of the key store, a database of its own", secret=True)
    key_file: Path = _setting("file with the service's root, index, id and signing keys; mode 0600")  # noqa: RUF009
    public_url: str = _setting("the address under which clients reach this service", "http://127.0.0.1:8080")

    registry_url: str = _setting("SOAP endpoint of the population registry", "http://127.0.0.1:8091/registry")
    registry_user: str = _setting("user name at the registry's gateway", "ehr-sync")
    registry_secret: str = _setting("secret at the registry's gateway", "sandbox", secret=True)
    registry_purpose: str = _setting("MaDVC: the public service in whose name the registry is asked", "DVC-MAU")
    registry_officer: str = _setting("MaCanBo: the officer in whose name the registry is asked", "ehr-sync")
    registry_deadline_seconds: float = _setting("total time for one call of the registry", 10.0)
    registry_calls: int = _setting("most calls of the registry at once, by each scheduler", 8)

    book_name: str = _setting("name of the health book, used in lanes and answers", "so-suc-khoe")
    book_url: str = _setting("FHIR base of the health book", "http://127.0.0.1:8092/fhir")
    book_token_url: str = _setting("OAuth 2 token endpoint of the health book", "http://127.0.0.1:8092/oauth2/token")
    book_client_id: str = _setting("our client id at the health book", "ehr-sync")
    book_client_secret: str = _setting("our client secret at the health book", "sandbox", secret=True)
    book_sign_in: str = _setting(
        "how we sign in there: client_secret_basic, client_secret_post or private_key_jwt", "client_secret_basic"
    )
    book_client_key: str = _setting("file with our private JWK for private_key_jwt; mode 0600", "")
    book_scope: str = _setting("scope to ask for at the book's token endpoint, such as system/*.cruds", "")
    book_deadline_seconds: float = _setting("total time for one push; below half the lease", 20.0)
    book_calls: int = _setting("most calls of the health book at once, by each scheduler", 32)
    lease_seconds: float = _setting("how long a taken lane or claim stays taken", 60.0)
    retry_first_seconds: float = _setting("first back-off after a transient failure; doubles, with full jitter", 5.0)
    retry_longest_seconds: float = _setting("longest back-off", 3600.0)
    bundle_entries: int = _setting("most entries in one Bundle", 500)
    bundle_bytes: int = _setting("most bytes in one Bundle", 5_000_000)
    sweep_seconds: float = _setting("pause between two sweeps that found nothing", 0.5)

    issuer_url: str = _setting("OpenID Connect issuer for citizens and operators", "http://127.0.0.1:8093")
    audience: str = _setting("audience that a citizen's or operator's token must name", "ehr-sync")

    request_bytes: int = _setting("most bytes in one request", 100_000_000)
    request_dossiers: int = _setting("most HOSO in one request", 5_000)
    table_rows: int = _setting("most rows in one table", 10_000)
    record_bytes: int = _setting("most decoded bytes in one record", 32_000_000)
    chunk_records: int = _setting("most records in one transaction", 200)
    spool_bytes: int = _setting("bodies above this are spooled to disk, encrypted, one at a time", 1_000_000)
    spool_folder: Path = _setting("where big bodies are spooled", Path("/tmp"))  # noqa: RUF009, S108
    log_level: str = _setting("debug, info, warning or error", "info")

    def __post_init__(self) -> None:
        if self.book_deadline_seconds * 2 >= self.lease_seconds:
            raise Misconfigured(f"Set {PREFIX}BOOK_DEADLINE_SECONDS below half of {PREFIX}LEASE_SECONDS.")
        if self.book_sign_in not in {"client_secret_basic", "client_secret_post", "private_key_jwt"}:
            raise Misconfigured(
                f"Set {PREFIX}BOOK_SIGN_IN to client_secret_basic, client_secret_post or private_key_jwt."
            )
        for name in ("public_url", "registry_url", "book_url", "book_token_url", "issuer_url"):
            address = urlsplit(getattr(self, name))
            if address.scheme not in {"http", "https"}:
                raise Misconfigured(f"Set {PREFIX}{name.upper()} to an http or https address.")
            if address.username is not None:  # addresses end in Bundles and logs, and we sign in by other means
                raise Misconfigured(f"Take user and password out of {PREFIX}{name.upper()}.")


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises Misconfigured with one sentence that names the variable to mend."""
    environment = os.environ if environment is None else environment
    given = {
        f.name: environment[PREFIX + f.name.upper()]
        for f in fields(Settings)
        if environment.get(PREFIX + f.name.upper())
    }
    return settings_of(given)


def settings_of(given: Mapping[str, str]) -> Settings:
    """Settings from texts by field name; the same checks and errors as `from_environment`."""
    values: dict[str, object] = {}
    for f in fields(Settings):
        if f.name in given:
            values[f.name] = _parsed(f, given[f.name])
        elif f.default is MISSING:
            raise Misconfigured(f"Set {PREFIX}{f.name.upper()}: {f.metadata['doc']}.")
    return Settings(**values)  # type: ignore[arg-type]


def _parsed(f: Field[object], text: str) -> object:
    kind = {"int": int, "float": float, "Path": Path}.get(str(f.type), str)
    try:
        return kind(text)
    except ValueError:
        raise Misconfigured(f"Set {PREFIX}{f.name.upper()} to a number: {f.metadata['doc']}.") from None
