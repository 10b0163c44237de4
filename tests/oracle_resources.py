"""python -m tests.oracle_resources FOLDER: the golden Bundles, those of generated dossiers and of the city's JSON, the
CapabilityStatement and, in `ips`, summaries; one file each.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import orjson

from ehr_sync.api.capabilities import capability_statement
from ehr_sync.sandbox.dossiers.generator import SHAPES, dossier, envelope
from ehr_sync.sandbox.dossiers.messy import messed, messy_style
from mappings.formats.source import EnvelopeScan, Limits
from mappings.sources.city.kinds import KINDS
from mappings.sources.city.source import CITY
from mappings.sources.dossier.to_fhir import to_fhir
from mappings.summary.document import summary
from tests.mappings.sources.dossier.golden import CONTEXT, EXAMPLES, bundle, read_envelope
from tests.mappings.summary.books import book_of

SEEDS = range(40)
SUMMARIES = (1, 5, 50)  # visits


def main(folder: Path) -> None:
    """Write every Bundle into `folder`."""
    for golden in EXAMPLES.glob("*.bundle.json"):
        shutil.copy(golden, folder)
    (folder / "ips").mkdir()
    for visits in SUMMARIES:
        (folder / "ips" / f"summary-{visits}.json").write_bytes(summary(book_of(visits)))
    (folder / "metadata.json").write_bytes(orjson.dumps(capability_statement("https://book.example/fhir", "0")))
    around = EnvelopeScan("", None, None, (), signed=False, issues=())
    for kind in KINDS.values():
        record = CITY.read(orjson.dumps(kind.example), around, 1, Limits())
        (folder / f"city-{kind.name}.json").write_bytes(bundle(CITY.to_fhir(record, CONTEXT)))
    for seed in SEEDS:
        for name, body in {"clean": _clean(seed), "messy": _messy(seed)}.items():
            (read,) = read_envelope(body)
            (folder / f"{name}-{seed}.json").write_bytes(bundle(to_fhir(read, CONTEXT)))


def _clean(seed: int) -> bytes:
    return envelope([dossier(seed, shape=SHAPES[seed % len(SHAPES)])])


def _messy(seed: int) -> bytes:
    return envelope([messed(dossier(seed), seed)], style=messy_style(seed))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
