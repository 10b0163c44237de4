"""P11: whatever is sent, and whatever goes wrong, no personal value is where it does not belong.

Words that stand nowhere else are sent through everything that the service does, well and badly; then everything that
is written down or sent anywhere but to a book and its reader is searched for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from ehr_sync.runtime.processes import happens
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import Hoso, dossier, envelope, json_batch, with_values
from ehr_sync.sandbox.world import World
from tests.databases import Dsns
from tests.whole import site as whole
from tests.whole.site import Site

ORDINARY, RESTRICTED, UNKNOWN, REFUSED_BY_BOOK = 3, 4, 900_001, 900_025
TROUBLE = (900_006, 900_007, 900_008, 900_009, 900_022, 900_026, 900_027)
PEOPLE = (ORDINARY, RESTRICTED, UNKNOWN, REFUSED_BY_BOOK, *TROUBLE)
PLANTED = {"MA_LK": "BACHYENLK", "MA_BN": "BACHYENBN", "MA_HSBA": "BACHYENBA", "LY_DO_VV": "BACHYENLYDO"}
CANARIES = whole.words_of(PEOPLE) | {"BACHYEN"}
PLACES = ("log", "metrics", "problems", "paths sent", "main database", "key database", "files")


def bird(index: int, **changed: str) -> Hoso:
    """A dossier that says BACHYEN in its ids, its free texts, and the names of its drugs, results and doctors."""
    restricted = "icd_main" if index == RESTRICTED else None
    made = dossier(index, person_index=index, shape="outpatient", rows=12, restricted=restricted)
    said = {tag: f"{text}{index}" for tag, text in PLANTED.items()}
    made = with_values(made, "XML1", 0, **said, **changed)
    for table, tags in {"XML2": ("TEN_THUOC", "MA_BAC_SI"), "XML3": ("TEN_DICH_VU",), "XML4": ("KET_LUAN",)}.items():
        if made.tables.get(table):
            made = with_values(made, table, 0, **dict.fromkeys(tags, f"BACHYEN{table}"))
    return made


def send_good_and_bad(site: Site) -> list[requests.Response]:
    """Taken, refused, unreadable, repeated under a key, of another hospital, and asked for in odd ways."""
    good = envelope([bird(index) for index in PEOPLE], made_on=date(2026, 11, 20))
    bad = envelope([bird(ORDINARY, NGAY_VAO="BACHYEN"), bird(ORDINARY, MA_CSKCB="BACHY")])
    keyed = {"Idempotency-Key": "BACHYEN-KEY"}
    number = person(ORDINARY).number
    # A provider may take the number for its subject, too.
    owner = site.login(number=number, claims={"sub": number})
    return [
        site.post(good, **keyed),
        site.post(bad, **keyed),
        site.post(bad),
        site.post(good[:-400]),
        site.post(json_batch([bad, b"BACHYEN"], "BACHYEN"), "application/json"),
        site.post(b'{"BACHYEN": "BACHYEN"}', "application/json"),
        site.get("/BACHYEN?x=BACHYEN", dict.fromkeys(("User-Agent", "Referer", "X-Request-Id"), "BACHYEN")),
        site.get(f"/fhir/Patient/{number}", owner),
        site.get(f"/fhir/Patient/{number}/$everything", owner),
        site.get(f"/fhir/Observation?patient={number}&name=BACHYEN", owner),
        site.get("/fhir/Patient?_format=BACHYEN", owner),
        site.get("/fhir/Patient?BACHYEN=1&identifier:BACHYEN=1", owner),
        requests.post(
            f"{site.address}/fhir/Condition/_search", {"code": "BACHYEN", "x": number}, headers=owner, timeout=20
        ),
        requests.post(f"{site.address}/fhir", json=batch(f"Patient/{number}?x=BACHYEN"), headers=owner, timeout=20),
        site.get("/api/v1/transactions/BACHYEN", site.sender()),
        site.get(f"/api/v1/ops/lanes?state={number}", site.operator()),
        site.get("/api/v1/ops/lanes", whole.bearer("BACHYEN.BACHYEN.BACHYEN")),
    ]


def batch(url: str) -> dict[str, Any]:
    """A batch of one read."""
    entry = {"request": {"method": "GET", "url": url}}
    return {"resourceType": "Bundle", "type": "batch", "entry": [entry]}


def read_and_resync(site: Site) -> None:
    """The owner reads the book, the sender the life line; an operator resyncs all."""
    owner = site.login(number=person(ORDINARY).number)
    assert happens(lambda: site.get("/fhir/Patient", owner).json()["total"] == 1, 30)
    patient = site.get("/fhir/Patient", owner).json()["entry"][0]["resource"]["id"]
    assert "BACHYEN" in site.get(f"/fhir/Patient/{patient}/$everything", owner).text
    operator = {**site.operator(), "Content-Type": "application/json"}
    requests.post(f"{site.address}/api/v1/ops/resyncs", data=b'{"all": true}', headers=operator, timeout=20)
    assert happens(lambda: site.rows("SELECT 1 FROM lane WHERE state = 'parked'") != [], 30)
    assert happens(lambda: site.rows("SELECT 1 FROM claim WHERE attempts > 0") != [], 30)


def break_tables(site: Site) -> list[requests.Response]:
    """What answers, and what the schedulers write, while a table is not there."""
    owner = site.login(number=person(ORDINARY).number)
    answers = []
    for table in ("record_version", "lane", "claim"):
        with psycopg.connect(site.dsns.main, autocommit=True) as connection:
            connection.execute(f"ALTER TABLE {table} RENAME TO hidden")
            answers += [site.post(envelope([bird(5)])), site.get("/fhir/Patient", owner)]
            seen = site.log.count("sweep_failed")
            happens(lambda seen=seen: site.log.count("sweep_failed") > seen, 1.5)  # type: ignore[misc]
            connection.execute(f"ALTER TABLE hidden RENAME TO {table}")
    return answers


@pytest.fixture(scope="module")
def found(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """All that was written down, and all addresses that were used, by place."""
    folder = tmp_path_factory.mktemp("canaries")
    began = {name: max([entry["seq"] for entry in world.journal(name)], default=0) for name in ("registry", "book")}
    with whole.running(module_dsns, world, folder, schedulers=1) as site:
        answers = send_good_and_bad(site)
        read_and_resync(site)
        answers += break_tables(site)
        paths = [e.get("path", "") for name, seq in began.items() for e in world.journal(name, after=seq)]
        metrics = site.get("/metrics").text
    yield {
        "log": site.log,
        "metrics": metrics,
        "problems": "\n".join(map(without_ma_lk, answers)),
        "statuses": " ".join(str(answer.status_code) for answer in answers),
        "paths sent": "\n".join(map(str, paths)),
        "main database": dump(module_dsns.main),
        "key database": dump(module_dsns.keys),
        "files": "\n".join(str(path) for path in folder.rglob("*")) + left_in(folder / "spool"),
    }


def without_ma_lk(answer: requests.Response) -> str:
    """Body and headers but for the MA_LK, which its own sender may hear; nothing of a citizen's own book."""
    if answer.ok and "/fhir/" in answer.url:
        return ""
    return re.sub(r'"maLK":"[^"]*"', "", answer.text) + str(answer.headers)


