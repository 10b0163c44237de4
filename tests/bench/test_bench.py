"""Every benchmark ends; what it measures in its short form means nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_benchmark_ends_well_and_names_itself_in_its_short_form(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", name, "--short", "--folder", str(tmp_path)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert name.upper() in done.stdout
