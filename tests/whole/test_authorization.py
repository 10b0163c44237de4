"""Every route and every kind of caller: who is let in, who hears what, and that foreign looks like unknown."""

from __future__ import annotations

import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import UUID

import pytest
import requests
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from ehr_sync.api.access import WHO_MAY, Anyone, Citizen, Sender, Staff
from ehr_sync.runtime.processes import happens
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.city.staff import OPERATOR
from ehr_sync.sandbox.dossiers.generator import dossier, envelope
from ehr_sync.sandbox.dossiers.health_checks import file, health_check, message
from ehr_sync.sandbox.world import World
from mappings.sources.city.kinds import KINDS
from tests.api import hospital
from tests.api.described import Described
from tests.databases import Dsns
from tests.whole import site as whole
from tests.whole.axis_client import AxisClient, AxisError
from tests.whole.site import Site, bearer

LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
OWNER, STRANGER = person(1), person(2)
ASIDE: Final = person(3)  # of whom there is no record
NOBODYS: Final = "11111111-1111-8111-8111-111111111111"

ROUTES: Final[dict[str, tuple[str, str]]] = {
    "submissions.submit": ("POST", "/api/v1/submissions"),
    "records.submit": ("POST", "/api/v1/records/allergy"),
    "axis.send": ("POST", "/api/kcb/xml/qd3176/guiHoSoXml"),
    "axis.follow": ("GET", "/api/kcb/tra-cuu-trang-thai/{code}"),
    "hub.send": ("POST", "/api/v1/medical-record/ksk-lien-thong/kham-suc-khoe"),
    "validate.resource": ("POST", "/fhir/Patient/$validate"),
    "identity.parse_card": ("POST", "/api/v1/identity/parse-card"),
    "verifications.verify": ("POST", "/api/v1/verifications?facility=01001"),
    "verifications.verify_list": ("POST", "/api/v1/verifications:batch?facility=01001"),
    "verifications.find": ("GET", "/api/v1/verifications/{check}"),
    "quality.show": ("GET", "/api/v1/quality"),
    "desk.show_day": ("GET", "/api/v1/days/2026-01-31"),
    "desk.list_day": ("GET", "/api/v1/days/2026-01-31/dossiers"),
    "desk.list_work": ("GET", "/api/v1/work"),
    "desk.find": ("POST", "/api/v1/dossiers:find"),
    "desk.versions": ("GET", "/api/v1/transactions/{code}/versions"),
    "desk.differences": ("GET", "/api/v1/transactions/{code}/differences"),
    "desk.keys": ("GET", "/api/v1/keys"),
    "corrections.withdraw": ("POST", "/api/v1/dossiers:withdraw"),
    "corrections.restore": ("POST", "/api/v1/dossiers:restore"),
    "corrections.reconcile": ("POST", "/api/v1/dossiers:reconcile?month=2026-10"),
    "transactions.follow": ("GET", "/api/v1/transactions/{code}"),
    "transactions.make_current": ("POST", "/api/v1/transactions/{code}:make-current"),
    "transactions.keep_apart": ("POST", "/api/v1/transactions/{code}:keep-apart"),
    "fhir.batch": ("POST", "/fhir"),
    "fhir.everything": ("GET", "/fhir/Patient/{patient}/$everything"),
    "fhir.history": ("GET", "/fhir/Encounter/{encounter}/_history"),
    "fhir.history_of_type": ("GET", "/fhir/Encounter/_history"),
    "fhir.read": ("GET", "/fhir/Encounter/{encounter}"),
    "fhir.search": ("GET", "/fhir/Observation?patient={patient}"),
    "fhir.search_by_post": ("POST", "/fhir/Observation/_search"),
    "fhir.summary": ("GET", "/fhir/Patient/{patient}/$summary"),
    "fhir.vread": ("GET", "/fhir/Encounter/{encounter}/_history/1"),
    "book.download": ("GET", "/api/v1/book/fhir"),
    "book.summary": ("GET", "/api/v1/book/summary"),
    "book.appointments": ("GET", "/api/v1/book/appointments"),
    "book.calendar": ("GET", "/api/v1/book/appointments/{appointment}.ics"),
    "book.papers": ("GET", "/api/v1/book/papers"),
    "book.waiting": ("GET", "/api/v1/book/waiting"),
    "book.who_looked": ("GET", "/api/v1/book/who-looked"),
    "ops.plan_resync": ("POST", "/api/v1/ops/resyncs"),
    "ops.follow_resync": ("GET", f"/api/v1/ops/resyncs/{NOBODYS}"),
    "ops.tell_status": ("GET", "/api/v1/ops/status"),
    "ops.show_list": ("GET", "/api/v1/ops/lanes"),
    "ops.verify_audit": ("POST", "/api/v1/ops/audit:verify"),
    "ops.hurry_lanes": ("POST", "/api/v1/ops/lanes:hurry"),
    "ops.list_transactions": ("GET", "/api/v1/ops/transactions?patient={patient}"),
    "ops.trace_transaction": ("GET", "/api/v1/ops/transactions/{code}"),
    "reviews.look": ("GET", "/api/v1/ops/reviews/{review}"),
    "reviews.decide": ("POST", "/api/v1/ops/reviews/{review}:decide"),
    "questions.show": ("GET", "/api/v1/questions"),
    "questions.answer": ("POST", "/api/v1/questions/{review}:answer"),
}
OPEN: Final[dict[str, tuple[str, str]]] = {
    "problems.explain": ("GET", "/problems/not_found"),
    "rules.all": ("GET", "/api/v1/rules"),
    "records.show_schema": ("GET", "/api/v1/records/allergy/schema"),
    "openapi.document": ("GET", "/openapi.json"),
    "health.alive": ("GET", "/healthz"),
    "health.ready": ("GET", "/readyz"),
    "health.metrics": ("GET", "/metrics"),
    "oauth.token": ("POST", "/oauth2/token"),
    "axis.sign_in": ("POST", "/api/auth/token/take"),
    "hub.sign_in": ("POST", "/api/v1/resource/authentication/login"),
    "oauth.jwks": ("GET", "/.well-known/jwks.json"),
    "oauth.smart_configuration": ("GET", "/.well-known/smart-configuration"),
    "oauth.openid_configuration": ("GET", "/.well-known/openid-configuration"),
    "oauth.revoke": ("POST", "/oauth2/revoke"),
    "fhir.metadata": ("GET", "/fhir/metadata"),
}

