"""python -m ehr_sync.web.printing: JSON in, PDF out, in an empty folder; nothing else is read."""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime
from pathlib import Path

import orjson
import typst

PAPER = Path(__file__).with_name("paper.typ").read_bytes()


def main() -> None:
    """One paper."""
    given = orjson.loads(sys.stdin.buffer.read())
    with tempfile.TemporaryDirectory() as empty:
        pdf: bytes = typst.compile(  # type: ignore[type-var]  # its stub does not know bytes
            PAPER,
            root=empty,
            ignore_system_fonts=True,
            sys_inputs={"told": orjson.dumps(given["told"]).decode()},
            timestamp=int(datetime.fromisoformat(given["made"]).timestamp()),
        )
    sys.stdout.buffer.write(pdf)


if __name__ == "__main__":
    main()
