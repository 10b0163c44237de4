"""Whoever can write the main database turns no edge: what decides who is who and who may send is sealed, and what does
not fit is 503 and an alert, never somebody else's book. The thief has SQL and a token of their own, and no key.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from sqlalchemy import text

from ehr_sync import bootstrap
from ehr_sync.bootstrap import Service
from ehr_sync.bootstrap_web import web_application
from ehr_sync.commands import edges as command
from ehr_sync.runtime.logs import make_log
from ehr_sync.sandbox.dossiers.generator import corrected, dossier, envelope
from ehr_sync.sandbox.serving.asking import post_json
from ehr_sync.sandbox.world import World
from ehr_sync.settings import settings_of
from ehr_sync.store import clients
from ehr_sync.usecases.book.erase_person import erase_person
from tests import given
from tests.api import hospital
from tests.api.web import calling
from tests.databases import Dsns
from tests.usecases.service import number_of

VICTIM, THIEF, ERASED = 861, 862, 863
DISABLED, ENDED = "benh-vien-cu", "benh-vien-moi"
# Children before parents, as foreign keys want it.
TABLES: Final = ("client_facility", "client", "facility", "identifier", "claim", "person")


@dataclass(frozen=True, slots=True)
class Town:
    """Two citizens with books, one who was erased, and what the thief saw of all rows before and knows of them now."""

    service: Service
    web: FlaskClient
    log: io.StringIO
    world: World
    environment: Mapping[str, str] = field(repr=False)
    known: dict[str, Any] = field(repr=False)

    def sql(self, statement: str, **more: Any) -> list[Any]:
        """What the thief does to the main database."""
        with self.service.stores.database.begin() as connection:
            result = connection.execute(text(statement), {**self.known, **more})
            return list(result) if result.returns_rows else []

    def patient(self, who: int) -> tuple[int, str]:
        """What a citizen gets of GET /fhir/Patient: the status, and the Patient's id or the problem's code."""
        token = post_json(f"{self.world.issuer_url}/token", {"number": number_of(who)})["access_token"]
        answer = self.web.get("/fhir/Patient", headers={"Authorization": f"Bearer {token}"})
        found = answer.get_json()
        if answer.status_code != 200:
            return answer.status_code, str(found["issue"][0]["diagnostics"]).partition("(")[2].partition(",")[0]
        return 200, found["entry"][0]["resource"]["id"] if found["total"] else ""

    def token(self, client_id: str = hospital.CLIENT_ID, **signed: Any) -> tuple[int, str]:
        """What a client gets of POST /oauth2/token: the status, and the token or the code."""
        assertion = hospital.assertion(iss=client_id, sub=client_id, exp=int(time.time()) + 200, **signed)
        answer = self.web.post("/oauth2/token", data=hospital.form(assertion))
        said = answer.get_json()
        return answer.status_code, said.get("access_token") or said.get("code") or said["error"]

    def submit(self, bearer: str, body: bytes) -> tuple[int, Any]:
        """What a client gets of POST /api/v1/submissions."""
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/xml"}
        answer = self.web.post("/api/v1/submissions", data=body, headers=headers)
        return answer.status_code, answer.get_json()

    def verify(self) -> tuple[int, str]:
        """ehr-sync edges verify: its exit code, and what it says."""
        result = CliRunner(env=dict(self.environment)).invoke(command.edges, ["verify"])
        return result.exit_code, result.output


@pytest.fixture(scope="module")
def built(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The town, with copies of its rows as they were before the proofs and before the erasure (schemas by name)."""
    world.clear()
    keys = given.key_file_in(tmp_path_factory.mktemp("keys"))
    databases = {"dsn": module_dsns.main, "key_dsn": module_dsns.keys}
    ours = given.settings(world, **databases, key_file=str(keys), spool_folder=str(keys.parent))
    log = io.StringIO()
    opened = bootstrap.open_service(settings_of(ours))
    service = Service(opened.settings, opened.stores, opened.key_database, opened.uris, make_log("info", log))
    environment = {f"EHR_SYNC_{name.upper()}": value for name, value in ours.items()}
    web = calling(web_application(service))
    town = Town(service, web, log, world, environment, {"hospital": hospital.CLIENT_ID})
    _register(town)
    _live(town)
    yield town
    opened.close()


