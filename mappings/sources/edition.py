"""Which mapping this is: what another one has made of a dossier may come out otherwise by this one."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from mappings.gate import GATE
from mappings.terminology import editions

_ROOT: Final = Path(__file__).parents[1]
# Words alone: how an issue is told changes no resource. The gate has a fingerprint of its own, with its libraries.
_ELSEWHERE: Final = frozenset({"issues", "gate"})
_DECIDES: Final = frozenset({".py", ".json", ".toml", ".zst"})


def _files() -> Iterator[Path]:
    for path in sorted(_ROOT.rglob("*")):
        if path.suffix in _DECIDES and path.relative_to(_ROOT).parts[0] not in _ELSEWHERE:
            yield path


def _fingerprint() -> str:
    digest = sha256(GATE.encode())
    for path in _files():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(_ROOT).as_posix()} {len(content)}\0".encode() + content)
    return digest.hexdigest()[:8]


# 8 hexadecimal digits of every source, list and rule that decides what becomes of a dossier, and of the gate.
SHIPPED: Final = _fingerprint()


def mapping() -> str:
    """Which mapping this process has now: the shipped one, with the code lists that were loaded into it. Whoever notes
    it on what was made asks before making it.
    """
    loaded = editions.stamp()
    return sha256(f"{SHIPPED} {loaded}".encode()).hexdigest()[:8] if loaded else SHIPPED
