from __future__ import annotations

from flask import Blueprint, Response

from ehr_sync.web.foundation import page


def rooms() -> Blueprint:
    blueprint = Blueprint("facility", __name__)

    @blueprint.get("/facility")
    def home() -> Response:
        return page("facility/home.html")

    return blueprint
