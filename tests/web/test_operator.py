"""The operator's console: the numbers are those of the database, each leads to what it counts, and no content shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any, Final
from uuid import UUID

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from ehr_sync.api.access import WHO_MAY, Page
from ehr_sync.bootstrap_web import web_application
from ehr_sync.commands.overview import show, status
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.city.staff import OPERATOR, WORKERS
from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.sandbox.serving.asking import post_json
from ehr_sync.sandbox.world import World
from ehr_sync.store.register import REGISTER
from tests import given
from tests.api.web import calling
from tests.lender import Lender
from tests.usecases.service import Running, number_of
from tests.web import morning
from tests.web.browsing import Visitor
from tests.web.desks import a_desk
from tests.whole.site import bearer, leaks, words_of

FIGURE: Final = re.compile(r'(?:href="([^"]*)" )?data-figure="([^"]+)">([^<]+)<')
LISTS: Final = ("submissions", "claims", "reviews", "lanes", "facilities", "quality", "resyncs", "audit")
OURS: Final = "11111111-1111-8111-8111-111111111111"
PAGES: Final[dict[str, tuple[str, str]]] = {
    "operator.home": ("GET", "/ops"),
    "operator.show_list": ("GET", "/ops/lanes"),
    "operator.patient": ("GET", f"/ops/patients/{OURS}"),
    "operator.transaction": ("GET", f"/ops/transactions/GD{'A' * 29}"),
    "operator.find": ("POST", "/ops/transactions"),
    "operator.choose": ("GET", "/ops/resyncs/new"),
    "operator.plan": ("POST", "/ops/resyncs/plan"),
    "operator.order": ("POST", "/ops/resyncs"),
    "operator.resync": ("GET", f"/ops/resyncs/{OURS}"),
    "operator.hurry": ("POST", "/ops/lanes/hurry"),
    "operator.verify": ("POST", "/ops/audit/verify"),
    "operator.review": ("GET", f"/ops/reviews/{'00' * 16}"),
    "operator.decide": ("POST", f"/ops/reviews/{'00' * 16}"),
}


@pytest.fixture
def played(desk: Running) -> Running:
    """The service after a morning."""
    morning.play(desk)
    return desk


@pytest.fixture(scope="module")
def seen(lender: Lender, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The same, for tests that only look."""
    with a_desk(lender, world, tmp_path_factory.mktemp("seen")) as running:
        morning.play(running)
        yield running


@pytest.fixture(scope="module")
def onlooker(seen: Running) -> Visitor:
    """An operator, signed in, who changes nothing."""
    return signed_in(seen)


@pytest.fixture
def console(played: Running) -> Visitor:
    """An operator, signed in, after the morning."""
    return signed_in(played)


def signed_in(desk: Running) -> Visitor:
    made = Visitor(calling(web_application(desk.service)))
    made.sign_in(OPERATOR.number, "ops")
    return made


def figures(page: str) -> dict[str, str]:
    """The numbers of a page by their names."""
    return {unescape(name): value for _, name, value in FIGURE.findall(page)}


def one(desk: Running, statement: str, **values: Any) -> Any:
    [[value]] = desk.rows(statement, **values)
    return value


# ---- who may enter ----


def test_every_page_of_the_console_is_walked_here() -> None:
    assert {name for name, who in WHO_MAY.items() if who == Page("ops")} == PAGES.keys()


@pytest.mark.parametrize("who", ["nobody", "a citizen", "a facility's person", "an operator at a level too low"])
def test_nobody_but_an_operator_sees_any_page_of_it(seen: Running, who: str) -> None:
    desk = seen
    made = Visitor(calling(web_application(desk.service)))
    number = {"a citizen": number_of(0), "a facility's person": WORKERS["01001"].number}.get(who)
    if number:
        made.sign_in(number, "ops")
    for endpoint, (method, path) in PAGES.items():
        token = re.search(r'name="csrf_token" value="([^"]+)"', made.get("/ops").text)
        data = {"csrf_token": token.group(1) if token else "", "scope": "all", "value": ""}
        answer = made.client.open(path, method=method, data=data if method == "POST" else None)
        assert "data-figure" not in answer.text, endpoint
        assert answer.status_code in ({403, 200} if path == "/ops" else {303}), endpoint
    assert desk.counts("resync") == {"resync": 0}


