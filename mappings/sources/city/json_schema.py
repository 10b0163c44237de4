"""The form of a kind as JSON Schema, made from the very fields that check it.  https://json-schema.org/draft/2020-12"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from mappings.sources.city.form import MOST_ROWS, Kind
from mappings.sources.city.values import Value

Json = dict[str, Any]


def json_schema(kind: Kind, address: str) -> Json:
    """The schema of a kind, which stands at this address."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address,
        "title": f"{kind.vi} · {kind.en}",
        **_object(kind.form),
        "examples": [kind.example],
    }


def _object(form: Schema) -> Json:
    return {
        "type": "object",
        "properties": {name: _of(field) for name, field in form.fields.items()},
        "required": [name for name, field in form.fields.items() if field.required],
        "additionalProperties": False,
    }


def _of(field: fields.Field[Any]) -> Json:
    match field:
        case Value():
            return field.schema()
        case fields.Nested():
            return _object(field.schema)
        case fields.List():
            return {"type": "array", "items": _of(field.inner), "minItems": 1, "maxItems": MOST_ROWS}
    raise TypeError(type(field))  # no form has another kind of field
