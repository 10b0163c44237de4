"""ehr-sync demo."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click
import requests

from ehr_sync import settings
from ehr_sync.bootstrap import open_service
from ehr_sync.core.errors import Misconfigured
from ehr_sync.demo import report
from ehr_sync.demo.cast import CITIZEN, SPECIAL, cast
from ehr_sync.demo.hospital import Hospital
from ehr_sync.demo.play import Played, play
from ehr_sync.demo.stage import Stage, employ, open_doors, own_folder, require_ports, set_up
from ehr_sync.runtime.supervisor import Died, Stopped, Supervisor
from ehr_sync.sandbox.city import clients as sandbox_clients
from ehr_sync.sandbox.city.facilities import DEMO, facility
from ehr_sync.store import apps, clients
from ehr_sync.store.apps import App
from ehr_sync.usecases.access.authenticate import SCOPES
from ehr_sync.usecases.access.passwords import hashed

EXAMPLE_APP: Final = App("vi-du", "Ứng dụng ví dụ", "Example app", ("http://127.0.0.1/callback",), ())
"""The app of docs/examples/app.py, on whatever port it finds free."""


@click.command()
@click.option("--once", is_flag=True, help="End by itself: with 0 if every dossier ended as it must, else with 1.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path(".demo"),
    show_default=True,
    help="Where it keeps everything; emptied at each start.",
)
@click.option("--dossiers", type=click.IntRange(min=SPECIAL), default=40, show_default=True, help="How many to send.")
@click.option("--port", default=8080, show_default=True, help="The service's; the city's are 11, 12 and 13 above.")
def demo(*, once: bool, folder: Path, dossiers: int, port: int) -> None:
    """The whole service with a simulated city, on this machine."""
    try:
        as_told = _run(once=once, folder=folder, dossiers=dossiers, port=port)
    except Stopped:
        click.echo("\nEverything is stopped.")
        return
    except Died as died:
        raise Misconfigured(f"Read the log, then start again: {died}") from None
    except requests.RequestException as error:
        raise Misconfigured(
            f"Read the logs in {folder / 'logs'}: the service gave no answer to use ({error})."
        ) from None
    if not as_told:
        sys.exit(1)


def _run(*, once: bool, folder: Path, dossiers: int, port: int) -> bool:
    require_ports(port)
    with own_folder(folder) as own, Supervisor(own / "logs") as supervisor, ExitStack() as closing:
        click.echo(f"An empty city: what an earlier demo left in {folder} is gone.")
        click.echo("Starting PostgreSQL, the simulated city, the service and its schedulers ...")
        stage = set_up(supervisor, own, port)
        hospitals = _registered(stage)
        employ(stage, hospitals)
        for hospital in hospitals.values():
            closing.callback(hospital.close)
        open_doors(supervisor, stage)
        played = _play(dossiers, hospitals, supervisor)
        click.echo(f"\n{report.table(played)}\n")
        if once:
            return all(one.as_told for one in played)
        first = next(one for one in played if one.transaction)
        click.echo(report.next_steps(stage, transaction=first.transaction, number=CITIZEN))
        supervisor.wait_for(lambda: False, seconds=float("inf"))
    return True


def _registered(stage: Stage) -> dict[str, Hospital]:
    """The demo's hospitals by code, each registered with a key of its own; and an app, as an operator would."""
    service = open_service(settings.from_environment(stage.environment))
    keys = service.stores.keys
    for code in DEMO:
        known = facility(code)
        assert known is not None
        client_id, jwks = sandbox_clients.client_id(code), sandbox_clients.public_jwks(stage.world.folder, code)
        kept = hashed(sandbox_clients.password(stage.world.folder, code))
        with service.stores.database.begin() as connection:
            clients.add_facility(connection, keys, code, name=known.name)
            clients.add_client(connection, keys, client_id, name=known.name, jwks=jwks, scopes=SCOPES)
            clients.grant(connection, keys, client_id, code)
            clients.set_password(connection, keys, client_id, kept)
    with service.stores.database.begin() as connection:
        apps.add(connection, keys, EXAMPLE_APP)
    service.close()
    return {code: Hospital(stage.url, code, stage.world.folder) for code in DEMO}


def _play(dossiers: int, hospitals: dict[str, Hospital], supervisor: Supervisor) -> list[Played]:
    with click.progressbar(length=2 * dossiers, label=f"{dossiers} dossiers on their way") as bar:
        return play(
            cast(dossiers),
            hospitals,
            step=lambda: bar.update(1),
            wait=lambda question, seconds: supervisor.wait_for(question, seconds=seconds),
        )