PAGES: Final = frozenset({"pages", "apps", "citizen", "facility", "operator", "reference"})


@pytest.fixture(scope="module")
def site(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With a scheduler: the owner's book is filled."""
    with whole.running(module_dsns, world, tmp_path_factory.mktemp("site"), schedulers=1) as running:
        yield running


@pytest.fixture(scope="module")
def known(site: Site) -> dict[str, str]:
    """A delivered dossier of the owner and one of the stranger, and every id in the owner's book by type."""
    sent = [dossier(n, person_index=n, shape="inpatient", rows=30) for n in (1, 2)]
    results = site.post(envelope(sent)).json()["fileResults"][0]["hoSo"]
    code = str(results[0]["maGiaoDich"])
    for number in (OWNER.number, STRANGER.number):
        assert _is_shown(site, number)
    found: dict[str, str] = {e["resource"]["resourceType"]: e["resource"]["id"] for e in _entries(site, OWNER.number)}
    patient = found["Patient"]
    everything = site.get(f"/fhir/Patient/{patient}/$everything", site.login(number=OWNER.number)).json()["entry"]
    found |= {e["resource"]["resourceType"]: e["resource"]["id"] for e in everything}
    named = {"patient": patient, "encounter": found["Encounter"], "appointment": found.get("Appointment", NOBODYS)}
    return {**found, **named, "code": code, "review": "00" * 16, "check": check_of(site)}


def check_of(site: Site) -> str:
    """By what a facility asks again whom it asked about."""
    asked = {"number": ASIDE.number, "name": ASIDE.name, "birthDate": f"{ASIDE.birth_date}"}
    address = f"{site.address}/api/v1/verifications?facility=01001"
    return str(requests.post(address, json=asked, headers=site.sender(), timeout=20).json()["code"])


def _is_shown(site: Site, number: str) -> bool:
    return happens(lambda: _entries(site, number) != [], 30)


def _entries(site: Site, number: str) -> list[Any]:
    return list(site.get("/fhir/Patient", site.login(number=number)).json().get("entry", []))


def foreign_key_token(site: Site, **claims: Any) -> dict[str, str]:
    """Signed by a key that is nobody's, for everything at once."""
    key = ECKey.generate_key("P-256", {"kid": "x"})
    good = {
        **{"iss": site.address, "aud": site.address, "sub": "benh-vien-a", "client_id": "benh-vien-a"},
        **{"scope": "submissions.write transactions.read", "exp": int(time.time()) + 200, "iat": int(time.time())},
        **{"personal_number": OWNER.number, "roles": ["ops"], "jti": "x"},
    }
    header = {"alg": "ES256", "kid": "x", "typ": "at+jwt"}
    return bearer(jws.serialize_compact(header, json.dumps(good | claims), key, algorithms=["ES256"]))


def symmetric_token(site: Site) -> dict[str, str]:
    """Signed with the service's public key as if it were a secret (RFC 8725 section 2.1)."""
    public = site.get("/.well-known/jwks.json").json()["keys"][0]
    key = OctKey.import_key(json.dumps(public).encode())
    claims = {"iss": site.address, "aud": site.address, "client_id": "benh-vien-a", "scope": "submissions.write"}
    header = {"alg": "HS256", "kid": public["kid"], "typ": "at+jwt"}
    return bearer(jws.serialize_compact(header, json.dumps(claims), key, algorithms=["HS256"]))


def unsigned_token(site: Site) -> dict[str, str]:
    """Of nobody, by nobody: alg none."""
    kid = site.get("/.well-known/jwks.json").json()["keys"][0]["kid"]
    parts = ({"alg": "none", "kid": kid, "typ": "at+jwt"}, {"client_id": "benh-vien-a", "scope": "submissions.write"})
    return bearer(".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".")


CALLERS: Final[dict[str, Callable[[Site], dict[str, str]]]] = {
    "nobody": lambda site: {},
    "garbage": lambda site: bearer("a.b.c"),
    "password": lambda site: {"Authorization": "Basic YTpi"},
    "foreign key": foreign_key_token,
    "public key as secret": symmetric_token,
    "no signature": unsigned_token,
    "assertion instead of token": lambda site: bearer(hospital.assertion(aud=site.address, exp=int(time.time()) + 99)),
    "expired login": lambda site: site.login(number=OWNER.number, role="ops", claims={"exp": int(time.time()) - 60}),
    "other audience": lambda site: site.login(number=OWNER.number, role="ops", claims={"aud": "somebody-else"}),
    "other issuer": lambda site: site.login(number=OWNER.number, role="ops", claims={"iss": site.address}),
    "no subject": lambda site: site.login(number=OWNER.number, role="ops", claims={"sub": None}),
    "subject with a NUL": lambda site: site.login(number=OWNER.number, role="ops", claims={"sub": "a\0b"}),
    "subject of 256 letters": lambda site: site.login(number=OWNER.number, role="ops", claims={"sub": "a" * 256}),
    "no end": lambda site: site.login(number=OWNER.number, role="ops", claims={"exp": None}),
    "not yet": lambda site: site.login(number=OWNER.number, role="ops", claims={"nbf": int(time.time()) + 999}),
    "an ID token": lambda site: site.login(number=OWNER.number, role="ops", claims={"nonce": "n", "azp": "portal"}),
    "a logout token": lambda site: site.login(number=OWNER.number, role="ops", claims={"events": {LOGOUT: {}}}),
    "ten years": lambda site: site.login(number=OWNER.number, role="ops", seconds=315_360_000),
    "no type": lambda site: site.login(number=OWNER.number, role="ops", header={"typ": "JWT"}),
    "number in a list": lambda site: site.login(number=OWNER.number, claims={"personal_number": [OWNER.number]}),
    "number with a blank": lambda site: site.login(number=OWNER.number, claims={"personal_number": OWNER.number + " "}),
    "roles as a text": lambda site: site.login(role="ops", claims={"roles": "ops"}),
}


def asked(site: Site, known: dict[str, str], endpoint: str, headers: dict[str, str]) -> requests.Response:
    method, path = (ROUTES | OPEN)[endpoint]
    kind = {"Content-Type": "application/json"} if method == "POST" else {}
    return requests.request(method, site.address + path.format(**known), headers={**kind, **headers}, timeout=30)


def test_every_route_of_the_api_is_in_this_table() -> None:
    """Pages know visitors by their session: tests/web/test_rooms.py."""
    api = {name: who for name, who in WHO_MAY.items() if name.partition(".")[0] not in PAGES}
    assert ROUTES.keys() | OPEN.keys() == api.keys()
    assert {name for name, who in api.items() if isinstance(who, Anyone)} == OPEN.keys()


@pytest.mark.parametrize("caller", CALLERS)
def test_nobody_without_a_good_token_is_let_in_anywhere(site: Site, known: dict[str, str], caller: str) -> None:
    headers = CALLERS[caller](site)
    answers = {endpoint: asked(site, known, endpoint, headers) for endpoint in ROUTES}
    assert {endpoint: answer.status_code for endpoint, answer in answers.items()} == dict.fromkeys(ROUTES, 401)
    assert all(answer.headers["WWW-Authenticate"].startswith("Bearer ") for answer in answers.values())


def test_the_wrong_kind_of_caller_is_let_in_nowhere(site: Site, known: dict[str, str]) -> None:
    callers = {
        Sender: site.sender(),
        Citizen: site.login(number=OWNER.number),
        Staff: site.login(role="ops"),
    }
    heard = {
        (kind.__name__, endpoint): asked(site, known, endpoint, headers).status_code
        for kind, headers in callers.items()
        for endpoint in ROUTES
        if not isinstance(WHO_MAY[endpoint], kind)
    }
    assert {key: status for key, status in heard.items() if status not in {401, 403}} == {}


@pytest.mark.parametrize(
    ("endpoint", "scope"),
    [
        ("submissions.submit", "transactions.read"),
        ("transactions.follow", "submissions.write"),
        ("transactions.make_current", "transactions.read"),
    ],
)
def test_a_token_is_good_for_its_scope_only(site: Site, known: dict[str, str], endpoint: str, scope: str) -> None:
    assert asked(site, known, endpoint, site.sender(scope=scope)).status_code == 403


def test_a_role_of_another_name_is_no_operator(site: Site, known: dict[str, str]) -> None:
    for role in ("OPS", "ops ", "admin", "citizen"):
        assert asked(site, known, "ops.show_list", site.login(role=role, number=OPERATOR.number)).status_code == 403


@pytest.mark.parametrize("wish", [{}, {"number": OWNER.number}, {"number": "099000000000"}], ids=str)
def test_a_role_that_only_the_provider_claims_opens_nothing(
    site: Site, known: dict[str, str], wish: dict[str, str]
) -> None:
    assert asked(site, known, "ops.show_list", site.login(role="ops", **wish)).status_code == 403


def test_a_post_opens_nothing_to_a_token_that_was_not_given_for_it(site: Site, known: dict[str, str]) -> None:
    assert asked(site, known, "ops.show_list", site.login(number=OPERATOR.number)).status_code == 403


@pytest.mark.parametrize("endpoint", OPEN)
def test_what_is_open_needs_no_token(site: Site, known: dict[str, str], endpoint: str) -> None:
    is_refused = endpoint in {"oauth.token", "oauth.revoke", "hub.sign_in"}
    assert asked(site, known, endpoint, {}).status_code == (400 if is_refused else 200)


def told(response: requests.Response, *ids: str) -> tuple[int, str, dict[str, str]]:
    """All that an answer tells, but for its own id, the time and the ids asked for."""
    incident = response.headers["X-Request-Id"]
    text = response.text.replace(incident, "")
    for id_ in ids:
        text = text.replace(id_, "")
    return response.status_code, text, {k: v for k, v in response.headers.items() if k not in {"Date", "X-Request-Id"}}


@pytest.mark.parametrize("action", ["{}", "{}:make-current", "{}:keep-apart"])
def test_another_hospitals_transaction_looks_like_an_unknown_one(
    site: Site, known: dict[str, str], action: str
) -> None:
    method = "POST" if ":" in action else "GET"
    unknown = f"GD{'A' * 29}"
    answers = [
        requests.request(
            method,
            f"{site.address}/api/v1/transactions/{action.format(code)}",
            headers=site.sender("benh-vien-b"),
            timeout=20,
        )
        for code in (known["code"], unknown)
    ]
    assert answers[0].status_code == 404
    assert told(answers[0], known["code"]) == told(answers[1], unknown)


def test_another_citizens_resources_of_every_type_look_like_unknown_ones(site: Site, known: dict[str, str]) -> None:
    stranger = site.login(number=STRANGER.number)
    # An Organization or Practitioner is the same for everybody; the owner's own may be the stranger's too.
    own = {type_: id_ for type_, id_ in known.items() if type_[0].isupper()} | {"Patient": known["patient"]}
    different = {}
    for type_, id_ in own.items():
        if type_ in {"Organization", "Practitioner"}:
            continue
        for form in ("{}", "{}?_format=json", "{}/_history", "{}/_history/1"):
            path = f"/fhir/{type_}/{form}"
            answers = [site.get(path.format(x), stranger) for x in (id_, NOBODYS)]
            if told(answers[0], id_) != told(answers[1], NOBODYS) or answers[0].status_code != 404:
                different[type_] = answers[0].status_code
    assert (different, len(own) > 8) == ({}, True)


@pytest.mark.parametrize(
    "path",
    [
        "/fhir/Patient/{}/$everything",
        "/fhir/Patient/{}/$summary",
        "/fhir/Observation?patient={}",
        "/fhir/Observation?subject=Patient/{}&_sort=-date",
        "/fhir/Device?patient={}",
    ],
)
def test_another_citizens_book_looks_like_an_unknown_one(site: Site, known: dict[str, str], path: str) -> None:
    stranger = site.login(number=STRANGER.number)
    answers = [site.get(f"/fhir/{path.format(x)}", stranger) for x in (known["patient"], NOBODYS)]
    assert answers[0].status_code == 404
    assert told(answers[0], known["patient"]) == told(answers[1], NOBODYS)


def test_a_foreign_read_is_noted_in_the_owners_log(site: Site, known: dict[str, str]) -> None:
    def noted() -> int:
        # The first of a minute is an entry, those that repeat it are counted for one more.
        entries = "SELECT count(*) FROM audit_event WHERE person_id = %s AND action LIKE 'refused%%'"
        again = "SELECT coalesce(sum(again), 0) FROM repeated_refusal WHERE person_id = %s"
        return sum(int(site.rows(query, UUID(known["patient"]))[0][0]) for query in (entries, again))

    before = noted()
    stranger = site.login(number=STRANGER.number)
    for path in (
        f"Patient/{known['patient']}",
        f"Encounter/{known['encounter']}",
        f"Observation?patient={known['patient']}",
    ):
        site.get(f"/fhir/{path}", stranger)
    assert noted() == before + 3


@pytest.mark.parametrize(
    "id_",
    [
        "%00",
        "a%00b",
        "..%2f..",
        "%2e%2e",
        "'%20OR%201=1--",
        "%ff%fe",
        "x" * 3_000,
        "%F0%9F%92%A9",
        "{patient}%0d%0aX-A:%20b",
    ],
)
@pytest.mark.parametrize("path", ["Patient/{}", "Observation/{}", "Patient/{}/$everything", "Observation?patient={}"])
def test_an_id_that_is_none_is_unknown_and_no_error(site: Site, known: dict[str, str], path: str, id_: str) -> None:
    answer = site.get(f"/fhir/{path.format(id_.format(**known))}", site.login(number=OWNER.number))
    assert answer.status_code == 404
    assert "X" not in answer.headers


@pytest.mark.parametrize(
    "code", ["%00", "GD%00", "GD" + "A" * 3_000, "GD" + "1" * 29, "gd" + "a" * 29, "%ff", "GD" + "%C4%80" * 29]
)
def test_a_code_that_is_none_is_unknown_and_no_error(site: Site, code: str) -> None:
    assert site.get(f"/api/v1/transactions/{code}", site.sender()).status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"5", b"null", b'{"all": "true"}', b"{}", b'{"facility": {"a": 1}}',
     b'{"patient": "x\\u0000"}', b'{"all": true, "reason": "NGUYEN VAN A"}',
     b'{"all": true, "reason": "099099000001"}', b"[" * 9_000, b'{"all": true, "all": false, "x": 1}',
     b'{"destination": "a\\nb"}'],
)  # fmt: skip
@pytest.mark.parametrize("path", ["resyncs", "lanes:hurry"])
def test_an_order_that_is_none_is_refused(site: Site, body: bytes, path: str) -> None:
    headers = {**site.operator(), "Content-Type": "application/json"}
    answer = requests.post(f"{site.address}/api/v1/ops/{path}", data=body, headers=headers, timeout=20)
    assert answer.status_code == 400
    assert "NGUYEN" not in answer.text


