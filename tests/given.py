"""What a test gives the service as settings: the sandbox's values, and its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ehr_sync.adapters import key_file
from ehr_sync.sandbox.world import URI_BASE, World
from mappings.terminology.uris import load_uris

URIS: Final = load_uris(URI_BASE)
_NOBODY: Final = World(Path(), {"registry": 1, "book": 1, "identity": 1}, {}, {})  # nobody listens there


def settings(world: World = _NOBODY, /, **changed: str) -> dict[str, str]:
    """All that must be set but databases and key file, by the settings' names."""
    return {"public_url": "http://127.0.0.1:8080", **world.settings, **changed}


def key_file_in(folder: Path) -> Path:
    """A key file in the folder, and beside it the break-glass key. All of one test process have the same keys: to make
    new ones takes half a second.
    """
    path = folder / "keys.json"
    for file, text in zip((path, key_file.break_glass_of(path)), _keys(), strict=True):
        file.touch(mode=0o600)
        file.write_text(text)
    return path


@cache
def _keys() -> tuple[str, str]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "keys.json"
        key_file.create(path)
        return path.read_text(), key_file.break_glass_of(path).read_text()


def variables(world: World = _NOBODY, /, **changed: str) -> dict[str, str]:
    """The same as a process's environment."""
    return {f"EHR_SYNC_{name.upper()}": value for name, value in settings(world, **changed).items()}