def dump(dsn: str) -> str:
    """Every value of every table, bytes as the letters that they hold."""
    lines = []
    with psycopg.connect(dsn) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608
                lines.append("|".join(v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in row))
    return "\n".join(lines)


def left_in(folder: Path) -> str:
    """What spooled bodies have left behind."""
    spooled = [path for path in folder.rglob("*") if path.is_file()]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in spooled)


@pytest.mark.parametrize("place", PLACES)
def test_no_canary_is_found(found: dict[str, str], place: str) -> None:
    assert whole.leaks(found[place], CANARIES) == []


@pytest.mark.parametrize("place", ["log", "metrics", "problems", "main database", "key database"])
def test_every_place_was_really_searched(found: dict[str, str], place: str) -> None:
    assert len(found[place]) > 500


def test_everything_that_should_go_wrong_went_wrong(found: dict[str, str]) -> None:
    events = {json.loads(line).get("event") for line in found["log"].splitlines()}
    assert {"unexpected_error", "sweep_failed", "request"} <= events
    assert {"200", "400", "401", "404", "406", "409", "422", "500"} <= set(found["statuses"].split())


def test_the_log_is_json_in_every_line(found: dict[str, str]) -> None:
    assert [line for line in found["log"].splitlines() if not line.startswith("{")] == []


def test_no_number_of_nine_digits_or_more_is_in_the_log(found: dict[str, str]) -> None:
    # The end of an entry's MAC, by chance, may be digits.
    ids = re.compile(r'"(incident|lane|resync|time|ms|place|note)":("[^"]*"|[0-9.]+)|"audit":"[0-9]+:[0-9a-f]{16}"')
    assert re.findall(r"\d{9,}", ids.sub("", found["log"])) == []
