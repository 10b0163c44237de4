"""ehr-sync check FILE…: what would be answered to files, on any machine: no database, no key, nothing is sent."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import orjson

from mappings.issues.catalogue import CATALOGUE, render
from mappings.model import Issue, Severity
from mappings.sources import foresee
from mappings.sources.offline import URI_BASE, TriedDossier, TriedFile, try_file

SOMETHING_IS_REFUSED: Final = 1
NOTHING_TO_CHECK: Final = 2
_ENDINGS: Final = frozenset({".xml", ".json", ".zip"})
_SEVERITIES: Final[tuple[Severity, ...]] = ("refused", "warning", "information")
_WORDS: Final = {
    "vi": {
        "none": "Không có tệp .xml, .json hay .zip nào.",
        "counted": "{files} tệp, {taken} hồ sơ sẽ được nhận, {refused} bị từ chối.",
        "refused": "Từ chối",
        "warning": "Cảnh báo",
        "information": "Thông tin",
        "first": "lần đầu",
        "becomes": "Sẽ thành",
        "unknown": "Chưa biết",
    },
    "en": {
        "none": "There is no .xml, .json or .zip file.",
        "counted": "{files} files, {taken} dossiers would be taken, {refused} refused.",
        "refused": "Refused",
        "warning": "Warnings",
        "information": "For information",
        "first": "first",
        "becomes": "They would become",
        "unknown": "Not known here",
    },
}


@dataclass(slots=True)
class _Sum:
    """What many files come to."""

    files: int = 0
    taken: int = 0
    refused: int = 0
    issues: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    types: Counter[str] = field(default_factory=Counter)

    def add(self, tried: TriedFile) -> None:
        """One more file. One that is refused whole counts as one, as in the service's answer."""
        self.files += 1
        self.refused += not tried.dossiers
        self._note(tried.issues, tried.name)
        for number, one in enumerate(tried.dossiers, 1):
            self.taken += one.is_taken
            self.refused += not one.is_taken
            for record in (one, *one.others):
                self.types.update(record.types)
            self._note(one.issues, f"{tried.name} HOSO[{number}]")

    def _note(self, issues: Iterable[Issue], where: str) -> None:
        for issue in issues:
            self.issues[issue.code] += 1
            self.first.setdefault(issue.code, f"{where} {issue.path}".rstrip())


@click.command()
@click.argument("paths", metavar="FILE…", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Every issue of every dossier, as JSON.")
@click.option("--fhir", "with_fhir", is_flag=True, help="With --json: the FHIR too, and what comes of which field.")
@click.option("--language", type=click.Choice(tuple(_WORDS)), default="vi", show_default=True)
def check(paths: Sequence[Path], *, as_json: bool, with_fhir: bool, language: str) -> None:
    """Check files, or folders of them: .xml, .json, .zip. Nothing is sent, and no service is needed.

    Exits with 0 where every dossier would be taken, 1 where one would be refused, 2 where there is nothing to check.
    """
    if with_fhir and not as_json:
        raise click.UsageError("--fhir goes with --json.")
    summed, files = _Sum(), _tried(_files(paths), with_fhir=with_fhir)
    if as_json:
        _print_json(_noted(files, summed), language)
    else:
        for one in files:
            summed.add(one)
    if not summed.files:
        click.echo(_WORDS[language]["none"], err=True)
        sys.exit(NOTHING_TO_CHECK)
    if not as_json:
        click.echo("\n".join(_told(summed, language)))
    sys.exit(SOMETHING_IS_REFUSED if summed.refused else 0)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        inside = (one for one in sorted(path.rglob("*")) if one.suffix.lower() in _ENDINGS and one.is_file())
        yield from inside if path.is_dir() else (path,)


def _tried(paths: Iterable[Path], *, with_fhir: bool) -> Iterator[TriedFile]:
    now = datetime.now(UTC)
    for path in paths:
        with path.open("rb") as source:
            # A name may be no Unicode, on a disk.
            name = os.fsencode(path).decode(errors="replace")
            yield from try_file(name, source, received_at=now, with_fhir=with_fhir)


def _noted(files: Iterable[TriedFile], summed: _Sum) -> Iterator[TriedFile]:
    for one in files:
        summed.add(one)
        yield one


def _print_json(files: Iterable[TriedFile], language: str) -> None:
    """One JSON document, a file at a time: folders may be large."""
    out = sys.stdout.buffer
    unknown = [{"stage": name, "why": words} for name, words in foresee.not_known(foresee.OFFLINE, language)]
    out.write(b'{"notKnown":' + orjson.dumps(unknown) + b',"files":[')
    for number, one in enumerate(files):
        out.write(b"," * bool(number) + b"\n" + orjson.dumps(_file(one, language)))
    out.write(b"\n]}\n")
    out.flush()


def _file(tried: TriedFile, language: str) -> dict[str, Any]:
    return {
        "name": tried.name,
        "issues": [render(issue, language) for issue in tried.issues],
        "hoSo": [_dossier(one, language) for one in tried.dossiers],
    }


def _dossier(tried: TriedDossier, language: str) -> dict[str, Any]:
    return {
        "maLK": tried.source_id,
        "status": "accepted" if tried.is_taken else "refused",
        "issues": [render(issue, language) for issue in tried.issues],
        "resources": dict(tried.types),
        **({"otherRecords": [_dossier(other, language) for other in tried.others]} if tried.others else {}),
        **(foresee.told(tried.foreseen, URI_BASE) if tried.foreseen else {}),
    }


def _told(summed: _Sum, language: str) -> Iterator[str]:
    words = _WORDS[language]
    yield words["counted"].format(files=summed.files, taken=summed.taken, refused=summed.refused)
    for severity in _SEVERITIES:
        codes = [code for code, _ in summed.issues.most_common() if CATALOGUE[code].severity == severity]
        if codes:
            yield f"\n{words[severity]}"
        for code in codes:
            entry = render(Issue(code), language)
            yield f"{summed.issues[code]:6} {code}  {entry['message']} {entry['fix']}"
            yield f"       {words['first']}: {summed.first[code]}"
    if summed.types:
        yield f"\n{words['becomes']}: " + ", ".join(f"{n} {kind}" for kind, n in summed.types.most_common())
    yield f"\n{words['unknown']}:"
    yield from (f"       {name}: {why}" for name, why in foresee.not_known(foresee.OFFLINE, language))
