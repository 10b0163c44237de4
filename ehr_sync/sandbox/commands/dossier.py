"""`ehr-sync sandbox dossier` and `corpus`: files as hospitals of the invented city would send them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ehr_sync.sandbox.dossiers import corpus
from ehr_sync.sandbox.dossiers.generator import CLEAN, RESTRICTED_KINDS, SHAPES, dossier, envelope, messy_style


@click.command("dossier")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Same seed, same dossier.")
@click.option("--number", help="12-digit number of the patient; without it the seed picks one.")
@click.option("--rows", type=click.IntRange(min=0), help="Rows over XML2 to XML5 together.")
@click.option("--facility", default="01001", show_default=True, help="Code of the sending facility.")
@click.option("--shape", type=click.Choice(SHAPES), help="Kind of visit.")
@click.option("--restricted", type=click.Choice(RESTRICTED_KINDS), metavar="KIND", help="Plant a restricted item.")
@click.option("--messy", is_flag=True, help="Write it as real exporters do.")
def dossier_command(
    *,
    seed: int,
    number: str | None,
    rows: int | None,
    facility: str,
    shape: str | None,
    restricted: str | None,
    messy: bool,
) -> None:
    """Print one generated envelope (QĐ 3176), ready to be posted."""
    made = dossier(seed, number=number, rows=rows, facility=facility, shape=shape, restricted=restricted, messy=messy)
    sys.stdout.buffer.write(envelope([made], style=messy_style(seed) if messy else CLEAN))


@click.command("corpus")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def corpus_command(folder: Path) -> None:
    """Write some 700 files, sound and broken, and what must be heard of each into corpus.csv."""
    click.echo(f"{corpus.write(folder)} files, {folder / corpus.INDEX}")
