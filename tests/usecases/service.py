"""A whole service in one process: real PostgreSQL, the sandbox's servers, the use cases called as the edges call them.

What is in a book is judged from the sandbox's journal alone: from what it received and took.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
from sqlalchemy import text

from ehr_sync import bootstrap
from ehr_sync.bootstrap import Service
from ehr_sync.core.answers import Answer, HosoResult
from ehr_sync.core.ports import HealthBook, Login, PopulationRegistry
from ehr_sync.core.retry import RetryPolicy
from ehr_sync.runtime.embedded_postgres import MAIN, SUPERUSER, EmbeddedPostgres
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import CLEAN, Hoso, Style, envelope
from ehr_sync.sandbox.world import World
from ehr_sync.settings import Settings, settings_of
from ehr_sync.store import clients, lanes
from ehr_sync.store.register import REGISTER
from ehr_sync.usecases.access.seal_edges import seal_edges, survey_edges
from ehr_sync.usecases.book.read_book import Page
from ehr_sync.usecases.book.search_book import Search, search_book
from ehr_sync.usecases.delivery.compose_bundle import BundleLimits
from ehr_sync.usecases.delivery.deliver_due import delivering
from ehr_sync.usecases.delivery.prepare_pushes import prepare_pushes
from ehr_sync.usecases.delivery.resync_lanes import carry_on_resyncs
from ehr_sync.usecases.delivery.send_or_ask import Outcome, Push
from ehr_sync.usecases.intake.accept_submission import MediaType, accept_submission
from ehr_sync.usecases.intake.follow_transaction import LifeLine, follow_transaction
from ehr_sync.usecases.intake.group_commit import GroupCommit, group_commit
from ehr_sync.usecases.stores import Stores
from ehr_sync.usecases.sweep import Sweep
from ehr_sync.usecases.verification.limit_calls import CallLimits
from ehr_sync.usecases.verification.verify_due import verifying
from tests import given
from tests.databases import Dsns

HOSPITAL: Final = "benh-vien"
FACILITY: Final = "01001"
DAY: Final = date(2024, 5, 10)
"""An ordinary NGAYLAP, long past: no test depends on what day it is."""
FOR_AN_HOUR: Final = RetryPolicy(3600.0, 3600.0)

Resources = dict[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Running:
    """An open service, the world around it, and where that world's journals stood when it was opened."""

    service: Service
    world: World
    began: Mapping[str, int] = field(repr=False)
    together: GroupCommit = field(init=False)

    def __post_init__(self) -> None:
        # Of the service that it is about: whoever replaces that one has another.
        self.kept_by(group_commit(self.service.stores, self.service.uris))

    def kept_by(self, together: GroupCommit) -> None:
        """Have this keep from now on what is posted."""
        object.__setattr__(self, "together", together)

    @property
    def stores(self) -> Stores:
        """Its databases and keys."""
        return self.service.stores

    # ---- what a hospital does ----

    def post(self, *sent: Hoso, made_on: date = DAY, style: Style = CLEAN, facility: str | None = None) -> HosoResult:
        """Send one envelope; returns what became of its last dossier."""
        return self.results(envelope(sent, made_on=made_on, style=style, facility=facility))[-1]

    def results(self, body: bytes) -> list[HosoResult]:
        """Send an envelope; returns what became of each of its dossiers."""
        return [hoso for file in self.post_bytes(body).files for hoso in file.dossiers]

    def post_bytes(
        self, body: bytes, *, media_type: MediaType = "xml", key: str | None = None, client: str = HOSPITAL
    ) -> Answer:
        """Send a request's body as it is."""
        return accept_submission(
            client_id=client,
            body=io.BytesIO(body),
            media_type=media_type,
            idempotency_key=key,
            stores=self.stores,
            settings=self.service.settings,
            uris=self.service.uris,
            keep=self.together.keep,
        )

    def record(self, body: Mapping[str, Any], kind: str = "") -> HosoResult:
        """Send one record in the city's JSON, as what it says that it is or as another kind."""
        answer = accept_submission(
            client_id=HOSPITAL,
            body=io.BytesIO(orjson.dumps(body)),
            media_type="json",
            idempotency_key=None,
            stores=self.stores,
            settings=self.service.settings,
            uris=self.service.uris,
            keep=self.together.keep,
            kind=kind or body["kind"],
        )
        [result] = answer.files[0].dossiers
        return result

    def follow(self, code: str, client: str = HOSPITAL) -> LifeLine:
        """The life line behind a maGiaoDich."""
        return follow_transaction(code, client_id=client, stores=self.stores)

    # ---- what the schedulers do ----

    def verify(self) -> None:
        """Ask about every claim, those too whose time has not come."""
        self.run("UPDATE claim SET due_at = clock_timestamp() WHERE due_at IS NOT NULL")
        _dry(self.verification())

    def verification(
        self,
        registry: PopulationRegistry | None = None,
        retry: RetryPolicy = FOR_AN_HOUR,
        limits: CallLimits | None = None,
    ) -> Sweep[Any, Any]:
        """A sweep over claims. A claim that is put off stays so for an hour, if not told otherwise."""
        return verifying(
            stores=self.stores,
            registry=registry or bootstrap.registry_of(self.service),
            retry=retry,
            lease=timedelta(seconds=self.service.settings.lease_seconds),
            slots=8,
            limits=limits or CallLimits(retry=retry),
        )

    def ready(self) -> None:
        """Verify, and tell the book whom the visits refer to: all that is due then are people's own lanes."""
        self.verify()
        with self.stores.database.begin() as connection:
            due = lanes.reserve_due(connection, self.stores.destination, 1000)
        prepare_pushes(
            due,
            stores=self.stores,
            book_url=self.service.settings.book_url,
            uris=self.service.uris,
            limits=BundleLimits(500, 5_000_000),
            report=lambda lane, fault: None,
        )
        self.run("UPDATE lane SET leased_until = 'infinity' WHERE person_id <> :who", who=REGISTER)
        _dry(self.delivery())
        self.run("UPDATE lane SET leased_until = NULL WHERE leased_until = 'infinity'")

    def deliver(self) -> None:
        """Bring every lane up to date as far as its book lets it now; one that is put off once is left so."""
        self.hurry()
        _dry(self.delivery())

    def delivery(
        self, book: HealthBook | None = None, retry: RetryPolicy = FOR_AN_HOUR, **limits: int
    ) -> Sweep[Push, Outcome]:
        """A sweep over lanes. A lane that is put off stays so for an hour, if not told otherwise."""
        settings = self.service.settings
        return delivering(
            stores=self.stores,
            book=book or bootstrap.book_of(self.service),
            book_url=settings.book_url,
            uris=self.service.uris,
            limits=BundleLimits(limits.get("entries", 500), limits.get("bytes", 5_000_000)),
            retry=retry,
            lease=timedelta(seconds=settings.lease_seconds),
            slots=limits.get("slots", 8),
        )

    def hurry(self) -> None:
        """Let all that waits for its time be due now: back-offs, questions, and leases as if they had run out."""
        self.run("UPDATE lane SET due_at = clock_timestamp(), leased_until = NULL WHERE due_at IS NOT NULL")

    def settle(self) -> None:
        """Verify, then deliver, then ask about what nobody knows."""
        self.verify()
        self.deliver()
        self.deliver()

    def resync(self) -> None:
        """Carry out all resync orders."""
        while carry_on_resyncs(stores=self.stores):
            pass

    # ---- what a citizen does ----

    def everything(self, number: str) -> Page:
        """$everything of the person with this number; nothing where there is no such book."""
        login = Login("citizen", number)
        return search_book("everything", (), Search(), login=login, stores=self.stores, uris=self.service.uris)

    def shown(self, number: str) -> Resources:
        """The same as values, by type and id."""
        return by_id(orjson.loads(r) for r in self.everything(number).resources)

    # ---- what is to be seen from outside ----

    def journal(self, name: str, **wanted: Any) -> list[dict[str, Any]]:
        """A server's journal since this service was opened; `wanted` are values that its entries must have."""
        entries = self.world.journal(name, after=self.began[name], bodies=True)
        return [e for e in entries if all(e.get(key) == value for key, value in wanted.items())]

    def pushes(self, number: str, **wanted: Any) -> list[dict[str, Any]]:
        """Every push about a person that the book has seen."""
        return self.journal("book", kind="push", number=number, **wanted)

    def pushes_of_people(self) -> list[dict[str, Any]]:
        """Every push that is not the register's."""
        return [push for push in self.journal("book", kind="push") if push["number"]]

    def stored(self, number: str) -> list[dict[str, Any]]:
        """Every push about a person that the book has taken."""
        return self.pushes(number, outcome="stored")

    def book(self, number: str) -> Resources:
        """What a person's book holds, without its watermark."""
        held: Resources = {}
        for push in self.stored(number):
            for entry in orjson.loads(push["received"])["entry"]:
                _apply(held, entry)
        return {key: value for key, value in held.items() if key[0] != "Basic"}

    def living(self, number: str) -> Resources:
        """What a person's book shows of their visits: without Patient, register and what was entered in error."""
        return {key: value for key, value in self.book(number).items() if is_clinical(value)}

    # ---- underneath ----

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """The rows of a query on the main database."""
        with self.stores.database.begin() as connection:
            return list(connection.execute(text(statement), values))

    def counts(self, *tables: str) -> dict[str, int]:
        """How many rows each of these tables has."""
        return {table: self.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables}  # noqa: S608 - our own names

    def run(self, statement: str, **values: Any) -> None:
        """Change the main database behind the service's back."""
        with self.stores.database.begin() as connection:
            connection.execute(text(statement), values)

    def seal(self) -> None:
        """What an operator says of what was changed so: that it stands."""
        seal_edges(list(survey_edges(stores=self.stores)), by="ops", stores=self.stores)

    def person_of(self, number: str) -> UUID:
        """Our id of the proven person with this number."""
        [patient] = [key[1] for key in self.shown(number) if key[0] == "Patient"]
        return UUID(patient)


