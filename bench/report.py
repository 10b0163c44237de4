"""Figures as a table for a terminal and for bench/README.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template
from typing import Final

from bench.figures import Figure, Section

_HEADINGS: Final = ("", "measured", "floor", "ratio", "aim", "")
_FOLDER: Final = Path(__file__).parent


def table(sections: Sequence[Section]) -> str:
    """One table of all figures, for a terminal."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for section in sections:
        rows += [(section.name.upper(), "", "", "", "", ""), *map(_cells, section.figures)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(_HEADINGS))]
    return "\n".join(_line(row, widths) for row in rows)


def notes(section: Section) -> str:
    """How a section's figures were measured."""
    return "\n".join(f"  {note}" for note in section.notes)


def readme(sections: Sequence[Section], machine: Sequence[str], remark: str) -> str:
    """bench/README.md: the template with these figures in it, and nothing that was not measured."""
    values = {
        "machine": "\n".join(f"- {line}" for line in [*machine, *([remark] if remark else [])]),
        "sections": "\n\n".join("\n".join(_markdown(section)) for section in sections),
    }
    return Template((_FOLDER / "README.template.md").read_text()).substitute(values)


def write_readme(text: str) -> Path:
    """Write bench/README.md; returns where it is."""
    path = _FOLDER / "README.md"
    path.write_text(text)
    return path


def _cells(figure: Figure) -> tuple[str, ...]:
    met = {None: "", True: "met", False: "MISSED"}[figure.met]
    floor = "" if figure.floor is None else _number(figure.floor)
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    return f"  {figure.name}", f"{_number(figure.value)} {figure.unit}".strip(), floor, ratio, figure.aim, met


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *numbers, aim, met = row
    middle = "  ".join(cell.rjust(width) for cell, width in zip(numbers, widths[1:4], strict=True))
    return f"{first.ljust(widths[0])}  {middle}  {aim.ljust(widths[4])}  {met}".rstrip()


def _markdown(section: Section) -> Iterator[str]:
    yield f"## {section.name}\n"
    yield "| | measured | floor | ratio | aim | |"
    yield "|---|--:|--:|--:|---|---|"
    for figure in section.figures:
        yield "| " + " | ".join(cell.strip() for cell in _cells(figure)) + " |"
    yield "\n```\n" + "\n".join(section.notes) + "\n```"
