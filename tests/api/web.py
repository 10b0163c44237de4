"""The application around use cases made for the test, as Flask's client or behind gunicorn."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, cast
from uuid import uuid4

import requests
from flask import Flask
from flask.testing import FlaskClient

from ehr_sync.api.admission import Admission
from ehr_sync.api.app import create_app
from ehr_sync.api.axis import axis
from ehr_sync.api.health import health
from ehr_sync.api.hub import hub
from ehr_sync.api.identity import identity
from ehr_sync.api.oauth import Apps, oauth
from ehr_sync.api.openapi import openapi
from ehr_sync.api.password_sign_ins import PasswordSignIns
from ehr_sync.api.places import Places
from ehr_sync.api.quality import quality
from ehr_sync.api.records import records
from ehr_sync.api.rules import rules
from ehr_sync.api.submissions import MediaType, Reader, submissions, trial_places
from ehr_sync.api.validate import validate
from ehr_sync.api.verifications import verifications
from ehr_sync.core.addresses import networks
from ehr_sync.core.answers import Answer, HosoResult, file_result
from ehr_sync.core.errors import NotFound
from ehr_sync.core.ports import Login
from ehr_sync.core.quota import Buckets, Lease, LeasedBuckets, Quota
from ehr_sync.core.tally import Tally
from ehr_sync.runtime.logs import make_log
from ehr_sync.runtime.processes import happens
from ehr_sync.usecases.access.assertions import TokenRefused
from ehr_sync.usecases.access.authenticate import AccessToken, BadToken, Caller
from mappings.model import Issue
from tests import given
from tests.api import hospital

CALLERS = {
    "good": Caller("benh-vien-mau", frozenset({"submissions.write"})),
    "reader": Caller("benh-vien-mau", frozenset({"transactions.read"})),
}
LIMIT = 1_000_000


def verify(token: str) -> Caller:
    """The callers that these tests know."""
    if token not in CALLERS:
        raise BadToken("token.bad")
    return CALLERS[token]


def digest(*, client_id: str, body: Reader, media_type: MediaType, idempotency_key: str | None) -> Answer:
    """Reads all, in blocks; the answer's batch id is made of what was read."""
    seen = hashlib.sha256(f"{client_id} {media_type} {idempotency_key} ".encode())
    while block := body.read(65_536):
        seen.update(block)
    refused = HosoResult("LK-2", "", "refused", (Issue("ma_lk.missing", "XML1[1].MA_LK"),))
    dossiers = (HosoResult("LK-1", "GD1", "accepted", ()), refused)
    return Answer(seen.hexdigest(), (file_result((), dossiers),))


def foresee(*, client_id: str, actor: str, body: Reader, media_type: MediaType) -> Answer:
    """The same for a dry run, without a batch id."""
    answer = digest(client_id=client_id, body=body, media_type=media_type, idempotency_key=None)
    return replace(answer, batch_id="")


def one_record(*, client_id: str, body: Reader, idempotency_key: str | None, kind: str) -> Answer:
    """Its sender, kind, key and bytes come back as the record's id."""
    said = f"{client_id} {kind} {idempotency_key} {body.read(1_000).decode()}"
    unknown = Issue("value.code_unknown", "/vaccineCode")
    return Answer("B1", (file_result((), (HosoResult(said, "GD1", "accepted", (unknown,)),)),))


def one_trial(*, client_id: str, actor: str, body: Reader, kind: str) -> Answer:
    """The same for a dry run."""
    return one_record(client_id=actor, body=body, idempotency_key=None, kind=kind)


def no_login(login: Any) -> NoReturn:
    """Nobody has a password."""
    raise TokenRefused("invalid_client", "password.unknown_client")


def no_transaction(code: str, *, client_id: str) -> NoReturn:
    """Nothing was sent."""
    raise NotFound("transaction.unknown")


def no_app(form: Any) -> NoReturn:
    """No app is registered."""
    raise TokenRefused("invalid_client", "app.unknown")


