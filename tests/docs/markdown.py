"""What a page of docs/ says: its tables, its shell lines, the names it quotes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


def text_of(page: str) -> str:
    """A page by its path from the project's folder."""
    return (ROOT / page).read_text("utf-8")


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one of the same or a higher level. Raises ValueError for none."""
    text, mark = text_of(page), heading.partition(" ")[0]
    start = text.index(f"\n{heading}\n") + 1
    following = re.search(rf"^#{{1,{len(mark)}}} ", text[start + len(heading) :], re.MULTILINE)
    return text[start : start + len(heading) + following.start()] if following else text[start:]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, heads included."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def quoted(cell: str) -> list[str]:
    """The words in back quotes."""
    return re.findall(r"`([^`]+)`", cell)


def first_words(text: str) -> set[str]:
    """Every word in back quotes in the first column of the tables."""
    return {word for row in rows(text) for word in quoted(row[0])}


def shell_blocks(page: str) -> list[str]:
    """What a page gives to paste into a shell, block by block, but for what starts the demo or sets it up."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if not block.startswith("make ")]


def shell_lines(page: str) -> str:
    """All of it."""
    return "\n".join(shell_blocks(page))
