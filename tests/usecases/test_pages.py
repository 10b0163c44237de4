"""Pages of a book: cut from one order, in which nothing that was not seen yet ever moves to what was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import orjson
import pytest

from ehr_sync.core.ports import Login
from ehr_sync.sandbox.dossiers.generator import Hoso, corrected, dossier
from ehr_sync.usecases.book import read_book
from ehr_sync.usecases.book.read_book import START, Page, Position
from ehr_sync.usecases.book.search_book import Search, search_book
from tests.usecases.service import DAY, Running, number_of

FIRST: Final = dossier(871, person_index=871, shape="inpatient", rows=6)
SECOND: Final = dossier(872, person_index=871, shape="outpatient", rows=6)
THIRD: Final = dossier(873, person_index=871, shape="inpatient", rows=6)
NUMBER: Final = number_of(871)
OWNER: Final = Login("owner", NUMBER)

Keys = list[tuple[str, str]]


def page(running: Running, start: Position | str = START, count: int | None = 5, type_: str | None = None) -> Page:
    asked = Search(owners=(frozenset({str(running.person_of(NUMBER))}),), start=start, count=count)
    wired: dict[str, Any] = {"login": OWNER, "stores": running.stores, "uris": running.service.uris}
    action = f"search {type_}" if type_ else "everything"
    return search_book(action, [type_] if type_ else [], asked, **wired)


def rest(running: Running, start: Position | str | None, count: int = 5, type_: str | None = None) -> list[bytes]:
    """All from a position on, page by page."""
    found: list[bytes] = []
    while start is not None:
        next_page = page(running, start, count, type_)
        found += next_page.resources
        start = next_page.following
    return found


def keys(resources: list[bytes] | tuple[bytes, ...]) -> Keys:
    return [(r["resourceType"], r["id"]) for r in map(orjson.loads, resources)]


def delivered(running: Running, *visits: Hoso) -> None:
    for visit in visits:
        running.post(visit)
    running.verify()


@pytest.mark.parametrize("type_", [None, "Observation", "Organization"])
@pytest.mark.parametrize("count", [1, 4, 1000])
def test_pages_are_cut_from_one_order(running: Running, type_: str | None, count: int) -> None:
    delivered(running, FIRST, SECOND)
    whole = page(running, count=None, type_=type_)
    assert rest(running, START, count, type_) == list(whole.resources)
    assert (len(whole.resources), whole.following) == (whole.total, None)


def test_a_resource_stands_behind_what_it_refers_to(running: Running) -> None:
    delivered(running, FIRST, SECOND)
    seen: set[str] = set()
    for resource in page(running, count=None).resources:
        named = orjson.loads(resource)
        seen.add(f"{named['resourceType']}/{named['id']}")
        assert not {f"{kind}/{id_}" for kind, id_ in registered(resource)} - seen


def registered(resource: bytes) -> Keys:
    """The Organizations and Practitioners that a resource refers to."""
    found = [part.split(b'"', 1)[0].decode() for part in resource.split(b'"reference":"')[1:]]
    return [
        (kind, id_) for kind, _, id_ in (r.partition("/") for r in found) if kind in {"Organization", "Practitioner"}
    ]


def test_a_record_that_changes_between_two_pages_is_seen_again_at_the_end_and_nothing_is_skipped(
    running: Running,
) -> None:
    delivered(running, FIRST, SECOND)
    first = page(running)
    running.post(corrected(FIRST, 1), made_on=DAY + timedelta(days=1))

    followed = rest(running, first.following)
    now = keys(page(running, count=None).resources)
    assert set(keys(first.resources) + keys(followed)) >= set(now)
    assert len(set(keys(followed))) == len(followed)


def test_a_record_that_comes_between_two_pages_is_seen_at_the_end_behind_whom_it_names(running: Running) -> None:
    delivered(running, FIRST)
    first = page(running)
    running.post(THIRD)

    seen = keys(first.resources) + keys(rest(running, first.following))
    assert seen == keys(page(running, count=None).resources)


def test_a_record_that_leaves_between_two_pages_leaves_the_others_where_they_are(running: Running) -> None:
    delivered(running, FIRST, SECOND)
    second = keys(page(running, count=None).resources)[-5:]
    first = page(running)
    running.post(dossier(871, person_index=874, shape="inpatient", rows=6), made_on=DAY + timedelta(days=1))

    assert keys(rest(running, first.following))[-5:] == second


def test_a_position_beyond_the_end_gives_nothing(running: Running) -> None:
    delivered(running, FIRST)
    beyond = page(running, Position(10**18 - 1, 0))
    assert (beyond.resources, beyond.following) == ((), None)


def test_a_search_of_each_type_gives_just_what_the_book_has_of_it(running: Running) -> None:
    delivered(running, FIRST, SECOND)
    everything = page(running, count=None).resources
    by_type: dict[str, list[bytes]] = {}
    for resource in everything:
        by_type.setdefault(orjson.loads(resource)["resourceType"], []).append(resource)

    found = {type_: list(page(running, count=None, type_=type_).resources) for type_ in by_type}

    assert found == by_type
    assert set(by_type) >= {
        "Patient",
        "Organization",
        "Practitioner",
        "Encounter",
        "Condition",
        "Observation",
    }
    assert len(by_type) >= 11


def test_each_resource_is_told_once_and_all_that_it_refers_to_is_there(running: Running) -> None:
    delivered(running, FIRST, SECOND, THIRD)
    resources = page(running, count=None).resources
    told = keys(resources)
    assert len(told) == len(set(told))
    referred = {key for resource in resources for key in registered(resource)}
    assert {kind for kind, _ in referred} == {"Organization", "Practitioner"}
    assert {key for key in told if key[0] in {"Organization", "Practitioner"}} == referred


def test_a_resource_is_read_as_it_stands_on_its_page(running: Running) -> None:
    delivered(running, FIRST)
    asked: dict[str, Any] = {"login": OWNER, "stores": running.stores, "uris": running.service.uris}
    on_page = page(running, count=None).resources
    assert [read_book.read_resource(kind, id_, **asked) for kind, id_ in keys(on_page)] == list(on_page)


@pytest.mark.parametrize("count", [None, 0, 1, 5])
def test_p10_the_log_says_from_where_and_how_much_was_given(running: Running, count: int | None) -> None:
    delivered(running, FIRST)
    whole = page(running, count=None)
    from_here = Position(1, 2)
    given = page(running, from_here, count)
    [entry] = running.rows("SELECT action, detail FROM audit_event ORDER BY n DESC LIMIT 1")
    expected = whole.total - 1 - 2 if count is None else count  # without the Patient and two that were passed
    assert len(given.resources) == expected
    assert (entry.action, entry.detail) == ("everything", f"1.2+{expected}")
