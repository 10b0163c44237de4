"""Bodies in JSON that are small enough to be read at once."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import request

from ehr_sync.api.problems import Problem

MOST_BYTES: Final = 16_384


def json_body(*, most_bytes: int = MOST_BYTES) -> Any:
    """What the body of this request says. Raises Problem where it is no JSON, and RequestEntityTooLarge."""
    request.max_content_length = most_bytes
    try:
        return orjson.loads(request.get_data(cache=False))
    except orjson.JSONDecodeError:
        raise Problem("request.bad") from None
