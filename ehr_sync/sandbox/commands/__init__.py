"""`ehr-sync sandbox …`: what the invented world can print."""

from __future__ import annotations

import click

from ehr_sync.sandbox.commands.book import book
from ehr_sync.sandbox.commands.dossier import corpus_command, dossier_command
from ehr_sync.sandbox.commands.follow import follow
from ehr_sync.sandbox.commands.health_check import health_check_command
from ehr_sync.sandbox.commands.token import axis_login, token


@click.group()
def sandbox() -> None:
    """The invented world: dossiers and what becomes of them, tokens, what a health book holds."""


for _command in (token, axis_login, book, dossier_command, health_check_command, corpus_command, follow):
    sandbox.add_command(_command)
