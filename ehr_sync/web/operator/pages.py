from __future__ import annotations

from flask import Blueprint, Response

from ehr_sync.web.foundation import page


def rooms() -> Blueprint:
    blueprint = Blueprint("operator", __name__)

    @blueprint.get("/ops")
    def home() -> Response:
        return page("operator/home.html")

    return blueprint