def _register(town: Town) -> None:
    keys, scopes = town.service.stores.keys, {"submissions.write", "transactions.read"}
    with town.service.stores.database.begin() as connection:
        for code in ("01001", "01002"):
            clients.add_facility(connection, keys, code, name="Bệnh viện mẫu")
        for name in (hospital.CLIENT_ID, DISABLED, ENDED):
            clients.add_client(connection, keys, name, name=name, jwks=hospital.jwks(), scopes=scopes)
            clients.grant(connection, keys, name, "01001")


def _live(town: Town) -> None:
    stores = town.service.stores
    body = envelope([dossier(one, person_index=one, rows=2) for one in (VICTIM, THIEF, ERASED)])
    status, _ = town.submit(town.token()[1], body)
    assert status == 200
    _copy(town, "yesterday")
    bootstrap.verification(town.service).run_dry()
    _copy(town, "proven")
    for name, who in (("victim", VICTIM), ("thief", THIEF), ("erased", ERASED)):
        town.known[name] = UUID(town.patient(who)[1])
    erase_person(town.known["erased"], by="ops", stores=stores)
    with stores.database.begin() as connection:
        clients.disable_client(connection, stores.keys, DISABLED, stores.database.now())
    with stores.database.begin() as connection:
        clients.grant(connection, stores.keys, ENDED, "01001", valid_to=clients.ALWAYS)
    for name in ("victim", "thief"):
        [row] = town.sql(f"SELECT mark FROM identifier WHERE person_id = :{name}")  # noqa: S608 - our own names
        town.known[f"{name}_mark"] = row.mark
        [row] = town.sql(f"SELECT proven_claim FROM person WHERE person_id = :{name}")  # noqa: S608
        town.known[f"{name}_claim"] = row.proven_claim
    _copy(town, "today")


def _copy(town: Town, schema: str) -> None:
    town.sql(f"CREATE SCHEMA {schema}")
    for table in TABLES:
        town.sql(f"CREATE TABLE {schema}.{table} AS TABLE public.{table}")


@pytest.fixture
def town(built: Town) -> Iterator[Town]:
    """The town as it is today, also after the thief was there."""
    built.log.seek(0)
    built.log.truncate()
    yield built
    for table in TABLES:
        built.sql(f"DELETE FROM public.{table}")  # noqa: S608
    for table in reversed(TABLES):
        built.sql(f"INSERT INTO public.{table} SELECT * FROM today.{table}")  # noqa: S608


def test_without_an_attack_both_read_their_own_book_and_every_edge_fits(town: Town) -> None:
    assert [town.patient(who) for who in (VICTIM, THIEF)] == [
        (200, str(town.known["victim"])),
        (200, str(town.known["thief"])),
    ]
    assert town.patient(ERASED) == (200, "")
    assert town.verify() == (0, "Every edge fits its seal and the audit log.\n")


