"""Months as they are written."""

from __future__ import annotations

from datetime import date

import pytest

from ehr_sync.core.clock import first_of_month


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-1", "1999-10", "2026-10-01", "２０２６-10", ""])
def test_what_is_no_month_of_this_century_is_none(text: str) -> None:
    assert (first_of_month("2026-10"), first_of_month(text)) == (date(2026, 10, 1), None)
