"""What a sender in a loop, or with nothing right, costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from ehr_sync.sandbox.dossiers.generator import dossier, envelope, with_values
from ehr_sync.usecases.intake import accept_submission, plan_record
from tests.usecases.service import DAY, Running


def test_a_record_has_so_many_versions_and_no_more(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_record, "MOST_VERSIONS", 1)
    first = dossier(1, person_index=1)
    other = dossier(2, person_index=1, ma_lk=first.ma_lk)
    assert running.post(first).status == "accepted"
    refused = running.post(other, made_on=DAY + timedelta(days=1))
    assert (refused.status, refused.transaction_code) == ("refused", "")
    assert "record.too_many_versions" in {issue.code for issue in refused.issues}


def test_an_answer_beyond_its_budget_is_cut_short_and_says_so(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept_submission, "_MOST_ISSUES", 5)
    messy = [dossier(seed, person_index=seed, messy=True) for seed in range(10, 20)]
    results = running.results(envelope(messy, facility="01001", made_on=DAY))
    codes = [issue.code for one in results for issue in one.issues]
    assert "answer.shortened" in codes
    assert len(codes) < 60


WRONG: Final = {"GIOI_TINH": "7", "MA_DANTOC": "zz"}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        # The slip (XML14) has the sex that XML1 had.
        (WRONG, ["value.code_unknown", "value.code_unknown", "value.differs_from_xml1", "answer.shortened"]),
        (
            {**WRONG, "NGAY_VAO": "x"},
            ["date.impossible", "value.code_unknown", "value.code_unknown", "answer.shortened"],
        ),
    ],
)
def test_beyond_the_budget_each_dossier_is_told_three_issues_what_refuses_it_first(
    running: Running, monkeypatch: pytest.MonkeyPatch, values: dict[str, str], told: list[str]
) -> None:
    monkeypatch.setattr(accept_submission, "_MOST_ISSUES", 0)
    result = running.post(with_values(dossier(3, person_index=3, rows=2), "XML1", 0, **values))
    assert [issue.code for issue in result.issues] == told
