"""No action without a trace, of the pages: each leaves an entry in the audit log, or says why it needs none."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest
from werkzeug.test import TestResponse

from ehr_sync.api.access import WHO_MAY
from ehr_sync.api.traces import UNTRACED
from ehr_sync.sandbox.dossiers.generator import dossier, envelope, with_values
from ehr_sync.usecases.review.ask_facility import ask_facility
from tests.api import hospital
from tests.usecases.service import DAY, FACILITY, HOSPITAL, Running, number_of
from tests.usecases.test_twins import under
from tests.web.an_app import PHONE, Phone, register
from tests.web.browsing import Visitor
from tests.web.facilities import CLERK, OURS, REFUSED, Town, town_of

NUMBER: Final = number_of(701)
HERE: Final = f"/facility/{FACILITY}"


def a_visit(visitor: Visitor) -> TestResponse:
    key = visitor.get("/visits").text.partition('href="/visits/')[2].partition('"')[0]
    return visitor.get(f"/visits/{key}")


def back(visitor: Visitor) -> TestResponse:
    return visitor.client.get(visitor.pick(visitor.leave(), NUMBER))


def taken(visitor: Visitor) -> TestResponse:
    visitor.get("/downloads")
    return visitor.press("/downloads", form="fhir")


def on_paper(visitor: Visitor) -> TestResponse:
    visitor.get("/summary")
    return visitor.press("/summary")


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
    "citizen.vaccinations": lambda visitor: visitor.get("/vaccinations"),
    "citizen.appointments": lambda visitor: visitor.get("/appointments"),
    "citizen.calendar": lambda visitor: visitor.get("/appointments/none.ics"),
    "citizen.papers": lambda visitor: visitor.get("/papers"),
    "citizen.paper": lambda visitor: visitor.get("/papers/none"),
    "citizen.summary": lambda visitor: visitor.get("/summary"),
    "citizen.summary_paper": on_paper,
    "citizen.download": taken,
    "citizen.waiting": lambda visitor: visitor.get("/waiting"),
    "citizen.who_looked": lambda visitor: visitor.get("/who-looked"),
}


def found(clerk: Visitor, town: Town) -> TestResponse:
    clerk.get(f"{HERE}/find")
    return clerk.press(f"{HERE}/find", ma_lk=OURS.ma_lk)


def stood(clerk: Visitor, town: Town) -> TestResponse:
    there = f"{HERE}/dossiers/{second(town)}"
    clerk.get(there)
    return clerk.press(f"{there}/stand")


def kept_apart(clerk: Visitor, town: Town) -> TestResponse:
    town.running.post(under(OURS, "LK-KHAC"))
    there = f"{HERE}/dossiers/{town.ours}"
    clerk.get(there)
    return clerk.press(f"{there}/apart")


def second(town: Town) -> str:
    """Another version of our dossier, of which nobody knows whether it is newer."""
    unclear = with_values(OURS, "XML1", LOI_DAN="Kiêng muối")
    return town.running.post(unclear, made_on=DAY - timedelta(days=1)).transaction_code


def checked(clerk: Visitor, town: Town) -> TestResponse:
    clerk.get(f"{HERE}/files")
    return clerk.press(f"{HERE}/files", files=[(io.BytesIO(envelope([OURS, REFUSED], made_on=DAY)), "a.xml")])


def sent(clerk: Visitor, town: Town) -> TestResponse:
    checked(clerk, town)
    return clerk.press(f"{HERE}/files/send")


def taken_home(clerk: Visitor, town: Town) -> TestResponse:
    checked(clerk, town)
    return clerk.press(f"{HERE}/files/refused")


def listed(clerk: Visitor, act: str, **form: str) -> TestResponse:
    clerk.get(f"{HERE}/corrections")
    return clerk.press(f"{HERE}/{act}", list=(io.BytesIO(f"MA_LK\n{OURS.ma_lk}\n".encode()), "thang-10.csv"), **form)


def withdrawn(clerk: Visitor, town: Town) -> TestResponse:
    listed(clerk, "withdraw", reason="duplicate")
    return clerk.press(f"{HERE}/withdraw")


def brought_back(clerk: Visitor, town: Town) -> TestResponse:
    withdrawn(clerk, town)
    clerk.get(f"{HERE}/dossiers/{town.ours}")
    return clerk.press(f"{HERE}/restore")


def key_added(clerk: Visitor, town: Town) -> TestResponse:
    clerk.get(f"{HERE}/keys")
    jwks = json.dumps({"keys": [hospital.ec_key("moi").as_dict(private=False)]})
    return clerk.press(f"{HERE}/keys", client=HOSPITAL, jwks=jwks)


def key_removed(clerk: Visitor, town: Town) -> TestResponse:
    clerk.get(f"{HERE}/keys")
    return clerk.press(f"{HERE}/keys/remove", client=HOSPITAL, kid="ec")


def answered(clerk: Visitor, town: Town) -> TestResponse:
    [(review,)] = town.running.rows("SELECT claim_id FROM claim ORDER BY created_at LIMIT 1")
    town.running.run(
        "UPDATE claim SET state = 'review', reason = 'registry.name_near', grade = 'possible', due_at = NULL"
        " WHERE claim_id = :id",
        id=review,
    )
    town.running.seal()
    ask_facility(review.hex(), by="ops", stores=town.running.stores)
    clerk.get(f"{HERE}/work")
    return clerk.press(f"{HERE}/questions/{review.hex()}", answer="card_seen")


DESK: Final[dict[str, Callable[[Visitor, Town], TestResponse]]] = {
    "facility.home": lambda clerk, town: clerk.get("/facility"),
    "facility.enter": lambda clerk, town: clerk.get(HERE),
    "facility.show_day": lambda clerk, town: clerk.get(f"{HERE}/days/{town.today}"),
    "facility.list_day": lambda clerk, town: clerk.get(f"{HERE}/days/{town.today}/sent"),
    "facility.quality": lambda clerk, town: clerk.get(f"{HERE}/quality"),
    "facility.work": lambda clerk, town: clerk.get(f"{HERE}/work"),
    "facility.answer": answered,
    "facility.find": found,
    "facility.dossier": lambda clerk, town: clerk.get(f"{HERE}/dossiers/{town.ours}"),
    "facility.differences": lambda clerk, town: clerk.get(f"{HERE}/dossiers/{second(town)}/differences"),
    "facility.stand": stood,
    "facility.keep_apart": kept_apart,
    "facility.check_files": checked,
    "facility.send_files": sent,
    "facility.refused_files": taken_home,
    "facility.reconcile": lambda clerk, town: listed(clerk, "reconcile", month="2026-10"),
    "facility.withdraw": withdrawn,
    "facility.restore": brought_back,
    "facility.show_keys": lambda clerk, town: clerk.get(f"{HERE}/keys"),
    "facility.add_key": key_added,
    "facility.remove_key": key_removed,
    "facility.begin": lambda clerk, town: clerk.get(f"{HERE}/first-day"),
}


@pytest.mark.parametrize("endpoint", DESK)
def test_p10_every_page_of_a_facility_leaves_an_entry_of_its_clerk(desk: Running, endpoint: str) -> None:
    town = town_of(desk)
    clerk = town.somebody(CLERK)
    [(before,)] = desk.rows("SELECT max(n) FROM audit_event")
    answer = DESK[endpoint](clerk, town)
    assert answer.status_code in {200, 303}, answer.text
    assert desk.rows("SELECT 1 FROM audit_event WHERE n > :n AND actor LIKE 'facility:%'", n=before) != []


def let_in(phone: Phone) -> TestResponse:
    phone.visitor.get(phone.request())
    return phone.visitor.press("/oauth2/authorize", answer="allow")


def ended(phone: Phone) -> TestResponse:
    phone.tokens()
    phone.visitor.get("/apps")
    return phone.visitor.press("/apps/end", app=PHONE.client_id)


APPS: Final[dict[str, tuple[Callable[[Phone], TestResponse], str]]] = {
    "apps.decide": (let_in, "allow app"),
    "citizen.apps": (lambda phone: phone.visitor.get("/apps"), "page apps"),
    "citizen.end_app": (ended, "end app"),
}


@pytest.mark.parametrize("endpoint", APPS)
def test_p10_what_somebody_lets_apps_do_leaves_an_entry(visitor: Visitor, desk: Running, endpoint: str) -> None:
    desk.post(dossier(701, person_index=701, shape="outpatient", rows=6))
    desk.settle()
    register(desk, PHONE)
    visitor.sign_in(NUMBER)
    act, action = APPS[endpoint]
    assert act(Phone(visitor)).status_code in {200, 303}
    entries = desk.rows("SELECT 1 FROM audit_event WHERE action = :action AND actor LIKE 'citizen:%'", action=action)
    assert len(entries) == 1


def test_every_page_is_called_here_or_says_why_it_leaves_no_entry() -> None:
    """The console's pages call what the API's routes call: tests/whole/test_traces.py, tests/web/test_operator.py."""
    pages = {name for name in WHO_MAY if name.partition(".")[0] in {"pages", "apps", "citizen", "facility"}}
    assert {name for name in pages if name not in UNTRACED} == CALLS.keys() | DESK.keys() | APPS.keys()


@pytest.mark.parametrize("endpoint", CALLS)
def test_p10_every_page_leaves_an_entry(visitor: Visitor, desk: Running, endpoint: str) -> None:
    desk.post(dossier(701, person_index=701, shape="outpatient", rows=6))
    desk.settle()
    visitor.sign_in(NUMBER)
    [(before,)] = desk.rows("SELECT max(n) FROM audit_event")
    answer = CALLS[endpoint](visitor)
    assert answer.status_code in ({404} if endpoint in {"citizen.calendar", "citizen.paper"} else {200, 303}), (
        answer.text
    )
    assert desk.rows("SELECT 1 FROM audit_event WHERE n > :n", n=before) != []