@pytest.mark.parametrize("path", ["status", *LISTS])
def test_the_api_of_it_is_for_operators(seen: Running, path: str) -> None:
    client = calling(web_application(seen.service))
    issuer = seen.world.issuer_url
    for wish in ({"number": number_of(0)}, {"number": number_of(0), "role": "ops"}, {"role": "ops"}):
        token = bearer(post_json(f"{issuer}/token", wish)["access_token"])
        assert client.get(f"/api/v1/ops/{path}", headers=token).status_code == 403
    assert client.get(f"/api/v1/ops/{path}").status_code == 401
    assert client.get(f"/api/v1/ops/{path}", headers=api(seen)).status_code == 200


def api(desk: Running) -> dict[str, str]:
    wish = {"number": OPERATOR.number, "role": "ops"}
    return bearer(post_json(f"{desk.world.issuer_url}/token", wish)["access_token"])


# ---- the numbers ----


def test_the_numbers_are_those_of_the_database(onlooker: Visitor, seen: Running) -> None:
    told = figures(onlooker.get("/ops").text)
    pushes = "SELECT count(*) FROM delivery WHERE outcome = 'delivered' AND person_id <> :nobody"
    counted = {
        "accepted.1h": "SELECT count(*) FROM record_version",
        "accepted.24h": "SELECT count(*) FROM record_version",
        "refused.1h": "SELECT count(*) FROM piece WHERE number_mark IS NOT NULL",
        "refused.24h": "SELECT count(*) FROM piece WHERE number_mark IS NOT NULL",
        "delivered.1h": pushes,
        "delivered.24h": pushes,
        "waiting.verify": "SELECT count(*) FROM claim WHERE state = 'due'",
        "waiting.held": "SELECT count(*) FROM claim WHERE state NOT IN ('due', 'proven')",
        "waiting.deliver": "SELECT count(*) FROM lane WHERE due_at IS NOT NULL",
        "waiting.unknown": "SELECT count(*) FROM lane WHERE state = 'unknown'",
        "waiting.parked": "SELECT count(*) FROM lane WHERE state = 'parked'",
        "claims.not_proven.registry.no_match": "SELECT count(*) FROM claim WHERE reason = 'registry.no_match'",
        "claims.due.": "SELECT count(*) FROM claim WHERE state = 'due'",
        "freshness.dossiers": "SELECT 3",
        "schedulers": "SELECT 1",
    }
    wanted = {n: str(one(seen, sql, **({"nobody": REGISTER} if sql == pushes else {}))) for n, sql in counted.items()}
    reason = one(seen, "SELECT reason FROM lane WHERE state = 'parked'")
    assert told == wanted | {f"lanes.parked.{reason}": "1"}
    named = ("accepted.1h", "refused.1h", "delivered.1h", "waiting.held", "waiting.parked")
    assert [wanted[name] for name in named] == ["6", "1", "3", "1", "1"]


