"""The key provider of development and small sites: one JSON file, mode 0600. Production puts a KMS behind the port."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from ehr_sync.core.errors import Misconfigured
from ehr_sync.core.keys import ServiceKeys
from ehr_sync.runtime.dumps import refuse_dumps

# What came later, and what a version did that did not have it.
_LATER = {
    "id_tokens": "signed no ID tokens of its own",
    "restricted": "kept HIV records (XML6) under no key of their own",
}
_NAMES = ("root", "index", "id", "content", "audit")


def create(path: Path) -> None:
    """Write a new key file, and beside it the break-glass key. Raises Misconfigured where one is there already: a
    second one would orphan all data.
    """
    refuse_dumps()
    document: dict[str, object] = {name: base64.b64encode(os.urandom(32)).decode() for name in _NAMES}
    document["signing"] = ECKey.generate_key("P-256", auto_kid=True).as_dict(private=True)
    document["id_tokens"] = _new_id_tokens()
    _write_both(path, document, break_glass_of(path))


def complete(path: Path) -> None:
    """Add what a key file of an older version lacks, and beside it a break-glass key where it knew none; the keys that
    are there stay. Raises Misconfigured as `load` and `create` do.
    """
    document = _read(path)
    if _LATER.keys() <= document.keys():
        return
    beside = path.with_name(f"{path.name}.new")
    whole = document if "id_tokens" in document else {**document, "id_tokens": _new_id_tokens()}
    if "restricted" in document:
        _write(beside, whole)
    else:
        _write_both(beside, whole, break_glass_of(path))
    beside.replace(path)  # never half a key file


def break_glass_of(path: Path) -> Path:
    """Where the private half of `restricted` is written: it is to be carried off, and no service ever reads it."""
    return path.with_name(f"{path.name}.break-glass")


def load(path: Path) -> ServiceKeys:
    """The keys in the file. Raises Misconfigured where it cannot be read, is open to others, or is no key file."""
    document = _read(path)
    for name, did in _LATER.items():
        if name not in document:
            raise Misconfigured(f"Run ehr-sync keys complete {path}: it is of a version that {did}.")
    try:
        keys = {name: base64.b64decode(document[name], validate=True) for name in _NAMES}
        signing = ECKey.import_key(document["signing"]).as_dict(private=True)
        id_tokens = rsa_key(document["id_tokens"]).as_dict(private=True)
        restricted = ECKey.import_key(document["restricted"]).as_dict(private=False)
    except (ValueError, TypeError):
        raise _none_of_ours(path) from None
    if any(len(key) != 32 for key in keys.values()):
        raise Misconfigured(f"Set EHR_SYNC_KEY_FILE to a key file of ehr-sync: {path} has a key of the wrong length.")
    return ServiceKeys(**keys, signing=signing, id_tokens=id_tokens, restricted=restricted)


def load_break_glass(path: Path) -> dict[str, Any]:
    """The break-glass key. Raises Misconfigured where the file is none."""
    refuse_dumps()
    try:
        return dict(ECKey.import_key(json.loads(path.read_text())).as_dict(private=True))
    except (OSError, ValueError, TypeError, JoseError):
        raise Misconfigured(f"Give the break-glass key, made with the key file: {path} is none.") from None


def _new_break_glass() -> dict[str, object]:
    return dict(ECKey.generate_key("P-256", auto_kid=True).as_dict(private=True))


def _public(key: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in key.items() if name != "d"}


def rsa_key(jwk: Mapping[str, Any]) -> RSAKey:
    """The key of a JWK. Raises ValueError where it is none. One key is looked at once: whether its numbers belong
    together takes a tenth of a second.
    """
    return _rsa_key(json.dumps(jwk))


@lru_cache(maxsize=2)
def _rsa_key(jwk: str) -> RSAKey:
    return RSAKey.import_key(json.loads(jwk))


def _new_id_tokens() -> dict[str, object]:
    return dict(RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True))


def _write_both(path: Path, document: Mapping[str, object], break_glass_path: Path) -> None:
    """A key file with the public half of a new break-glass key, and that key; or neither."""
    break_glass = _new_break_glass()
    _write(break_glass_path, break_glass)
    try:
        _write(path, {**document, "restricted": _public(break_glass)})
    except Misconfigured:
        break_glass_path.unlink()
        raise


def _write(path: Path, document: Mapping[str, object]) -> None:
    """A file of this name that was not there before, and that nobody else can read at any moment."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Misconfigured(f"Keep the key file {path}: it is there already.") from None
    except OSError as error:
        raise Misconfigured(f"Choose another place for the key file {path}: {error.strerror}.") from None
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=1)


def _read(path: Path) -> dict[str, Any]:
    refuse_dumps()
    try:
        text = path.read_text()
        mode = path.stat().st_mode
    except OSError as error:
        raise Misconfigured(f"Set EHR_SYNC_KEY_FILE to a readable key file: {path}: {error.strerror}.") from None
    if stat.S_IMODE(mode) & 0o077:
        raise Misconfigured(f"Run chmod 600 {path}: others can read the key file.")
    try:
        document = json.loads(text)
    except ValueError:
        raise _none_of_ours(path) from None
    if not isinstance(document, dict) or not document.keys() >= {*_NAMES, "signing"}:
        raise _none_of_ours(path)
    return document


def _none_of_ours(path: Path) -> Misconfigured:
    return Misconfigured(f"Set EHR_SYNC_KEY_FILE to a key file of ehr-sync: {path} is none.")
