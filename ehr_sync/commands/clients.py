"""ehr-sync client … and ehr-sync facility …: who may send, with which keys, for which facilities."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from ehr_sync.commands.noting import noted
from ehr_sync.commands.opening import opened
from ehr_sync.core.codes import CLIENT_ID
from ehr_sync.core.errors import Misconfigured
from ehr_sync.store import clients
from ehr_sync.store.client_edges import Grant
from ehr_sync.store.clients import ALWAYS
from ehr_sync.usecases.access.authenticate import SCOPES, BadKeys, checked_jwks
from ehr_sync.usecases.access.passwords import hashed, new_password
from mappings.facility_code import is_facility_code


class FacilityGrant(click.ParamType[tuple[str, date, date | None]]):
    """CODE[:FROM[:TO]], days as yyyy-mm-dd, both included."""

    name = "CODE[:FROM[:TO]]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Code, first day and last day."""
        if not isinstance(value, str):
            return value
        code, *days = value.split(":")
        if not is_facility_code(code) or len(days) > 2:
            self.fail("Write CODE[:FROM[:TO]], such as 01001:2026-01-01:2026-12-31.", param, ctx)
        try:
            first, last = ([date.fromisoformat(day) if day else None for day in days] + [None, None])[:2]
        except ValueError:
            self.fail("Write days as yyyy-mm-dd.", param, ctx)
        if first and last and last < first:
            self.fail("Let the last day not come before the first.", param, ctx)
        return code, first or ALWAYS, last


@click.group("client")
def client() -> None:
    """Systems that send: hospitals, groups, district centres, vendors."""


@client.command("add")
@click.argument("client_id")
@click.option("--name", required=True, help="What people call it.")
@click.option("--jwks", "jwks_file", required=True, type=click.Path(path_type=Path), help="Its public keys.")
@click.option("--facility", "grants", type=FacilityGrant(), multiple=True, help="A code that it sends for.")
@click.option("--scope", "scopes", type=click.Choice(sorted(SCOPES)), multiple=True, default=sorted(SCOPES))
def add_client(
    client_id: str,
    name: str,
    jwks_file: Path,
    grants: tuple[tuple[str, date, date | None], ...],
    scopes: tuple[str, ...],
) -> None:
    """Register a client, with its public keys and its facilities."""
    if not re.fullmatch(CLIENT_ID, client_id):
        raise Misconfigured("Choose an id of 1 to 64 letters, digits, dots, dashes and underlines.")
    jwks = _jwks_in(jwks_file)
    told = {"scopes": ",".join(sorted(set(scopes))), "facilities": ",".join(sorted({code for code, _, _ in grants}))}
    with opened() as service, noted(service.stores, "add client", client=client_id, **told) as connection:
        clients.add_client(connection, service.stores.keys, client_id, name=name, jwks=jwks, scopes=scopes)
        for code, first, last in grants:
            clients.grant(connection, service.stores.keys, client_id, code, first, last)
    click.echo(f"{client_id} is registered for {len(grants)} facilities.")


@client.command("keys")
@click.argument("client_id")
@click.option("--jwks", "jwks_file", required=True, type=click.Path(path_type=Path), help="Its new public keys.")
def set_keys(client_id: str, jwks_file: Path) -> None:
    """Replace a client's public keys; the former ones stop working at once."""
    jwks = _jwks_in(jwks_file)
    with (
        opened() as service,
        noted(service.stores, "set client keys", client=client_id, keys=len(jwks["keys"])) as connection,
    ):
        clients.set_jwks(connection, service.stores.keys, client_id, jwks)
    click.echo(f"{client_id} now has {len(jwks['keys'])} keys.")


@client.command("password")
@click.argument("client_id")
@click.option("--off", is_flag=True, help="Take its password away.")
def set_password(client_id: str, *, off: bool) -> None:
    """Give a client a new password for the axis's older sign-in, printed this once; the former one opens nothing more.

    Tokens that a password opened live half an hour; `client disable` shuts a client out at once.
    """
    password = None if off else new_password()
    kept = hashed(password) if password else None
    action = "take client password" if off else "set client password"
    with opened() as service, noted(service.stores, action, client=client_id) as connection:
        clients.set_password(connection, service.stores.keys, client_id, kept)
    click.echo(password or f"{client_id} may no longer sign in by a password.")


