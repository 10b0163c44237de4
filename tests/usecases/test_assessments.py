"""A medical assessment (XML12) has no MA_LK: it is known by the number of its record, alone or in a dossier
(rules: medical-assessments).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.assessments import alone, assessment, beside
from ehr_sync.sandbox.dossiers.generator import dossier
from tests.usecases.service import DAY, FACILITY, Running, number_of

WHO: Final = 591
W: Final = number_of(WHO)
FOUND: Final = assessment(person(WHO), "77/GĐYK")


def papers(running: Running) -> list[dict[str, Any]]:
    """The assessments in the book."""
    return [one for key, one in running.living(W).items() if key[0] == "Composition"]


def test_an_assessment_alone_and_in_a_dossier_is_one_record(running: Running) -> None:
    told = running.post(alone(FOUND, FACILITY))
    running.settle()
    assert (told.source_id, told.status, running.follow(told.transaction_code).state) == (
        "77/GĐYK",
        "accepted",
        "delivered",
    )
    [paper] = papers(running)
    assert (paper["identifier"]["value"], paper["date"]) == ("77/GĐYK", "2024-04-02")
    assert [part["title"] for part in paper["section"]] == ["Kết quả khám", "Đề nghị", "Tỷ lệ tổn thương cơ thể"]

    # What is found anew comes in a dossier of the same person: the same record, its next version.
    visit = dossier(591, person_index=WHO, shape="outpatient", rows=2)
    later = running.post(beside(visit, {**FOUND, "TYLE_TTCT_MOI": "25"}), made_on=DAY + timedelta(days=1))
    running.settle()
    assert [other.source_id for other in later.others] == [f"{visit.ma_lk} / 77/GĐYK"]
    [paper] = papers(running)
    assert "25 %" in paper["section"][-1]["text"]["div"]
    assert running.counts("record") == {"record": 2}


def test_an_assessment_of_nobody_is_refused_and_of_somebody_else_not_shown(running: Running) -> None:
    refused = running.post(alone({**FOUND, "HO_TEN": ""}, FACILITY))
    assert (refused.status, "patient.missing" in {issue.code for issue in refused.issues}) == ("refused", True)
    other = running.post(alone({**FOUND, "HO_TEN": "TRẦN VĂN KHÁC"}, FACILITY))
    running.settle()
    assert (running.follow(other.transaction_code).state, running.pushes(W)) == ("held", [])


def test_p9_an_assessment_that_tells_of_hiv_leaves_without_that_field(running: Running) -> None:
    running.post(alone({**FOUND, "KET_QUA_KHAM": "Nhiễm HIV giai đoạn 3"}, FACILITY))
    running.settle()
    [paper] = papers(running)
    assert [part["title"] for part in paper["section"]] == ["Đề nghị", "Tỷ lệ tổn thương cơ thể"]


def test_a_number_that_a_council_gives_again_the_next_year_is_another_record(running: Running) -> None:
    running.post(alone(FOUND, FACILITY))
    running.post(alone({**FOUND, "NGAY_HOP": "20230402"}, FACILITY), made_on=DAY + timedelta(days=1))
    running.settle()
    assert sorted(paper["date"] for paper in papers(running)) == ["2023-04-02", "2024-04-02"]
