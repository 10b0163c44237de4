"""Where the web application is wired: every route with its use case. Apart, as schedulers need no Flask."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from uuid import uuid4

from flask import Flask
from joserfc.jwk import ECKey, KeySet

from ehr_sync.adapters.oidc_identity import OidcIdentity, TokenKind
from ehr_sync.api.app import create_app
from ehr_sync.api.capabilities import TYPES
from ehr_sync.api.fhir import fhir
from ehr_sync.api.health import health
from ehr_sync.api.oauth import Apps, oauth
from ehr_sync.api.ops import Wanted, ops
from ehr_sync.api.submissions import submissions
from ehr_sync.api.transactions import transactions
from ehr_sync.bootstrap import Service
from ehr_sync.core.figures import Figures
from ehr_sync.core.ports import IdentityProvider, Login
from ehr_sync.runtime.metrics import scraper
from ehr_sync.settings import Settings
from ehr_sync.store import figures
from ehr_sync.store.resyncs import Resync, Scope
from ehr_sync.store.sessions import SignIns
from ehr_sync.store.spool import own_folder
from ehr_sync.usecases.access import sessions
from ehr_sync.usecases.access.app_bearers import login_of, revoke
from ehr_sync.usecases.access.app_requests import read_request
from ehr_sync.usecases.access.app_tokens import AppDesk, allow, answer, book_of
from ehr_sync.usecases.access.authenticate import Signer, issue_token, verify_bearer
from ehr_sync.usecases.access.own_apps import end_app, own_apps
from ehr_sync.usecases.access.register_apps import may_ask_from
from ehr_sync.usecases.book import read_book
from ehr_sync.usecases.book.read_book import Page, Position
from ehr_sync.usecases.book.waiting_records import waiting_records
from ehr_sync.usecases.book.who_looked import who_looked
from ehr_sync.usecases.check_readiness import check_readiness, tell_books
from ehr_sync.usecases.delivery import resync_lanes
from ehr_sync.usecases.delivery.find_scope import find_scope
from ehr_sync.usecases.delivery.hurry_lanes import hurry_lanes
from ehr_sync.usecases.intake.accept_submission import accept_submission
from ehr_sync.usecases.intake.follow_transaction import follow_transaction
from ehr_sync.usecases.intake.make_current import make_current
from ehr_sync.usecases.intake.trace_transaction import trace_transaction, transactions_of
from ehr_sync.usecases.stores import Stores
from ehr_sync.web.citizen import pages as citizen
from ehr_sync.web.citizen.consent import Consent, consent
from ehr_sync.web.facility import pages as facility
from ehr_sync.web.foundation import Foundation, Sessions
from ehr_sync.web.operator import pages as operator
from ehr_sync.web.sign_in import Client
from mappings.model import Uris


def web_application(service: Service) -> Flask:
    """The web application: every route with its use case. Raises Misconfigured where nothing can be spooled."""
    settings, stores = service.settings, service.stores
    own_folder(settings.spool_folder)
    clock, public_url = stores.database.now, settings.public_url.rstrip("/")
    signer = Signer(public_url, KeySet([ECKey.import_key(stores.keys.signing)]))
    identity: IdentityProvider = OidcIdentity(
        issuer=settings.issuer_url,
        audience=settings.audience,
        kind=TokenKind(settings.token_type, frozenset(settings.token_clients.split()), settings.token_seconds),
        clock=clock,
    )
    accept = partial(accept_submission, stores=stores, settings=settings, uris=service.uris)
    desk = AppDesk(stores, signer, f"{public_url}/fhir", timedelta(seconds=settings.session_seconds))
    issue = partial(issue_token, database=stores.database, clock=clock, signer=signer, new_id=_new_id)
    ready = partial(check_readiness, database=stores.database, key_database=service.key_database)
    return create_app(
        [
            oauth(issue, signer, Apps(partial(answer, desk=desk), partial(revoke, desk=desk)), types=tuple(TYPES)),
            submissions(accept),
            transactions(
                partial(follow_transaction, stores=stores), partial(make_current, stores=stores, uris=service.uris)
            ),
            fhir(_Book(stores, service.uris), public_url=public_url, version=version("ehr-sync")),
            ops(
                plan=lambda wanted: resync_lanes.plan_resync(_scope(wanted, stores), stores=stores),
                order=lambda wanted, *, by, reason: _order(wanted, by, reason, stores),
                follow=partial(resync_lanes.follow_resync, stores=stores),
                lanes=partial(resync_lanes.list_lanes, stores=stores),
                hurry=lambda wanted, *, by: hurry_lanes(_scope(wanted, stores), by=by, stores=stores),
                trace=partial(trace_transaction, stores=stores),
                sent=partial(transactions_of, stores=stores),
            ),
            health(ready, partial(tell_books, stores.database), scraper(partial(_figures, stores), time.monotonic)),
        ],
        verify=partial(verify_bearer, signer=signer, clock=clock),
        who=partial(login_of, desk=desk, otherwise=identity.who),
        public_url=public_url,
        request_bytes=settings.request_bytes,
        log=service.log,
        stopwatch=time.monotonic,
        new_id=_new_id,
        pages=_pages(service, desk),
        is_origin=partial(may_ask_from, stores=stores),
    )


def _pages(service: Service, desk: AppDesk) -> Foundation:
    settings, stores = service.settings, service.stores
    return Foundation(
        rooms=(citizen.rooms(_reading(service)), consent(_consent(desk)), facility.rooms(), operator.rooms()),
        sessions=Sessions(
            start=partial(sessions.start_session, lasts=timedelta(seconds=settings.session_seconds), stores=stores),
            resume=partial(
                sessions.resume_session, idle=timedelta(seconds=settings.session_idle_seconds), stores=stores
            ),
            end=partial(sessions.end_session, stores=stores),
            end_all=partial(sessions.end_sessions, stores=stores),
            note_refused=partial(sessions.note_refused_sign_in, stores=stores),
        ),
        attempts=SignIns(stores.database, stores.keys.content),
        client=_client(settings),
        secret=stores.keys.content,
        log=service.log,
    )


def _reading(service: Service) -> citizen.Reading:
    stores = service.stores
    return citizen.Reading(
        show=partial(read_book.show_book, stores=stores, uris=service.uris),
        waiting=partial(waiting_records, stores=stores),
        who_looked=partial(who_looked, stores=stores, uris=service.uris),
        apps=partial(own_apps, stores=stores),
        end_app=partial(end_app, stores=stores),
        now=stores.database.now,
    )


def _consent(desk: AppDesk) -> Consent:
    return Consent(
        read=partial(
            read_request, base=desk.base, issuer=desk.signer.issuer, types=frozenset(TYPES), stores=desk.stores
        ),
        has_book=lambda login: book_of(login, stores=desk.stores) is not None,
        allow=partial(allow, desk=desk),
        lasts=desk.lasts,
    )


def _client(settings: Settings) -> Client | None:
    if not settings.sign_in_client:
        return None
    back = f"{settings.public_url.rstrip('/')}/sign-in/back"
    return Client(settings.issuer_url, settings.sign_in_client, settings.sign_in_secret, back)


@dataclass(frozen=True, slots=True)
class _Book:
    """The use cases behind the FHIR routes."""

    stores: Stores
    uris: Uris

    def patient(self, *, login: Login) -> Page:
        return read_book.read_patient(login=login, stores=self.stores, uris=self.uris)

    def resource(self, type_: str, id_: str, *, login: Login) -> bytes:
        return read_book.read_resource(type_, id_, login=login, stores=self.stores, uris=self.uris)

    def everything(self, patient_id: str, *, login: Login, start: Position, count: int | None) -> Page:
        return read_book.read_everything(
            patient_id, login=login, stores=self.stores, uris=self.uris, start=start, count=count
        )

    def search(self, type_: str, patient_id: str, *, login: Login, start: Position, count: int | None) -> Page:
        return read_book.search_type(
            type_, patient_id, login=login, stores=self.stores, uris=self.uris, start=start, count=count
        )


def _new_id() -> str:
    return str(uuid4())


def _figures(stores: Stores) -> Figures:
    with stores.database.begin() as connection:
        return figures.figures(connection)


def _order(wanted: Wanted, by: str, reason: str, stores: Stores) -> Resync:
    return resync_lanes.order_resync(_scope(wanted, stores), by=by, reason=reason, stores=stores)


def _scope(wanted: Wanted, stores: Stores) -> Scope:
    return find_scope(patient=wanted.patient, facility=wanted.facility, destination=wanted.destination, stores=stores)