def app(accept: Callable[..., Answer] = digest, log_to: Any = None, **options: Any) -> Flask:
    """The whole application with these use cases."""
    tokens: Callable[[Any], AccessToken] = options.get(
        "issue", lambda form: AccessToken("t", 300, frozenset(), "benh-vien-mau")
    )
    admission = options.get("admission") or admitting()
    trials = trial_places()
    password_places = options.get("password_places", Places(at_once=2, each=2, waiting=4))
    sign_ins = PasswordSignIns(options.get("sign_in", no_login), admission, password_places)
    return create_app(
        [
            submissions(
                accept,
                options.get("try_out", foresee),
                options.get("places", Places(at_once=8, each=6, waiting=24)),
                trials,
                public_url=hospital.ISSUER,
            ),
            records(one_record, one_trial, Places(at_once=8, each=6, waiting=24), trials, public_url=hospital.ISSUER),
            rules(),
            openapi(public_url=hospital.ISSUER, version="0"),
            identity(),
            quality(options.get("quality", lambda asker: [])),
            verifications(
                cast(Any, options.get("verify_people")),
                Places(at_once=8, each=8, waiting=8),
                Places(at_once=2, each=2, waiting=2),
            ),
            validate(options.get("places", Places(at_once=8, each=6, waiting=24))),
            oauth(tokens, hospital.signer(), admission.admit_token, options.get("apps", Apps(no_app, no_app))),
            axis(
                sign_ins,
                accept,
                options.get("follow", no_transaction),
                places=Places(at_once=8, each=6, waiting=24),
            ),
            hub(sign_ins, accept, places=Places(at_once=8, each=6, waiting=24)),
            health(options.get("ready", lambda: {"database": True}), dict, lambda: b"", time.monotonic),
        ],
        verify=verify,
        who=options.get("who", lambda token: Login("x", personal_number="099000000001")),
        note_refusal=options.get("note_refusal", lambda refusal: None),
        public_url=options.get("public_url", hospital.ISSUER),
        request_bytes=LIMIT,
        log=make_log("info", log_to or io.StringIO()),
        stopwatch=time.monotonic,
        new_id=lambda: str(uuid4()),
        admission=admission,
        allowed_hosts=options.get("allowed_hosts", ""),
    )


def admitting(stopwatch: Callable[[], float] = time.monotonic, **options: Any) -> Admission:
    """Buckets of this process alone, so large that nobody empties one by chance; options give others."""
    quota = Quota("submissions", options.get("submissions", 100_000))
    return Admission(
        submissions=LeasedBuckets(quota, options.get("lease", lambda who: Lease(1, quota.per_minute)), stopwatch),
        tokens=Buckets(Quota("tokens", options.get("tokens", 100_000)), stopwatch),
        refusals=Buckets(Quota("refusals", options.get("refusals", 100_000)), stopwatch),
        wrong_passwords=Buckets(Quota("wrong passwords", options.get("wrong_passwords", 10)), stopwatch),
        wrong_at_peer=Buckets(Quota("wrong passwords of a peer", options.get("wrong_at_peer", 60)), stopwatch),
        tally=options.get("tally", Tally(lambda counted: None, stopwatch)),
        trusted_proxies=networks(options.get("trusted_proxies", "")),
    )


class NamedClient(FlaskClient):
    """Flask's client, which calls the service by its name."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """As Flask's."""
        return super().open(*args, **{"base_url": hospital.ISSUER, **kwargs})

    def get_cookie(self, key: str, domain: str = "127.0.0.1", path: str = "/") -> Any:
        """As Flask's, of the service's own host."""
        return super().get_cookie(key, domain, path)

    def set_cookie(self, key: str, value: str = "", **options: Any) -> None:
        """As Flask's, of the service's own host."""
        super().set_cookie(key, value, **{"domain": "127.0.0.1", **options})


def client(accept: Callable[..., Answer] = digest, log_to: Any = None, **options: Any) -> FlaskClient:
    """Flask's own client on that application."""
    return calling(app(accept, log_to, **options))


def calling(served: Flask) -> FlaskClient:
    """Flask's own client on an application that is called by hospital.ISSUER."""
    served.test_client_class = NamedClient
    return served.test_client()


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    """What was logged."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


@dataclass(frozen=True, slots=True)
class Served:
    """An application behind gunicorn, and where it writes."""

    address: str
    pid: int
    log: Path

    def answers(self) -> bool:
        """Whether it answers at all."""
        try:
            return requests.get(f"{self.address}/healthz", timeout=2).ok
        except (requests.ConnectionError, requests.Timeout):
            return False


@contextmanager
def behind_gunicorn(application: str, log: Path, **variables: str) -> Iterator[Served]:
    """Serve `module:app` by gunicorn as the project configures it."""
    address = f"http://127.0.0.1:{_free_port()}"
    ours = {"EHR_SYNC_PUBLIC_URL": address, "EHR_SYNC_BIND": address.removeprefix("http://")}
    environment = {**given.variables(dsn="x", key_dsn="x", key_file="x"), **variables, **ours}
    environment["PYTHONPATH"] = str(Path.cwd())
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", application]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    served = Served(address, process.pid, log)
    try:
        if not happens(served.answers, 30):
            raise TimeoutError("gunicorn did not start")
        yield served
    finally:
        process.terminate()
        process.wait(40)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
