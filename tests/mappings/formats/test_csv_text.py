"""CSV that a spreadsheet opens: no cell is a formula."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from mappings.formats.csv_text import written_csv


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), (-5, "-5"), ("-x", "'-x"), (["a 1", "b 2"], "a 1; b 2"), (None, ""), ("", "")],
)
def test_no_cell_is_a_formula(value: Any, cell: str) -> None:
    rows = list(csv.reader(io.StringIO(written_csv([{"one": value, "two": 'x"\n,'}]))))
    assert rows == [["one", "two"], [cell, 'x"\n,']]


def test_of_no_rows_nothing_is_written() -> None:
    assert written_csv([]).strip() == ""
