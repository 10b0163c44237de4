"""`ehr-sync sandbox follow …`: watch what becomes of a dossier, by the life line that its sender sees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import click

from ehr_sync.core.errors import Misconfigured
from ehr_sync.sandbox.city import clients
from ehr_sync.sandbox.commands.surroundings import sandbox_folder, setting
from ehr_sync.sandbox.serving.asking import get_json

_SERVICES_TURN: Final = frozenset({"verification", "registry", "book"})
_PAUSE_SECONDS: Final = 0.3


@click.command("follow")
@click.argument("code")
@click.option("--facility", default="01001", show_default=True, help="Code of the facility that sent it.")
@click.option("--seconds", default=60.0, show_default=True, help="How long to wait for the service at most.")
def follow(code: str, facility: str, seconds: float) -> None:
    """Print each step of a dossier as it is taken, by its maGiaoDich, until it is nobody's turn or somebody else's."""
    url = setting("EHR_SYNC_URL")
    token = clients.access_token(sandbox_folder(), facility, service_url=url)
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    ends, told = time.monotonic() + seconds, 0
    while True:
        line = get_json(f"{url}/api/v1/transactions/{code}", headers)
        steps = [step for step in line["steps"] if step["at"]]
        for step in _lines(steps[told:]):
            click.echo(step)
        told = len(steps)
        if line["next"] not in _SERVICES_TURN:
            break
        if time.monotonic() > ends:
            raise Misconfigured(f"Look again later, or with more --seconds: {line['stateText']}, {line['nextText']}.")
        time.sleep(_PAUSE_SECONDS)
    click.echo(f"{line['stateText']}. {line['nextText']}.")


def _lines(steps: list[dict[str, Any]]) -> Iterator[str]:
    for step in steps:
        yield f"{step['at']}  {step['text']}" + (f" ({step['reason']})" if "reason" in step else "")
