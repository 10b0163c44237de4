"""Requests made up from the API's description: no 5xx, and no answer that is not described.  https://schemathesis.io"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.world import World
from tests.databases import Dsns
from tests.whole import site as whole
from tests.whole.site import Site

SECONDS: Final = 15  # for each caller
CHECKS: Final = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
CALLERS: Final[dict[str, Callable[[Site], dict[str, str]]]] = {
    "nobody": lambda site: {},
    "sender": lambda site: site.sender(),
    "citizen": lambda site: site.login(number=person(1).number),
    "operator": lambda site: site.operator(),
}


@pytest.fixture(scope="module")
def site(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With so many refusals a minute that none is refused for being one too many."""
    folder = tmp_path_factory.mktemp("site")
    with whole.running(module_dsns, world, folder, refusals_per_minute="1000000") as running:
        yield running


@pytest.mark.parametrize("caller", CALLERS)
def test_no_request_of_any_caller_is_answered_otherwise_than_described(site: Site, caller: str, tmp_path: Path) -> None:
    headers = [word for pair in CALLERS[caller](site).items() for word in ("--header", ": ".join(pair))]
    command = [
        *(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            f"{site.address}/openapi.json",
            "--no-color",
            "--seed",
            "62",
        ),
        *(
            "--checks",
            CHECKS,
            "--max-time",
            str(SECONDS),
            "--phases",
            "coverage,fuzzing",
            "--generation-database",
            "none",
        ),
        *headers,
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS * 4, check=False)
    assert run.returncode == 0, run.stdout[-9_000:] + run.stderr[-2_000:]
    assert int(re.findall(r"([0-9]+) generated", run.stdout)[0]) > 50
