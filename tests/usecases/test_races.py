"""Races between threads that only a known patient or a repeated envelope brings about (P1, P2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ehr_sync.sandbox.dossiers import corrected, dossier, envelope
from tests.usecases.service import DAY, Running


@pytest.mark.parametrize("seed", range(410, 415))
def test_p2_the_first_versions_of_a_known_patients_record_posted_at_once_are_each_kept_once(
    running: Running, seed: int
) -> None:
    running.post(dossier(402, person_index=400, rows=1))
    first = dossier(seed, person_index=400, rows=4)
    bodies = [envelope([one], made_on=DAY) for one in (first, *(corrected(first, n) for n in range(1, 8)))]
    with ThreadPoolExecutor(8) as threads:
        results = [result for answer in threads.map(running.results, bodies) for result in answer]

    assert {result.status for result in results} == {"accepted"}
    assert len({result.transaction_code for result in results}) == len(bodies)
