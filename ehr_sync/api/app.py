"""The web application: blueprints, guarded, logged, and with one way to tell what went wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from flask import Blueprint, Flask, Response, g, request

from ehr_sync.api import access, cors, paths, problems, traces
from ehr_sync.api import admission as admitting
from ehr_sync.api.admission import Admission
from ehr_sync.api.language import language_of
from ehr_sync.api.raw_problems import HEADERS
from ehr_sync.core import anchor
from ehr_sync.core.clock import Stopwatch
from ehr_sync.core.errors import Unfit
from ehr_sync.core.ports import Login
from ehr_sync.runtime.logs import Log
from ehr_sync.usecases.access.authenticate import Caller

_ONE_OF: Final = re.compile(r"any\([^)]*\):")  # the many names that a part of a route may have


class Pages(Protocol):
    """The pages for people, which stand on the same application."""

    def install(self, app: Flask, *, public_url: str) -> None:
        """Give the application its pages; every other blueprint is there already."""
        ...

    def admit(self, face: access.Face) -> None:
        """Let the visitor in, or raise what ends in another page."""
        ...

    def problem(self, problem: problems.Problem) -> Response | None:
        """A problem as a page, or None where no page was asked for."""
        ...


def create_app(
    blueprints: Iterable[Blueprint],
    *,
    verify: Callable[[str], Caller],
    who: Callable[[str], Login | None],
    note_refusal: Callable[[traces.Refusal], None],
    operates: Callable[[str], bool] = lambda _number: False,
    public_url: str,
    request_bytes: int,
    log: Log,
    stopwatch: Stopwatch,
    new_id: Callable[[], str],
    admission: Admission,
    allowed_hosts: str = "",
    pages: Pages | None = None,
    alarm: Callable[[Unfit], object] = lambda unfit: None,
    is_origin: Callable[[str], bool] = lambda origin: False,
) -> Flask:
    """The application; `is_origin` tells an origin of a registered app. Raises LookupError where a route does not say
    who may call it.
    """
    app = Flask("ehr_sync", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = request_bytes
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    _watch(app, log=log, stopwatch=stopwatch, new_id=new_id, secure=public_url.startswith("https:"))
    paths.install(app, public_url=public_url, allowed_hosts=allowed_hosts)
    admitting.install_before_access(app, admission)
    cors.install(app, is_registered=is_origin)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    problems.install(app, public_url=public_url, log=log, alarm=alarm, page=pages.problem if pages else None)
    if pages:
        pages.install(app, public_url=public_url)
    traces.install(app, note=note_refusal, log=log)
    access.install(app, verify=verify, who=who, operates=operates, admit=pages.admit if pages else None)
    admitting.install_after_access(app, admission)
    return app


def _watch(app: Flask, *, log: Log, stopwatch: Stopwatch, new_id: Callable[[], str], secure: bool) -> None:
    @app.before_request
    def start() -> None:
        # Never the caller's own id: it could carry anything into our logs.
        g.incident = new_id()
        g.started = stopwatch()
        anchor.take()

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        response.headers["X-Request-Id"] = g.incident
        response.headers.setdefault("Content-Language", language_of(request))
        response.headers.add("Vary", "Accept-Language")
        _log_request(log, response, stopwatch() - g.started)
        return response


def _log_request(log: Log, response: Response, seconds: float) -> None:
    # The route, never the path: ids and queries stay out of the log.
    audited = anchor.take()
    route = _ONE_OF.sub("", request.url_rule.rule) if request.url_rule else "unmatched"
    log.info(
        "request",
        method=request.method if request.url_rule else "-",
        route=route,
        status=response.status_code,
        ms=round(seconds * 1000, 1),
        client=g.caller.client_id if "caller" in g else "-",
        incident=g.incident,
        **({"reason": g.reason} if "reason" in g else {}),  # why no token was given
        **({"audit": str(audited)} if audited else {}),
        **({"code": traces.why()} if traces.why() else {}),
    )
