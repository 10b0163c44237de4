"""What a reader of the audit log finds of each act: who, what, whose, and which one (P10); nobody by name (P11)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from ehr_sync import bootstrap
from ehr_sync.core.errors import NotFound
from ehr_sync.core.ports import Login
from ehr_sync.sandbox.dossiers.generator import corrected, dossier
from ehr_sync.store.remaps import Reach
from ehr_sync.store.resyncs import Scope
from ehr_sync.store.staff import Grant, Post
from ehr_sync.usecases.access.posts import grant_post
from ehr_sync.usecases.book import read_book
from ehr_sync.usecases.book.erase_person import erase_person
from ehr_sync.usecases.book.read_summary import read_summary
from ehr_sync.usecases.book.search_book import Search, search_book
from ehr_sync.usecases.delivery.find_doubles import find_doubles
from ehr_sync.usecases.delivery.hurry_lanes import hurry_lanes
from ehr_sync.usecases.delivery.resync_lanes import order_resync
from ehr_sync.usecases.intake.make_current import make_current
from ehr_sync.usecases.intake.remap_records import order_remap
from ehr_sync.usecases.intake.trace_transaction import trace_transaction, transactions_of
from ehr_sync.usecases.overview import show
from mappings.sources.edition import mapping
from tests.usecases.service import DAY, HOSPITAL, Running, number_of

VISIT: Final = dossier(881, person_index=881, shape="outpatient", rows=2)
NUMBER: Final = number_of(881)
UNKNOWN: Final = "GD" + "A" * 29
NAME: Final = "cli-nguyenvana"

Entry = tuple[str, str, bool, str]
"""Who, what, whether it is the patient's, and which one."""
Act = Callable[["Sent"], str | None]
"""Does something; returns what the entry's detail is, where that is only known then."""


