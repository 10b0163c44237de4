"""POST /api/v1/identity/parse-card: what the code on a card says (rules: card-codes). What is sent is read, answered
and forgotten: it stands in no store, no log and no address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from flask import Blueprint, Response, request

from ehr_sync.api.json_body import json_body
from ehr_sync.api.language import language_of
from ehr_sync.api.problems import Problem
from mappings.cards import LONGEST, IdentityCard, InsuranceCard, read_card
from mappings.issues.catalogue import render
from mappings.model import Issue
from mappings.numbers import birth_year_in, is_place_known, sex_in


def identity() -> Blueprint:
    """The route."""
    blueprint = Blueprint("identity", __name__, url_prefix="/api/v1/identity")

    @blueprint.post("/parse-card", endpoint="parse_card")
    def parse_card() -> Response:
        if request.args:
            raise Problem("request.parameter")
        card = read_card(_text())
        if card is None:
            raise Problem("card.unreadable")
        told = _identity(card) if isinstance(card, IdentityCard) else _insurance(card)
        return Response(orjson.dumps(told), mimetype="application/json")

    return blueprint


def _text() -> str:
    given = json_body()
    text = given.get("text") if isinstance(given, dict) else None
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
        raise Problem("request.parameter", parameters=["text"])
    return text


def _identity(card: IdentityCard) -> Mapping[str, Any]:
    language = language_of(request)
    return {
        "card": "identity",
        "number": card.number,
        "numberType": "cccd",
        "oldNumber": card.old_number or None,
        "name": card.name,
        "birthDate": card.birth_date,
        "sex": card.sex,
        "address": card.address or None,
        "issuedOn": card.issued_on or None,
        "issues": [render(issue, language) for issue in _doubts(card)],
    }


def _doubts(card: IdentityCard) -> Iterator[Issue]:
    """What inside the number does not go with the rest: a reason to look, as a number may be right and they corrected
    (rules: number-structure).
    """
    if not is_place_known(card.number):
        yield Issue("number.place_unknown", "/number")
    if str(birth_year_in(card.number)) != card.birth_date[:4]:
        yield Issue("number.birth_differs", "/number")
    if card.sex not in (sex_in(card.number), "unknown"):
        yield Issue("number.sex_differs", "/number")


def _insurance(card: InsuranceCard) -> Mapping[str, Any]:
    return {
        "card": "insurance",
        "number": card.number,
        "insuranceNumber": card.insurance_number,
        "name": card.name,
        "birthDate": card.birth_date,
        "sex": card.sex,
        "address": card.address or None,
        "facility": card.facility or None,
        "validFrom": card.valid_from or None,
        "validTo": card.valid_to or None,
        "issuedOn": card.issued_on or None,
        "fiveYearsOn": card.five_years_on or None,
        "issues": [],
    }
