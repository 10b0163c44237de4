"""GET /api/v1/rules: what a dossier's content is held to, for everybody and of nobody."""

from __future__ import annotations

from functools import cache

import orjson
from flask import Blueprint, Response, request

from mappings.sources.rules import as_json


def rules() -> Blueprint:
    """The route. The catalogue changes with the version of the service alone."""
    blueprint = Blueprint("rules", __name__)

    @blueprint.get("/api/v1/rules", endpoint="all")
    def tell() -> Response:
        response = Response(_catalogue(), mimetype="application/json")
        response.add_etag()
        response.make_conditional(request)
        return response

    return blueprint


@cache
def _catalogue() -> bytes:
    return orjson.dumps(as_json())
