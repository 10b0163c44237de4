"""What the service needs of the outside. Every sentence of a docstring here is one test in tests/contracts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ehr_sync.core.app_scopes import AppAccess
from ehr_sync.core.errors import Refused


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
    """What the registry shows of the person that it found. Used for the verdict, then forgotten."""

    number: str = field(repr=False)
    name: str = field(repr=False)  # "" where it shows none
    birth_date: str = field(repr=False)  # "yyyymmdd" or "yyyy"; "" where it shows none
    sex: str  # "male", "female", "unknown"


class PopulationRegistry(Protocol):
    """The national population database (C06), asked by number, name and birth date together."""

    def look_up(self, question: RegistryQuestion) -> RegistryPerson | None:
        """The person, or None where the registry found none or found a mismatch (it does not say which).

        Of a registry that only says yes the person has the number that was asked about, no sex, and name and birth date
        only where it is known to compare exactly.

        Raises Unavailable for a time-out, a refused connection, 429, any 5xx, a sign-in failure, or an answer that
        is not the expected one: none of these is ever "no match" (P5). Ends within the total deadline that it was
        made with, however slowly the other side drips.
        """
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a book answered to a push that it took whole. `watermark_etag` is the ETag of the lane's watermark."""

    watermark_etag: str


@dataclass(frozen=True, slots=True)
class Watermark:
    """What the book says of a lane: how far it is (`seq`), under which ETag, and by which push (`key`)."""

    seq: int
    key: str
    etag: str


class FenceLost(Exception):
    """412, or 404, 409, 410, by which books say the same: nothing of this push took effect, and the watermark tells
    why. `code` says which.
    """

    def __init__(self, code: str = "book.fence_lost") -> None:
        super().__init__(code)
        self.code = code


class WatermarkDeleted(Exception):
    """410: somebody has deleted the lane's watermark at the book."""


class Denied(Refused):
    """403, 404 or 405: the book may be closed to us altogether, or this alone is not allowed."""


class TooLarge(Refused):
    """413, or the book says so otherwise: fewer entries may pass."""


class HealthBook(Protocol):
    """A personal health book: a FHIR R4 endpoint that takes transaction Bundles."""

    def push(self, bundle: bytes, *, idempotency_key: str) -> Receipt:
        """Store the whole Bundle, atomically; returns when every entry is present and 2xx.

        Raises Unavailable (with retry_after where given) where nothing can have taken effect: connection refused, a
        redirect, 408, 423, 425, 429, sign-in failure. Raises FenceLost on 404, 409, 410 and 412. Raises Denied on 403
        and 405. Raises TooLarge on 413 and where a 4xx says that there are too many entries. Raises Refused for any
        other 4xx and for an answer in which an entry is missing or is not 2xx. Raises UnknownOutcome (with retry_after
        where given) for a time-out, a broken connection after the request was sent, any 5xx (a gateway may say 503
        after the book has stored) and an unreadable answer. Ends within the total deadline that it was made with.
        """
        ...

    def watermark(self, lane_id: str) -> Watermark | None:
        """The watermark Basic/{lane_id}, or None where the book has none. Raises WatermarkDeleted where it was deleted,
        Unavailable where the book cannot say.
        """
        ...

    def put_watermark(self, lane_id: str, basic: bytes) -> str:
        """Store a watermark alone, whatever was there; returns its ETag (W/"3"). Raises Unavailable where it may not
        have been stored, Denied on 403, 404 and 405, Refused for any other 4xx.
        """
        ...

    def delete_watermark(self, lane_id: str) -> None:
        """Delete a watermark; that there is none is no failure. Raises Unavailable where it may still be there."""
        ...

    def closed(self, lane_id: str) -> str:
        """Why the book is closed to us, as a code: its capabilities, or this watermark, which should be there, are
        not to be had. "" where it is open.
        """
        ...


@dataclass(frozen=True, slots=True)
class Login:
    """Who a bearer token speaks for: one of the identity provider, or one that an app was given here."""

    subject: str  # the provider's own pseudonymous id, safe to keep
    personal_number: str = field(repr=False)  # "" for staff
    roles: frozenset[str] = frozenset()
    app: AppAccess | None = None  # the app that asks for them, and what it may; None: they themselves


class IdentityProvider(Protocol):
    """Tells who an OpenID Connect token belongs to (issuer, audience, signature, times checked)."""

    def who(self, token: str) -> Login | None:
        """The login, or None where the token is not good. Raises Unavailable where the keys cannot be had."""
        ...