@pytest.mark.parametrize(
    "query", ["state=x", "after=x", "after=%00", "limit=0", "limit=-1", "limit=1e3", "limit=99999"]
)
def test_a_list_that_is_none_is_refused(site: Site, query: str) -> None:
    assert site.get(f"/api/v1/ops/lanes?{query}", site.operator()).status_code == 400


def test_no_operator_sees_content(site: Site, known: dict[str, str]) -> None:
    shown = site.get("/api/v1/ops/lanes", site.operator()).text
    assert known["patient"] in shown
    assert whole.leaks(shown, whole.words_of((1, 2))) == []


@pytest.mark.parametrize(
    "claims",
    [{"jti": 5}, {"jti": ["x"]}, {"exp": "soon"}, {"exp": float("nan")}, {"exp": float("inf")},
     {"exp": 10**400}, {"exp": True}, {"aud": {"a": 1}},
     {"iss": "benh-vien-a\x00"}, {"iss": ["benh-vien-a"]}, {"sub": None}],
)  # fmt: skip
def test_an_assertion_with_odd_claims_is_refused_and_no_error(site: Site, claims: dict[str, Any]) -> None:
    names = {"iss": "benh-vien-a", "sub": "benh-vien-a", "aud": f"{site.address}/oauth2/token"}
    given: dict[str, Any] = {**names, "exp": int(time.time()) + 99, **claims}
    form = hospital.form(hospital.assertion(**given))
    answer = requests.post(f"{site.address}/oauth2/token", data=form, timeout=20)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def axis_client(site: Site, **changed: str) -> AxisClient:
    login = {"username": "benh-vien-a", "password": whole.PASSWORD, "facility": "01001"}
    return AxisClient(site.address, **{**login, **changed})


