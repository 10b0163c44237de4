"""Every page and every kind of visitor: from the map of routes itself, so that a new page without a rule is seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import pytest
from flask import Flask

from ehr_sync.api.access import WHO_MAY, Face, Page
from ehr_sync.bootstrap_web import web_application
from ehr_sync.sandbox.city.staff import OPERATOR, WORKERS
from ehr_sync.store import people, staff
from ehr_sync.store.staff import Post
from ehr_sync.web.foundation import HOMES
from tests.api.web import calling
from tests.usecases.service import DAY, Running, number_of
from tests.web.browsing import Visitor

WHO: Final[dict[str, str]] = {
    "citizen": number_of(0),
    "facility": WORKERS["01001"].number,
    "ops": OPERATOR.number,
}
MAY: Final[dict[Face, set[str]]] = {"citizen": {"citizen", "facility", "ops"}, "facility": {"facility"}, "ops": {"ops"}}
"""Staff are citizens too, with books of their own."""


def routes(app: Flask) -> Iterator[tuple[str, str, Face]]:
    """Each page: method, an address of it that names nothing that exists, and for whom it is."""
    for rule in app.url_map.iter_rules():
        who = WHO_MAY[rule.endpoint]
        if isinstance(who, Page):
            address = re.sub("<[^>]*>", "11111111-1111-8111-8111-111111111111", rule.rule)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield method, address, who.face


@pytest.mark.parametrize("visitor_is", [*WHO, "nobody"])
def test_nobody_enters_a_room_that_is_not_theirs(desk: Running, visitor_is: str) -> None:
    app = web_application(desk.service)
    with desk.stores.database.begin() as connection:
        for face, post in (("facility", Post("facility", "01001")), ("ops", Post("ops"))):
            mark = people.number_mark_of(desk.stores.keys.index, WHO[face])
            staff.grant(connection, desk.stores.keys, mark, post, valid_from=DAY, valid_to=DAY + timedelta(days=10_000))
    visitor = Visitor(calling(app))
    if visitor_is != "nobody":
        visitor.sign_in(WHO[visitor_is])
    page = visitor.get("/").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    app_routes = list(routes(app))
    assert {face for _, _, face in app_routes} == set(HOMES)
    for method, address, face in app_routes:
        answer = visitor.client.open(address, method=method, data={"csrf_token": token} if method == "POST" else None)
        entered = answer.headers.get("Location") != f"/{'' if face == 'citizen' else face}" and not (
            answer.status_code == 403 or (answer.status_code == 200 and 'href="/sign-in/' in answer.text)
        )
        if visitor_is not in MAY[face]:
            assert (method, address, entered) == (method, address, False)
        answer.close()
