"""A process that holds keys leaves no copy of its memory behind, and lets nobody of its own user look into it."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h


def refuse_dumps() -> None:
    """From now on no core file of this process is written, nor of what it forks; on Linux none is piped to a handler
    either, which heeds no limit, and ptrace and /proc/PID/mem are closed to all but root. Safe to repeat.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
