"""What the service needs of the outside. Every sentence of a docstring here is one test in tests/contracts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RegistryQuestion:
    """What is asked of the population registry about one claim. `request_number` is ours and names the call."""

    request_number: str
    number: str = field(repr=False)
    number_kind: str  # "cccd": SoDinhDanh; "cmnd": SoCMND
    name: str = field(repr=False)  # upper case, NFC
    birth_date: str = field(repr=False)  # "yyyymmdd", or "yyyy"


@dataclass(frozen=True, slots=True)
class RegistryPerson:
    """What the registry holds of the person that it found. Used for the verdict, then forgotten."""

    number: str = field(repr=False)
    name: str = field(repr=False)
    birth_date: str = field(repr=False)  # "yyyymmdd" or "yyyy"
    sex: str  # "male", "female", "unknown"


class PopulationRegistry(Protocol):
    """The national population database (C06), asked by number, name and birth date together."""

    def look_up(self, question: RegistryQuestion) -> RegistryPerson | None:
        """The person, or None where the registry found none or found a mismatch (it does not say which).

        Raises Unavailable for a time-out, a refused connection, 429, any 5xx, a sign-in failure, or an answer that
        is not the expected XML: none of these is ever "no match" (P5). Ends within the total deadline that it was
        made with, however slowly the other side drips.
        """
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a book answered to a push that it took whole. `watermark_etag` is the ETag of the lane's watermark."""

    watermark_etag: str


@dataclass(frozen=True, slots=True)
class Watermark:
    """The lane's mark in the book: how far it is (`seq`), under which ETag, and by which push (`key`)."""

    seq: int
    key: str
    etag: str


class FenceLost(Exception):
    """412: another worker has moved the watermark. Nothing of this push took effect."""


class HealthBook(Protocol):
    """A personal health book: a FHIR R4 endpoint that takes transaction Bundles."""

    def push(self, bundle: bytes, *, idempotency_key: str) -> Receipt:
        """Store the whole Bundle, atomically; returns when every entry is present and 2xx.

        Raises Unavailable (with retry_after where given) where nothing can have taken effect: connection refused,
        429, sign-in failure. Raises FenceLost on 412. Raises Refused for any other 4xx and for an answer in
        which an entry is missing or is not 2xx. Raises UnknownOutcome (with retry_after where given) for a time-out,
        a broken connection after the request was sent, any 5xx (a gateway may say 503 after the book has stored) and
        an unreadable answer. Ends within the total deadline that it was made with.
        """
        ...

    def watermark(self, lane_id: str) -> Watermark | None:
        """The watermark Basic/{lane_id}, or None where the book has none. Raises Unavailable where it cannot say."""
        ...


@dataclass(frozen=True, slots=True)
class Login:
    """Who a bearer token of the identity provider speaks for."""

    subject: str  # the provider's own pseudonymous id, safe to keep
    personal_number: str = field(repr=False)  # "" for staff
    roles: frozenset[str] = frozenset()


class IdentityProvider(Protocol):
    """Tells who an OpenID Connect token belongs to (issuer, audience, signature, times checked)."""

    def who(self, token: str) -> Login | None:
        """The login, or None where the token is not good. Raises Unavailable where the keys cannot be had."""
        ...
