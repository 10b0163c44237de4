"""Races between threads that only a known patient or a repeated envelope brings about (P1, P2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest

from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import corrected, dossier, envelope, with_patient
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


WITHOUT_THE_OTHER = """
SELECT record_id FROM record r FULL JOIN record_version v USING (record_id)
GROUP BY record_id, r.versions HAVING count(v.version) IS DISTINCT FROM r.versions OR max(v.version) <> r.versions
"""


def test_p1_chunks_that_bring_the_same_records_in_other_orders_under_other_people_keep_each_version_once(
    running: Running,
) -> None:
    draw = Random(430)
    visits = [dossier(430 + n, person_index=430 + n % 4, shape="outpatient", rows=1) for n in range(8)]

    def chunk() -> bytes:
        sent = [corrected(visit, draw.randint(1, 2)) for visit in draw.sample(visits, 6)]
        people = [person(430 + draw.randint(0, 5)) for _ in sent]
        made_on = DAY + timedelta(days=draw.randint(0, 2))
        return envelope([with_patient(*each) for each in zip(sent, people, strict=True)], made_on=made_on)

    def prove() -> None:
        for _ in range(4):
            running.verify()

    with ThreadPoolExecutor(7) as threads:
        proving = threads.submit(prove)
        results = [each for answer in threads.map(running.results, [chunk() for _ in range(12)]) for each in answer]
        proving.result()

    assert {result.status for result in results} == {"accepted"}
    assert running.rows(WITHOUT_THE_OTHER) == []


@pytest.mark.parametrize("seed", range(3))
def test_p1_chunks_that_bring_the_same_new_records_under_different_people_wait_for_each_other_in_no_ring(
    running: Running, seed: int
) -> None:
    visits = [dossier(440 + n, person_index=440, rows=1) for n in range(25)]

    def chunk(whose: int) -> bytes:
        sent = Random(seed * 10 + whose).sample(visits, len(visits))
        return envelope([with_patient(corrected(each, whose), person(440 + whose)) for each in sent], made_on=DAY)

    with ThreadPoolExecutor(4) as threads:
        results = [each for answer in threads.map(running.results, map(chunk, range(1, 5))) for each in answer]

    assert {result.status for result in results} == {"accepted"}
    assert running.rows(WITHOUT_THE_OTHER) == []
