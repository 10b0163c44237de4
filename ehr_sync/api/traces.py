"""No action without a trace: who was refused is an entry in the audit log, written here for every route; what was done
is one that its use case writes; and where a success needs none, it is said here why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, g, request

from ehr_sync.api import refused
from ehr_sync.api.access import WHO_MAY, Anyone
from ehr_sync.core import anchor
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import Login
from ehr_sync.runtime.logs import Log

TOKENS: Final = frozenset({"oauth.token", "oauth.revoke"})
"""Where tokens are made and ended for senders and apps, which may ask from a browser."""

SIGN_INS: Final = TOKENS | {"axis.sign_in", "hub.sign_in"}
"""Where tokens are made and ended: open to everybody, counted by address, and every refusal is noted."""

UNTRACED: Final[Mapping[str, str]] = {
    "problems.explain": "a page of ours, of nobody's data",
    "rules.all": "what dossiers are held to, of nobody's data",
    "openapi.document": "what the service can be asked, of nobody's data",
    "reference.show": "the same, as a page",
    "health.alive": "whether a process lives",
    "health.ready": "whether the service is ready, and its books are open",
    "health.metrics": "counts, of nobody's data",
    "oauth.token": "a token shows nothing by itself; what is done with it leaves its own trace",
    "axis.sign_in": "the same",
    "hub.sign_in": "the same",
    "axis.send": "what is sent is kept, with client and time; nothing but that it was taken is told",
    "hub.send": "the same",
    "oauth.jwks": "public keys",
    "oauth.smart_configuration": "public addresses",
    "fhir.metadata": "what the service can do, of nobody's data",
    "oauth.openid_configuration": "public addresses",
    "oauth.revoke": "what it ends is an entry; of a token that opens nothing there is nothing to tell",
    "apps.authorize": "it shows nothing of a book; what somebody allows is an entry",
    "fhir.batch": "each of its entries is a request with a trace of its own",
    "submissions.submit": "what is sent is kept, with client and time; nothing is told of it; a dry run is an entry",
    "records.submit": "the same",
    "records.show_schema": "the form of a record, of nobody's data",
    "validate.resource": "what is sent is looked at and forgotten; nothing of anybody is told",
    "identity.parse_card": "the same",
    "pages.sign_in": "it leads to the identity provider; whoever comes back is an entry, let in or not",
    "pages.sign_out": "it ends one session, of whoever holds it",
    "pages.prefer": "language and colours",
    "citizen.take_away": "a page of buttons; what is taken is an entry",
    "ops.tell_status": "counts, of nobody's data",
    "operator.home": "counts, of nobody's data",
    "facility.choose_day": "it leads to a day, which is an entry",
    "facility.ask": "an empty form",
    "facility.ask_files": "an empty form",
    "facility.ask_corrections": "an empty form",
    "ops.follow_resync": "counts of an order, which is an entry with its scope",
}
"""Routes whose success leaves no entry in the audit log, with the reason."""

# Of a request that is malformed nothing was tried: the log has its line.
_REFUSALS: Final = frozenset({401, 403, 404, 409})


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused to whom, and why; `peer` is the address that the request came from. Nobody proven: no client and
    no login; a sign-in names the client that it claims to be.
    """

    what: str
    why: str
    peer: str
    client: str = ""
    login: Login | None = None


def install(app: Flask, *, note: Callable[[Refusal], None], log: Log) -> None:
    """Let every refusal of a guarded route, and every one where tokens are made and ended, be noted before its answer
    leaves, unless the use case has written an entry of its own, which knows more.
    """

    @app.after_request
    def trace(response: Response) -> Response:
        if _is_refusal(response) and not anchor.is_traced():
            try:
                note(_refusal())
            except Unavailable as error:
                # It stays refused. Nothing was shown, and the log has its line.
                log.warning("refusal_not_noted", incident=g.incident, code=error.code)
        return response


def _is_refusal(response: Response) -> bool:
    status = refused.status_of(response)
    if request.endpoint in SIGN_INS:
        return status in {400, 401}
    is_guarded = not isinstance(WHO_MAY.get(request.endpoint or "", Anyone()), Anyone)
    return is_guarded and status in _REFUSALS


def _refusal() -> Refusal:
    found = refused.why() or refused.Why("", "")
    client = g.caller.client_id if "caller" in g else found.client
    return Refusal(str(request.endpoint), found.exactly, g.peer, client, g.get("login"))