def test_a_client_of_the_hanoi_axis_works_where_only_its_host_was_changed(site: Site, known: dict[str, str]) -> None:
    client, visits = axis_client(site), [envelope([dossier(n, person_index=n)]) for n in (33, 34)]
    transactions = client.send(*visits)
    assert len(set(transactions)) == 2
    assert client.send(*visits) == transactions
    assert happens(lambda: {client.state(each) for each in transactions} == {"delivered"}, 30)


def test_a_client_of_the_hanoi_axis_hears_why_it_is_refused(site: Site, known: dict[str, str]) -> None:
    refusals: dict[str, Callable[[], object]] = {
        "Tên đăng nhập": axis_client(site, password="sai").send,
        "Mã cơ sở (code)": axis_client(site, facility="01005").send,
        "Đã tiếp nhận 0 hồ sơ, từ chối 1": lambda: axis_client(site).send(b"<none/>"),
        "Không có giao dịch": lambda: axis_client(site, username="benh-vien-b", facility="01005").state(known["code"]),
    }
    for said, refuse in refusals.items():
        with pytest.raises(AxisError, match=f"^{re.escape(said)}"):
            refuse()


def test_a_client_of_the_health_record_hub_works_where_only_its_host_was_changed(site: Site) -> None:
    def called(endpoint: str, **given: Any) -> Any:
        return requests.post(f"{site.address}{(ROUTES | OPEN)[endpoint][1]}", timeout=30, **given)

    token = called("hub.sign_in", json={"username": "benh-vien-a", "password": whole.PASSWORD}).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    sent = message(file(health_check(35, person(35))))
    taken, again = (called("hub.send", data=sent, headers=headers).json() for _ in range(2))
    assert (taken["status"], taken["maGiaoDich"]) == (200, again["maGiaoDich"])
    address = f"/api/kcb/tra-cuu-trang-thai/{taken['maGiaoDich']}"
    assert happens(lambda: site.get(address, headers).json()["trangThai"] == "delivered", 30)
    foreign = called("hub.send", data=message(file(health_check(36, person(36), facility="01005"))), headers=headers)
    assert (foreign.status_code, foreign.json()["status"], foreign.json()["maGiaoDich"]) == (200, 403, "")
    assert called("hub.sign_in", json={"username": "benh-vien-a", "password": "sai"}).status_code == 401


