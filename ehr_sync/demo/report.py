"""What the demo prints: what became of each kind of dossier, and how to go on by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ehr_sync.demo.hospital import Hospital
from ehr_sync.demo.play import Played
from ehr_sync.demo.stage import Stage
from ehr_sync.sandbox.serving.asking import post_json


def table(played: Iterable[Played]) -> str:
    """One line for each kind of story and ending."""
    head = ("what was sent", "", "became", "because", "")
    lines = [head, *_lines(played)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    return "\n".join(_aligned(line, widths) for line in lines)


def next_steps(stage: Stage, hospital: Hospital, *, transaction: str, number: str) -> str:
    """Addresses, and lines to paste: as a hospital, as a citizen, as an operator."""
    return "\n".join(
        (
            "It keeps running. Addresses:",
            *(f"  {name:<10}{url}" for name, url in _addresses(stage).items()),
            "",
            "Paste these; tokens last five minutes, ehr-sync sandbox token … prints new ones:",
            "  # a hospital follows one of its dossiers, and sends another",
            f"  {_curl(hospital.token(), f'{stage.url}/api/v1/transactions/{transaction}')}",
            f"  {_command()} sandbox dossier --seed 4711 | \\",
            f"    {_curl(hospital.token(), f'{stage.url}/api/v1/submissions', post='application/xml')}",
            "  # a citizen reads their own book",
            f"  {_curl(_issued(stage, number=number), f'{stage.url}/fhir/Patient')}",
            "  # an operator looks at what waits for a human",
            f"  {_curl(_issued(stage, role='ops'), f'{stage.url}/api/v1/ops/lanes?state=parked')}",
            "",
            f"In another shell:  . {_short(stage.folder / 'env')}",
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


def _curl(token: str, url: str, *, post: str = "") -> str:
    body = f"-H 'Content-Type: {post}' --data-binary @- " if post else ""
    return f"curl -sS -H 'Authorization: Bearer {token}' {body}'{url}'"


def _issued(stage: Stage, **wish: str) -> str:
    return str(post_json(f"{stage.world.issuer_url}/token", wish)["access_token"])


def _command() -> str:
    import sys

    return str(_short(Path(sys.executable).with_name("ehr-sync")))


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
