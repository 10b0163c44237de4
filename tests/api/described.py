"""Whether answers are as the API's OpenAPI document says: an undescribed status, media type or member is a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

_JSON: Final = re.compile(r"application/([a-z]+\+)?json")


class Described:
    """The document, asked about answers."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def faults(self, method: str, address: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
        """What is not as described."""
        operation = self._operation(method.lower(), address.partition("?")[0])
        if operation is None:
            return [f"no operation {method.lower()} {address.partition('?')[0]}"]
        answer = operation["responses"].get(str(status))
        if answer is None:
            return [f"{status} is not described"]
        content = self._resolved(answer).get("content", {})
        media = headers.get("Content-Type", "").partition(";")[0]
        if not content:
            return [f"a body of {status}"] if body else []
        if media not in content:
            return [f"{media} of {status}"]
        return self._misfits(content[media]["schema"], orjson.loads(body)) if _JSON.fullmatch(media) else []

    def check_schemas(self) -> None:
        """Raises SchemaError, or KeyError for a reference to nothing."""
        known = validator()
        for schema in _under(self.document, "schema"):
            known.check_schema(schema)
        for schema in self.document["components"]["schemas"].values():
            known.check_schema(schema)
        for reference in _under(self.document, "$ref"):
            self._resolved({"$ref": reference})

    def _operation(self, method: str, path: str) -> Any:
        """That of the path, whose own words go before parts of any name (section 4.8.8.2 of the specification)."""
        fitting = [
            (template.count("{"), -len(template), item[method])
            for template, item in self.document["paths"].items()
            if method in item and _fits(template, path, item[method])
        ]
        return min(fitting, key=lambda each: each[:2])[2] if fitting else None

    def _misfits(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        whole = {**schema, "components": self.document["components"]}
        return [error.message for error in validator()(whole).iter_errors(value)]

    def _resolved(self, answer: Mapping[str, Any]) -> Any:
        if "$ref" not in answer:
            return answer
        found: Any = self.document
        for step in answer["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found


def validator() -> Any:
    """JSON Schema 2020-12's."""
    # The formats that it knows take seconds to load, which not every test process has to spend.
    from jsonschema import Draft202012Validator

    return Draft202012Validator


def _fits(template: str, path: str, operation: Mapping[str, Any]) -> bool:
    among = {each["name"]: each["schema"].get("enum") for each in operation["parameters"] if each["in"] == "path"}
    parts = re.split(r"{(\w+)}", template)
    pattern = [
        f"(?:{'|'.join(map(re.escape, among[part]))})" if odd and among[part] else "[^/]+" if odd else re.escape(part)
        for odd, part in ((n % 2, part) for n, part in enumerate(parts))
    ]
    return re.fullmatch("".join(pattern), path) is not None


def _under(value: Any, name: str) -> Iterator[Any]:
    """Everything that stands under a name, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name:
                yield inner
            yield from _under(inner, name)
    if isinstance(value, list):
        for inner in value:
            yield from _under(inner, name)
