from __future__ import annotations

from flask import Blueprint, Response

from ehr_sync.web.foundation import page


def rooms() -> Blueprint:
    blueprint = Blueprint("citizen", __name__)

    @blueprint.get("/")
    def home() -> Response:
        return page("citizen/home.html")

    return blueprint
