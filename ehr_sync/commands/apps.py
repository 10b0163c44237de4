"""ehr-sync app …: apps of others that citizens may let read their book."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from ehr_sync.commands.noting import by
from ehr_sync.commands.opening import opened
from ehr_sync.core.errors import Misconfigured
from ehr_sync.store.apps import App
from ehr_sync.usecases.access.register_apps import BadApp, add_app, list_apps, remove_app


@click.group("app")
def app() -> None:
    """Apps of others: who may ask citizens for their book."""


@app.command("add")
@click.argument("client_id")
@click.option("--name-vi", required=True, help="What people call it, in Vietnamese.")
@click.option("--name-en", required=True, help="What people call it, in English.")
@click.option(
    "--redirect", "redirects", multiple=True, required=True, help="Where its people are sent back to, in full."
)
@click.option("--origin", "origins", multiple=True, help="Where its pages are from, if they ask in a browser.")
def add(client_id: str, name_vi: str, name_en: str, redirects: tuple[str, ...], origins: tuple[str, ...]) -> None:
    """Register an app. It has no secret: codes are bound to it by PKCE."""
    new = App(client_id, name_vi, name_en, redirects, origins)
    with opened() as service:
        try:
            add_app(new, by=by(), stores=service.stores)
        except BadApp as error:
            raise Misconfigured(error.code) from None
    click.echo(f"{client_id} is registered.")


@app.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_all(*, as_json: bool) -> None:
    """Every registered app."""
    with opened() as service:
        found = list_apps(stores=service.stores)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], ensure_ascii=False))
        return
    for each in found:
        click.echo(f"{each.client_id}\t{each.name_vi}\t{each.name_en}")
        for address in (*each.redirects, *each.origins):
            click.echo(f"\t{address}")


@app.command("remove")
@click.argument("client_id")
def remove(client_id: str) -> None:
    """Shut an app out, with all that citizens let it do, at once. Its id is never given again."""
    with opened() as service:
        ended = remove_app(client_id, by=by(), stores=service.stores)
    click.echo(f"{client_id} is shut out; {ended} grants ended.")
