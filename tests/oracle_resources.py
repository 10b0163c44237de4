"""python -m tests.oracle_resources FOLDER: the golden Bundles and those of generated dossiers, one file each."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from ehr_sync.sandbox.dossiers.generator import SHAPES, dossier, envelope
from ehr_sync.sandbox.dossiers.messy import messed, messy_style
from mappings.sources.dossier.to_fhir import to_fhir
from tests.mappings.sources.dossier.golden import CONTEXT, EXAMPLES, bundle, read_envelope

SEEDS = range(40)


def main(folder: Path) -> None:
    """Write every Bundle into `folder`."""
    for golden in EXAMPLES.glob("*.bundle.json"):
        shutil.copy(golden, folder)
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
