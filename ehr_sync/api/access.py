"""Who may call what: one table for the whole service, checked before any route runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from flask import Flask, Request, g, request

from ehr_sync.api.problems import Problem
from ehr_sync.core.app_scopes import AppAccess
from ehr_sync.core.ports import Login
from ehr_sync.usecases.access.authenticate import BadToken, Caller

Face = Literal["citizen", "facility", "ops"]
"""For whom a page is: a citizen, a facility's people, those who operate the service."""


@dataclass(frozen=True, slots=True)
class Anyone:
    """No token is asked for."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A sending system whose token has this scope."""

    scope: str


@dataclass(frozen=True, slots=True)
class Citizen:
    """A person, known by their number; the use case shows them their own book only.

    An app that comes for them needs scopes: `asks` says what it does ("r": read, "s": search) and `of` with which type;
    "" is the type in the address. What a new route does not say is open to apps that may do all with all.
    """

    asks: str = "rs"
    of: str = "*"
    by_app: bool = True  # else it is for a token of the provider's alone


@dataclass(frozen=True, slots=True)
class Staff:
    """An operator: the token says this role, and the post was granted here. A provider's word alone opens nothing."""

    role: str


@dataclass(frozen=True, slots=True)
class Page:
    """Somebody who is signed in to the pages, and may enter the rooms of this face."""

    face: Face


ANY: Final = "any"
"""Of a Citizen's route: some type will do, as the book shows an app no other."""

Who = Anyone | Sender | Citizen | Staff | Page