def test_a_record_in_json_is_taken_tried_and_followed_by_its_sender_alone(site: Site) -> None:
    def send(query: str = "", **changed: object) -> Any:
        headers = {**site.sender(), "Content-Type": "application/json", "Accept-Language": "en"}
        body = {**KINDS["allergy"].example, "facility": "01001", "id": "DU-HTTP", **changed}
        return requests.post(
            f"{site.address}/api/v1/records/allergy{query}", json=body, headers=headers, timeout=30
        ).json()

    tried = send("?dry_run=true")
    assert (tried["status"], tried["maGiaoDich"], tried["dryRun"]) == ("accepted", "", True)
    kinds = [entry["resource"]["resourceType"] for entry in tried["fhir"]["entry"]]
    assert kinds == ["AllergyIntolerance", "Provenance"]
    taken = send()
    assert (taken["status"], taken["id"], taken["issues"]) == ("accepted", "DU-HTTP", [])
    assert send()["maGiaoDich"] == taken["maGiaoDich"]
    address = f"/api/v1/transactions/{taken['maGiaoDich']}"
    assert site.get(address, site.sender()).json()["maGiaoDich"] == taken["maGiaoDich"]
    assert site.get(address, site.sender("benh-vien-b")).status_code == 404
    refused = send(facility="01005", subtsance="Trứng")
    told = [(issue["code"], issue["path"]) for issue in refused["issues"]]
    assert (refused["status"], told) == (
        "refused",
        [("form.field_unknown", "/subtsance"), ("facility.not_yours", "/facility")],
    )


