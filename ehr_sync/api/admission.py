"""Who may go on: so many submissions of a client, so many refusals of anybody, so many tokens; before a body is read.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/11/
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, g, request

from ehr_sync.api import connection, refused
from ehr_sync.api.peers import peer_of
from ehr_sync.api.problems import Problem, retry_after
from ehr_sync.api.traces import SIGN_INS
from ehr_sync.core.addresses import Networks
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.quota import Buckets, LeasedBuckets, Quota, Standing
from ehr_sync.core.tally import Tally

_REFUSALS: Final = frozenset({401, 404})
_LONGEST_NAME: Final = 64
# To look at a Bundle costs as much.
_SUBMISSIONS: Final = frozenset({"submissions.submit", "records.submit", "validate.resource", "axis.send", "hub.send"})


@dataclass(frozen=True, slots=True)
class Admission:
    """The buckets of this process, and those of all processes."""

    submissions: LeasedBuckets  # by client
    tokens: Buckets  # by peer, and by client
    refusals: Buckets  # by client, person or peer
    wrong_passwords: Buckets  # by peer and name
    wrong_at_peer: Buckets  # by peer
    tally: Tally
    trusted_proxies: Networks = ()

    def admit_token(self, client_id: str) -> None:
        """Raises Problem where the client was given too many tokens."""
        _admitted(self.tokens.take(f"client:{client_id}"), "quota.used_up")

    def admit_password(self, name: str) -> None:
        """Raises Problem where too many wrong passwords came from this address, for this name or for all."""
        # Never by name alone: whoever knows one could keep its hospital from signing in.
        of_name = self.wrong_passwords.seconds_until_one(_at_peer(name))
        if wait := max(of_name, self.wrong_at_peer.seconds_until_one(g.peer)):
            raise Problem("passwords.too_many", headers=retry_after(wait))

    def count_wrong_password(self, name: str) -> None:
        """One more from this address."""
        self.wrong_passwords.take(_at_peer(name))
        self.wrong_at_peer.take(g.peer)

    def admit_submission(self, client_id: str) -> None:
        """Raises Problem where the client has sent too much; the answer says how much is left."""
        g.standing = _standing(self.submissions, client_id)
        _admitted(g.standing, "quota.used_up")


def install_before_access(app: Flask, admission: Admission) -> None:
    """What is asked before anybody knows who calls: to be called first, as whatever is refused counts for a peer."""

    @app.before_request
    def check_peer() -> None:
        g.peer = peer_of(request.environ, admission.trusted_proxies)
        if request.endpoint in SIGN_INS:
            _admitted(admission.tokens.take(f"peer:{g.peer}"), "quota.used_up")


def install_after_access(app: Flask, admission: Admission) -> None:
    """What is asked of a known caller, and what is counted when all is answered: to be called after access.install."""

    @app.before_request
    def check_caller() -> None:
        if "caller" not in g and "login" not in g:
            return
        wait = admission.refusals.seconds_until_one(_who())
        if wait:
            raise Problem("refusals.too_many", headers=retry_after(wait))
        if request.endpoint in _SUBMISSIONS:
            admission.admit_submission(g.caller.client_id)

    @app.after_request
    def count(response: Response) -> Response:
        if refused.status_of(response) in _REFUSALS:
            standing = admission.refusals.take(_who())
            if not standing.admitted:
                headers = retry_after(standing.wait_seconds)
                response = app.make_response(app.handle_user_exception(Problem("refusals.too_many", headers=headers)))
        if "standing" in g:
            response.headers.extend(_told(g.standing, admission.submissions.quota))
        if why := refused.why():
            admission.tally.count(why.exactly)
        admission.tally.take_over(connection.refused_by_server(request.environ))
        return response


def _who() -> str:
    """Whose bucket it is. In memory only: never in a log or a database."""
    if "caller" in g:
        return f"client:{g.caller.client_id}"
    if "login" in g:
        return f"person:{g.login.subject}"
    return f"peer:{g.peer}"


def _at_peer(name: str) -> str:
    return f"{g.peer} {name[:_LONGEST_NAME]}"


def _standing(buckets: LeasedBuckets, client_id: str) -> Standing:
    try:
        return buckets.take(client_id)
    except Unavailable:
        return Standing(admitted=True, left=0)  # the use case says 503, with a reason


def _admitted(standing: Standing, code: str) -> None:
    if not standing.admitted:
        raise Problem(code, headers=retry_after(standing.wait_seconds))


def _told(standing: Standing, quota: Quota) -> dict[str, str]:
    full_again = math.ceil((quota.per_minute - standing.left) / quota.per_second)
    return {
        "RateLimit-Policy": f'"{quota.name}";q={quota.per_minute};w=60',
        "RateLimit": f'"{quota.name}";r={standing.left};t={full_again}',
    }
