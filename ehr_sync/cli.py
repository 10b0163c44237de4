"""ehr-sync …: one line a command here, one module each elsewhere, imported only when it is the one asked for."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import Final, NoReturn

import click

from ehr_sync.core.errors import Misconfigured, Unavailable, Unfit

DO_THIS_FIRST: Final = 2
"""The exit code for everything that the caller can mend; one sentence on stderr says how."""


@dataclass(frozen=True, slots=True)
class _Entry:
    module: str
    attribute: str
    says: str


_COMMANDS: Final[dict[str, _Entry]] = {
    "app": _Entry("ehr_sync.commands.apps", "app", "Apps that may ask citizens for their book: add, list, remove."),
    "audit": _Entry("ehr_sync.commands.audit", "audit", "The log of who read what: verify it."),
    "break-glass": _Entry(
        "ehr_sync.commands.break_glass", "break_glass", "What a record of HIV (XML6) said, by its key."
    ),
    "check": _Entry("ehr_sync.commands.check", "check", "What would be answered to files, without any service."),
    "client": _Entry(
        "ehr_sync.commands.clients", "client", "Systems that send: add, keys, password, grant, disable, enable, list."
    ),
    "demo": _Entry("ehr_sync.demo.command", "demo", "The whole service with a simulated city, on this machine."),
    "destination": _Entry("ehr_sync.commands.destination", "destination", "The health book: list, resume."),
    "doubles": _Entry("ehr_sync.commands.doubles", "doubles", "Of whom does the book keep two living Patients?"),
    "edges": _Entry("ehr_sync.commands.edges", "edges", "Rows that decide who is who: verify, seal."),
    "erase": _Entry("ehr_sync.commands.erase", "erase", "Destroy one person's keys and records."),
    "facility": _Entry("ehr_sync.commands.clients", "facility", "Hospitals, clinics and stations: add, list."),
    "hurry": _Entry("ehr_sync.commands.destination", "hurry", "Let lanes that wait out a back-off be due now."),
    "identity": _Entry("ehr_sync.commands.identity", "identity", "How two writings of a name are compared."),
    "lockout": _Entry("ehr_sync.commands.lockout", "lockout", "Facilities that tried a number too often: list, end."),
    "keys": _Entry("ehr_sync.commands.operate", "keys", "The key file: create, complete, accept-signing."),
    "migrate": _Entry("ehr_sync.commands.operate", "migrate", "Bring both databases to the newest form."),
    "remap": _Entry("ehr_sync.commands.remap", "remap_command", "Map kept dossiers anew with today's mapping."),
    "reconcile": _Entry(
        "ehr_sync.commands.corrections", "reconcile", "Compare a facility's list of a month with what is here."
    ),
    "restore": _Entry("ehr_sync.commands.corrections", "restore", "Undo that a facility's records were withdrawn."),
    "resync": _Entry("ehr_sync.commands.resync", "resync", "Bring health books up to date again."),
    "sandbox": _Entry("ehr_sync.sandbox.commands", "sandbox", "The simulated city: tokens, dossiers, books."),
    "show": _Entry("ehr_sync.commands.overview", "show", "Lists: of submissions, claims, lanes, facilities …"),
    "status": _Entry("ehr_sync.commands.overview", "status", "Is it well? What waits, for how long, and why."),
    "staff": _Entry("ehr_sync.commands.staff", "staff", "Who works where: grant, end, list."),
    "terminology": _Entry(
        "ehr_sync.commands.terminology", "terminology", "Code lists by their editions: load, list, show, withdraw."
    ),
    "verify": _Entry("ehr_sync.commands.verify", "verify", "Who the people of a list are: batch, of the registry."),
    "withdraw": _Entry("ehr_sync.commands.corrections", "withdraw", "Withdraw a facility's records, by a list."),
    "review": _Entry("ehr_sync.commands.review", "review", "What waits for a person, and what they decide."),
    "trace": _Entry("ehr_sync.commands.trace", "trace", "From a maGiaoDich to its lane, and back."),
    "scheduler": _Entry("ehr_sync.commands.operate", "scheduler", "Verify and deliver; any number at once."),
}


class _Commands(click.Group):
    """Imports a command's module when it is called: --help and `demo` do not wait for what they do not need."""

    def invoke(self, ctx: click.Context) -> object:
        """click's, which exits with 2 and one sentence where the caller can mend what is wrong."""
        try:
            return super().invoke(ctx)
        except Misconfigured as error:
            _end(error.code)
        except Unfit:
            _end("Run ehr-sync edges verify: a row that this rests on is not as it was written (edges.unfit).")
        except Unavailable as error:
            _end(f"Start what the settings name, or mend them: {error.code} (see docs/settings.md).")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """click's."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """click's."""
        entry = _COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(entry.module), entry.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """click's, without importing every module for its first sentence."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.says) for name, entry in sorted(_COMMANDS.items())])


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="ehr-sync")
def ehr_sync() -> None:
    """Carries a city's health records into each citizen's own health book."""


def main() -> None:
    """The program."""
    ehr_sync()


def _end(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(DO_THIS_FIRST)


if __name__ == "__main__":
    main()
