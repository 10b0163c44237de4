"""No action without a trace: every route and command leaves an entry in the audit log, or says why it needs none."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
import psycopg
import pytest
import requests
from click.testing import CliRunner, Result
from joserfc.jwk import ECKey, KeySet

from ehr_sync.api.access import WHO_MAY, Citizen, Sender, Staff
from ehr_sync.api.traces import UNTRACED
from ehr_sync.cli import ehr_sync
from ehr_sync.commands import noting
from ehr_sync.runtime.processes import happens
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import dossier, envelope, with_values, without_table
from ehr_sync.sandbox.dossiers.health_checks import checked, message
from ehr_sync.sandbox.world import World
from mappings.sources.city.kinds import KINDS
from tests.api import hospital
from tests.databases import Dsns
from tests.whole import site as whole
from tests.whole.site import PASSWORD, Site
from tests.whole.test_authorization import ASIDE, OPEN, ROUTES, check_of

OWNER: Final = person(31)
ASKED: Final = {"number": ASIDE.number, "name": ASIDE.name, "birthDate": f"{ASIDE.birth_date}"}
AXIS_LOGIN: Final = {"username": "benh-vien-a", "password": PASSWORD, "code": "01001"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the audit log."""

    actor: str
    action: str
    person_id: str
    detail: str


