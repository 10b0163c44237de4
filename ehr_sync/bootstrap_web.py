"""Where the web application is wired: every route with its use case. Apart, as schedulers need no Flask."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Final
from uuid import uuid4

from flask import Flask, request
from joserfc.jwk import ECKey, KeySet

from ehr_sync.adapters.key_file import rsa_key
from ehr_sync.adapters.oidc_identity import OidcIdentity, TokenKind
from ehr_sync.api.admission import Admission
from ehr_sync.api.app import create_app
from ehr_sync.api.axis import axis
from ehr_sync.api.capabilities import TYPES
from ehr_sync.api.corrections import Corrections, corrections
from ehr_sync.api.desk import Looks, desk
from ehr_sync.api.fhir import fhir
from ehr_sync.api.health import health
from ehr_sync.api.hub import hub
from ehr_sync.api.identity import identity as identity_routes
from ehr_sync.api.oauth import Apps, oauth
from ehr_sync.api.openapi import openapi
from ehr_sync.api.ops import Wanted, ops
from ehr_sync.api.password_sign_ins import PasswordSignIns
from ehr_sync.api.places import Places
from ehr_sync.api.quality import quality
from ehr_sync.api.records import records
from ehr_sync.api.reviews import Reviews, questions, reviews
from ehr_sync.api.rules import rules
from ehr_sync.api.submissions import submissions, trial_places
from ehr_sync.api.transactions import transactions
from ehr_sync.api.validate import validate
from ehr_sync.api.verifications import Verify, verifications
from ehr_sync.bootstrap import Service, desk_of_people, figures_of
from ehr_sync.core.addresses import networks
from ehr_sync.core.figures import Figures
from ehr_sync.core.kept import kept
from ehr_sync.core.ports import IdentityProvider, Login
from ehr_sync.core.quota import Buckets, Lease, LeasedBuckets, Quota
from ehr_sync.core.tally import Tally
from ehr_sync.runtime.metrics import scraper
from ehr_sync.settings import Settings
from ehr_sync.store import clients, quotas
from ehr_sync.store.kept_files import KeptFiles
from ehr_sync.store.resyncs import Resync, Scope
from ehr_sync.store.sessions import SignIns
from ehr_sync.store.spool import own_folder
from ehr_sync.store.staff import Post
from ehr_sync.usecases import overview
from ehr_sync.usecases.access import sessions
from ehr_sync.usecases.access.app_bearers import login_of, revoke
from ehr_sync.usecases.access.app_requests import read_request
from ehr_sync.usecases.access.app_tokens import AppDesk, allow, answer, book_of
from ehr_sync.usecases.access.authenticate import Signer, issue_token, verify_bearer
from ehr_sync.usecases.access.note_refusal import note_refusal
from ehr_sync.usecases.access.own_apps import end_app, own_apps
from ehr_sync.usecases.access.passwords import sign_in
from ehr_sync.usecases.access.posts import holds_post
from ehr_sync.usecases.access.register_apps import may_ask_from
from ehr_sync.usecases.access.seal_edges import note_unfit
from ehr_sync.usecases.auditing.glance_at_log import glance_at_log
from ehr_sync.usecases.book import read_book
from ehr_sync.usecases.book.erase_person import undone_erasures
from ehr_sync.usecases.book.hidden_words import hidden_words, hide_words
from ehr_sync.usecases.book.read_book import Page
from ehr_sync.usecases.book.read_summary import read_summary
from ehr_sync.usecases.book.search_book import Search, search_book
from ehr_sync.usecases.book.waiting_records import waiting_records
from ehr_sync.usecases.book.who_looked import who_looked
from ehr_sync.usecases.check_readiness import check_readiness, tell_books
from ehr_sync.usecases.delivery import resync_lanes
from ehr_sync.usecases.delivery.find_scope import find_scope
from ehr_sync.usecases.delivery.hurry_lanes import hurry_lanes
from ehr_sync.usecases.desk import client_keys, look_at_day, look_at_dossier, send_files
from ehr_sync.usecases.desk.answer_questions import answer_question, list_questions
from ehr_sync.usecases.desk.asking import person_at
from ehr_sync.usecases.desk.look_at_quality import look_at_quality
from ehr_sync.usecases.desk.reconcile_list import reconcile_list
from ehr_sync.usecases.desk.verify_people import find_answer, place_of, verify_person, verify_some
from ehr_sync.usecases.desk.withdraw_dossiers import look_at_dossiers, restore_dossiers, withdraw_dossiers
from ehr_sync.usecases.intake.accept_submission import accept_submission, check_submission
from ehr_sync.usecases.intake.follow_transaction import follow_transaction
from ehr_sync.usecases.intake.group_commit import group_commit
from ehr_sync.usecases.intake.keep_apart import keep_apart
from ehr_sync.usecases.intake.make_current import make_current
from ehr_sync.usecases.intake.trace_transaction import trace_transaction, transactions_of
from ehr_sync.usecases.review import decide_review
from ehr_sync.usecases.review.ask_facility import ask_facility
from ehr_sync.usecases.review.look_at_review import look_at_review
from ehr_sync.usecases.stores import Stores
from ehr_sync.usecases.terminology.follow_editions import FollowedEditions
from ehr_sync.web.citizen import pages as citizen
from ehr_sync.web.citizen.api import book_api
from ehr_sync.web.citizen.consent import Consent, consent
from ehr_sync.web.citizen.reading import Reading
from ehr_sync.web.facility import pages as facility
from ehr_sync.web.facility.files import Files
from ehr_sync.web.facility.keys import Keys
from ehr_sync.web.foundation import Foundation, Sessions
from ehr_sync.web.operator import pages as operator
from ehr_sync.web.operator.pages import Console
from ehr_sync.web.reference import reference
from ehr_sync.web.sign_in import Client
from ehr_sync.web.uploads import Upload
from mappings.model import Uris

_WRONG_PASSWORDS: Final = 10  # a minute: a system that was set up wrongly must not run hot
_WRONG_AT_PEER: Final = 60  # a vendor's address has many hospitals behind it
_PASSWORDS_AT_ONCE: Final = 2  # each takes a core for some 50 ms, and 19 MiB
_PASSWORDS_WAITING: Final = 4  # the other threads stay everybody else's
_PASSWORDS_WAIT_SECONDS: Final = 2.0
_KEPT_SECONDS: Final = 5.0  # however many ask, the database is asked for figures this seldom


def web_application(service: Service) -> Flask:
    """The web application: every route with its use case. Raises Misconfigured where nothing can be spooled."""
    settings, stores = service.settings, service.stores
    own_folder(settings.spool_folder)
    clock, public_url = stores.database.now, settings.public_url.rstrip("/")
    signing, id_tokens = ECKey.import_key(stores.keys.signing), rsa_key(stores.keys.id_tokens)
    signer = Signer(public_url, KeySet([signing]), KeySet([id_tokens]))
    identity: IdentityProvider = OidcIdentity(
        issuer=settings.issuer_url,
        audience=settings.audience,
        kind=TokenKind(settings.token_type, frozenset(settings.token_clients.split()), settings.token_seconds),
        clock=clock,
    )
    together = group_commit(stores, service.uris)
    accept = partial(accept_submission, stores=stores, settings=settings, uris=service.uris, keep=together.keep)
    app_desk = AppDesk(stores, signer, f"{public_url}/fhir", timedelta(seconds=settings.session_seconds))
    edge_key = stores.keys.edges
    try_out = partial(check_submission, stores=stores, settings=settings, uris=service.uris, with_fhir=True)
    issue = partial(
        issue_token, database=stores.database, edge_key=edge_key, clock=clock, signer=signer, new_id=_new_id
    )
    by_password = partial(
        sign_in, database=stores.database, edge_key=edge_key, clock=clock, signer=signer, new_id=_new_id
    )
    follow = partial(follow_transaction, stores=stores)
    ready = partial(
        check_readiness,
        database=stores.database,
        key_database=service.key_database,
        undone_erasures=partial(undone_erasures, stores=stores),
    )
    admission = _admission(service)
    places = Places(
        at_once=settings.submissions_at_once,
        each=settings.client_submissions_at_once,
        waiting=settings.submissions_waiting,
    )
    password_places = Places(
        at_once=_PASSWORDS_AT_ONCE,
        each=_PASSWORDS_AT_ONCE,
        waiting=_PASSWORDS_WAITING,
        wait_seconds=_PASSWORDS_WAIT_SECONDS,
        crowded="sign_ins.crowded",
    )
    sign_ins = PasswordSignIns(by_password, admission, password_places)
    trials = trial_places()
    recent = kept(partial(_figures, stores, admission.tally), _KEPT_SECONDS, time.monotonic)
    console, own_reading = _console(service, recent), _reading(service)
    application = create_app(
        [
            oauth(
                issue,
                signer,
                admission.admit_token,
                Apps(partial(answer, desk=app_desk), partial(revoke, desk=app_desk)),
                types=tuple(TYPES),
            ),
            submissions(accept, try_out, places, trials, public_url=public_url),
            records(
                partial(accept, media_type="json"),
                partial(try_out, media_type="json"),
                places,
                trials,
                public_url=public_url,
            ),
            validate(places),
            identity_routes(),
            verifications(_verify(service), _question_places(8), _question_places(2)),
            rules(),
            openapi(public_url=public_url, version=version("ehr-sync")),
            axis(sign_ins, accept, follow, places=places),
            hub(sign_ins, accept, places=places),
            desk(_looks(stores)),
            quality(partial(look_at_quality, stores=stores)),
            corrections(_corrections(stores), places),
            transactions(
                follow, partial(make_current, stores=stores, uris=service.uris), partial(keep_apart, stores=stores)
            ),
            fhir(_Book(stores, service.uris), public_url=public_url, version=version("ehr-sync")),
            book_api(own_reading),
            reviews(console.reviews),
            questions(console.reviews),
            ops(
                plan=console.plan,
                order=console.order,
                follow=console.follow,
                show=console.show,
                status=lambda: overview.told(recent()),
                verify=console.verify,
                hurry=lambda wanted, *, by: hurry_lanes(_scope(wanted, stores), by=by, stores=stores),
                trace=console.trace,
                sent=console.sent,
            ),
            health(
                ready,
                partial(tell_books, stores.database),
                scraper(recent, time.monotonic),
                time.monotonic,
            ),
        ],
        verify=partial(verify_bearer, signer=signer, clock=clock),
        who=partial(login_of, desk=app_desk, otherwise=identity.who),
        note_refusal=partial(note_refusal, stores=stores),
        operates=partial(holds_post, post=Post("ops"), stores=stores),
        public_url=public_url,
        request_bytes=settings.request_bytes,
        log=service.log,
        stopwatch=time.monotonic,
        new_id=_new_id,
        pages=_pages(service, app_desk, console, own_reading, admission, places),
        is_origin=partial(may_ask_from, stores=stores),
        alarm=partial(note_unfit, stores=stores),
        admission=admission,
        allowed_hosts=settings.allowed_hosts,
    )
    _follow_editions(application, stores)
    return application


def _follow_editions(application: Flask, stores: Stores) -> None:
    """Code lists that operators load: whatever reads and maps dossiers comes as a POST."""
    follow = FollowedEditions(stores.database, time.monotonic)

    @application.before_request
    def look_for_editions() -> None:
        if request.method == "POST":
            follow()


def _admission(service: Service) -> Admission:
    settings, database = service.settings, service.stores.database
    submissions_ = Quota("submissions", settings.submissions_per_minute)

    def lease(client_id: str) -> Lease:
        with database.begin() as connection:
            return quotas.lease(connection, client_id, submissions_)

    def count(refused: Mapping[str, int]) -> None:
        with database.begin() as connection:
            quotas.count_refusals(connection, refused)

    return Admission(
        submissions=LeasedBuckets(submissions_, lease, time.monotonic),
        tokens=Buckets(Quota("tokens", settings.tokens_per_minute), time.monotonic),
        refusals=Buckets(Quota("refusals", settings.refusals_per_minute), time.monotonic),
        wrong_passwords=Buckets(Quota("wrong passwords", _WRONG_PASSWORDS), time.monotonic),
        wrong_at_peer=Buckets(Quota("wrong passwords of a peer", _WRONG_AT_PEER), time.monotonic),
        tally=Tally(count, time.monotonic),
        trusted_proxies=networks(settings.trusted_proxies),
    )


def _looks(stores: Stores) -> Looks:
    return Looks(
        day=partial(look_at_day.count_day, stores=stores),
        dossiers=partial(look_at_day.list_dossiers, stores=stores),
        work=partial(look_at_day.list_work, stores=stores),
        find=partial(look_at_dossier.find_dossiers, stores=stores),
        dossier=partial(look_at_dossier.read_dossier, stores=stores),
        differences=partial(look_at_dossier.compare_versions, stores=stores),
        keys=partial(client_keys.list_own_keys, stores=stores),
    )


def _question_places(at_once: int) -> Places:
    return Places(
        at_once=at_once, each=(at_once + 1) // 2, waiting=at_once, wait_seconds=0.3, crowded="verifications.crowded"
    )


def _verify(service: Service) -> Verify:
    # A list keeps nobody at a desk waiting: each has threads of its own.
    one, many = desk_of_people(service, someone_waits=True), desk_of_people(service, someone_waits=False)
    return Verify(
        one=partial(verify_person, desk=one),
        many=partial(verify_some, desk=many),
        find=partial(find_answer, desk=one),
        place_of=partial(place_of, stores=service.stores),
    )


def _corrections(stores: Stores) -> Corrections:
    return Corrections(
        look=lambda rows, asker, why: look_at_dossiers(rows, asker, why=why, stores=stores),
        withdraw=partial(withdraw_dossiers, stores=stores),
        restore=partial(restore_dossiers, stores=stores),
        reconcile=partial(reconcile_list, stores=stores),
    )


def _pages(
    service: Service, app_desk: AppDesk, console: Console, reading: Reading, admission: Admission, places: Places
) -> Foundation:
    settings, stores = service.settings, service.stores
    return Foundation(
        rooms=(
            citizen.rooms(reading),
            consent(_consent(app_desk)),
            facility.rooms(_desk_of_facility(service)),
            operator.rooms(console),
            reference(public_url=settings.public_url.rstrip("/"), version=version("ehr-sync")),
        ),
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
        new_upload=partial(Upload, settings.spool_folder, settings.spool_bytes),
        admission=admission,
        places=places,
    )


def _reading(service: Service) -> Reading:
    stores = service.stores
    return Reading(
        show=partial(read_book.show_book, stores=stores, uris=service.uris),
        waiting=partial(waiting_records, stores=stores),
        who_looked=partial(who_looked, stores=stores, uris=service.uris),
        apps=partial(own_apps, stores=stores),
        end_app=partial(end_app, stores=stores),
        now=stores.database.now,
    )


def _console(service: Service, recent: Callable[[], Figures]) -> Console:
    stores = service.stores
    return Console(
        figures=recent,
        show=partial(overview.show, stores=stores),
        plan=lambda wanted, *, by: resync_lanes.plan_resync(_scope(wanted, stores), by=by, stores=stores),
        order=lambda wanted, *, by, reason: _order(wanted, by, reason, stores),
        follow=partial(resync_lanes.follow_resync, stores=stores),
        hurry=lambda by: hurry_lanes(Scope(), by=by, stores=stores),
        trace=partial(trace_transaction, stores=stores),
        sent=partial(transactions_of, stores=stores),
        verify=partial(glance_at_log, stores=stores, key_database=service.key_database),
        reviews=_reviews(stores),
        waiting=partial(overview.waiting_for_review, stores=stores),
    )


def _reviews(stores: Stores) -> Reviews:
    return Reviews(
        look=partial(look_at_review, stores=stores),
        accept=partial(decide_review.accept, stores=stores),
        reject=partial(decide_review.reject, stores=stores),
        ask=partial(ask_facility, stores=stores),
        undo=partial(decide_review.undo, stores=stores),
        questions=partial(list_questions, stores=stores),
        answer=partial(answer_question, stores=stores),
    )


def _desk_of_facility(service: Service) -> facility.UseCases:
    settings, stores = service.settings, service.stores
    files = send_files.Desk(KeptFiles(settings.spool_folder, settings.spool_bytes), stores, settings, service.uris)
    return facility.UseCases(
        asker=partial(person_at, stores=stores),
        names=partial(_names, stores),
        now=stores.database.now,
        looks=_looks(stores),
        stand=lambda code, asker: make_current(
            code, client_id=asker.client_id, actor=asker.actor, stores=stores, uris=service.uris
        ),
        keep_apart=lambda code, asker: keep_apart(code, client_id=asker.client_id, actor=asker.actor, stores=stores),
        files=Files(
            partial(send_files.check_files, desk=files),
            partial(send_files.send_files, desk=files),
            partial(send_files.refused_of, desk=files),
        ),
        corrections=_corrections(stores),
        questions=partial(list_questions, stores=stores),
        answer=partial(answer_question, stores=stores),
        quality=partial(look_at_quality, stores=stores),
        keys=Keys(
            partial(client_keys.list_senders, stores=stores),
            partial(client_keys.add_keys, stores=stores),
            partial(client_keys.remove_key, stores=stores),
            partial(look_at_day.has_sent, stores=stores),
            settings.public_url.rstrip("/"),
        ),
    )


def _names(stores: Stores, codes: Collection[str]) -> Mapping[str, str]:
    with stores.database.reading() as connection:
        return clients.names(connection, codes)


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

    def resource(self, type_: str, id_: str, version: str | None, how: str, *, login: Login) -> bytes:
        return read_book.read_resource(
            type_, id_, version=version, how=how, login=login, stores=self.stores, uris=self.uris
        )

    def search(self, action: str, types: Collection[str], asked: Search, *, login: Login) -> Page:
        return search_book(action, types, asked, login=login, stores=self.stores, uris=self.uris)

    def summary(self, patient_id: str, *, login: Login) -> bytes:
        return read_summary(patient_id, login=login, stores=self.stores, uris=self.uris)

    def hide(self, words: bytes, *, login: Login) -> str:
        return hide_words(words, login=login, stores=self.stores)

    def hidden(self, hidden: str, *, login: Login) -> bytes | None:
        return hidden_words(hidden, login=login, stores=self.stores)


def _new_id() -> str:
    return str(uuid4())


def _figures(stores: Stores, tally: Tally) -> Figures:
    tally.keep()
    return figures_of(stores)


def _order(wanted: Wanted, by: str, reason: str, stores: Stores) -> Resync:
    return resync_lanes.order_resync(_scope(wanted, stores), by=by, reason=reason, stores=stores)


def _scope(wanted: Wanted, stores: Stores) -> Scope:
    return find_scope(**asdict(wanted), stores=stores)