class Sent:
    """A visit that has arrived in its patient's book, and one of its conditions there."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.code = running.post(VISIT).transaction_code
        running.settle()
        self.patient: UUID = running.person_of(NUMBER)
        shown = running.shown(NUMBER)
        self.held = len(shown)
        [self.condition, *_] = [id_ for kind, id_ in shown if kind == "Condition"]

    def wiring(self, login: Login) -> dict[str, Any]:
        return {"login": login, "stores": self.running.stores, "uris": self.running.service.uris}

    def everything(self, login: Login) -> str:
        asked = Search(owners=(frozenset({str(self.patient)}),), count=4)
        page = search_book("everything", (), asked, **self.wiring(login))
        return f"0.0+{len(page.resources)}"

    def history(self, login: Login) -> str:
        return str(read_book.read_resource("Condition", self.condition, how="history", **self.wiring(login)))

    def summary(self, login: Login) -> str:
        read_summary(str(self.patient), **self.wiring(login))
        return f"0.0+{self.held}"

    def search(self, login: Login) -> str:
        asked = Search(owners=(frozenset({str(self.patient)}),))
        page = search_book("search Encounter", ("Encounter",), asked, **self.wiring(login))
        return f"0.0+{len(page.resources)}"

    def read(self, login: Login) -> str:
        return str(read_book.read_resource("Condition", self.condition, **self.wiring(login)))

    def make_older_current(self) -> None:
        self.running.post(corrected(VISIT, 1), made_on=DAY + timedelta(days=1))
        make_current(self.code, client_id=HOSPITAL, stores=self.running.stores, uris=self.running.service.uris)

    def look_for_doubles(self) -> None:
        search = bootstrap.book_search_of(self.running.service)
        list(find_doubles(by=NAME, search=search, stores=self.running.stores, uris=self.running.service.uris))
        search.close()

    def posted(self, granted: Grant) -> str:
        return f"ops {granted.who} until {granted.last}"

    def trace(self) -> None:
        trace_transaction(self.code, by=NAME, stores=self.running.stores)


OWNER: Final = Login(NAME, NUMBER)
STRANGER: Final = Login(NAME, number_of(882))


ENTRIES: Final = (
    "SELECT actor, action, person_id, detail FROM audit_event WHERE NOT starts_with(action, 'edge') ORDER BY n"
)


def seen(running: Running) -> list[tuple[str, str, UUID | None, str]]:
    return [tuple(row) for row in running.rows(ENTRIES)]


def alias(running: Running, name: str) -> str:
    """By HMAC-SHA-256, each part behind its length in 8 bytes, cut to 16 bytes: who was named so is, years later."""
    digest = hmac.new(running.stores.keys.index, digestmod=hashlib.sha256)
    for part in (b"subject", name.encode()):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:32]


CODE, CONDITION, SAID = "its maGiaoDich", "its condition", "what the act returned"

ACTS: Final[dict[str, tuple[Act, Entry]]] = {
    "a sender follows": (lambda s: s.running.follow(s.code).batch_id, ("client", "read life line", True, CODE)),
    "a stranger follows": (
        lambda s: s.running.follow(s.code, client="nobody").batch_id,
        ("stranger", "refused life line", True, CODE),
    ),
    "a sender follows nothing": (
        lambda s: s.running.follow(UNKNOWN).batch_id,
        ("client", "refused life line", False, UNKNOWN),
    ),
    "a sender decides": (lambda s: s.make_older_current(), ("client", "make current", True, CODE)),
    "a citizen looks for themselves": (
        lambda s: str(search_book("search Patient", ("Patient",), Search(), **s.wiring(OWNER)).total),
        ("citizen", "search Patient", True, "0.0+1"),
    ),
    "a citizen reads": (lambda s: s.read(OWNER), ("citizen", "read Condition", True, CONDITION)),
    "a citizen reads all": (lambda s: s.everything(OWNER), ("citizen", "everything", True, SAID)),
    "a citizen reads a history": (lambda s: s.history(OWNER), ("citizen", "history Condition", True, CONDITION)),
    "a citizen reads their summary": (lambda s: s.summary(OWNER), ("citizen", "summary", True, SAID)),
    "a citizen searches": (lambda s: s.search(OWNER), ("citizen", "search Encounter", True, SAID)),
    "a stranger reads": (lambda s: s.read(STRANGER), ("citizen", "refused read", True, "")),
    "a stranger reads all": (lambda s: s.everything(STRANGER), ("citizen", "refused everything", True, "")),
    "a stranger searches": (lambda s: s.search(STRANGER), ("citizen", "refused search Encounter", True, "")),
    "an operator resyncs one": (
        lambda s: str(order_resync(Scope(s.patient), by=NAME, reason="yc", stores=s.running.stores).resync_id),
        ("ops", "order resync", True, SAID),
    ),
    "an operator resyncs all": (
        lambda s: str(order_resync(Scope(), by=NAME, reason="yc", stores=s.running.stores).resync_id),
        ("ops", "order resync", False, SAID),
    ),
    "an operator hurries one": (
        lambda s: str(hurry_lanes(Scope(s.patient), by=NAME, stores=s.running.stores)),
        ("ops", "hurry lanes", True, ""),
    ),
    "an operator plans a remap": (
        lambda s: str(order_remap(Reach(), by=NAME, dry_run=True, stores=s.running.stores)),
        ("ops", "plan remap", False, f"{mapping()} all"),
    ),
    "an operator orders a remap": (
        lambda s: str(order_remap(Reach(), by=NAME, dry_run=False, stores=s.running.stores)),
        ("ops", "order remap", False, f"{mapping()} all"),
    ),
    "an operator traces a visit": (lambda s: s.trace(), ("ops", "trace", True, CODE)),
    "an operator traces a patient": (
        lambda s: str(transactions_of(s.patient, by=NAME, limit=9, stores=s.running.stores)),
        ("ops", "trace", True, ""),
    ),
    "an operator searches the log": (
        lambda s: str(show("audit", {"patient": str(s.patient)}, limit=1, by=NAME, stores=s.running.stores).after),
        ("ops", "search audit", True, ""),
    ),
    "an operator grants a post": (
        lambda s: s.posted(grant_post(NUMBER, Post("ops"), first=DAY, last=DAY, by=NAME, stores=s.running.stores)),
        ("ops", "grant post", False, SAID),
    ),
    "an operator looks for doubles": (lambda s: s.look_for_doubles(), ("ops", "look for doubles", True, "")),
    "an operator erases": (
        lambda s: erase_person(s.patient, by=NAME, stores=s.running.stores),
        ("ops", "erase", True, ""),
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_p10_each_act_is_one_entry_that_says_who_did_what_to_whom(running: Running, name: str) -> None:
    act, (who, action, is_theirs, detail) = ACTS[name]
    sent = Sent(running)
    before = len(seen(running))
    said = None
    with suppress(NotFound):
        said = act(sent)

    actors = {"client": f"client:{HOSPITAL}", "stranger": "client:nobody"}
    actor = actors.get(who) or f"{who}:{alias(running, NAME)}"
    details = {CODE: sent.code, CONDITION: sent.condition, SAID: said}
    expected = (actor, action, sent.patient if is_theirs else None, details.get(detail, detail))
    assert seen(running)[before:] == [expected]


def test_p10_what_the_service_does_by_itself_is_told_so_that_both_sides_of_it_can_be_found(running: Running) -> None:
    sent = Sent(running)
    [asked] = running.journal("registry")
    question, push = [entry for entry in seen(running) if entry[0] == "service"]

    assert question[1:3] == ("verify", sent.patient)
    # The registry keeps our number of the question: the entry's, and which spelling was asked.
    assert asked["request_number"] == f"{question[3]}-1"
    assert push == ("service", "push", sent.patient, "so-suc-khoe")
