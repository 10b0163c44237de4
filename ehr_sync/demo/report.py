"""What the demo prints: what became of each kind of dossier, and how to go on by hand."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from ehr_sync.demo.play import Played
from ehr_sync.demo.stage import Stage

_FACES: Final = {"citizen": "citizen", "hospital": "facility", "operator": "ops"}


def table(played: Iterable[Played]) -> str:
    """One line for each kind of story and ending."""
    head = ("what was sent", "", "became", "because", "")
    lines = [head, *_lines(played)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    return "\n".join(_aligned(line, widths) for line in lines)


def next_steps(stage: Stage, *, transaction: str, number: str) -> str:
    """Addresses, and lines to paste: as a hospital, as a citizen, as an operator."""
    file = shlex.quote(str(_short(stage.folder / "dossier.xml")))
    sent = f"-H 'Content-Type: application/xml' --data-binary @{file}"
    return "\n".join(
        (
            "It keeps running. Addresses:",
            *(f"  {name:<10}{url}" for name, url in _addresses(stage).items()),
            "",
            "Open in a browser, and pick whom to be with one click:",
            *(f"  {who:<10}{stage.url}/sign-in/{face}" for who, face in _FACES.items()),
            "",
            'Paste these into another shell, in this folder; README, "Try it", goes on from there:',
            f"  . {shlex.quote(str(_short(stage.folder / 'env')))}",
            "  # a hospital follows one of its dossiers, and sends another",
            f"  ehr-sync sandbox follow {transaction}",
            f"  ehr-sync sandbox dossier --seed 4711 > {file}",
            f"  {_curl('facility 01001', '/api/v1/submissions', sent)}",
            "  # a citizen reads their own book",
            f"  {_curl(f'citizen {number}', '/fhir/Patient')}",
            "  # an operator looks at what waits for a human",
            f"  {_curl('role ops', '/api/v1/ops/lanes?state=parked')}",
            "",
            "Ctrl-C stops everything.",
        )
    )


def _lines(played: Iterable[Played]) -> Iterator[tuple[str, ...]]:
    alike = Counter((one.story.told, one.ending, one.why, one.as_told) for one in played)
    for (told, ending, why, as_told), count in alike.items():
        yield told, str(count), ending or "nothing yet", why, "" if as_told else "NOT AS EXPECTED"


def _aligned(line: tuple[str, ...], widths: list[int]) -> str:
    told, count, *rest = line
    texts = [told.ljust(widths[0]), count.rjust(widths[1])]
    texts += [text.ljust(width) for text, width in zip(rest, widths[2:], strict=True)]
    return "  " + "  ".join(texts).rstrip()


def _addresses(stage: Stage) -> Mapping[str, str]:
    return {
        "service": stage.url,
        "registry": stage.world.registry_url,
        "book": stage.world.book_url,
        "identity": stage.world.issuer_url,
        "logs": str(_short(stage.folder / "logs")),
    }


def _curl(who: str, path: str, more: str = "") -> str:
    token = f'-H "Authorization: Bearer $(ehr-sync sandbox token {who})"'
    asked = " ".join(filter(None, ("curl -sS", token, more, f'"$EHR_SYNC_URL{path}"')))
    return f"{asked} | python -m json.tool --no-ensure-ascii"


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
