"""Where and when a run took place: without it a figure says nothing."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from statistics import median

import psutil
import psycopg

from bench.site import Site

_SYNCS = 50
_PAGE = bytes(8192)


def before() -> list[str]:
    """The date, the machine, and how busy it is: to be asked before anything of ours runs."""
    load = " ".join(f"{x:.2f}" for x in os.getloadavg())
    memory = psutil.virtual_memory().total / 2**30
    return [
        f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
        f"{os.cpu_count()} cores of {_cpu_model()}, {memory:.0f} GB, Linux {platform.release()}, "
        f"Python {platform.python_version()}",
        f"load average before: {load}",
    ]


def storage(site: Site) -> list[str]:
    """PostgreSQL's version and durability settings, and what the disk under it takes for one flush."""
    with psycopg.connect(site.database.dsn) as connection:
        shown = [
            f"{name} {connection.execute(f'SHOW {name}').fetchone()[0]}"  # type: ignore[index]  # SHOW has one row
            for name in ("fsync", "synchronous_commit", "full_page_writes", "wal_compression", "shared_buffers")
        ]
        version = connection.info.server_version
    home = site.database.home.resolve()
    flush = median(_flushes(home)) * 1000
    return [
        f"PostgreSQL {version // 10000}.{version % 10000}: {', '.join(shown)}",
        f"its files are on {_file_system(home)}; one flush of 8 KB takes {flush:.2f} ms (median of {_SYNCS})",
    ]


def stolen_seconds() -> float:
    """Processor time that our cores wanted and the host gave to others, since it started; 0 where it does not tell."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


def share(seconds: float, wall: float) -> float:
    """What part of all cores' time these seconds are."""
    return seconds / wall / (os.cpu_count() or 1)


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _file_system(folder: Path) -> str:
    mounts = [p for p in psutil.disk_partitions(all=True) if folder.is_relative_to(p.mountpoint)]
    return str(max(mounts, key=lambda p: len(p.mountpoint)).fstype) if mounts else "an unknown file system"


def _flushes(folder: Path) -> Iterator[float]:
    probe = folder / "flush-probe"
    with probe.open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            started = time.perf_counter()
            file.write(_PAGE)
            os.fdatasync(file.fileno())
            yield time.perf_counter() - started
    probe.unlink()
