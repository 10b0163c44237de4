"""Where everything is wired: settings in, a service and its sweeps out. Its web side is bootstrap_web."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from ehr_sync.adapters import client_sign_in, key_file
from ehr_sync.adapters.book_search import BookSearch
from ehr_sync.adapters.checkpoint_copy import copy_to
from ehr_sync.adapters.client_credentials import ClientCredentials
from ehr_sync.adapters.client_sign_in import SignIn, client_secret_basic, client_secret_post
from ehr_sync.adapters.fhir_book import FhirBook
from ehr_sync.adapters.registries.gateway import LARGEST_ANSWER, Asker, Gateway
from ehr_sync.adapters.registries.json_gateway import JsonLookUp
from ehr_sync.adapters.registries.signing import Bearer, CertificateAlone, Signing, TimestampedBasic
from ehr_sync.adapters.registries.soap import SoapLookUp, SoapYesOrNo
from ehr_sync.adapters.timed_http import Caller
from ehr_sync.core.call_quota import CallQuota
from ehr_sync.core.errors import Misconfigured, Unavailable, Unfit
from ehr_sync.core.figures import Figures
from ehr_sync.core.ports import HealthBook, PopulationRegistry
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.runtime.logs import Log, fault, make_log
from ehr_sync.settings import Settings, headers_of
from ehr_sync.store import destinations, edges, figures, uri_base
from ehr_sync.store.database import Database, DatabaseFault, require_two
from ehr_sync.store.key_store import KeyStore
from ehr_sync.store.lanes import Lane
from ehr_sync.store.number_tries import LockOut
from ehr_sync.usecases.access.seal_edges import note_unfit
from ehr_sync.usecases.auditing.checkpoint import checkpointing
from ehr_sync.usecases.book.erase_person import replay_erasures, undone_erasures
from ehr_sync.usecases.check_keys import check_keys, keep_check_values
from ehr_sync.usecases.delivery.compose_bundle import BundleLimits
from ehr_sync.usecases.delivery.deliver_due import delivering
from ehr_sync.usecases.delivery.send_or_ask import Outcome as PushOutcome
from ehr_sync.usecases.delivery.send_or_ask import Push
from ehr_sync.usecases.delivery.watch_book import watch_book
from ehr_sync.usecases.desk.verify_people import Desk as VerifyDesk
from ehr_sync.usecases.stores import Stores
from ehr_sync.usecases.sweep import Sweep
from ehr_sync.usecases.terminology.follow_editions import install_editions
from ehr_sync.usecases.verification.limit_calls import CallLimits
from ehr_sync.usecases.verification.verify_due import Asking, verifying
from ehr_sync.usecases.verification.verify_due import Outcome as VerifyOutcome
from ehr_sync.usecases.verification.watch_tries import watching_tries
from mappings.model import Uris
from mappings.terminology.uris import load_uris

_MIGRATE = "Run ehr-sync migrate: the databases do not have the form that this version needs."
_SEAL = "Run ehr-sync edges seal: who is who and who may send has no seals yet, as this version needs."
_KEYS_OLDER = (
    "Restore the newest key store, or run ehr-sync erase --again: this one is from before the erasure of {} people"
    " (keys.older)."
)
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


def open_service(settings: Settings, *, to_mend: bool = False) -> Service:
    """The service of these settings, with nobody in it who was erased. `to_mend`: also where something is wrong with it
    that a command of ours mends.

    Raises Misconfigured with one sentence, and Unavailable where a database is away.
    """
    log = make_log(settings.log_level)
    keys = key_file.load(settings.key_file)
    database, key_database = Database(settings.dsn), Database(settings.key_dsn, connections=5)
    try:
        require_two(database, key_database)
        check_keys(keys, database=database, key_database=key_database)
        key_store = KeyStore(key_database, keys.root)
        keep_check_values(keys, database=database, key_database=key_database)
        _keep_uri_base(key_database, settings.uri_base)
        stores = Stores(database, key_store, keys, settings.book_name)
        # A dump from before an erasure may have been restored: its rows go before anybody is served.
        replay_erasures(stores=stores)
        install_editions(database)
        if not to_mend:
            _require_sealed(database)
            _require_newest_key_store(stores, log)
    except Exception as error:
        database.close()
        key_database.close()
        if isinstance(error, DatabaseFault):
            raise Misconfigured(_MIGRATE) from None
        raise
    return Service(settings, stores, key_database, load_uris(settings.uri_base), log)


def _keep_uri_base(key_database: Database, base: str) -> None:
    with key_database.begin() as connection:
        kept = uri_base.keep(connection, base)
    if kept != base:
        raise Misconfigured(f"Set EHR_SYNC_URI_BASE to {kept}: it stands in all that this installation has told.")


def _require_sealed(database: Database) -> None:
    with database.begin() as connection:
        if edges.never_sealed(connection):
            raise Misconfigured(_SEAL)


def _require_newest_key_store(stores: Stores, log: Log) -> None:
    undone = undone_erasures(stores=stores)
    if undone:
        log.error("key_store_too_old", code="keys.older", count=len(undone))
        raise Misconfigured(_KEYS_OLDER.format(len(undone)))


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


def figures_of(stores: Stores) -> Figures:
    """How the service is doing, now. Raises Unavailable where the main database is away."""
    try:
        anchored = stores.key_store.newest_audit_head()
    except Unavailable:
        anchored = None
    with stores.database.begin() as connection:
        return figures.figures(connection, anchored)


def registry_of(service: Service) -> PopulationRegistry:
    """The population registry as the settings name it. Raises Misconfigured for our certificate there."""
    s = service.settings
    calls = _registry_caller(s)
    gateway = Gateway(
        url=s.registry_url,
        asker=Asker(s.registry_user, s.registry_purpose, s.registry_officer),
        signing=_registry_signing(service, calls),
        caller=calls,
        headers=headers_of(s.registry_headers) or {},
    )
    match s.registry_flavour:
        case "soap_003":
            return SoapYesOrNo(gateway, exactly=s.registry_compares == "exactly")
        case "json":
            return JsonLookUp(gateway)
    return SoapLookUp(gateway)


def _registry_caller(s: Settings) -> Caller:
    key = Path(s.registry_certificate_key)
    try:
        if s.registry_certificate and key.stat().st_mode & 0o077:
            raise Misconfigured("Run chmod 600 on the file of EHR_SYNC_REGISTRY_CERTIFICATE_KEY: others can read it.")
        return Caller(
            seconds=s.registry_deadline_seconds,
            largest_answer=LARGEST_ANSWER,
            ca_file=s.registry_authority,
            certificate=s.registry_certificate,
            key=s.registry_certificate_key,
        )
    except OSError:
        raise Misconfigured(
            "Set EHR_SYNC_REGISTRY_CERTIFICATE, _CERTIFICATE_KEY and _AUTHORITY to PEM files that belong together."
        ) from None


def _registry_signing(service: Service, calls: Caller) -> Signing:
    s = service.settings
    if s.registry_sign_in == "certificate":
        return CertificateAlone()
    if s.registry_sign_in == "timestamped_basic":
        return TimestampedBasic(s.registry_user, s.registry_secret, clock=service.stores.database.now)
    if not s.registry_token_url:
        return Bearer(s.registry_secret)
    sign_in = client_secret_basic(s.registry_user, s.registry_secret)
    return Bearer(ClientCredentials(calls, url=s.registry_token_url, sign_in=sign_in, whose="registry"))


def book_of(service: Service) -> HealthBook:
    """The health book as the settings name it."""
    s = service.settings
    return FhirBook(
        url=s.book_url,
        token_url=s.book_token_url,
        sign_in=_sign_in(service),
        scope=s.book_scope,
        deadline_seconds=s.book_deadline_seconds,
    )


def book_search_of(service: Service) -> BookSearch:
    """The same book, to be asked whom it knows."""
    s = service.settings
    return BookSearch(
        url=s.book_url,
        token_url=s.book_token_url,
        sign_in=_sign_in(service),
        scope=s.book_scope,
        deadline_seconds=s.book_deadline_seconds,
    )


def _sign_in(service: Service) -> SignIn:
    s = service.settings
    if s.book_sign_in == "private_key_jwt":
        key = client_sign_in.load_key(Path(s.book_client_key))
        return client_sign_in.private_key_jwt(s.book_client_id, key, clock=service.stores.database.now)
    by = {"client_secret_basic": client_secret_basic, "client_secret_post": client_secret_post}[s.book_sign_in]
    return by(s.book_client_id, s.book_client_secret)


def verification(service: Service) -> Sweep[Asking, VerifyOutcome]:
    """The sweep that asks the registry about claims. Raises Misconfigured as `registry_of`."""
    s = service.settings
    return verifying(
        stores=service.stores,
        registry=registry_of(service),
        retry=_retry(s),
        lease=timedelta(seconds=s.lease_seconds),
        slots=s.registry_calls,
        limits=_call_limits(service),
        in_whose_name=f"{s.registry_purpose} {s.registry_officer}",
    )


def _call_limits(service: Service) -> CallLimits:
    s = service.settings
    return CallLimits(
        retry=_retry(s),
        quota=CallQuota(s.registry_calls_per_minute, s.registry_calls_per_day),
        deadline=timedelta(seconds=s.registry_deadline_seconds),
        tell=partial(_tell_registry, service.log),
    )


def _tell_registry(log: Log, why: str) -> None:
    if why:
        log.warning("registry_left_alone", reason=why)
    else:
        log.info("registry_answers")


def desk_of_people(service: Service, *, someone_waits: bool) -> VerifyDesk:
    """What answers at a desk who somebody is, with threads of its own; of a list nobody waits."""
    s = service.settings
    return VerifyDesk(
        stores=service.stores,
        registry=registry_of(service),
        limits=_call_limits(service),
        someone_waits=someone_waits,
        most=s.number_tries,
        lease=timedelta(seconds=s.lease_seconds),
        pool=ThreadPoolExecutor(s.registry_calls, "verify-people"),
        at_once=s.registry_calls,
        retry=_retry(s),
    )


def delivery(service: Service) -> Sweep[Push, PushOutcome]:
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
        slots=s.book_calls,
        report=partial(_tell_lane, service),
    )


def _tell_lane(service: Service, lane: Lane, error: Exception) -> None:
    service.log.error("lane_parked", lane=str(lane.person_id), **fault(error))
    if isinstance(error, Unfit):
        note_unfit(error, stores=service.stores)


def book_watch(service: Service) -> Callable[[], None]:
    """What looks after the health book, every few seconds. What it does is found out anew from now on."""
    with service.stores.database.begin() as connection:
        destinations.start(connection, service.stores.destination)
    return partial(
        watch_book,
        stores=service.stores,
        book=book_of(service),
        book_url=service.settings.book_url.rstrip("/"),
        uris=service.uris,
        retry=_retry(service.settings),
        tell=partial(_tell_destination, service.log),
    )


def audit_checkpoints(service: Service) -> Callable[[], bool]:
    """What notes the head of the audit log, to be called every second. Raises Misconfigured for its second place."""
    return checkpointing(
        stores=service.stores,
        entries=service.settings.audit_checkpoint_entries,
        copy=copy_to(service.settings.audit_copy),
        stopwatch=time.monotonic,
    )


def tries_watch(service: Service) -> Callable[[], int]:
    """What tells of facilities that tried a number too often, and lets them go, to be called now and then."""
    log = service.log

    def tell(each: LockOut) -> None:
        log.warning("number_locked_out", facility=each.family, count=each.held)

    return watching_tries(stores=service.stores, most=service.settings.number_tries, tell=tell)


def _tell_destination(log: Log, name: str, stands: str, why: str) -> None:
    if stands == "open":
        log.info("destination_open", destination=name)
    else:
        log.warning(f"destination_{stands}", destination=name, reason=why)


def _retry(settings: Settings) -> RetryPolicy:
    return RetryPolicy(settings.retry_first_seconds, settings.retry_longest_seconds)
