"""No action without a trace, of the pages: each leaves an entry in the audit log, or says why it needs none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from werkzeug.test import TestResponse

from ehr_sync.api.access import WHO_MAY
from ehr_sync.api.traces import UNTRACED
from ehr_sync.sandbox.dossiers.generator import dossier
from tests.usecases.service import Running, number_of
from tests.web.browsing import Visitor

NUMBER: Final = number_of(701)


def a_visit(visitor: Visitor) -> TestResponse:
    key = visitor.get("/visits").text.partition('href="/visits/')[2].partition('"')[0]
    return visitor.get(f"/visits/{key}")


def back(visitor: Visitor) -> TestResponse:
    return visitor.client.get(visitor.pick(visitor.leave(), NUMBER))


def taken(visitor: Visitor) -> TestResponse:
    visitor.get("/downloads")
    return visitor.press("/downloads", form="fhir")


def looked_for(visitor: Visitor) -> TestResponse:
    visitor.get("/visits")
    return visitor.press("/visits", words="x")


CALLS: Final[dict[str, Callable[[Visitor], TestResponse]]] = {
    "pages.sign_in_back": back,
    "citizen.home": lambda visitor: visitor.get("/"),
    "citizen.visits": lambda visitor: visitor.get("/visits"),
    "citizen.search": looked_for,
    "citizen.visit": a_visit,
    "citizen.results": lambda visitor: visitor.get("/results"),
    "citizen.medicines": lambda visitor: visitor.get("/medicines"),
    "citizen.appointments": lambda visitor: visitor.get("/appointments"),
    "citizen.calendar": lambda visitor: visitor.get("/appointments/none.ics"),
    "citizen.download": taken,
    "citizen.waiting": lambda visitor: visitor.get("/waiting"),
    "citizen.who_looked": lambda visitor: visitor.get("/who-looked"),
}


def test_every_page_is_called_here_or_says_why_it_leaves_no_entry() -> None:
    pages = {name for name in WHO_MAY if name.partition(".")[0] in {"pages", "citizen"}}
    assert {name for name in pages if name not in UNTRACED} == CALLS.keys()


@pytest.mark.parametrize("endpoint", CALLS)
def test_p10_every_page_leaves_an_entry(visitor: Visitor, desk: Running, endpoint: str) -> None:
    desk.post(dossier(701, person_index=701, shape="outpatient", rows=6))
    desk.settle()
    visitor.sign_in(NUMBER)
    [(before,)] = desk.rows("SELECT max(n) FROM audit_event")
    answer = CALLS[endpoint](visitor)
    assert answer.status_code in ({404} if endpoint == "citizen.calendar" else {200, 303}), answer.text
    assert desk.rows("SELECT 1 FROM audit_event WHERE n > :n", n=before) != []
