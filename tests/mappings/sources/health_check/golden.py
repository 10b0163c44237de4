"""The examples of health checks: what a file becomes, and what its sender hears.

`python -m tests.mappings.sources.health_check.golden` writes Bundles and issues anew.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from ehr_sync.sandbox.dossiers.health_checks import Parts, file
from mappings.formats.source import Limits
from mappings.model import Dossier, MappedRecord
from mappings.sources.dossier.reading.envelope import scan
from mappings.sources.health_check.source import HEALTH_CHECK
from tests.mappings.fhir.checking import problems
from tests.mappings.sources.dossier.golden import CONTEXT, bundle

HERE: Final = Path(__file__).parent
EXAMPLES: Final = HERE / "examples"
BROKEN: Final = HERE / "broken"
RECEIVED: Final = date(2026, 11, 20)


def cases(folder: Path) -> list[str]:
    """The names of a folder's files."""
    return sorted(path.name.removesuffix(".source.xml") for path in folder.glob("*.source.xml"))


def read(content: bytes) -> Dossier:
    """The health check of a file, judged."""
    found = scan(io.BytesIO(content), Limits())
    [(start, end)] = found.spans
    return HEALTH_CHECK.check(HEALTH_CHECK.read(content[start:end], found, 1, Limits()), RECEIVED)


def example(case: str, folder: Path = EXAMPLES) -> Dossier:
    """That of an example."""
    return read((folder / f"{case}.source.xml").read_bytes())


def made(dossier: Dossier) -> MappedRecord:
    """What becomes of a health check, without what is withheld."""
    withheld = HEALTH_CHECK.withheld(dossier.tables)
    return HEALTH_CHECK.to_fhir(replace(dossier, tables={} if withheld.record else withheld.tables), CONTEXT)


def told(dossier: Dossier) -> list[dict[str, str]]:
    """What its sender hears, in short."""
    return [
        {"code": issue.code, "path": issue.path} | ({"expected": issue.expected} if issue.expected else {})
        for issue in dossier.issues
    ]


def written(dossier: Dossier) -> str:
    """The same as a file."""
    return "[\n" + ",\n".join(f"  {json.dumps(one, ensure_ascii=False)}" for one in told(dossier)) + "\n]\n"


def of(record: MappedRecord, kind: str) -> list[dict[str, Any]]:
    """The resources of a type, parsed; each is valid."""
    assert [problems(one.json) for one in record.resources if problems(one.json)] == []
    return [json.loads(one.json) for one in record.resources if one.type == kind]


def sent(parts: Parts, **changed: Mapping[str, str]) -> Dossier:
    """A check whose parts have some fields changed."""
    rows = {name: [{**row, **changed.get(name, {})} for row in rows] for name, rows in parts.items()}
    return read(file(rows))


def main() -> None:
    """Write what becomes of each."""
    for folder in (EXAMPLES, BROKEN):
        for case in cases(folder):
            (folder / f"{case}.issues.json").write_text(written(example(case, folder)), "utf-8")
    for case in cases(EXAMPLES):
        (EXAMPLES / f"{case}.bundle.json").write_bytes(bundle(made(example(case))))


if __name__ == "__main__":
    main()
