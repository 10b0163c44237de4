"""Environment → frozen Settings, checked at start. docs/settings.md is made from this file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, NoReturn

from ehr_sync.core import addresses
from ehr_sync.core.call_quota import MOST_CALLS
from ehr_sync.core.errors import Misconfigured

PREFIX: Final = "EHR_SYNC_"
_MANY: Final = 1_000_000_000
_SIGN_INS: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt")
_REGISTRY_FLAVOURS: Final = ("soap_037", "soap_003", "json")
_REGISTRY_SIGN_INS: Final = ("timestamped_basic", "bearer", "certificate")
_LOG_LEVELS: Final = ("debug", "info", "warning", "error")


def _setting(doc: str, default: object = MISSING, *, secret: bool = False, **checks: object) -> Any:
    metadata = {"doc": doc, **checks}
    if default is MISSING:
        return field(metadata=metadata, repr=not secret)
    return field(default=default, metadata=metadata, repr=not secret)


def _address(doc: str) -> Any:
    return _setting(doc, address=True)


def _number(doc: str, default: float, least: float, most: float) -> Any:
    return _setting(doc, default, range=(least, most))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that can be set. Each field is the environment variable EHR_SYNC_<FIELD IN CAPITALS>.

    Nothing that says where somebody is, who we are there, or how we prove it has a default: the sandbox's values are
    in `ehr_sync.sandbox.world`. Raises Misconfigured with one sentence that names the variable to mend.
    """

    dsn: str = _setting("libpq URI of the main database", secret=True)
    key_dsn: str = _setting("libpq URI of the key store, a database of its own", secret=True)
    key_file: Path = _setting("file with the service's root, index, id and signing keys; mode 0600")  # noqa: RUF009
    public_url: str = _address("the address under which clients reach this service")
    bind: str = _setting("where the web service listens: HOST:PORT, or unix:PATH", "127.0.0.1:8080")
    uri_base: str = _setting(
        "what the URIs of our own identifiers, codes and extensions begin with, such as https://your.city/fhir; "
        "it stands in every book, and never changes"
    )

    registry_url: str = _address("where the population registry is asked")
    registry_flavour: str = _setting(
        "how: soap_037 (look-up), soap_003 (yes or no) or json (look-up)", "soap_037", choices=_REGISTRY_FLAVOURS
    )
    registry_compares: str = _setting(
        "how soap_003 compares names by the agreement: exactly, or loosely, where a yes does not prove and is reviewed",
        "loosely",
        choices=("exactly", "loosely"),
    )
    registry_user: str = _setting("user name at the registry's gateway")
    registry_secret: str = _setting(
        "secret there, unless certificate; for bearer the token itself, where there is no token endpoint",
        "",
        secret=True,
    )
    registry_sign_in: str = _setting(
        "how we sign in there: timestamped_basic, bearer or certificate (alone)",
        "timestamped_basic",
        choices=_REGISTRY_SIGN_INS,
    )
    registry_token_url: str = _setting("OAuth 2 token endpoint of the gateway, for bearer", "", address=True)
    registry_headers: str = _setting(
        "further headers that the gateway wants, with ; between: X-Road-Client: OURS; ApiKey: KEY", "", secret=True
    )
    registry_certificate: str = _setting("PEM file with our certificate there (mutual TLS), besides any sign-in", "")
    registry_certificate_key: str = _setting("PEM file with its private key; mode 0600", "")
    registry_authority: str = _setting(
        "PEM file with the authority that vouches for the gateway; none: public ones", ""
    )
    registry_purpose: str = _setting("MaDVC: the public service in whose name the registry is asked")
    registry_officer: str = _setting("MaCanBo: the officer in whose name the registry is asked")
    registry_deadline_seconds: float = _number("total time for one call of the registry", 10.0, 0.1, 600)
    registry_calls: int = _number("most calls of the registry at once, by each scheduler", 8, 1, 1_000)

    registry_calls_per_minute: int = _number(
        "most calls of the registry in any minute, of all schedulers together; a fifth waits for desks; 0: no limit",
        *(0, 0, _MANY),
    )
    registry_calls_per_day: int = _number("the same in any 24 hours", 0, 0, _MANY)

    number_tries: int = _number(
        "most unproven claims of one facility on one personal number within a day; what is beyond waits for review",
        *(3, 1, 1_000),
    )

    book_name: str = _setting("name of the health book, used in lanes and answers", "so-suc-khoe")
    book_url: str = _address("FHIR base of the health book")
    book_token_url: str = _address("OAuth 2 token endpoint of the health book")
    book_client_id: str = _setting("our client id at the health book")
    book_client_secret: str = _setting("our client secret at the health book, unless private_key_jwt", "", secret=True)
    book_sign_in: str = _setting(
        "how we sign in there: client_secret_basic, client_secret_post or private_key_jwt",
        "client_secret_basic",
        choices=_SIGN_INS,
    )
    book_client_key: str = _setting("file with our private JWK for private_key_jwt; mode 0600", "")
    book_scope: str = _setting("scope to ask for at the book's token endpoint, such as system/*.cruds", "")
    book_deadline_seconds: float = _number("total time for one push; below half the lease", 20.0, 0.1, 3_600)
    book_calls: int = _number("most calls of the health book at once, by each scheduler", 32, 1, 1_000)
    lease_seconds: float = _number("how long a taken lane or claim stays taken", 60.0, 0.3, 86_400)
    retry_first_seconds: float = _number(
        "first back-off after a transient failure; doubles, with full jitter", 5.0, 0.01, 86_400
    )
    retry_longest_seconds: float = _number("longest back-off", 3600.0, 0.01, 604_800)
    bundle_entries: int = _number("most entries in one Bundle", 500, 1, 1_000_000)
    bundle_bytes: int = _number("most bytes in one Bundle", 5_000_000, 1_000, _MANY)
    sweep_seconds: float = _number("pause between two sweeps that found nothing", 0.5, 0.01, 3_600)

    issuer_url: str = _address("OpenID Connect issuer for citizens and operators")
    audience: str = _setting("audience that a citizen's or operator's token must name", "ehr-sync")
    token_type: str = _setting(
        "`typ` that the header of such a token must have, such as at+jwt (RFC 9068); none: JWT, at+jwt or no `typ`", ""
    )
    token_clients: str = _setting(
        "client ids (`azp`, `client_id`) whose tokens are taken, with blanks between; none: any", ""
    )
    token_seconds: int = _number("longest life of such a token, from `iat` to `exp`", 3_600, 60, 86_400)

    sign_in_client: str = _setting("our client id at the issuer, for signing in to the pages; none: no signing in", "")
    sign_in_secret: str = _setting("our client secret at the issuer", "", secret=True)
    session_idle_seconds: int = _number("after so long without use a session of the pages ends", 900, 60, 86_400)
    session_seconds: int = _number("after so long a session of the pages ends in any case", 28_800, 300, 604_800)

    audit_checkpoint_entries: int = _number("most entries of the audit log between two checkpoints", 1_000, 1, _MANY)
    audit_copy: str = _setting(
        "second place of signed checkpoints: a file (appended to), `syslog:` or `syslog://host:port`", ""
    )

    request_bytes: int = _number("most bytes in one request", 100_000_000, 1_000, 10 * _MANY)
    request_dossiers: int = _number("most HOSO in one request", 5_000, 1, _MANY)
    table_rows: int = _number("most rows in one table", 10_000, 1, _MANY)
    record_bytes: int = _number("most decoded bytes in one record", 32_000_000, 1_000, _MANY)
    chunk_records: int = _number("most records in one transaction", 200, 1, 100_000)
    spool_bytes: int = _number(
        "bodies above this are spooled to disk, encrypted, one at a time", 1_000_000, 0, 10 * _MANY
    )
    spool_folder: Path = _setting(  # noqa: RUF009
        "where big bodies are spooled: a folder of the service's own, made at start, that nobody else can write to",
        Path("spool"),
    )
    log_level: str = _setting("debug, info, warning or error", "info", choices=_LOG_LEVELS)

    allowed_hosts: str = _setting(
        "hosts by which we may be called besides that of the public address, with commas between: a.example, b:81", ""
    )
    trusted_proxies: str = _setting(
        "addresses or networks of our own proxies, whose word on who calls is taken, with commas between", ""
    )
    peer_connections: int = _number(
        "most connections from one address that wait in one web worker, proxies apart", 256, 1, 100_000
    )
    head_seconds: float = _number("within how long a request's head must have come", 10.0, 0.1, 600)
    body_seconds: float = _number("within how long a request's body must have come", 900.0, 0.1, 86_400)
    body_bytes_per_second: int = _number("how fast a body must come on average, after ten seconds", 4_000, 1, _MANY)
    submissions_at_once: int = _number("most submissions under way in one web worker", 8, 1, 1_000)
    client_submissions_at_once: int = _number("most of these from one client", 6, 1, 1_000)
    submissions_waiting: int = _number("most submissions that wait for their turn in one web worker", 24, 1, 1_000)
    submissions_per_minute: int = _number(
        "most submissions of one client in a minute, in all web workers together", 12_000, 1, _MANY
    )
    tokens_per_minute: int = _number(
        "most token requests of one address, and tokens of one client, in a minute and web worker", 600, 1, _MANY
    )
    refusals_per_minute: int = _number(
        "most answers 401 and 404 to one address, client or person, in a minute and web worker", 600, 1, _MANY
    )

    def __post_init__(self) -> None:
        for f in fields(self):
            _check(f, getattr(self, f.name))
        if not addresses.is_place_to_listen(self.bind):
            raise Misconfigured(f"Set {PREFIX}BIND to HOST:PORT, such as 127.0.0.1:8080, or to unix:PATH.")
        if not addresses.is_uri_base(self.uri_base):
            raise Misconfigured(
                f"Set {PREFIX}URI_BASE to an address such as https://your.city/fhir, without a slash at its end."
            )
        if not addresses.are_networks(self.trusted_proxies):
            raise Misconfigured(f"Set {PREFIX}TRUSTED_PROXIES to addresses or networks: 10.0.0.1, 10.1.0.0/16.")
        self._check_sign_in()
        for name in ("registry_calls_per_minute", "registry_calls_per_day"):
            if 0 < getattr(self, name) < MOST_CALLS:
                raise Misconfigured(
                    f"Set {PREFIX}{name.upper()} to {MOST_CALLS} or more, or to 0: one claim takes that."
                )
        if self.book_deadline_seconds * 2 >= self.lease_seconds:
            raise Misconfigured(f"Set {PREFIX}BOOK_DEADLINE_SECONDS below half of {PREFIX}LEASE_SECONDS.")
        if self.retry_first_seconds > self.retry_longest_seconds:
            raise Misconfigured(f"Set {PREFIX}RETRY_FIRST_SECONDS to at most {PREFIX}RETRY_LONGEST_SECONDS.")

    def _check_sign_in(self) -> None:
        needed = ["book_client_key" if self.book_sign_in == "private_key_jwt" else "book_client_secret"]
        needed += ["registry_certificate"] if self.registry_sign_in == "certificate" else ["registry_secret"]
        needed += ["registry_certificate_key"] if self.registry_certificate else []
        for f in fields(self):
            if f.name in needed and not getattr(self, f.name):
                _missing(f)
        if self.registry_headers and headers_of(self.registry_headers) is None:
            raise Misconfigured(f"Set {PREFIX}REGISTRY_HEADERS to Name: value, with ; between several.")


