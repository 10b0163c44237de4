"""POST /api/v1/records/{kind}: a clinic without a hospital system hands over one record in the city's JSON, or tries
first what would become of it; and the form of each kind, for everybody.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from typing import Any, Final, Protocol

import orjson
from flask import Blueprint, Response, request

from ehr_sync.api import access, render
from ehr_sync.api.language import language_of
from ehr_sync.api.places import Places
from ehr_sync.api.submissions import Reader, body_of, idempotency_key_of, is_dry_run, kind_of
from ehr_sync.core.answers import Answer
from mappings.sources.city.json_schema import json_schema
from mappings.sources.city.kinds import KINDS

_ROUTE: Final = "/api/v1/records/<any({}):kind>".format(", ".join(f"'{name}'" for name in KINDS))


class Accept(Protocol):
    """The use case: takes one record of a kind, answers when it is committed (P1)."""

    def __call__(self, *, client_id: str, body: Reader, idempotency_key: str | None, kind: str) -> Answer: ...


class DryRun(Protocol):
    """The use case that answers what sending would answer now, with what would become of it, and keeps nothing."""

    def __call__(self, *, client_id: str, actor: str, body: Reader, kind: str) -> Answer: ...


def records(accept: Accept, try_out: DryRun, places: Places, trials: Places, *, public_url: str) -> Blueprint:
    """The routes, around their use cases."""
    blueprint = Blueprint("records", __name__)

    @blueprint.post(_ROUTE)
    def submit(kind: str) -> Response:
        client_id = access.caller().client_id
        dry_run = is_dry_run(request)
        kind_of(request, ("application/json",))
        key, body = idempotency_key_of(request), body_of(request)
        with trials.taken(client_id) if dry_run else nullcontext(), places.taken(client_id):
            if dry_run:
                answer = try_out(client_id=client_id, actor=f"client:{client_id}", body=body, kind=kind)
            else:
                answer = accept(client_id=client_id, idempotency_key=key, body=body, kind=kind)
        rendered = render.record(answer, language_of(request), f"{public_url}/fhir", is_dry_run=dry_run)
        return Response(orjson.dumps(rendered), mimetype="application/json")

    @cache
    def written(kind: str) -> bytes:
        return orjson.dumps(json_schema(KINDS[kind], f"{public_url}/api/v1/records/{kind}/schema"))

    @blueprint.get(f"{_ROUTE}/schema")
    def show_schema(kind: str) -> Any:
        response = Response(written(kind), mimetype="application/schema+json")
        response.add_etag()
        response.make_conditional(request)
        return response

    return blueprint