def open_running(dsns: Dsns, world: World, folder: Path, **changed: str) -> Running:
    """A service with one hospital that may send for FACILITY."""
    keys = given.key_file_in(folder)
    service = bootstrap.open_service(settings_for(dsns, world, keys, **changed))
    with service.stores.database.begin() as connection:
        if clients.find_client(connection, service.stores.keys.edges, HOSPITAL) is None:
            clients.add_client(
                connection,
                service.stores.keys,
                HOSPITAL,
                name="Bệnh viện",
                jwks={"keys": []},
                scopes=["submissions.write"],
            )
            clients.add_facility(connection, service.stores.keys, FACILITY, name="Bệnh viện mẫu")
            clients.grant(connection, service.stores.keys, HOSPITAL, FACILITY)
    return Running(service, world, {name: _journalled(world, name) for name in ("registry", "book")})


def _journalled(world: World, name: str) -> int:
    """How far a server's journal is. Read on from the last time, as it grows over a whole session."""
    read = _read_so_far(world.folder)
    read[name] = max([entry["seq"] for entry in world.journal(name, after=read[name])], default=read[name])
    return read[name]


@lru_cache(maxsize=2)
def _read_so_far(world_folder: Path) -> dict[str, int]:
    return {"registry": 0, "book": 0}


