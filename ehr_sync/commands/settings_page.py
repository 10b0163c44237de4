"""docs/settings.md, made from the settings themselves: python -m ehr_sync.commands.settings_page > docs/settings.md"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any, Final

import click

from ehr_sync.settings import PREFIX, Settings

_HEAD: Final = f"""# Settings

Made from `ehr_sync/settings.py` by `python -m ehr_sync.commands.settings_page`; do not edit. All settings are
environment variables that begin with `{PREFIX}`. A wrong one is told at start, in one sentence that names it.

| Variable | What it is | Default |
|---|---|---|
"""


def page() -> str:
    """The page, in Markdown."""
    return _HEAD + "".join(_line(setting) for setting in fields(Settings))


def _line(setting: Field[Any]) -> str:
    if setting.default is MISSING:
        default = "must be set"
    else:
        default = f"`{setting.default}`" if str(setting.default) else "none"
    return f"| `{PREFIX}{setting.name.upper()}` | {setting.metadata['doc']} | {default} |\n"


if __name__ == "__main__":
    click.echo(page(), nl=False)
