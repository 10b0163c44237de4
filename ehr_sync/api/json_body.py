"""JSON that comes and goes: bodies that are small enough to be read at once, and answers."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Response, request
from marshmallow import Schema, ValidationError

from ehr_sync.api.problems import Problem

MOST_BYTES: Final = 16_384


def json_body(*, most_bytes: int = MOST_BYTES) -> Any:
    """What the body of this request says. Raises Problem where it is no JSON, and RequestEntityTooLarge."""
    request.max_content_length = most_bytes
    try:
        return orjson.loads(request.get_data(cache=False))
    except orjson.JSONDecodeError:
        raise Problem("request.bad") from None


def loaded(schema: Schema) -> dict[str, Any]:
    """What the body says, as the schema reads it. Raises Problem, which names what it knows of the members at fault."""
    try:
        found: dict[str, Any] = schema.load(json_body())
    except ValidationError as error:
        names = sorted(str(name) for name in error.messages_dict if name in schema.fields)
        raise Problem("request.parameter", parameters=names) from None
    return found


def in_json(told: object, status: int = 200) -> Response:
    """An answer; moments in UTC, to the second."""
    body = orjson.dumps(told, option=orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS)
    return Response(body, status, mimetype="application/json")
