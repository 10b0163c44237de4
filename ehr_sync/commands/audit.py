"""ehr-sync audit verify: does the log of who read what stand as it was written (P10)?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ehr_sync.adapters.checkpoint_copy import file_of
from ehr_sync.bootstrap import Service
from ehr_sync.commands.opening import opened
from ehr_sync.core.errors import Misconfigured
from ehr_sync.usecases.auditing.verify_log import Verified, verify_log

_TAMPERED: Final = 1
_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def audit() -> None:
    """The log of every read of a person's data."""


@audit.command()
@click.option(
    "--log", "logs", type=_FILE, multiple=True, help="A log of web workers or schedulers, whose anchors count."
)
@click.option("--copy", "copies", type=_FILE, multiple=True, help="Signed checkpoints; without it EHR_SYNC_AUDIT_COPY.")
@click.option(
    "--keys", "former", type=_FILE, help="Former public signing keys (JWKS), for a copy from before a change."
)
@click.argument("more_logs", metavar="[LOG]...", type=_FILE, nargs=-1)
def verify(
    *, logs: tuple[Path, ...], copies: tuple[Path, ...], former: Path | None, more_logs: tuple[Path, ...]
) -> None:
    """Find entries that were changed, taken out, put in or cut off, and what in a database could do so unseen. Exits
    with 1 where there are any.
    """
    with opened() as service:
        found = verify_log(
            stores=service.stores,
            key_database=service.key_database,
            logs=_lines([*logs, *more_logs]),
            copies=_lines(copies or _own_copy(service)),
            keys=_keys(service, former),
        )
    _tell(found)


def _tell(found: Verified) -> None:
    for fault in found.faults:
        click.echo(fault)
    if found.faults:
        sys.exit(_TAMPERED)
    click.echo(
        f"The {found.entries} entries stand as they were written; {found.checkpoints} checkpoints agree", nl=False
    )
    click.echo(f", and {found.anchors} anchors in logs." if found.anchors else ".")


def _own_copy(service: Service) -> tuple[Path, ...]:
    path = file_of(service.settings.audit_copy)
    return (path,) if path is not None and path.exists() else ()


def _keys(service: Service, former: Path | None) -> KeySet:
    """The service's own public key, and those that it had before."""
    keys: list[Mapping[str, Any]] = [service.stores.keys.signing]
    try:
        keys += json.loads(former.read_text())["keys"] if former else []
        return KeySet.import_key_set({"keys": [dict(key) for key in keys]})
    except (ValueError, KeyError, TypeError, JoseError):
        raise Misconfigured(f"Give a JSON Web Key Set of public keys: {former} is none.") from None


def _lines(paths: Iterable[Path]) -> dict[str, Iterator[str]]:
    return {str(path): _read(path) for path in paths}


def _read(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from file
