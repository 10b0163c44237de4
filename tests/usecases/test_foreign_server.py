"""Pushing to a FHIR server that others wrote (sekmet-fhir, of the development extras): everything settles (P6, P7).

https://pypi.org/project/sekmet-fhir/
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from ehr_sync.sandbox.dossiers.generator import corrected, dossier, planted, without_row
from ehr_sync.store.resyncs import Scope
from ehr_sync.usecases.delivery.resync_lanes import order_resync
from tests.ports import first_of_free_ports
from tests.usecases.service import DAY, Resources, Running, is_clinical, number_of, with_settings
from tests.usecases.test_dialects import deliver, place, watch

INDEX: Final = 703
NUMBER: Final = number_of(INDEX)
VISIT: Final = dossier(703, person_index=INDEX, shape="outpatient", rows=6)
OTHER: Final = dossier(704, person_index=INDEX, shape="outpatient", rows=3)
LATER: Final = DAY + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Foreign:
    """The server, on a port of its own."""

    url: str

    def read(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/{path}", timeout=10) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def holds(self, wanted: Resources) -> Resources:
        """Those of these that it holds and that say anything."""
        held = {}
        for kind, id_ in wanted:
            try:
                found = self.read(f"{kind}/{id_}")
            except urllib.error.HTTPError:
                continue
            if is_clinical(found):
                held[kind, id_] = found
        return held


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    folder, port = tmp_path_factory.mktemp("foreign"), first_of_free_ports()
    url = f"http://127.0.0.1:{port}/fhir"
    (folder / "settings.yaml").write_text("validation: {inbound: strict}\nsimulator: {enabled: false}\n")
    served = "import sys, uvicorn; uvicorn.run('sekmet.main:app_factory', factory=True, port=int(sys.argv[1]))"
    environment = {"PATH": os.environ["PATH"], "SEKMET_BASE_URL": url, "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", served, str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            wait_for(url, process, folder / "log")
            yield Foreign(url)
        finally:
            process.kill()
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/metadata", timeout=5).close()  # noqa: S310
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(log.read_text()[-2000:])


def assert_holds_what_is_shown(told: Running, foreign: Foreign, ever: Resources) -> None:
    shown = {key for key, value in told.shown(NUMBER).items() if is_clinical(value)}
    assert foreign.holds(ever).keys() == shown
    rows = told.rows("SELECT * FROM lane")
    assert [(row.want == row.base, row.state, row.due_at) for row in rows] == [(True, "open", None)] * len(rows)


def test_p6_first_push_correction_withdrawal_and_resync_settle_at_a_foreign_server(
    running: Running, foreign: Foreign
) -> None:
    told = with_settings(running, book_url=foreign.url)
    watch(told)
    assert place(told).fenced is True
    codes = [told.post(VISIT).transaction_code, told.post(OTHER).transaction_code]
    told.verify()
    deliver(told, 3)
    assert [told.follow(code).state for code in codes] == ["delivered"] * 2
    ever = dict(told.shown(NUMBER))
    assert_holds_what_is_shown(told, foreign, ever)

    told.post(corrected(VISIT, 1), made_on=LATER)
    deliver(told, 3)
    ever |= told.shown(NUMBER)
    assert_holds_what_is_shown(told, foreign, ever)

    told.post(without_row(corrected(VISIT, 1), "XML2"), made_on=LATER + timedelta(days=1))
    told.post(planted(OTHER, "icd_main"), made_on=LATER)
    deliver(told, 3)
    assert_holds_what_is_shown(told, foreign, ever)

    order_resync(Scope(), by="ops", reason="yc", stores=told.stores)
    told.resync()
    deliver(told, 3)
    assert_holds_what_is_shown(told, foreign, ever)
