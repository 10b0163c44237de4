"""What a test gives the service as settings: the sandbox's values, and its own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ehr_sync.sandbox.world import URI_BASE, World
from mappings.terminology.uris import load_uris

URIS: Final = load_uris(URI_BASE)
_NOBODY: Final = World(Path(), {"registry": 1, "book": 1, "identity": 1}, {}, {})  # nobody listens there


def settings(world: World = _NOBODY, /, **changed: str) -> dict[str, str]:
    """All that must be set but databases and key file, by the settings' names."""
    return {"public_url": "http://127.0.0.1:8080", **world.settings, **changed}


def variables(world: World = _NOBODY, /, **changed: str) -> dict[str, str]:
    """The same as a process's environment."""
    return {f"EHR_SYNC_{name.upper()}": value for name, value in settings(world, **changed).items()}