def test_page_api_metrics_and_command_say_the_same(
    onlooker: Visitor, seen: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = figures(onlooker.get("/ops").text)
    told = onlooker.client.get("/api/v1/ops/status", headers=api(seen)).get_json()
    scraped = metrics(onlooker)
    said = run(seen, monkeypatch, status, "--json")
    for name in ("accepted", "refused", "delivered"):
        hours = told["by_hour"][name]
        assert page[f"{name}.24h"] == str(sum(hours)) == str(int(scraped[f"{name}_24h", "", ""]))
        assert sum(said["by_hour"][name]) == sum(hours)
    for kind, gauge in (("claims", "claims_not_proven"), ("lanes", "lanes_late")):
        on_page = {name: value for name, value in page.items() if name.startswith(f"{kind}.")}
        assert on_page == {f"{kind}.{e['state']}.{e['reason']}": str(e["count"]) for e in told[kind]}
        counted = {(gauge, e["state"], e["reason"]): float(e["count"]) for e in told[kind]}
        assert counted == {key: value for key, value in scraped.items() if key[0] == gauge}
        assert said[kind] == told[kind]
    assert (told["well"], scraped["well", "", ""]) == (False, 0.0)
    assert codes(told) == codes(said) == ["lanes.parked"]


def metrics(console: Visitor) -> dict[tuple[str, str, str], float]:
    """What /metrics says: by name, state and reason."""
    families = text_string_to_metric_families(console.client.get("/metrics").text)
    return {
        (s.name.removeprefix("ehr_sync_"), s.labels.get("state", ""), s.labels.get("reason", "")): s.value
        for family in families
        for s in family.samples
    }


def codes(told: dict[str, Any]) -> list[str]:
    return [each["code"] for each in told["complaints"]]


def run(desk: Running, monkeypatch: pytest.MonkeyPatch, command: Any, *words: str) -> Any:
    settings = {name: str(getattr(desk.service.settings, name)) for name in ("dsn", "key_dsn", "key_file")}
    for name, value in given.variables(desk.world, **settings).items():
        monkeypatch.setenv(name, value)
    said = CliRunner().invoke(command, words)
    assert said.exit_code in {0, 1}, said.output
    return json.loads(said.output)


def test_how_long_dossiers_took_is_their_median_and_their_nineteen_of_twenty(desk: Running) -> None:
    morning.employ(desk)
    for n, index in enumerate(range(880, 885)):
        desk.post(dossier(index, person_index=index, rows=2))
        desk.settle()
        desk.run(
            "UPDATE record_version v SET accepted_at = d.ended_at - make_interval(secs => :took) FROM delivery d"
            " WHERE d.person_id = v.person_id AND v.accepted_at > clock_timestamp() - interval '1 minute'",
            took=100.0 * (n + 1),
        )
    told = signed_in(desk).client.get("/api/v1/ops/status", headers=api(desk)).get_json()["freshness"]
    assert (told["dossiers"], told["p50_seconds"], told["p95_seconds"]) == (5, 300.0, 500.0)


def test_what_is_told_again_by_a_resync_is_not_fresh_again(desk: Running) -> None:
    morning.employ(desk)
    desk.post(dossier(880, person_index=880, rows=2))
    desk.settle()
    desk.run("UPDATE delivery SET started_at = started_at - interval '2 hours'")
    client = signed_in(desk)
    choose(client, "all", "")
    client.press("/ops/resyncs", reason="test")
    desk.resync()
    desk.settle()
    assert (
        one(desk, "SELECT count(*) FROM delivery WHERE outcome = 'delivered' AND person_id <> :who", who=REGISTER) == 2
    )
    # Another process: this one keeps its figures for a while.
    other = calling(web_application(desk.service))
    assert other.get("/api/v1/ops/status", headers=api(desk)).get_json()["freshness"] is None


# ---- every number leads to what it counts ----


def test_every_number_of_what_waits_leads_to_a_list_with_as_many_rows(onlooker: Visitor) -> None:
    page = onlooker.get("/ops").text
    links = {unescape(n): (unescape(href), value) for href, n, value in FIGURE.findall(page) if "state=" in href}
    assert len(links) >= 8
    rows = {name: onlooker.get(href).text.partition("<tbody>")[2].count("<tr>") for name, (href, _) in links.items()}
    assert rows == {name: int(value) for name, (_, value) in links.items()}


# ---- no content ----


def walk(client: Visitor) -> Iterator[tuple[str, str]]:
    """Every page of the console that links lead to, beginning at home."""
    left, seen = ["/ops", "/ops/resyncs/new"], set[str]()
    while left:
        path = left.pop()
        seen.add(path)
        text = client.get(path).text
        yield path, text
        found = {unescape(href) for href in re.findall(r'href="(/ops[^"#]*)"', text)}
        left += sorted(found - seen - set(left))


def test_p11_no_page_shows_a_name_a_number_a_ma_lk_or_a_diagnosis(onlooker: Visitor) -> None:
    words = words_of(morning.PEOPLE)
    for index in morning.PEOPLE:
        summary = dossier(index, person_index=index, rows=3).summary
        words |= {summary[name] for name in ("MA_LK", "MA_BN", "CHAN_DOAN_RV") if summary.get(name)}
    pages = dict(walk(onlooker))
    assert len(pages) > 20
    # Whoever reviews has to see which names differ, and nothing else of anybody.
    names = {name for index in morning.PEOPLE for name in (person(index).name, person(index).name.title())}
    found = {path: set(leaks(text, words)) for path, text in pages.items()}
    told = {path: each - names if path.startswith("/ops/reviews/") else each for path, each in found.items()}
    assert {path: each for path, each in told.items() if each} == {}
    assert [path for path in pages if any(word in path for word in words)] == []


def test_p10_looking_at_one_person_is_an_entry_and_so_is_reading_the_log(console: Visitor, played: Running) -> None:
    patient = one(played, "SELECT person_id FROM lane WHERE state = 'parked'")
    # What came for them, and their lanes, are two things that are read.
    for path, entries in ((f"/ops/patients/{patient}", 2), (f"/ops/audit?patient={patient}", 1)):
        before = one(played, "SELECT count(*) FROM audit_event WHERE person_id = :who", who=patient)
        assert console.get(path).status_code == 200
        assert one(played, "SELECT count(*) FROM audit_event WHERE person_id = :who", who=patient) == before + entries


def test_p10_a_list_of_one_patient_is_an_entry_of_that_patient(console: Visitor, played: Running) -> None:
    patient = one(played, "SELECT person_id FROM lane WHERE state = 'parked'")
    assert console.get(f"/ops/lanes?patient={patient}").status_code == 200
    [(whose, action)] = played.rows("SELECT person_id, action FROM audit_event ORDER BY n DESC LIMIT 1")
    assert (whose, action) == (patient, "list lanes")


def test_what_was_sent_from_a_hospitals_page_is_found_by_its_sender(console: Visitor, played: Running) -> None:
    played.run(GENERATED[0].replace("'bv'", "'page:01001'"), n=2)
    answer = console.client.get("/api/v1/ops/submissions?client=page:01001", headers=api(played))
    assert [row["client"] for row in answer.get_json()["submissions"]] == ["page:01001"] * 2


# ---- lists, page by page ----


@pytest.mark.parametrize(
    ("what", "query", "sql"),
    [
        ("submissions", "", "SELECT count(*) FROM submission"),
        ("lanes", "", "SELECT count(*) FROM lane"),
        ("lanes", "state=parked&", "SELECT count(*) FROM lane WHERE state = 'parked'"),
        ("lanes", "state=due&", "SELECT count(*) FROM lane WHERE due_at IS NOT NULL"),
        ("claims", "state=review&", "SELECT count(*) FROM claim WHERE state = 'review'"),
        ("reviews", "kind=possible&", "SELECT count(*) FROM claim WHERE grade = 'possible' AND state <> 'proven'"),
        ("claims", "state=held&", "SELECT count(*) FROM claim WHERE state NOT IN ('due', 'proven')"),
        ("facilities", "", "SELECT count(*) FROM facility"),
        ("resyncs", "", "SELECT count(*) FROM resync"),
    ],
)
@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_paging_walks_everything_once(made: Running, what: str, query: str, sql: str, limit: int) -> None:
    client, headers = calling(web_application(made.service)), api(made)
    path, found = f"/api/v1/ops/{what}?{query}limit={limit}", list[str]()
    while path:
        answer = client.get(path, headers=headers).get_json()
        assert len(answer[what]) <= limit
        found += [json.dumps(row, sort_keys=True) for row in answer[what]]
        path = answer["next"]
    assert len(found) == len(set(found)) == one(made, sql)
    assert len(found) > 5


@pytest.fixture(scope="module")
def made(lender: Lender, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Rows of every list, some of the same time, so that an id must tell them apart."""
    with a_desk(lender, world, tmp_path_factory.mktemp("made")) as running:
        morning.employ(running)
        for statement in GENERATED:
            running.run(statement, n=20)
        yield running


GENERATED: Final = (
    "INSERT INTO submission (submission_id, client_id, received_at, media_type, wrapped_key)"
    " SELECT decode(lpad(to_hex(i), 32, '0'), 'hex'), 'bv', now() - (i / 3) * interval '1 s', 'xml', '' FROM"
    " generate_series(1, :n) i",
    "INSERT INTO claim (claim_id, person_id, state, grade, facts, created_at)"
    " SELECT decode(lpad(to_hex(i), 32, '0'), 'hex'), gen_random_uuid(),"
    " (ARRAY['review', 'not_proven', 'proven'])[i % 3 + 1], 'possible', '', now() - (i / 5) * interval '1 s'"
    " FROM generate_series(1, :n) i",
    "INSERT INTO lane (person_id, destination, want, state, due_at, since) SELECT lpad(to_hex(i / 2), 32, '0')::uuid,"
    " 'so-' || i % 2, 1, CASE WHEN i % 3 = 0 THEN 'parked' ELSE 'open' END,"
    " CASE WHEN i % 3 = 1 THEN now() END, now() FROM generate_series(1, :n) i",
    "INSERT INTO facility (code, family_id, name) SELECT '02' || lpad(i::text, 3, '0'), '02' || lpad(i::text, 3, '0'),"
    " 'x' FROM generate_series(1, :n) i",
    "INSERT INTO resync (resync_id, scope, ordered_by, reason, state, total, created_at)"
    " SELECT gen_random_uuid(), '{}', 'x', '', 'done', 1, now() - (i / 4) * interval '1 s'"
    " FROM generate_series(1, :n) i",
)


@pytest.mark.parametrize(
    "query",
    [
        "state=x",
        "state=held&x=1",
        "after=x",
        "after=2026-01-01~zz",
        "reason=%27",
        "client=a",
        "limit=0",
        "state=due&state=due",
    ],
)
def test_a_filter_that_is_none_is_refused_and_never_ignored(onlooker: Visitor, seen: Running, query: str) -> None:
    answer = onlooker.client.get(f"/api/v1/ops/claims?{query}", headers=api(seen))
    assert (answer.status_code, answer.get_json()["code"]) == (400, "request.parameter")


@pytest.mark.parametrize("query", ["state=x", "x=099200001234", "after=x", "reason=%3Cb%3E"])
def test_on_a_page_a_filter_that_is_none_is_told_without_being_followed(onlooker: Visitor, query: str) -> None:
    answer = onlooker.get(f"/ops/claims?{query}")
    assert (answer.status_code, "không hiểu được" in answer.text) == (400, True)
    assert "099200001234" not in answer.text
    assert "<b>" not in answer.text


# ---- resync, send again ----


def choose(client: Visitor, scope: str, value: str) -> str:
    client.get("/ops/resyncs/new")
    return client.press("/ops/resyncs/plan", scope=scope, value=value).text


def test_a_resync_is_counted_ordered_and_followed_to_its_end(console: Visitor, played: Running) -> None:
    lanes = one(played, "SELECT count(*) FROM lane")
    text = choose(console, "all", "")
    assert sum(int(value) for value in figures(text).values()) == lanes
    assert played.counts("resync") == {"resync": 0}
    ordered = console.press("/ops/resyncs", reason="yc-17")
    assert ordered.status_code == 303
    page = console.get(ordered.headers["Location"]).text
    assert '<meta http-equiv="refresh"' in page
    assert f'max="{2 * lanes}"' in page
    assert 'value="0"' in page
    played.resync()
    played.settle()
    played.resync()
    page = console.get(ordered.headers["Location"]).text
    assert ('<meta http-equiv="refresh"' in page, f'value="{2 * lanes}"' in page) == (False, True)
    [row] = played.rows("SELECT actor, detail FROM audit_event WHERE action = 'order resync'")
    assert (row.actor[:4], row.detail) == ("ops:", ordered.headers["Location"].rpartition("/")[2])


@pytest.mark.parametrize(
    ("scope", "value"),
    [
        ("patient", "x"),
        ("patient", OURS),
        ("patient", "099200001234"),
        ("facility", "99999"),
        ("destination", "nowhere"),
        ("all", "x"),
        ("", ""),
        ("parked", "a b"),
    ],
)
def test_an_order_of_nobody_is_told_and_never_one_for_all(
    onlooker: Visitor, seen: Running, scope: str, value: str
) -> None:
    text = choose(onlooker, scope, value)
    assert ('role="alert"' in text, "099200001234" in text) == (True, False)
    assert seen.counts("resync") == {"resync": 0}


def test_parked_lanes_of_one_reason_are_sent_again_and_no_others(console: Visitor, played: Running) -> None:
    reason = one(played, "SELECT reason FROM lane WHERE state = 'parked'")
    played.run(
        "UPDATE lane SET state = 'parked', reason = 'another', parked_want = 1 WHERE person_id = ("
        " SELECT min(person_id::text)::uuid FROM lane WHERE state = 'open' AND person_id <> :who)",
        who=REGISTER,
    )
    listed = console.get(f"/ops/lanes?state=parked&reason={reason}").text
    assert listed.count("<tr>") == 2
    counted = console.press("/ops/resyncs/plan")
    assert figures(counted.text) == {"plan.parked": "1"}
    console.press("/ops/resyncs", reason="")
    played.resync()
    assert [row.reason for row in played.rows("SELECT reason FROM lane WHERE state = 'parked'")] == ["another"]


def test_lanes_that_wait_are_hurried_from_the_page(console: Visitor, played: Running) -> None:
    put_off = "UPDATE lane SET due_at = clock_timestamp() + interval '1 hour', since = now()"
    played.run(f"{put_off} WHERE person_id <> :who AND state = 'open'", who=REGISTER)
    console.get("/ops/lanes?state=due")
    assert "3 làn" in console.press("/ops/lanes/hurry").text
    assert one(played, "SELECT count(*) FROM lane WHERE due_at > clock_timestamp()") == 0


# ---- a person, a maGiaoDich ----


def test_a_ma_giao_dich_leads_to_its_person_and_back(console: Visitor, played: Running) -> None:
    code = played.post(dossier(morning.DELIVERED[0], person_index=morning.DELIVERED[0], rows=3)).transaction_code
    console.get("/ops")
    found = console.press("/ops/transactions", code=f" {code} ")
    assert found.headers["Location"] == f"/ops/transactions/{code}"
    patient = played.person_of(person(morning.DELIVERED[0]).number)
    assert f"/ops/patients/{patient}" in console.get(found.headers["Location"]).text
    assert code in console.get(f"/ops/patients/{patient}").text


@pytest.mark.parametrize("code", ["", "GDX", "../..", "099200001234", "<b>"])
def test_a_code_that_is_none_is_not_found(onlooker: Visitor, code: str) -> None:
    onlooker.get("/ops")
    answer = onlooker.get(onlooker.press("/ops/transactions", code=code).headers["Location"])
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


# ---- the audit log ----


def test_the_log_is_searched_by_who_what_whose_and_when(console: Visitor, played: Running) -> None:
    client, headers = console.client, api(played)

    def found(query: str) -> list[Any]:
        return list(client.get(f"/api/v1/ops/audit?{query}", headers=headers).get_json()["audit"])

    patient = str(one(played, "SELECT person_id FROM lane WHERE state = 'parked'"))
    assert {row["patient"] for row in found(f"patient={patient}")} == {patient}
    assert {row["action"] for row in found("action=push")} == {"push"}
    actor = found("action=push")[0]["actor"]
    assert {row["actor"] for row in found(f"actor={actor}")} == {actor}
    played.run("UPDATE audit_event SET at = '2026-01-02T03:00:00Z' WHERE n <= 3")
    assert [row["n"] for row in found("until=2026-01-03")] == [3, 2, 1]
    assert [row["n"] for row in found("since=2026-01-02T09:59:59&until=2026-01-02T10:00:01")] == [3, 2, 1]
    assert found("since=2099-01-01") == []
    assert 3 not in [row["n"] for row in found("since=2026-01-03&limit=1000")]


def test_the_log_is_walked_once_while_it_grows(console: Visitor, played: Running) -> None:
    there = one(played, "SELECT max(n) FROM audit_event")
    path, walked = "/api/v1/ops/audit?limit=7", list[int]()
    while path:
        answer = console.client.get(path, headers=api(played)).get_json()
        walked += [row["n"] for row in answer["audit"]]
        path = answer["next"]
    assert walked == list(range(there, 0, -1))


def test_the_log_is_verified_from_the_page_and_over_http(console: Visitor, played: Running) -> None:
    console.get("/ops/audit")
    assert "còn nguyên như lúc ghi" in console.press("/ops/audit/verify").text
    played.run("UPDATE audit_event SET detail = 'x' WHERE n = 2")
    console.get("/ops/audit")
    assert "entry 2 was changed" in console.press("/ops/audit/verify").text
    told = console.client.post("/api/v1/ops/audit:verify", headers=api(played)).get_json()
    assert told["faults"] == ["entry 2 was changed, or put in"]


# ---- is it well? ----


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("DELETE FROM scheduler", "scheduler.none"),
        ("UPDATE scheduler SET seen_at = clock_timestamp() - interval '31 s'", "scheduler.none"),
        ("UPDATE destination SET paused = 'book.status_503'", "book.paused"),
        ("UPDATE destination SET paused = 'book.lost_data', asks = true", "book.asks"),
        ("UPDATE destination SET fenced = false", "book.not_fenced"),
        ("UPDATE claim SET created_at = now() - interval '16 min' WHERE state = 'due'", "verify.late"),
        (
            "UPDATE claim SET contradicted_at = now(), contradiction = 'registry.no_match' WHERE state = 'proven'",
            "claims.contradicted",
        ),
        ("UPDATE lane SET due_at = now(), since = now() - interval '16 min'", "deliver.late"),
        ("UPDATE lane SET state = 'unknown', since = now() - interval '16 min', due_at = now()", "lanes.unknown"),
        ("UPDATE audit_event SET at = now() - interval '11 min' WHERE n = 1", "audit.unanchored"),
        (
            "INSERT INTO claim (claim_id, person_id, state, facts, due_at, family, attempts)"
            " SELECT decode(lpad(to_hex(i), 32, '0'), 'hex'), gen_random_uuid(), 'due', '', now(), '', 1"
            " FROM generate_series(1, 10) i",
            "registry.fails",
        ),
    ],
    ids=lambda value: value if "." in value and " " not in value else "",
)
def test_what_is_not_well_is_said_first_and_leads_on(played: Running, wrong: str, code: str) -> None:
    played.run("UPDATE lane SET state = 'open', reason = '' WHERE state = 'parked'")
    played.run("DELETE FROM destination")
    played.run("INSERT INTO destination (name, fenced) VALUES ('so-suc-khoe', true)")
    assert "Dịch vụ ổn." in signed_in(played).get("/ops").text
    played.run(wrong)
    client = signed_in(played)
    text = client.get("/ops").text
    assert ("Dịch vụ ổn." in text, "<h1>Chưa ổn: " in text) == (False, True)
    href = re.findall(rf'href="([^"]+)" data-complaint="{re.escape(code)}"', text)
    assert len(href) == 1, text
    assert client.get(unescape(href[0])).status_code == 200
    assert code in codes(client.client.get("/api/v1/ops/status", headers=api(played)).get_json())


def test_the_command_shows_what_the_pages_show(seen: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    told = run(seen, monkeypatch, show, "lanes", "--filter", "state=parked", "--json")
    [lane] = told["lanes"]
    assert UUID(lane["patient"]) == one(seen, "SELECT person_id FROM lane WHERE state = 'parked'")
    assert CliRunner().invoke(show, ["lanes", "--filter", "state=x"]).exception is not None
    for what in LISTS:
        assert what in run(seen, monkeypatch, show, what, "--json")
    as_csv = CliRunner().invoke(show, ["facilities", "--csv"]).stdout
    assert as_csv.splitlines()[0] == "code,family,name,clients,last_sent_at"


def test_the_api_gives_any_list_as_csv(seen: Running) -> None:
    client = calling(web_application(seen.service))
    answer = client.get("/api/v1/ops/lanes?limit=1", headers={**api(seen), "Accept": "text/csv"})
    heads, row = answer.data.decode("utf-8-sig").splitlines()
    assert heads.split(",")[:2] == ["patient", "destination"] and UUID(row.split(",")[0])
    assert answer.headers["Link"].startswith("</api/v1/ops/lanes?") and 'rel="next"' in answer.headers["Link"]
