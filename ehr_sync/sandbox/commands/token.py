"""`ehr-sync sandbox token …`: for people who try the running demo by hand."""

from __future__ import annotations

import click
import orjson

from ehr_sync.sandbox.city import clients
from ehr_sync.sandbox.city.staff import OPERATOR
from ehr_sync.sandbox.commands.surroundings import sandbox_folder, setting
from ehr_sync.sandbox.serving.asking import post_json


@click.group("token")
def token() -> None:
    """Print an access token for somebody of the simulated city."""


@token.command("facility")
@click.argument("code")
def facility_token(code: str) -> None:
    """For the system of a facility, by its code (01001)."""
    click.echo(clients.access_token(sandbox_folder(), code, service_url=setting("EHR_SYNC_URL")))


@token.command("citizen")
@click.argument("number")
def citizen_token(number: str) -> None:
    """For a citizen, by the 12-digit number."""
    click.echo(_issued({"number": number}))


@token.command("role")
@click.argument("role")
def role_token(role: str) -> None:
    """For staff, by role (ops): of the invented city's operator."""
    click.echo(_issued({"role": role, "number": OPERATOR.number}))


@click.command("axis-login")
@click.argument("code")
def axis_login(code: str) -> None:
    """Print what the system of a demo's facility (01001) signs in with as at the Hanoi axis."""
    login = {"username": clients.client_id(code), "password": clients.password(sandbox_folder(), code), "code": code}
    click.echo(orjson.dumps(login))


def _issued(wish: dict[str, str]) -> str:
    return str(post_json(f"{setting('EHR_SYNC_ISSUER_URL')}/token", wish)["access_token"])
