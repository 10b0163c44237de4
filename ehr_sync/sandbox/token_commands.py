"""ehr-sync sandbox token … and ehr-sync sandbox book …: for people who try the running demo by hand."""

from __future__ import annotations

import click
import orjson

from ehr_sync.sandbox import clients
from ehr_sync.sandbox.asking import post_json
from ehr_sync.sandbox.book_reading import everything_of
from ehr_sync.sandbox.surroundings import sandbox_folder, setting


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
    """For staff, by role (ops)."""
    click.echo(_issued({"role": role}))


@click.command("book")
@click.argument("number")
def book(number: str) -> None:
    """Print what the health book holds for a person, as a FHIR Bundle."""
    book_url = setting("EHR_SYNC_BOOK_URL")
    bundle = everything_of(
        number,
        book_url=book_url,
        token_url=setting("EHR_SYNC_BOOK_TOKEN_URL", book_url.removesuffix("/fhir") + "/oauth2/token"),
        client_id=setting("EHR_SYNC_BOOK_CLIENT_ID", "ehr-sync"),
        secret=setting("EHR_SYNC_BOOK_CLIENT_SECRET", "sandbox"),
    )
    click.echo(orjson.dumps(bundle, option=orjson.OPT_INDENT_2))


def _issued(wish: dict[str, str]) -> str:
    return str(post_json(f"{setting('EHR_SYNC_ISSUER_URL')}/token", wish)["access_token"])