def headers_of(text: str) -> dict[str, str] | None:
    """Headers written as `Name: value; Name: value`; None where they are not."""
    pairs = [(name.strip(), value.strip()) for name, _, value in (one.partition(":") for one in text.split(";"))]
    if not all(_TOKEN.fullmatch(name) and value.isascii() and value.isprintable() and value for name, value in pairs):
        return None
    return dict(pairs)


_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`~-]+")  # RFC 9110 section 5.6.2


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises Misconfigured with one sentence that names the variable to mend."""
    environment = os.environ if environment is None else environment
    given = {
        f.name: environment[PREFIX + f.name.upper()]
        for f in fields(Settings)
        if environment.get(PREFIX + f.name.upper())
    }
    return settings_of(given)


def dsns(environment: Mapping[str, str] | None = None) -> tuple[str, str]:
    """The two databases alone, for whoever needs no address and no secret beside them. Raises as `from_environment`."""
    environment = os.environ if environment is None else environment
    main, keys = (environment.get(PREFIX + f.name.upper()) or _missing(f) for f in fields(Settings)[:2])
    return main, keys


def settings_of(given: Mapping[str, str]) -> Settings:
    """Settings from texts by field name; the same checks and errors as `from_environment`."""
    values: dict[str, object] = {}
    for f in fields(Settings):
        if f.name in given:
            values[f.name] = _parsed(f, given[f.name])
        elif f.default is MISSING:
            _missing(f)
    return Settings(**values)  # type: ignore[arg-type]


def _missing(f: Field[Any]) -> NoReturn:
    raise Misconfigured(f"Set {PREFIX}{f.name.upper()}: {f.metadata['doc']}.")


def _parsed(f: Field[object], text: str) -> object:
    kind = {"int": int, "float": float, "Path": Path}.get(str(f.type), str)
    try:
        return kind(text)
    except ValueError:
        raise Misconfigured(f"Set {PREFIX}{f.name.upper()} to a number: {f.metadata['doc']}.") from None


def _check(f: Field[Any], value: Any) -> None:
    name, doc = PREFIX + f.name.upper(), f.metadata["doc"]
    if "range" in f.metadata:
        least, most = f.metadata["range"]
        if not least <= value <= most:  # not a number is within no range
            raise Misconfigured(f"Set {name} to a number from {least} to {most}: {doc}.")
    if "choices" in f.metadata and value not in f.metadata["choices"]:
        *some, last = f.metadata["choices"]
        raise Misconfigured(f"Set {name} to {', '.join(some)} or {last}.")
    if "address" in f.metadata and (value or f.default is MISSING):
        wrong = addresses.wrong_with(value)
        if wrong:
            raise Misconfigured(wrong.format(name=name))
