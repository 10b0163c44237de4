"""python -m bench.quick: how much of their floors ingest, push and reading reach, in a minute and a half.

Prints each ratio beside the one that is recorded in quick.json. Ends with 1 where one, the median of three rounds, is
less than half of it: the machine that CI runs on is shared, and what costs less than half of the speed is for
`make bench` to find.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Final

from bench.figures import QUICK, Figure

_RECORDED: Final = Path(__file__).with_suffix(".json")
_LEAST: Final = 0.5  # of what is recorded


def main() -> None:
    """Measure, print, judge."""
    recorded = json.loads(_RECORDED.read_text())["ratios"]
    folder = Path(tempfile.mkdtemp(dir=_disk()))
    try:
        measured = {name: figure for section in recorded for name, figure in _figures(section, folder).items()}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    slow = False
    for ratios in recorded.values():
        for name, was in ratios.items():
            figure, now = measured[name], measured[name].ratio or 0.0
            slow |= now < was * _LEAST
            print(f"{name:40} {figure.value:8.1f} {figure.unit:4} ratio {now:.2f}, recorded {was:.2f}")
    sys.exit("Slower than half of what is recorded: run make bench, and look what changed." if slow else 0)


def _figures(section: str, folder: Path) -> dict[str, Figure]:
    found = import_module(f"bench.{section}").run(QUICK, folder / section)
    return {figure.name: figure for figure in found.figures}


def _disk() -> Path:
    # Not /tmp, which may be memory.
    place = Path("build")
    place.mkdir(exist_ok=True)
    return place.absolute()


if __name__ == "__main__":
    main()
