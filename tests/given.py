"""What a test gives the service as settings: the sandbox's values, and its own."""

from __future__ import annotations

import base64
import json
import os
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
    """A key file in the folder, and beside it the break-glass key. Only the pairs are those of all in one test process:
    to make new ones takes half a second. What ids and marks are made of is of this file alone, or one test's register
    would be another's in their book.
    """
    path = folder / "keys.json"
    keys, break_glass = _keys()
    own = {name: base64.b64encode(os.urandom(32)).decode() for name in ("root", "index", "id", "content", "audit")}
    for file, text in (path, json.dumps(json.loads(keys) | own)), (key_file.break_glass_of(path), break_glass):
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