@client.command("grant")
@click.argument("client_id")
@click.argument("grants", type=FacilityGrant(), nargs=-1, required=True)
def grant(client_id: str, grants: tuple[tuple[str, date, date | None], ...]) -> None:
    """Let a client send for more codes; CODE::TO ends what it has of a code, the last day included."""
    told = ",".join(_period(Grant(client_id, *each)).replace(" ", "_") for each in grants)
    with (
        opened() as service,
        noted(service.stores, "grant facilities", client=client_id, facilities=told) as connection,
    ):
        for code, first, last in grants:
            clients.grant(connection, service.stores.keys, client_id, code, first, last)
    click.echo(f"{client_id} was granted {len(grants)} facilities.")


@client.command("disable")
@click.argument("client_id")
def disable(client_id: str) -> None:
    """Shut a client out: no new token, and nothing more is taken from it."""
    with opened() as service:
        now = service.stores.database.now()
        with noted(service.stores, "disable client", client=client_id) as connection:
            clients.disable_client(connection, service.stores.keys, client_id, now)
    click.echo(f"{client_id} is shut out; ehr-sync client enable lets it in again.")


@client.command("enable")
@click.argument("client_id")
def enable(client_id: str) -> None:
    """Let a client that was shut out in again, as it was."""
    with opened() as service, noted(service.stores, "enable client", client=client_id) as connection:
        clients.enable_client(connection, service.stores.keys, client_id)
    click.echo(f"{client_id} may sign in again.")


@client.command("list")
def list_clients() -> None:
    """Every client with its facilities, those too that are shut out."""
    with opened() as service, service.stores.database.begin() as connection:
        grants = clients.all_grants(connection)
        used = clients.password_uses(connection)
        for found, disabled_at in clients.all_clients(connection):
            password = f"\tpassword, {_last(used[found.client_id])}" if found.client_id in used else ""
            shut_out = f"\tshut out since {_moment(disabled_at)}" if disabled_at else ""
            click.echo(f"{found.client_id}\t{found.name}\t{' '.join(sorted(found.scopes))}{password}{shut_out}")
            for held in grants:
                if held.client_id == found.client_id:
                    click.echo(f"\t{_period(held)}")


@click.group("facility")
def facility() -> None:
    """Hospitals, clinics and stations by their code."""


@facility.command("add")
@click.argument("code")
@click.option("--name", required=True, help="What people call it.")
@click.option("--same-place-as", help="Another code of the same place, after a rename or merger.")
def add_facility(code: str, name: str, same_place_as: str | None) -> None:
    """Register a facility's code, or give it a new name."""
    if not is_facility_code(code):
        raise Misconfigured(
            "Write the code as two digits and three digits or capitals, such as 01001, or as a GLN of 13 digits."
        )
    with (
        opened() as service,
        noted(service.stores, "add facility", facility=code, same_place_as=same_place_as) as connection,
    ):
        added = clients.add_facility(connection, service.stores.keys, code, name=name, same_place_as=same_place_as)
    click.echo(f"{added.code} is registered, of family {added.family}.")


@facility.command("list")
def list_facilities() -> None:
    """Every facility with its family."""
    with opened() as service, service.stores.database.begin() as connection:
        for found in sorted(clients.register(connection).values(), key=lambda one: one.code):
            click.echo(f"{found.code}\t{found.family}\t{found.name}")


def _last(used: datetime | None) -> str:
    return f"last used {_moment(used)}" if used else "never used"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _jwks_in(path: Path) -> dict[str, Any]:
    try:
        return checked_jwks(json.loads(path.read_text()))
    except OSError as error:
        raise Misconfigured(f"Give a readable file of public keys: {path}: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise Misconfigured(f"Give a file of public keys in JSON: {path} is none.") from None
    except BadKeys as error:
        raise Misconfigured(error.code) from None


def _period(held: Grant) -> str:
    first = "" if held.valid_from == ALWAYS else f" from {held.valid_from}"
    return f"{held.code}{first}" + (f" to {held.valid_to}" if held.valid_to else "")
