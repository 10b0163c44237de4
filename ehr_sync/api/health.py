"""Is it alive, is it ready, and how is it doing: for supervisors, load balancers and Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import orjson
from flask import Blueprint, Response

from ehr_sync.core.clock import Stopwatch
from ehr_sync.core.kept import kept
from ehr_sync.runtime.metrics import CONTENT_TYPE

_KEPT_SECONDS: Final = 1.0


def health(
    ready: Callable[[], Mapping[str, bool]],
    books: Callable[[], Mapping[str, Mapping[str, object]]],
    metrics: Callable[[], bytes],
    stopwatch: Stopwatch,
) -> Blueprint:
    """The routes. `ready` says of each thing that must be so whether it is; `books` how each health book stands, which
    makes nothing less ready; `metrics` is Prometheus' text. Anybody may ask, however often: the databases are asked
    once a second.
    """
    asked = kept(lambda: (ready(), books()), _KEPT_SECONDS, stopwatch)
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def alive() -> Response:
        # Of this process alone: restarting it does not mend a database.
        return Response(b'{"alive":true}', mimetype="application/json")

    @blueprint.get("/readyz", endpoint="ready")
    def is_ready() -> Response:
        checks, stand = asked()
        status = 200 if all(checks.values()) else 503
        said = {"checks": dict(checks), "books": dict(stand)}
        return Response(orjson.dumps(said), status=status, mimetype="application/json")

    @blueprint.get("/metrics", endpoint="metrics")
    def show_metrics() -> Response:
        return Response(metrics(), content_type=CONTENT_TYPE)

    return blueprint
