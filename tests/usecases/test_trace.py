"""ehr-sync trace and resync, as an operator calls them: nobody is told to be nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from ehr_sync import settings
from ehr_sync.commands.resync import resync
from ehr_sync.commands.trace import trace
from ehr_sync.core.errors import Misconfigured
from ehr_sync.sandbox.dossiers.generator import dossier
from tests.usecases.service import Running, number_of

NOBODY = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def here(running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """The commands find the running service's databases."""
    monkeypatch.setattr(settings, "from_environment", lambda: running.service.settings)
    yield running


def run(command: object, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)  # type: ignore[arg-type]  # click's own decorator types it so


def test_a_maGiaoDich_leads_to_its_patient_and_lane_and_back(here: Running) -> None:
    code = here.post(dossier(771, person_index=771, rows=1)).transaction_code
    here.settle()
    patient = str(here.person_of(number_of(771)))

    there = run(trace, code).output
    assert there.splitlines()[:2] == [f"patient {patient}", "delivered, next nothing"]
    assert "lane destination=so-suc-khoe state=open" in there
    [back] = run(trace, patient).output.splitlines()
    assert (back.split("\t")[0], back.split("\t")[2:]) == (code, ["ready", "stands"])


def test_a_parked_lane_is_traced_with_the_time_of_its_refusal(here: Running) -> None:
    code = here.post(dossier(772, person_index=900_025, rows=1)).transaction_code
    here.settle()
    told = run(trace, code).output
    assert "state=parked reason=book.refused.status_400" in told
    assert "refused_at=20" in told


@pytest.mark.parametrize("wanted", ["GDX", NOBODY, "nobody"])
def test_a_trace_of_what_is_not_known_says_so(here: Running, wanted: str) -> None:
    assert isinstance(run(trace, wanted).exception, Misconfigured)


@pytest.mark.parametrize(
    "arguments",
    [("--patient", NOBODY), ("--patient", NOBODY, "--dry-run"), ("--facility", "99999"), ("--destination", "nowhere")],
)
def test_a_resync_of_nobody_is_told_so_and_orders_nothing(here: Running, arguments: tuple[str, ...]) -> None:
    result = run(resync, *arguments)
    assert isinstance(result.exception, Misconfigured)
    assert here.counts("resync") == {"resync": 0}


def test_a_patient_whose_claim_is_not_proven_has_no_lane_to_resync(here: Running) -> None:
    here.post(dossier(773, person_index=900_001, rows=1))
    here.settle()
    [[person]] = here.rows("SELECT person_id FROM person")
    assert isinstance(run(resync, "--patient", str(person)).exception, Misconfigured)
