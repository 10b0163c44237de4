"""docs/security.md lists every route with who may call it."""

from __future__ import annotations

import re
from typing import Any, cast

from flask import Flask

from ehr_sync.api import access
from ehr_sync.api.access import Anyone, Citizen, Page, Sender, Staff, Who
from ehr_sync.api.app import create_app
from ehr_sync.api.axis import axis
from ehr_sync.api.corrections import corrections
from ehr_sync.api.desk import desk
from ehr_sync.api.fhir import fhir
from ehr_sync.api.health import health
from ehr_sync.api.hub import hub
from ehr_sync.api.identity import identity
from ehr_sync.api.oauth import oauth
from ehr_sync.api.openapi import openapi
from ehr_sync.api.ops import ops
from ehr_sync.api.quality import quality
from ehr_sync.api.records import records
from ehr_sync.api.reviews import questions, reviews
from ehr_sync.api.rules import rules
from ehr_sync.api.submissions import submissions
from ehr_sync.api.transactions import transactions
from ehr_sync.api.validate import validate
from ehr_sync.api.verifications import verifications
from ehr_sync.web.citizen import pages as citizen
from ehr_sync.web.citizen.api import book_api
from ehr_sync.web.citizen.consent import consent
from ehr_sync.web.facility import pages as facility
from ehr_sync.web.foundation import Foundation
from ehr_sync.web.operator import pages as operator
from ehr_sync.web.reference import reference
from tests.api import hospital
from tests.docs.markdown import quoted, rows, section

NOTHING = cast(Any, None)  # no route is called here
OPS = ("plan", "order", "follow", "show", "status", "verify", "hurry", "trace", "sent")
DESK = facility.UseCases(*[NOTHING] * 12)


def application() -> Flask:
    """The whole application, without what stands behind its routes."""
    blueprints = [
        oauth(NOTHING, hospital.signer(), NOTHING, NOTHING),
        submissions(NOTHING, NOTHING, NOTHING, NOTHING, public_url=""),
        records(NOTHING, NOTHING, NOTHING, NOTHING, public_url=""),
        axis(NOTHING, NOTHING, NOTHING, places=NOTHING),
        hub(NOTHING, NOTHING, places=NOTHING),
        validate(NOTHING),
        identity(),
        verifications(NOTHING, NOTHING, NOTHING),
        rules(),
        openapi(public_url=hospital.ISSUER, version="0"),
        desk(NOTHING),
        quality(NOTHING),
        corrections(NOTHING, NOTHING),
        transactions(NOTHING, NOTHING, NOTHING),
        fhir(NOTHING, public_url=hospital.ISSUER, version="0"),
        book_api(NOTHING),
        reviews(NOTHING),
        questions(NOTHING),
        ops(**dict.fromkeys(OPS, NOTHING)),
        health(NOTHING, NOTHING, NOTHING, NOTHING),
    ]
    return create_app(
        blueprints,
        verify=NOTHING,
        who=NOTHING,
        note_refusal=NOTHING,
        public_url=hospital.ISSUER,
        request_bytes=1,
        log=NOTHING,
        stopwatch=NOTHING,
        new_id=NOTHING,
        pages=Foundation(
            (
                citizen.rooms(NOTHING),
                consent(NOTHING),
                facility.rooms(DESK),
                operator.rooms(NOTHING),
                reference(public_url=hospital.ISSUER, version="0"),
            ),
            NOTHING,
            NOTHING,
            None,
            b"",
            NOTHING,
            NOTHING,
            NOTHING,
            NOTHING,
        ),
        admission=NOTHING,
    )


def routes() -> dict[str, Who]:
    """Every route, as the page writes it."""
    app = application()
    return {
        f"{method} {written(rule.rule)}": access.WHO_MAY[rule.endpoint]
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def written(rule: str) -> str:
    """A rule with its parts in braces."""
    return re.sub(r"<(?:[^<>]*:)?(\w+?)_?>", r"{\1}", rule)


def called(who: Who) -> str:
    """Somebody in the page's words."""
    match who:
        case Anyone():
            return "anyone"
        case Sender(scope):
            return f"a sender with `{scope}`"
        case Citizen(by_app=by_app):
            return f"a citizen, own book only{'' if by_app else ', through no app'}"
        case Staff():
            return "an operator"
        case Page(face):
            return f"who is signed in for `{face}`"


def test_every_route_that_is_guarded_is_looked_at_here() -> None:
    assert application().view_functions.keys() == access.WHO_MAY.keys()


def test_the_page_lists_every_route_with_who_may_call_it() -> None:
    listed = {quoted(row[0])[0]: row[1] for row in rows(section("docs/security.md", "## Who may call what"))[1:]}
    assert listed == {route: called(who) for route, who in routes().items()}