@contextmanager
def backup_of(running: Running, server: EmbeddedPostgres) -> Iterator[Running]:
    """A service on a restored backup of the main database as it is now, with the key store as it will be by then."""
    settings = running.service.settings
    name = settings.dsn.partition("?")[0].rpartition("/")[2]
    running.stores.database.close()
    copy = f"{name}_backup"
    with psycopg.connect(server.dsn_of(SUPERUSER), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])
        connection.execute(f"CREATE DATABASE {copy} OWNER {MAIN} TEMPLATE {name} STRATEGY file_copy".encode())
    service = bootstrap.open_service(replace(settings, dsn=server.dsn_of(MAIN, copy)))
    yield replace(running, service=service)
    service.close()
    with psycopg.connect(server.dsn_of(SUPERUSER), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {copy} (FORCE)".encode())


def settings_for(dsns: Dsns, world: World, keys: Path, **changed: str) -> Settings:
    """Settings in which nothing takes long."""
    quick = {
        "dsn": dsns.main,
        "key_dsn": dsns.keys,
        "key_file": str(keys),
        "registry_deadline_seconds": "1",
        "book_deadline_seconds": "3",
        "lease_seconds": "10",
        "spool_folder": str(keys.parent),
    }
    return settings_of(given.settings(world, **quick | changed))


def with_settings(running: Running, **changed: Any) -> Running:
    """The same service with other limits."""
    service = running.service
    return replace(running, service=replace(service, settings=replace(service.settings, **changed)))


def number_of(index: int) -> str:
    """The personal number of the invented person with this index."""
    return person(index).number


def by_id(resources: Any) -> Resources:
    """Resources by type and id."""
    return {(r["resourceType"], r["id"]): r for r in resources}


def is_clinical(resource: dict[str, Any]) -> bool:
    """Whether it says anything about a visit."""
    if resource["resourceType"] in {"Patient", "Organization", "Practitioner", "Provenance"}:
        return False
    return not is_in_error(resource)


def is_in_error(resource: dict[str, Any]) -> bool:
    """Whether a book was told that it should not be there."""
    verification = resource.get("verificationStatus", {}).get("coding", [{}])[0].get("code")
    return "entered-in-error" in (resource.get("status"), verification)


def _apply(held: Resources, entry: dict[str, Any]) -> None:
    kind, _, resource_id = entry["request"]["url"].partition("/")
    if entry["request"]["method"] == "DELETE":
        held.pop((kind, resource_id), None)
    else:
        held[kind, resource_id] = entry["resource"]


def _dry(sweep: Sweep[Any, Any]) -> None:
    sweep.run_dry()
    sweep.drain()