WHO_MAY: Final[Mapping[str, Who]] = {
    "problems.explain": Anyone(),
    "rules.all": Anyone(),
    "openapi.document": Anyone(),
    "health.alive": Anyone(),
    "health.ready": Anyone(),
    "health.metrics": Anyone(),
    "oauth.token": Anyone(),
    "oauth.jwks": Anyone(),
    "oauth.smart_configuration": Anyone(),
    "oauth.openid_configuration": Anyone(),
    "oauth.revoke": Anyone(),
    "apps.authorize": Anyone(),
    "apps.decide": Anyone(),
    "submissions.submit": Sender("submissions.write"),
    "records.submit": Sender("submissions.write"),
    "records.show_schema": Anyone(),
    "axis.sign_in": Anyone(),
    "axis.send": Sender("submissions.write"),
    "axis.follow": Sender("transactions.read"),
    "hub.sign_in": Anyone(),
    "hub.send": Sender("submissions.write"),
    "validate.resource": Sender("submissions.write"),
    "identity.parse_card": Sender("submissions.write"),
    "verifications.verify": Sender("submissions.write"),
    "verifications.verify_list": Sender("submissions.write"),
    "verifications.find": Sender("submissions.write"),
    "quality.show": Sender("transactions.read"),
    "desk.show_day": Sender("transactions.read"),
    "desk.list_day": Sender("transactions.read"),
    "desk.list_work": Sender("transactions.read"),
    "desk.find": Sender("transactions.read"),
    "desk.versions": Sender("transactions.read"),
    "desk.differences": Sender("transactions.read"),
    "desk.keys": Sender("transactions.read"),
    "corrections.withdraw": Sender("submissions.write"),
    "corrections.restore": Sender("submissions.write"),
    "corrections.reconcile": Sender("transactions.read"),
    "transactions.follow": Sender("transactions.read"),
    "transactions.make_current": Sender("submissions.write"),
    "transactions.keep_apart": Sender("submissions.write"),
    "fhir.metadata": Anyone(),
    "fhir.batch": Citizen(asks="", of=""),  # each entry is judged alone
    "fhir.everything": Citizen(of=ANY),
    "fhir.history": Citizen(asks="r", of=""),
    "fhir.history_of_type": Citizen(asks="s", of=""),
    "fhir.read": Citizen(asks="r", of=""),
    "fhir.search": Citizen(asks="s", of=""),
    "fhir.search_by_post": Citizen(asks="s", of=""),
    "fhir.summary": Citizen(),  # of a part of a book it would say that there is nothing else
    "fhir.vread": Citizen(asks="r", of=""),
    "book.download": Citizen(by_app=False),
    "book.summary": Citizen(by_app=False),
    "book.appointments": Citizen(by_app=False),
    "book.calendar": Citizen(by_app=False),
    "book.papers": Citizen(by_app=False),
    "book.waiting": Citizen(by_app=False),
    "book.who_looked": Citizen(by_app=False),
    "ops.plan_resync": Staff("ops"),
    "ops.follow_resync": Staff("ops"),
    "ops.tell_status": Staff("ops"),
    "ops.show_list": Staff("ops"),
    "ops.verify_audit": Staff("ops"),
    "ops.hurry_lanes": Staff("ops"),
    "ops.trace_transaction": Staff("ops"),
    "ops.list_transactions": Staff("ops"),
    "reviews.look": Staff("ops"),
    "reviews.decide": Staff("ops"),
    "questions.show": Sender("transactions.read"),
    "questions.answer": Sender("submissions.write"),
    "pages.sign_in": Anyone(),
    "pages.sign_in_back": Anyone(),
    "pages.sign_out": Anyone(),
    "pages.prefer": Anyone(),
    "reference.show": Anyone(),
    "citizen.home": Page("citizen"),
    "citizen.visits": Page("citizen"),
    "citizen.search": Page("citizen"),
    "citizen.visit": Page("citizen"),
    "citizen.results": Page("citizen"),
    "citizen.medicines": Page("citizen"),
    "citizen.vaccinations": Page("citizen"),
    "citizen.appointments": Page("citizen"),
    "citizen.calendar": Page("citizen"),
    "citizen.papers": Page("citizen"),
    "citizen.paper": Page("citizen"),
    "citizen.summary": Page("citizen"),
    "citizen.summary_paper": Page("citizen"),
    "citizen.take_away": Page("citizen"),
    "citizen.download": Page("citizen"),
    "citizen.waiting": Page("citizen"),
    "citizen.who_looked": Page("citizen"),
    "citizen.apps": Page("citizen"),
    "citizen.end_app": Page("citizen"),
    "facility.home": Page("facility"),
    "facility.enter": Page("facility"),
    "facility.show_day": Page("facility"),
    "facility.choose_day": Page("facility"),
    "facility.list_day": Page("facility"),
    "facility.work": Page("facility"),
    "facility.answer": Page("facility"),
    "facility.ask": Page("facility"),
    "facility.find": Page("facility"),
    "facility.dossier": Page("facility"),
    "facility.differences": Page("facility"),
    "facility.stand": Page("facility"),
    "facility.keep_apart": Page("facility"),
    "facility.ask_files": Page("facility"),
    "facility.check_files": Page("facility"),
    "facility.send_files": Page("facility"),
    "facility.refused_files": Page("facility"),
    "facility.ask_corrections": Page("facility"),
    "facility.reconcile": Page("facility"),
    "facility.withdraw": Page("facility"),
    "facility.restore": Page("facility"),
    "facility.quality": Page("facility"),
    "facility.show_keys": Page("facility"),
    "facility.add_key": Page("facility"),
    "facility.remove_key": Page("facility"),
    "facility.begin": Page("facility"),
    "operator.home": Page("ops"),
    "operator.show_list": Page("ops"),
    "operator.patient": Page("ops"),
    "operator.transaction": Page("ops"),
    "operator.find": Page("ops"),
    "operator.choose": Page("ops"),
    "operator.plan": Page("ops"),
    "operator.order": Page("ops"),
    "operator.resync": Page("ops"),
    "operator.hurry": Page("ops"),
    "operator.verify": Page("ops"),
    "operator.review": Page("ops"),
    "operator.decide": Page("ops"),
}


