"""A moved appointment leaves no old day in the book, whichever table says that it was moved."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from ehr_sync.sandbox.dossiers.generator import Hoso, dossier, with_table, with_values, without_table
from tests.usecases.service import DAY, Running, number_of

INDEX: Final = 721
NUMBER: Final = number_of(INDEX)


def visit(named: str, slip: str) -> Hoso:
    """An outpatient who is asked to come again, in the summary and on a slip; "" for neither."""
    made = with_values(dossier(INDEX, person_index=INDEX, shape="outpatient", rows=4), "XML1", NGAY_TAI_KHAM=named)
    row = {"MA_LK": made.ma_lk, "SO_GIAYHEN_KL": "GH721", "NGAY_HEN_KL": slip}
    return with_table(made, "XML14", [row]) if slip else without_table(made, "XML14")


@pytest.mark.parametrize(
    ("named", "slip", "expected"),
    [
        ("20261230", "202612300830", "2026-12-30T08:30:00+07:00"),
        ("20261223", "202612300830", "2026-12-30T08:30:00+07:00"),  # the summary was left as it was
        ("20261230", "", "2026-12-30"),  # the slip was not sent again
    ],
)
def test_a_moved_appointment_leaves_no_old_day_in_the_book(
    running: Running, named: str, slip: str, expected: str
) -> None:
    running.post(visit("20261223", "202612230830"))
    running.settle()
    assert asked(running) == ["2026-12-23T08:30:00+07:00"]
    running.post(visit(named, slip), made_on=DAY + timedelta(days=1))
    running.settle()
    assert asked(running) == [expected]
    assert "2026-12-23" not in str(
        [body for (kind, _), body in running.living(NUMBER).items() if kind == "Composition"]
    )


def asked(running: Running) -> list[str]:
    """When the book's living appointments are."""
    return [
        body["requestedPeriod"][0]["start"]
        for (kind, _), body in running.living(NUMBER).items()
        if kind == "Appointment"
    ]