@pytest.fixture(scope="module")
def site(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With a scheduler: the owner's book is filled, and checkpoints are signed for a second place."""
    folder = tmp_path_factory.mktemp("site")
    with whole.running(module_dsns, world, folder, schedulers=1, audit_copy=str(folder / "far.jws")) as running:
        yield running


@pytest.fixture(autouse=True)
def no_repeats(site: Site) -> None:
    """What an earlier test was refused is forgotten: each refusal here is the first of its minute, and an entry."""
    with psycopg.connect(site.dsns.main) as connection:
        connection.execute("DELETE FROM repeated_refusal")


@pytest.fixture(scope="module")
def known(site: Site) -> dict[str, str]:
    """The ids of a delivered dossier of the owner."""
    told = with_values(dossier(31, person_index=31, shape="inpatient", rows=20), "XML1", NGAY_TAI_KHAM="20261230")
    sent = site.post(envelope([told])).json()
    owner = site.login(number=OWNER.number)
    assert happens(lambda: bool(site.get("/fhir/Patient", owner).json().get("entry")), 30)
    patient = site.get("/fhir/Patient", owner).json()["entry"][0]["resource"]["id"]
    entries = site.get(f"/fhir/Patient/{patient}/$everything", owner).json()["entry"]
    ids = {e["resource"]["resourceType"]: e["resource"]["id"] for e in entries}
    order = {"patient": patient, "reason": "test"}
    ordered = requests.post(f"{site.address}/api/v1/ops/resyncs", json=order, headers=site.operator(), timeout=20)
    code = sent["fileResults"][0]["hoSo"][0]["maGiaoDich"]
    changed = with_values(told, "XML1", LOI_DAN="Uống nhiều nước")
    second = site.post(envelope([changed])).json()["fileResults"][0]["hoSo"][0]["maGiaoDich"]
    named = {"patient": patient, "encounter": ids["Encounter"], "appointment": ids["Appointment"]}
    return {
        **named,
        "code": code,
        "second": second,
        "order": ordered.json()["id"],
        "review": asked_about(site),
        "check": check_of(site),
    }


def asked_about(site: Site) -> str:
    """A claim that waits for review, and about which its facility is asked."""
    site.post(envelope([dossier(34, person_index=900_009, rows=1)]))
    waits = "SELECT encode(claim_id, 'hex') FROM claim WHERE state = 'review'"
    assert happens(lambda: site.rows(waits) != [], 30)
    [(review,)] = site.rows(waits)
    address = f"{site.address}/api/v1/ops/reviews/{review}:decide"
    assert requests.post(address, json={"decision": "ask"}, headers=site.operator(), timeout=20).status_code == 200
    return str(review)


def traced(site: Site, act: Callable[[], Any]) -> tuple[Any, list[Entry]]:
    """What comes of an act, and the entries that it left; what schedulers do meanwhile is theirs."""
    [(before,)] = site.rows("SELECT coalesce(max(n), 0) FROM audit_event")
    came = act()
    query = "SELECT actor, action, person_id::text, detail FROM audit_event WHERE n > %s AND actor <> 'service'"
    return came, [Entry(a, b, c or "", d) for a, b, c, d in site.rows(query + " ORDER BY n", before)]


def allowed(site: Site, endpoint: str) -> dict[str, str]:
    match WHO_MAY[endpoint]:
        case Sender():
            return site.sender()
        case Citizen():
            return site.login(number=OWNER.number)
        case Staff():
            return site.operator()
        case _:
            return {}


def called(site: Site, known: dict[str, str], endpoint: str, headers: dict[str, str]) -> requests.Response:
    """The route, as whoever may use it would call it."""
    method, path = (ROUTES | OPEN)[endpoint]
    if endpoint == "ops.follow_resync":
        path = f"/api/v1/ops/resyncs/{known['order']}"
    bodies: dict[str, dict[str, Any]] = {
        "submissions.submit": {"data": envelope([dossier(32, rows=1)]), "headers": {"Content-Type": "application/xml"}},
        "records.submit": {"json": KINDS["allergy"].example},
        "validate.resource": {"json": {"resourceType": "Patient"}},
        "identity.parse_card": {"json": {"text": "099090000017||Nguyễn Văn Mẫu|15031990|Nam|Phố Mẫu|01012022"}},
        "verifications.verify": {"json": ASKED},
        "verifications.verify_list": {"json": {"people": [ASKED]}},
        "ops.plan_resync": {"json": {"patient": known["patient"], "dry_run": True}},
        "ops.hurry_lanes": {"json": {"patient": known["patient"]}},
        "reviews.decide": {"json": {"decision": "ask"}},
        "questions.answer": {"json": {"answer": "card_seen"}},
        "oauth.token": {"data": signed_in(site)},
        "axis.sign_in": {"json": AXIS_LOGIN},
        "axis.send": {"json": {"files": [b64encode(envelope([dossier(32, rows=1)])).decode()]}},
        "hub.sign_in": {"json": AXIS_LOGIN},
        "hub.send": {"data": message(checked(32, "Adult")), "headers": {"Content-Type": "application/json"}},
        "desk.find": {"json": {"maLK": "x"}},
        "corrections.withdraw": {"json": {"maLK": "x", "reason": "duplicate"}},
        "corrections.restore": {"json": {"maLK": "x"}},
        "corrections.reconcile": {"data": b"MA_LK\nx\n", "headers": {"Content-Type": "text/csv"}},
        "oauth.revoke": {"data": {"token": "nobodys"}},
        "fhir.search_by_post": {"data": {"_count": "1"}},
        "fhir.batch": {"json": {"resourceType": "Bundle", "type": "batch"}},
    }
    if endpoint == "desk.differences":
        path = path.replace("{code}", "{second}")
    body = bodies.get(endpoint, {})
    given = {**body.pop("headers", {}), **headers}
    return requests.request(method, site.address + path.format(**known), headers=given, timeout=30, **body)


def signed_in(site: Site, client: str = "benh-vien-a", **changed: Any) -> dict[str, str]:
    """The form of a good sign-in."""
    given: dict[str, Any] = {"iss": client, "sub": client, "aud": f"{site.address}/oauth2/token"}
    given["exp"] = int(time.time()) + 200
    return hospital.form(hospital.assertion(**(given | changed)))


@pytest.mark.parametrize("endpoint", [*ROUTES, *OPEN])
def test_every_route_leaves_an_entry_or_says_why_it_needs_none(
    site: Site, known: dict[str, str], endpoint: str
) -> None:
    answer, entries = traced(site, lambda: called(site, known, endpoint, allowed(site, endpoint)))
    assert answer.status_code < 300, answer.text
    if endpoint in UNTRACED:
        assert (entries, len(UNTRACED[endpoint].split()) > 1) == ([], True)
        return
    assert entries != []
    [line] = [each for each in site.log.splitlines() if answer.headers["X-Request-Id"] in each]
    [(n, mac)] = site.rows("SELECT n, mac FROM audit_event WHERE actor <> 'service' ORDER BY n DESC LIMIT 1")
    assert json.loads(line)["audit"] == f"{n}:{bytes(mac)[:8].hex()}"


def test_every_route_is_called_here_or_is_a_page() -> None:
    """Pages are called in tests/web/test_traces.py."""
    pages = {
        name
        for name in WHO_MAY
        if name.partition(".")[0] in {"pages", "apps", "citizen", "facility", "operator", "reference"}
    }
    assert ROUTES.keys() | OPEN.keys() | pages == WHO_MAY.keys()
    assert UNTRACED.keys() <= WHO_MAY.keys()


GUARDED: Final = list(ROUTES)


@pytest.mark.parametrize("endpoint", GUARDED)
def test_whoever_has_no_good_token_leaves_an_entry_with_reason_and_address(
    site: Site, known: dict[str, str], endpoint: str
) -> None:
    given: dict[str, dict[str, str]] = {"token.missing": {}, "token.bad": {"Authorization": "Bearer a.b.c"}}
    for why, headers in given.items():
        answer, entries = traced(site, partial(called, site, known, endpoint, headers))
        assert answer.status_code == 401
        assert entries == [Entry("nobody", f"refused {endpoint}", "", f"why={why} peer=127.0.0.1")]


@pytest.mark.parametrize("endpoint", GUARDED)
def test_whoever_may_not_is_named_by_their_entry(site: Site, known: dict[str, str], endpoint: str) -> None:
    match WHO_MAY[endpoint]:
        case Sender(scope):
            other = ({"submissions.write", "transactions.read"} - {scope}).pop()
            headers, actor = site.sender(scope=other), "client:benh-vien-a"
        case Citizen():
            headers, actor = site.login(role="ops"), "citizen:"
        case _:
            headers, actor = site.login(number=OWNER.number), "ops:"
    answer, [entry] = traced(site, lambda: called(site, known, endpoint, headers))
    assert (answer.status_code, entry.action) == (403, f"refused {endpoint}")
    assert entry.actor.startswith(actor) and "why=access.denied" in entry.detail
    assert OWNER.number not in str(entry)


@pytest.mark.parametrize(
    ("form", "why", "client"),
    [
        (lambda site: {}, "form.media_type", ""),
        (lambda site: signed_in(site, exp=int(time.time()) - 999), "assertion.expired", "benh-vien-a"),
        (lambda site: signed_in(site) | {"scope": "patient/*.read"}, "form.scope", "benh-vien-a"),
        (lambda site: signed_in(site, "nobodys-system"), "assertion.unknown_client", ""),
        (lambda site: signed_in(site, OWNER.number), "assertion.unknown_client", ""),
        (lambda site: signed_in(site) | {"client_assertion": "x"}, "assertion.malformed", ""),
        (lambda site: signed_in(site) | {"grant_type": "password"}, "form.grant_type", "benh-vien-a"),
    ],
    ids=["empty", "expired", "scope", "unknown", "a number as client", "no assertion", "other grant"],
)
def test_a_sign_in_that_fails_leaves_client_reason_and_address(
    site: Site, form: Callable[[Site], dict[str, str]], why: str, client: str
) -> None:
    given = form(site)
    answer, [entry] = traced(site, lambda: requests.post(f"{site.address}/oauth2/token", data=given, timeout=20))
    assert answer.status_code in {400, 401}
    named = f"client={client} " if client else ""
    assert entry == Entry("nobody", "refused oauth.token", "", f"why={why} {named}peer=127.0.0.1")
    [line] = [json.loads(each) for each in site.log.splitlines() if answer.headers["X-Request-Id"] in each]
    assert (line["code"], line["reason"], "dropped" in line) == (answer.json()["error"], why, False)


@pytest.mark.parametrize(
    ("changed", "why", "client"),
    [
        ({"code": ""}, "password.form", ""),
        ({"password": "sai"}, "password.wrong", "benh-vien-a"),
        ({"code": "01005"}, "password.facility", "benh-vien-a"),
        ({"username": OWNER.number}, "password.unknown_client", ""),
    ],
)
def test_a_sign_in_by_password_that_fails_leaves_the_same(
    site: Site, changed: dict[str, str], why: str, client: str
) -> None:
    address = f"{site.address}/api/auth/token/take"
    answer, [entry] = traced(site, lambda: requests.post(address, json=AXIS_LOGIN | changed, timeout=20))
    assert (answer.status_code, answer.json()["maKetQua"]) == (200, False)
    named = f"client={client} " if client else ""
    assert entry == Entry("nobody", "refused axis.sign_in", "", f"why={why} {named}peer=127.0.0.1")


def test_anothers_transaction_asked_for_by_the_axiss_path_is_an_entry_of_whom_it_concerns(
    site: Site, known: dict[str, str]
) -> None:
    path = f"/api/kcb/tra-cuu-trang-thai/{known['code']}"
    answer, [entry] = traced(site, lambda: site.get(path, site.sender("benh-vien-b")))
    assert (answer.status_code, answer.json()["maKetQua"]) == (200, "404")
    assert entry == Entry("client:benh-vien-b", "refused life line", known["patient"], known["code"])


def test_a_token_that_is_given_back_in_vain_leaves_reason_and_address(site: Site) -> None:
    form = {"token": "", "client_id": OWNER.number}
    answer, [entry] = traced(site, lambda: requests.post(f"{site.address}/oauth2/revoke", data=form, timeout=20))
    assert answer.status_code == 400
    assert entry == Entry("nobody", "refused oauth.revoke", "", "why=app.form peer=127.0.0.1")


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        ("transactions.follow", "/api/v1/transactions/GDnone"),
        ("ops.trace_transaction", f"/api/v1/ops/transactions/GD{'A' * 29}"),
        ("ops.list_transactions", "/api/v1/ops/transactions?patient=11111111-1111-8111-8111-111111111111"),
        ("ops.follow_resync", "/api/v1/ops/resyncs/11111111-1111-8111-8111-111111111111"),
        ("fhir.read", "/fhir/Encounter/x"),
    ],
)
def test_what_is_not_found_is_an_entry(site: Site, endpoint: str, path: str) -> None:
    answer, [entry] = traced(site, lambda: site.get(path, allowed(site, endpoint)))
    assert (answer.status_code, entry.action.startswith("refused")) == (404, True)