BODIES: Final[dict[str, dict[str, object]]] = {
    "submissions.submit": {"files": ["PGEvPg=="]},
    "records.submit": {**KINDS["allergy"].example, "facility": "01001"},
    "axis.send": {"files": ["PGEvPg=="]},
    "axis.sign_in": {"username": "benh-vien-a", "password": whole.PASSWORD, "code": "01001"},
    "hub.send": {"data": {"content": "PGEvPg=="}},
    "hub.sign_in": {"username": "benh-vien-a", "password": whole.PASSWORD},
    "validate.resource": {"resourceType": "Patient"},
    "identity.parse_card": {"text": "099090000017||Nguyễn Văn Mẫu|15031990|Nam|Phố Mẫu|01012022"},
    "verifications.verify": {"number": person(21).number, "name": person(21).name, "birthDate": "1990"},
    "verifications.verify_list": {"people": [{"name": "NGUYỄN VĂN MẪU", "birthDate": "1990"}]},
    "desk.find": {"maLK": "LK-1"},
    "corrections.withdraw": {"maLK": "LK-1", "reason": "duplicate"},
    "corrections.restore": {"maLK": "LK-1"},
    "fhir.search_by_post": {"_count": "1"},
    "fhir.batch": {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": "Patient"}}],
    },
    "ops.plan_resync": {"all": True, "dry_run": True},
    "ops.hurry_lanes": {"facility": "01001"},
    "reviews.decide": {"decision": "ask"},
    "questions.answer": {"answer": "card_seen"},
}


