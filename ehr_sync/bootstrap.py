"""The one place where everything is wired: settings in, a service, its web application or its sweeps out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from uuid import uuid4

from flask import Flask
from joserfc.jwk import ECKey, KeySet

from ehr_sync.adapters import key_file
from ehr_sync.adapters.fhir_book import FhirBook
from ehr_sync.adapters.oidc_identity import OidcIdentity
from ehr_sync.adapters.soap_registry import GatewayAccount, SoapRegistry
from ehr_sync.api.app import create_app
from ehr_sync.api.fhir import fhir
from ehr_sync.api.health import health
from ehr_sync.api.oauth import oauth
from ehr_sync.api.ops import Wanted, ops
from ehr_sync.api.submissions import submissions
from ehr_sync.api.transactions import transactions
from ehr_sync.core.errors import Misconfigured, NotFound, Unavailable
from ehr_sync.core.figures import Figures
from ehr_sync.core.ports import HealthBook, Login, PopulationRegistry
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.logs import Log, make_log
from ehr_sync.metrics import scraper
from ehr_sync.settings import Settings
from ehr_sync.store import clients, figures
from ehr_sync.store.database import Database, DatabaseFault
from ehr_sync.store.key_store import KeyStore
from ehr_sync.store.resyncs import Resync, Scope
from ehr_sync.usecases import read_book, resync_lanes
from ehr_sync.usecases.accept_submission import accept_submission
from ehr_sync.usecases.authenticate import Signer, issue_token, verify_bearer
from ehr_sync.usecases.check_readiness import check_readiness
from ehr_sync.usecases.compose_bundle import BundleLimits
from ehr_sync.usecases.deliver_due import Outcome as PushOutcome
from ehr_sync.usecases.deliver_due import Push, delivering
from ehr_sync.usecases.erase_person import replay_erasures
from ehr_sync.usecases.follow_transaction import follow_transaction
from ehr_sync.usecases.make_current import make_current
from ehr_sync.usecases.read_book import Page
from ehr_sync.usecases.stores import Stores
from ehr_sync.usecases.sweep import Sweep
from ehr_sync.usecases.verify_due import Asking, verifying
from ehr_sync.usecases.verify_due import Outcome as VerifyOutcome
from mappings.model import Uris
from mappings.terminology.uris import load_uris

_MIGRATE = "Run ehr-sync migrate: the databases do not have the form that this version needs."
_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that is opened once a process."""

    settings: Settings
    stores: Stores
    key_database: Database
    uris: Uris
    log: Log

    def close(self) -> None:
        """Close all connections."""
        self.stores.database.close()
        self.key_database.close()


def open_service(settings: Settings) -> Service:
    """The service of these settings, with nobody in it who was erased.

    Raises Misconfigured with one sentence, and Unavailable where a database is away.
    """
    keys = key_file.load(settings.key_file)
    database, key_database = Database(settings.dsn), Database(settings.key_dsn, connections=5)
    try:
        key_store = KeyStore(key_database, keys.root)
        stores = Stores(database, key_store, keys, settings.book_name)
        # A dump from before an erasure may have been restored: its rows go before anybody is served.
        replay_erasures(stores=stores)
    except DatabaseFault:
        raise Misconfigured(_MIGRATE) from None
    return Service(settings, stores, key_database, load_uris(), make_log(settings.log_level))


def open_service_when_up(settings: Settings, *, seconds: float = _WAIT_SECONDS) -> Service:
    """The service, waiting for a database that restarts. A process that replaces a killed one must not give up."""
    until = time.monotonic() + seconds
    while True:
        try:
            return open_service(settings)
        except Unavailable:
            if time.monotonic() > until:
                raise
        time.sleep(0.2)