def made_current(site: Site, code: str, client: str) -> requests.Response:
    path = f"{site.address}/api/v1/transactions/{code}:make-current"
    return requests.post(path, headers=site.sender(client), timeout=20)


def test_a_refused_make_current_is_an_entry_in_the_log_of_whom_it_concerns(site: Site, known: dict[str, str]) -> None:
    answer, [entry] = traced(site, lambda: made_current(site, known["code"], "benh-vien-b"))
    assert answer.status_code == 404
    assert entry == Entry("client:benh-vien-b", "refused make current", known["patient"], known["code"])


def test_make_current_of_a_version_without_its_summary_is_an_entry(site: Site) -> None:
    waits = without_table(dossier(33, person_index=33, rows=8), "XML1")
    code = site.post(envelope([waits])).json()["fileResults"][0]["hoSo"][0]["maGiaoDich"]
    answer, [entry] = traced(site, lambda: made_current(site, code, "benh-vien-a"))
    assert (answer.status_code, entry.action, entry.detail) == (409, "refused make current", code)


@pytest.mark.parametrize("query", ["", "?state=open&limit=1", "?state=parked"])
def test_a_list_of_patients_ids_is_an_entry_that_says_how_many(site: Site, known: dict[str, str], query: str) -> None:
    answer, [entry] = traced(site, lambda: site.get(f"/api/v1/ops/lanes{query}", site.operator()))
    listed = len(answer.json()["lanes"])
    state = f"state={query[7:].partition('&')[0]} " if query else ""
    assert (entry.action, entry.detail) == ("list lanes", f"{state}listed={listed}")


