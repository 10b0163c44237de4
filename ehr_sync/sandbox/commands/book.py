"""`ehr-sync sandbox book …`: what the health book holds for a person, asked as any client of it would."""

from __future__ import annotations

from typing import Any

import click
import orjson

from ehr_sync.sandbox.commands.surroundings import setting
from ehr_sync.sandbox.serving.accounts import SECRET, USER
from ehr_sync.sandbox.serving.asking import get_json, post_form


@click.command("book")
@click.argument("number")
def book(number: str) -> None:
    """Print what the health book holds for a person, as a FHIR Bundle."""
    book_url = setting("EHR_SYNC_BOOK_URL")
    bundle = everything_of(
        number,
        book_url=book_url,
        token_url=setting("EHR_SYNC_BOOK_TOKEN_URL", book_url.removesuffix("/fhir") + "/oauth2/token"),
        client_id=setting("EHR_SYNC_BOOK_CLIENT_ID", USER),
        secret=setting("EHR_SYNC_BOOK_CLIENT_SECRET", SECRET),
    )
    click.echo(orjson.dumps(bundle, option=orjson.OPT_INDENT_2))


def everything_of(number: str, *, book_url: str, token_url: str, client_id: str, secret: str) -> dict[str, Any]:
    """A FHIR Bundle: the person's Patient, everything in their compartment and what it refers to; else empty.

    Raises Misconfigured where the book does not answer.
    """
    fields = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    headers = {"Authorization": f"Bearer {post_form(token_url, fields)['access_token']}"}
    # By POST: a number does not belong into an address.
    found: dict[str, Any] = post_form(f"{book_url}/Patient/_search", {"identifier": number}, headers)
    if not found.get("entry"):
        return found
    patient = found["entry"][0]["resource"]["id"]
    bundle: dict[str, Any] = get_json(f"{book_url}/Patient/{patient}/$everything", headers)
    return bundle
