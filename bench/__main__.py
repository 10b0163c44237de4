"""python -m bench [NAME …]: run the benchmarks, all or those named, and print one table."""

from __future__ import annotations

import shutil
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path

import click

from bench import machine, report
from bench.figures import FULL, SHORT, Section
from ehr_sync.core.errors import Misconfigured
from ehr_sync.runtime.supervisor import Stopped

NAMES = ("ingest", "formats", "push", "everything", "pages", "growth", "memory", "stages")


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(NAMES), metavar=f"[{'|'.join(NAMES)}]...")
@click.option("--short", is_flag=True, help="Seconds instead of minutes: proves that they work, measures nothing.")
@click.option("--write", is_flag=True, help="Write bench/README.md from this run.")
@click.option("--remark", default="", help="A line about the circumstances, for the page.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("build/bench"),
    show_default=True,
    help="Where the databases are made and removed again; must be on a disk, with 8 GB free.",
)
def main(*, names: tuple[str, ...], short: bool, write: bool, remark: str, folder: Path) -> None:
    """See the help text."""
    if write and short:
        raise click.UsageError("Leave out --short: the page holds real figures only.")
    lines = machine.before()
    click.echo("\n".join(lines), err=True)
    found = [_run(name, SHORT if short else FULL, folder) for name in names or NAMES]
    sections = [section for section in found if section is not None]
    click.echo(report.table(sections))
    if len(sections) < len(found):
        sys.exit(1)
    if write:
        click.echo(f"written: {report.write_readme(report.readme(sections, lines, remark))}")


def _run(name: str, size: str, folder: Path) -> Section | None:
    """The section, or None where the benchmark failed: the others are still worth their time."""
    started, place = time.monotonic(), (folder / name).absolute()
    shutil.rmtree(place, ignore_errors=True)  # of a run that was killed
    try:
        section: Section = import_module(f"bench.{name}").run(size, place)
    except Misconfigured:
        raise
    except Exception:
        click.echo(f"\n{name} failed:\n{traceback.format_exc()}", err=True)
        return None
    finally:
        shutil.rmtree(place, ignore_errors=True)
    click.echo(f"\n{name} ({time.monotonic() - started:.0f} s)\n{report.notes(section)}", err=True)
    return section


if __name__ == "__main__":
    try:
        main()
    except Misconfigured as error:
        print(error.code, file=sys.stderr)
        sys.exit(2)
    except Stopped:
        sys.exit(130)