# ---- commands ----


def commands() -> dict[str, click.Command]:
    """Every command of click's tree by its words."""

    def below(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
        if not isinstance(command, click.Group):
            yield " ".join(words), command
            return
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from below(found, (*words, name))

    return dict(below(ehr_sync, ()))


def reason_of(command: str) -> str:
    """Why a command, or the group that it is in, leaves no entry."""
    return noting.UNTRACED.get(command, noting.UNTRACED.get(command.partition(" ")[0], ""))


RUN: Final[dict[str, tuple[str, str]]] = {
    "app add": ("ung-dung --name-vi Một --name-en One --redirect https://app.example/back", "add app"),
    "app remove": ("ung-dung", "remove app"),
    "client add": ("may-moi --name Máy --jwks {jwks} --facility 01001 --facility 01005::2030-01-01", "add client"),
    "client keys": ("benh-vien-b --jwks {jwks}", "set client keys"),
    "client password": ("benh-vien-b", "set client password"),
    "client grant": ("benh-vien-b 01001::2026-12-31", "grant facilities"),
    "client disable": ("benh-vien-b", "disable client"),
    "client enable": ("benh-vien-b", "enable client"),
    "facility add": ("01099 --name Mới --same-place-as 01001", "add facility"),
    "destination resume": ("nowhere", "refused resume destination"),
    "doubles": ("", "look for doubles"),
    "hurry": ("--patient {patient}", "hurry lanes"),
    "lockout end": ("01001", "end lock-out"),
    "remap": ("--all --dry-run", "plan remap"),
    "resync": ("--patient {patient} --reason ticket-17", "order resync"),
    "review show": ("{review}", "look at review"),
    "review ask": ("{review}", "ask about review"),
    "review reject": ("{review} --reason typed_wrong", "reject review"),
    "review undo": ("{review}", "undo review"),
    "review accept": ("{review} --reason documents_agree", "accept review"),
    "trace": ("{patient}", "trace"),
    "show": ("lanes", "list lanes"),
    "keys accept-signing": ("--yes", "accept signing key"),
    "reconcile": ("{list} --facility 01001 --month 2026-10", "reconcile list"),
    "verify batch": ("{people} {list}.answers --facility 01001", "verify list"),
    "withdraw": ("{list} --facility 01001 --reason duplicate", "withdraw"),
    "restore": ("{list} --facility 01001", "restore"),
    "erase": ("{patient} --yes", "erase"),
}
"""How each command is run, and an entry that it must leave."""
ELSEWHERE: Final = {"staff grant", "staff end", "break-glass", "terminology load", "terminology withdraw"}
"""Commands that ask for a number, a key or a file: tests/commands/test_staff.py, tests/usecases/test_break_glass.py and
tests/commands/test_terminology.py read their entries.
"""


def test_every_command_is_run_here_or_says_why_it_leaves_no_entry() -> None:
    assert [name for name in commands() if not reason_of(name) and name not in {*RUN, *ELSEWHERE}] == []
    assert [name for name in RUN if name not in commands() or reason_of(name)] == []
    groups = {name.partition(" ")[0] for name in commands()}
    assert noting.UNTRACED.keys() <= commands().keys() | groups


@pytest.mark.parametrize("command", RUN)
def test_every_command_leaves_an_entry_without_the_name_of_whoever_typed_it(
    site: Site, known: dict[str, str], tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "nguyenvana")
    (tmp_path / "keys.jwks").write_text(json.dumps(hospital.jwks()))
    (tmp_path / "list.csv").write_text(f"MA_GIAO_DICH\n{known['second']}\n")
    (tmp_path / "people.csv").write_text("SO_CCCD,HO_TEN,NGAY_SINH\n,NGUYỄN VĂN MẪU,1990\n")
    arguments, action = RUN[command]
    files = {"jwks": tmp_path / "keys.jwks", "list": tmp_path / "list.csv", "people": tmp_path / "people.csv"}
    words = [*command.split(), *arguments.format(**files, **known).split()]
    done, entries = traced(site, lambda: CliRunner().invoke(ehr_sync, words, env=dict(site.environment)))
    assert done.exit_code == 0 or command == "destination resume", (done.output, done.exception)
    assert action in [entry.action for entry in entries]
    assert {entry.actor[:4] for entry in entries} == {"ops:"}
    assert "nguyenvana" not in str(entries)


def test_what_a_command_could_not_do_leaves_no_entry_that_says_it_did(site: Site) -> None:
    words = ["client", "disable", "nobodys-system"]
    done, entries = traced(site, lambda: CliRunner().invoke(ehr_sync, words, env=dict(site.environment)))
    assert (done.exit_code, entries) == (2, [])


def test_the_whole_log_with_what_workers_and_schedulers_wrote_of_it_verifies(site: Site, known: dict[str, str]) -> None:
    logs = [str(path) for path in sorted(site.folder.glob("*.log"))]
    assert '"event":"audited"' in site.log and len(logs) == 2
    done = verified(site, "--log", *logs)
    assert (done.exit_code, "anchors in logs" in done.output) == (0, True), done.output


def verified(site: Site, *arguments: str) -> Result:
    return CliRunner().invoke(ehr_sync, ["audit", "verify", *arguments], env=dict(site.environment))


def test_the_signed_copy_is_read_back_by_itself_or_where_it_is_said_to_be(
    site: Site, known: dict[str, str], tmp_path: Path
) -> None:
    copy = site.folder / "far.jws"
    assert happens(copy.exists, 30)
    changed = tmp_path / "changed.jws"
    changed.write_text(copy.read_text().replace("e", "f", 1))
    assert verified(site).exit_code == 0
    done = verified(site, "--copy", str(changed))
    assert (done.exit_code, done.output) == (1, f"line 1 of the copy {changed} is not signed by this service\n")
    copy.write_text(copy.read_text() + changed.read_text())
    assert verified(site).exit_code == 1


def test_former_keys_are_a_key_set_or_it_is_said(site: Site, tmp_path: Path) -> None:
    former, other = tmp_path / "former.jwks", tmp_path / "other.jwks"
    former.write_text(json.dumps(KeySet([ECKey.generate_key("P-256", auto_kid=True)]).as_dict(private=False)))
    other.write_text("[]")
    assert (
        verified(site, "--copy", str(former), "--keys", str(former)).exit_code == 1
    )  # no copy, and no complaint of it
    assert "JSON Web Key Set" in verified(site, "--keys", str(other)).output