def web_application(service: Service) -> Flask:
    """The web application: every route with its use case."""
    settings, stores = service.settings, service.stores
    clock, public_url = stores.database.now, settings.public_url.rstrip("/")
    signer = Signer(public_url, KeySet([ECKey.import_key(stores.keys.signing)]))
    identity = OidcIdentity(issuer=settings.issuer_url, audience=settings.audience, clock=clock)
    accept = partial(accept_submission, stores=stores, settings=settings, uris=service.uris)
    issue = partial(issue_token, database=stores.database, clock=clock, signer=signer, new_id=_new_id)
    ready = partial(check_readiness, database=stores.database, key_database=service.key_database)
    return create_app(
        [
            oauth(issue, signer),
            submissions(accept),
            transactions(partial(follow_transaction, stores=stores), partial(make_current, stores=stores)),
            fhir(_Book(stores, service.uris), public_url=public_url, version=version("ehr-sync")),
            ops(
                plan=lambda wanted: resync_lanes.plan_resync(_scope(wanted, stores), stores=stores),
                order=lambda wanted, *, by, reason: _order(wanted, by, reason, stores),
                follow=partial(resync_lanes.follow_resync, stores=stores),
                lanes=partial(resync_lanes.list_lanes, stores=stores),
            ),
            health(ready, scraper(partial(_figures, stores), time.monotonic)),
        ],
        verify=partial(verify_bearer, signer=signer, clock=clock),
        who=identity.who,
        public_url=public_url,
        request_bytes=settings.request_bytes,
        log=service.log,
        stopwatch=time.monotonic,
        new_id=_new_id,
    )


def registry_of(service: Service) -> PopulationRegistry:
    """The population registry as the settings name it."""
    s = service.settings
    account = GatewayAccount(s.registry_user, s.registry_secret, s.registry_purpose, s.registry_officer)
    return SoapRegistry(
        url=s.registry_url,
        account=account,
        deadline_seconds=s.registry_deadline_seconds,
        clock=service.stores.database.now,
    )


def book_of(service: Service) -> HealthBook:
    """The health book as the settings name it."""
    s = service.settings
    return FhirBook(
        url=s.book_url,
        token_url=s.book_token_url,
        client_id=s.book_client_id,
        client_secret=s.book_client_secret,
        deadline_seconds=s.book_deadline_seconds,
    )


def verification(service: Service, *, slots: int = 8) -> Sweep[Asking, VerifyOutcome]:
    """The sweep that asks the registry about claims."""
    return verifying(
        stores=service.stores,
        registry=registry_of(service),
        retry=_retry(service.settings),
        lease=timedelta(seconds=service.settings.lease_seconds),
        slots=slots,
    )


def delivery(service: Service, *, slots: int = 8) -> Sweep[Push, PushOutcome]:
    """The sweep that brings lanes up to date."""
    s = service.settings
    return delivering(
        stores=service.stores,
        book=book_of(service),
        book_url=s.book_url.rstrip("/"),
        uris=service.uris,
        limits=BundleLimits(s.bundle_entries, s.bundle_bytes),
        retry=_retry(s),
        lease=timedelta(seconds=s.lease_seconds),
        slots=slots,
    )


@dataclass(frozen=True, slots=True)
class _Book:
    """The use cases behind the FHIR routes."""

    stores: Stores
    uris: Uris

    def patient(self, *, login: Login) -> Page:
        return read_book.read_patient(login=login, stores=self.stores, uris=self.uris)

    def resource(self, type_: str, id_: str, *, login: Login) -> bytes:
        return read_book.read_resource(type_, id_, login=login, stores=self.stores, uris=self.uris)

    def everything(self, patient_id: str, *, login: Login, offset: int, count: int | None) -> Page:
        return read_book.read_everything(
            patient_id, login=login, stores=self.stores, uris=self.uris, offset=offset, count=count
        )

    def search(self, type_: str, patient_id: str, *, login: Login, offset: int, count: int | None) -> Page:
        return read_book.search_type(
            type_, patient_id, login=login, stores=self.stores, uris=self.uris, offset=offset, count=count
        )


def _new_id() -> str:
    return str(uuid4())


def _retry(settings: Settings) -> RetryPolicy:
    return RetryPolicy(settings.retry_first_seconds, settings.retry_longest_seconds)


def _figures(stores: Stores) -> Figures:
    with stores.database.begin() as connection:
        return figures.figures(connection)


def _order(wanted: Wanted, by: str, reason: str, stores: Stores) -> Resync:
    return resync_lanes.order_resync(_scope(wanted, stores), by=by, reason=reason, stores=stores)


def _scope(wanted: Wanted, stores: Stores) -> Scope:
    if wanted.facility is None:
        return Scope(wanted.patient, None, wanted.destination)
    with stores.database.begin() as connection:
        found = clients.register(connection).get(wanted.facility)
    if found is None:
        raise NotFound("facility.unknown")
    return Scope(wanted.patient, found.family, wanted.destination)
