"""Brings a site into the state that a benchmark starts from, by the service's own use cases, without HTTP."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import timedelta

from bench.site import CLIENT, Site
from ehr_sync.bootstrap import verification
from ehr_sync.core.answers import Answer
from ehr_sync.core.ports import Receipt, Watermark
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.usecases.delivery.compose_bundle import BundleLimits
from ehr_sync.usecases.delivery.deliver_due import delivering
from ehr_sync.usecases.intake.accept_submission import accept_submission


class DeafBook:
    """A health book in this process that takes everything, and keeps the Bundles."""

    def __init__(self) -> None:
        self.bundles: list[bytes] = []

    def push(self, bundle: bytes, *, idempotency_key: str) -> Receipt:
        """As the port says."""
        self.bundles.append(bundle)
        return Receipt('W/"1"')

    def watermark(self, lane_id: str) -> Watermark | None:
        """As the port says."""
        return None

    def put_watermark(self, lane_id: str, basic: bytes) -> str:
        """As the port says."""
        return 'W/"1"'

    def delete_watermark(self, lane_id: str) -> None:
        """As the port says."""

    def closed(self, lane_id: str) -> str:
        """As the port says."""
        return ""


def accept(site: Site, body: bytes) -> Answer:
    """Have the service accept a body. Raises AssertionError where it refuses anything of it."""
    service = site.service
    answer = accept_submission(
        client_id=CLIENT,
        body=io.BytesIO(body),
        media_type="xml",
        idempotency_key=None,
        stores=service.stores,
        settings=service.settings,
        uris=service.uris,
    )
    assert answer.succeeded and not answer.failed, "the generated dossier was refused"
    return answer


def accept_all(site: Site, bodies: Iterable[bytes]) -> None:
    """Accept these, one after the other, and verify everybody's claim."""
    for body in bodies:
        accept(site, body)
    verification(site.service).run_dry()


def deliver_all(site: Site) -> list[bytes]:
    """Bring every lane up to date in a book that is not there; returns the Bundles."""
    service, book = site.service, DeafBook()
    settings = service.settings
    delivering(
        stores=service.stores,
        book=book,
        book_url=settings.book_url,
        uris=service.uris,
        limits=BundleLimits(settings.bundle_entries, settings.bundle_bytes),
        retry=RetryPolicy(1, 1),
        lease=timedelta(seconds=settings.lease_seconds),
        slots=8,
    ).run_dry()
    return book.bundles