# What the thief does; who meets it; what ehr-sync edges verify says of it.
READING: Final[Mapping[str, tuple[str, int, str]]] = {
    "my number leads to your book": (
        "UPDATE identifier SET person_id = :victim WHERE mark = :thief_mark",
        THIEF,
        "identifier",
    ),
    "your number leads to my book": (
        "UPDATE identifier SET person_id = :thief WHERE mark = :victim_mark",
        VICTIM,
        "identifier",
    ),
    "two numbers change places": (
        "UPDATE identifier SET person_id = CASE person_id WHEN :thief THEN :victim ELSE :thief END",
        THIEF,
        "identifier",
    ),
    "two numbers change places with their seals": (
        "UPDATE identifier i SET person_id = o.person_id, seal = o.seal, sealed_at = o.sealed_at FROM identifier o"
        " WHERE o.mark <> i.mark",
        THIEF,
        "identifier",
    ),
    "your row gets my number": (
        "WITH gone AS (DELETE FROM identifier WHERE mark = :thief_mark)"
        " UPDATE identifier SET mark = set_byte(mark, 0, 255 - get_byte(mark, 0)) WHERE mark = :victim_mark",
        VICTIM,
        "identifier",
    ),
    "your number is taken out": ("DELETE FROM identifier WHERE mark = :victim_mark", VICTIM, "edge"),
    "your number loses its seal": ("UPDATE identifier SET seal = NULL WHERE mark = :victim_mark", VICTIM, "identifier"),
    "your number says that it never changed": (
        "UPDATE identifier SET sealed_at = 0 WHERE mark = :victim_mark",
        VICTIM,
        "identifier",
    ),
    "I am proven by your claim": (
        "UPDATE person SET proven_claim = :victim_claim WHERE person_id = :thief",
        THIEF,
        "person",
    ),
    "I was moved into you": (
        "UPDATE person SET state = 'merged', merged_into = :victim WHERE person_id = :thief",
        THIEF,
        "person",
    ),
    "you are not proven any more": (
        "UPDATE person SET state = 'provisional' WHERE person_id = :victim",
        VICTIM,
        "person",
    ),
    "you were erased": (
        "UPDATE person SET state = 'erased', proven_claim = NULL WHERE person_id = :victim",
        VICTIM,
        "person",
    ),
    "you are taken out": ("DELETE FROM person WHERE person_id = :victim", VICTIM, "edge"),
    "you lose your seal": ("UPDATE person SET seal = NULL WHERE person_id = :victim", VICTIM, "person"),
    "you get another seal": (
        "UPDATE person SET seal = (SELECT seal FROM person WHERE person_id = :thief) WHERE person_id = :victim",
        VICTIM,
        "person",
    ),
    "your claim is mine": ("UPDATE claim SET person_id = :thief WHERE claim_id = :victim_claim", VICTIM, "claim"),
    "your claim names my number": (
        "UPDATE claim SET number_mark = :thief_mark WHERE claim_id = :victim_claim",
        VICTIM,
        "claim",
    ),
    "your claim is in doubt": ("UPDATE claim SET state = 'review' WHERE claim_id = :victim_claim", VICTIM, "claim"),
    "your claim shows another sex": (
        "UPDATE claim SET reason = 'registry.exact_but_sex' WHERE claim_id = :victim_claim",
        VICTIM,
        "claim",
    ),
    "your claim is taken out": ("DELETE FROM claim WHERE claim_id = :victim_claim", VICTIM, "edge"),
    "your claim loses its seal": ("UPDATE claim SET seal = NULL WHERE claim_id = :victim_claim", VICTIM, "claim"),
}


@pytest.mark.parametrize(("attack", "who", "named"), READING.values(), ids=READING.keys())
def test_nobody_reads_by_an_edge_that_was_turned(town: Town, attack: str, who: int, named: str) -> None:
    town.sql(attack)

    answers = {one: town.patient(one) for one in (VICTIM, THIEF)}
    own = {VICTIM: (200, str(town.known["victim"])), THIEF: (200, str(town.known["thief"]))}
    unfit = (503, "edges.unfit")

    assert answers[who] == unfit
    assert all(answer in (own[one], unfit) for one, answer in answers.items())
    code, said = town.verify()
    assert (code, said.startswith(named) or f"\n{named}" in said) == (1, True)


ROWS: Final = {
    "a claim from before its proof": ("yesterday", ("claim",), "claim_id = :victim_claim"),
    "a person from before the proof": ("yesterday", ("person",), "person_id = :victim"),
    "both": ("yesterday", ("claim", "person"), "person_id = :victim"),
}


