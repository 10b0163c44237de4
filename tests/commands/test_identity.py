"""ehr-sync identity compare-names: the rung, or what it rests on; and nothing of it in any log."""

from __future__ import annotations

import json
import logging

import pytest
from click.testing import CliRunner

from ehr_sync.cli import ehr_sync


def run(*words: str) -> str:
    """What the command prints."""
    result = CliRunner().invoke(ehr_sync, ["identity", "compare-names", *words])
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


@pytest.mark.parametrize(
    ("one", "other", "rung"),
    [
        ("Nguyễn Văn Hòa", "NGUYỄN VĂN HOÀ", "equal_after_tone_placement"),
        ("HÙNG", "HƯNG", "near"),
        ("LÊ LỢI", "NGUYỄN TRÃI", "different"),
    ],
)
def test_it_prints_the_rung_alone(one: str, other: str, rung: str) -> None:
    assert run(one, other) == f"{rung}\n"


def test_it_tells_what_the_rung_rests_on() -> None:
    assert json.loads(run("Bùi Thị Lý", "BÙI THỊ LÍ", "--json")) == {
        "rung": "equal_i_y",
        "proves": False,
        "mended": ["BÙI THỊ LÝ", "BÙI THỊ LÍ"],
        "asked": [["BÙI THỊ LÝ"], ["BÙI THỊ LÍ"]],
        "differing": [["LÝ", "LÍ"]],
    }
    assert json.loads(run("QÚY", "QUÝ", "--json"))["proves"] is True


def test_p11_it_logs_no_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    run("Nguyễn Văn Canary", "NGUYỄN VĂN CANARY", "--json")
    assert "anary" not in caplog.text.lower()
