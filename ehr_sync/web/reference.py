"""The API for people to read: the OpenAPI document as a page."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint, Response, current_app

from ehr_sync.api.language import Language
from ehr_sync.api.openapi import document
from ehr_sync.web.foundation import language, page


def reference(*, public_url: str, version: str) -> Blueprint:
    """The route."""
    blueprint = Blueprint("reference", __name__)

    @cache
    def made(language: Language) -> dict[str, Any]:
        return document(current_app, public_url=public_url, version=version, language=language)

    @blueprint.get("/docs")
    def show() -> Response:
        told = made(language())
        return page("reference.html", api=told, groups=_groups(told))

    return blueprint


def _groups(told: dict[str, Any]) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    """For whom: method, path and operation of each route."""
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {tag["name"]: [] for tag in told["tags"]}
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            groups[operation["tags"][0]].append((method.upper(), path, operation))
    return groups