@pytest.mark.parametrize(("schema", "tables", "which"), ROWS.values(), ids=ROWS.keys())
def test_what_is_put_back_as_it_was_yesterday_is_found(
    town: Town, schema: str, tables: tuple[str, ...], which: str
) -> None:
    for table in tables:
        town.sql(f"DELETE FROM {table} WHERE {which}")  # noqa: S608
        town.sql(f"INSERT INTO {table} SELECT * FROM {schema}.{table} WHERE {which}")  # noqa: S608

    assert town.patient(VICTIM) == (503, "edges.unfit")
    code, said = town.verify()
    assert (code, "was put back as it once was" in said) == (1, True)


def test_an_erased_person_whose_rows_are_put_back_is_found_and_taken_out_again(town: Town) -> None:
    town.sql("DELETE FROM person WHERE person_id = :erased")
    for table in ("person", "claim", "identifier"):
        town.sql(f"INSERT INTO {table} SELECT * FROM proven.{table} WHERE person_id = :erased")  # noqa: S608

    assert town.patient(ERASED) == (503, "edges.unfit")
    assert town.verify()[0] == 0  # a process that starts replays the erasures first
    assert town.patient(ERASED) == (200, "")


def test_what_does_not_fit_is_told_in_the_log_and_counted(town: Town) -> None:
    town.sql("UPDATE identifier SET person_id = :victim WHERE mark = :thief_mark")
    town.patient(THIEF)

    [line] = [json.loads(row) for row in town.log.getvalue().splitlines() if '"edge_unfit"' in row]
    assert (line["level"], line["code"], len(line["edge"])) == ("error", "edges.unfit", 32)
    [noted] = town.sql("SELECT detail FROM audit_event WHERE action = 'edge unfit' ORDER BY n DESC LIMIT 1")
    assert noted.detail == line["edge"]
    assert unfit_counted(town) >= 1


def unfit_counted(town: Town) -> float:
    """The metric, as a fresh process tells it."""
    scraped = calling(web_application(town.service)).get("/metrics").get_data(as_text=True)
    [value] = [line.split()[1] for line in scraped.splitlines() if line.startswith("ehr_sync_edges_unfit_5m ")]
    return float(value)


def test_a_client_that_was_put_in_gets_no_token(town: Town) -> None:
    mine = ECKey.generate_key("P-384", {"kid": "mine"})
    jwks = json.dumps({"keys": [mine.as_dict(private=False)]})
    town.sql(
        "INSERT INTO client (client_id, name, jwks, scopes) VALUES"
        " ('cua-toi', 'x', CAST(:jwks AS jsonb), '{submissions.write,transactions.read}')",
        jwks=jwks,
    )
    town.sql("INSERT INTO client_facility VALUES ('cua-toi', '01001', '0001-01-01')")

    assert town.token("cua-toi", key=mine, header={"kid": "mine"}) == (503, "edges.unfit")
    assert town.token()[0] == 200
    assert "client cua-toi has no seal" in town.verify()[1]


def test_a_copy_of_a_client_under_another_id_gets_no_token(town: Town) -> None:
    town.sql(
        "INSERT INTO client SELECT 'ban-sao', name, jwks, scopes, created_at, disabled_at, seal, sealed_at"
        " FROM client WHERE client_id = :hospital"
    )
    assert town.token("ban-sao") == (503, "edges.unfit")


CLIENTS: Final = {
    "other keys": "UPDATE client SET jwks = '{\"keys\": []}' WHERE client_id = :hospital",
    "more scopes": "UPDATE client SET scopes = scopes || '{ops}' WHERE client_id = :hospital",
    "shut out": "UPDATE client SET disabled_at = now() WHERE client_id = :hospital",
    "another facility": "INSERT INTO client_facility VALUES (:hospital, '01002', '0001-01-01')",
    "a facility less": "DELETE FROM client_facility WHERE client_id = :hospital",
    "a last day": "UPDATE client_facility SET valid_to = '2020-01-01' WHERE client_id = :hospital",
    "a first day": "UPDATE client_facility SET valid_from = '2020-01-01' WHERE client_id = :hospital",
    "another family": "UPDATE facility SET family_id = '01002' WHERE code = '01001'",
    "no seal of its facility": "UPDATE facility SET seal = NULL WHERE code = '01001'",
}