def test_every_answer_is_as_the_api_describes_it(site: Site, known: dict[str, str]) -> None:
    described = Described(site.get("/openapi.json").json())
    callers = {Sender: site.sender(), Citizen: site.login(number=OWNER.number), Staff: site.operator()}
    faults: dict[tuple[str, int], list[str]] = {}
    heard: dict[str, int] = {}
    for endpoint, (method, path) in (ROUTES | OPEN).items():
        address, body = path.format(**known), BODIES.get(endpoint)
        for right, headers in ((True, callers.get(type(WHO_MAY[endpoint]), {})), (False, {})):
            sent: dict[str, Any] = {"data" if endpoint == "fhir.search_by_post" else "json": body}
            if endpoint == "corrections.reconcile":
                sent = {"data": b"MA_LK\nLK-1\n"}
            kind = {"Content-Type": "text/csv"} if endpoint == "corrections.reconcile" else {}
            answer = requests.request(method, site.address + address, headers={**headers, **kind}, timeout=60, **sent)
            found = described.faults(method, address, answer.status_code, answer.headers, answer.content)
            heard |= {endpoint: answer.status_code} if right else {}
            faults |= {(endpoint, answer.status_code): found} if found else {}
    assert faults == {}
    refused = {endpoint: status for endpoint, status in heard.items() if status >= 300}
    # Nothing of the kind is there; a token wants a form.
    not_there = {"book.calendar": 404, "desk.differences": 404, "ops.follow_resync": 404}
    not_there |= {"reviews.look": 404, "reviews.decide": 404, "questions.answer": 404}
    assert refused == {**not_there, "oauth.revoke": 400, "oauth.token": 400}


def test_nothing_of_all_this_was_an_unexpected_error(site: Site) -> None:
    assert "unexpected_error" not in site.log
