"""Where the running demo is: from the environment, else from the file that the demo writes."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Final

from ehr_sync.core.errors import Misconfigured

DEMO_ENV: Final = Path(".demo/env")
SANDBOX_FOLDER: Final = Path(".demo/world")


def setting(name: str, default: str = "") -> str:
    """The environment variable, else the line of .demo/env, else the default.

    Raises Misconfigured where there is none of them.
    """
    found = os.environ.get(name) or _written().get(name) or default
    if not found:
        raise Misconfigured(f"Start the demo first (make demo), or set {name}.")
    return found


def sandbox_folder() -> Path:
    """Where the sandbox keeps the facilities' keys (EHR_SYNC_SANDBOX_FOLDER, else .demo/world)."""
    return Path(setting("EHR_SYNC_SANDBOX_FOLDER", str(SANDBOX_FOLDER)))


def _written() -> dict[str, str]:
    try:
        words = shlex.split(DEMO_ENV.read_text("utf-8"), comments=True)
    except OSError:
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)
