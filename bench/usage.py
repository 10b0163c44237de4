"""Processor time of processes and all that descends from them."""

from __future__ import annotations

import contextlib

import psutil

from ehr_sync.runtime.processes import family_of


def cpu_seconds(*pids: int) -> float:
    """User and system time of these processes and their descendants, ended ones included (10 ms steps)."""
    total = 0.0
    for pid in pids:
        for process in family_of(pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def peak_megabytes(pid: int) -> float:
    """The most memory that a process ever held (VmHWM), in MB of 1,000,000 bytes."""
    with open(f"/proc/{pid}/status") as status:  # noqa: PTH123 - a process, not a file
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6
