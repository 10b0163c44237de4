"""Pages of the docs that a command writes are what it writes today."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize(
    ("written", "by"),
    [
        ("tables.md", "mappings.sources.dossier.decree"),
        ("fields.md", "mappings.sources.fates"),
        ("issues.md", "mappings.issues.page"),
        ("checks.md", "mappings.sources.rules"),
    ],
)
def test_a_page_is_what_its_command_writes(written: str, by: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module(by, run_name="__main__")
    assert capsys.readouterr().out == (ROOT / "docs" / written).read_text(encoding="utf-8")