def install(
    app: Flask,
    *,
    verify: Callable[[str], Caller],
    who: Callable[[str], Login | None],
    operates: Callable[[str], bool],
    admit: Callable[[Face], None] | None = None,
    who_may: Mapping[str, Who] = WHO_MAY,
) -> None:
    """Guard every route of `app`, which must be complete. Raises LookupError for one not in the table."""
    forgotten = app.view_functions.keys() - who_may.keys()
    if forgotten:
        raise LookupError(f"say in access.WHO_MAY who may call {', '.join(sorted(forgotten))}")

    @app.before_request
    def check() -> None:
        match who_may.get(request.endpoint or "", Anyone()):
            # Who it is is known before they are let in: a refusal names them.
            case Sender(scope):
                g.caller = sender_of(bearer(request), verify)
                require_scope(g.caller, scope)
            case Citizen() as route:
                g.login = logged_in(bearer(request), who)
                require_number(g.login)
                if g.login.app:
                    within_scopes(g.login.app, route, request.view_args or {})
            case Staff(role):
                g.login = logged_in(bearer(request), who)
                require_role(g.login, role, operates)
            case Page(face):
                assert admit is not None  # there is no page without its foundation
                admit(face)


def caller() -> Caller:
    """The sending system that this request comes from."""
    found: Caller = g.caller
    return found


def may_call(endpoint: str, caller: Caller) -> bool:
    """Whether this sending system may call that route too, as the table says."""
    who = WHO_MAY[endpoint]
    return isinstance(who, Sender) and who.scope in caller.scopes


def login() -> Login:
    """The citizen or operator that this request comes from."""
    found: Login = g.login
    return found


def bearer(request: Request) -> str:
    """The bearer token (RFC 6750 section 2.1: the header only). Raises Problem where there is none."""
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        raise Problem("token.missing", headers={"WWW-Authenticate": 'Bearer realm="ehr-sync"'})
    return given.token


def sender_of(token: str, verify: Callable[[str], Caller]) -> Caller:
    """The client of a token of ours. Raises Problem for any other token."""
    try:
        return verify(token)
    except BadToken:
        raise _bad_token() from None


def require_scope(caller: Caller, scope: str) -> None:
    """Raises Problem for a client whose token does not have this scope."""
    if scope not in caller.scopes:
        challenge = f'Bearer realm="ehr-sync", error="insufficient_scope", scope="{scope}"'
        raise Problem("access.denied", headers={"WWW-Authenticate": challenge})


def require_number(login: Login) -> None:
    """Raises Problem for somebody whose token has no personal number."""
    if not login.personal_number:
        raise Problem("access.denied")


def within_scopes(app: AppAccess, route: Citizen, parts: Mapping[str, str]) -> None:
    """Let an app do what it was granted. Raises Problem for anything else (RFC 6750 section 3.1)."""
    if not route.by_app:
        raise Problem("access.denied")
    if route.of == ANY:
        if app.reaches_something:
            return
        type_ = "*"
    else:
        type_ = route.of or parts.get("type_", "*")
        if app.may(type_, route.asks):
            return
    challenge = f'Bearer realm="ehr-sync", error="insufficient_scope", scope="patient/{type_}.{route.asks}"'
    raise Problem("access.denied", headers={"WWW-Authenticate": challenge})


def require_role(login: Login, role: str, operates: Callable[[str], bool]) -> None:
    """Raises Problem for somebody to whom the provider does not give this role, or who does not hold it today."""
    if role not in login.roles or not login.personal_number or not operates(login.personal_number):
        raise Problem("access.denied")


def logged_in(token: str, who: Callable[[str], Login | None]) -> Login:
    """The person of a token of the provider. Raises Problem for any other token."""
    found = who(token)
    if found is None:
        raise _bad_token()
    return found


def _bad_token() -> Problem:
    challenge = 'Bearer realm="ehr-sync", error="invalid_token"'
    return Problem("token.bad", headers={"WWW-Authenticate": challenge})