@pytest.mark.parametrize("attack", CLIENTS.values(), ids=CLIENTS.keys())
def test_a_client_that_was_changed_gets_no_token_and_sends_nothing(town: Town, attack: str) -> None:
    bearer = town.token()[1]
    town.sql(attack)

    assert town.token() == (503, "edges.unfit")
    status, problem = town.submit(bearer, envelope([dossier(864, person_index=864, rows=1)]))
    assert (status, problem["code"]) == (503, "edges.unfit")
    assert town.verify()[0] == 1


@pytest.mark.parametrize("name", [DISABLED, ENDED])
def test_a_client_put_back_as_it_was_gets_no_token(town: Town, name: str) -> None:
    for table in ("client_facility", "client"):
        town.sql(f"DELETE FROM {table} WHERE client_id = '{name}'")  # noqa: S608
    for table in ("client", "client_facility"):
        town.sql(f"INSERT INTO {table} SELECT * FROM yesterday.{table} WHERE client_id = '{name}'")  # noqa: S608

    assert town.token(name) == (503, "edges.unfit")
    assert f"client {name} was put back" in town.verify()[1]


def test_a_dossier_of_a_claim_that_was_turned_is_not_taken_and_others_are(town: Town) -> None:
    town.sql("UPDATE claim SET person_id = :thief WHERE claim_id = :victim_claim")
    bearer = town.token()[1]
    [before] = town.sql("SELECT count(*) FROM record_version")

    status, problem = town.submit(bearer, envelope([dossier(865, person_index=VICTIM, rows=1)]))
    assert (status, problem["code"]) == (503, "edges.unfit")
    assert town.sql("SELECT count(*) FROM record_version") == [before]
    assert town.submit(bearer, envelope([dossier(866, person_index=THIEF, rows=1)]))[0] == 200


def test_the_life_line_of_a_claim_that_was_turned_is_not_told(town: Town) -> None:
    bearer = town.token()[1]
    _, answer = town.submit(bearer, envelope([corrected(dossier(867, person_index=VICTIM, rows=1), 1)]))
    [code] = [hoso["maGiaoDich"] for file in answer["fileResults"] for hoso in file["hoSo"]]
    town.sql("UPDATE claim SET state = 'not_proven' WHERE claim_id = :victim_claim")

    told = town.web.get(f"/api/v1/transactions/{code}", headers={"Authorization": f"Bearer {bearer}"})
    assert (told.status_code, told.get_json()["code"]) == (503, "edges.unfit")


def test_what_the_answer_says_names_no_table_and_no_person(town: Town) -> None:
    town.sql("UPDATE client SET jwks = '{}'")
    assertion = hospital.assertion(exp=int(time.time()) + 200)
    answer = town.web.post("/oauth2/token", data=hospital.form(assertion))
    assert answer.headers["Retry-After"] == "5"
    assert not {"client", "seal", "edge "} & set(answer.get_data(as_text=True).split())


def test_a_row_that_nobody_knows_is_put_in_for_a_number_that_has_none(town: Town) -> None:
    town.sql(
        "INSERT INTO identifier (mark, person_id, seal) VALUES (:mark, :victim, :seal)", mark=b"m" * 16, seal=b"s" * 16
    )
    assert town.verify()[0] == 1
    assert town.patient(VICTIM) == (200, str(town.known["victim"]))


def test_a_seal_of_one_kind_of_row_fits_no_other(town: Town) -> None:
    town.sql(
        "UPDATE claim SET seal = (SELECT seal FROM person WHERE person_id = :victim) WHERE claim_id = :victim_claim"
    )
    assert town.patient(VICTIM) == (503, "edges.unfit")
