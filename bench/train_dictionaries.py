"""Makes the zstd dictionaries of ehr_sync/store/dictionaries from invented dossiers. Once for each name, never again.

usage: python -m bench.train_dictionaries FOLDER NUMBER   (writes bodies-NUMBER.zdict and pieces-NUMBER.zdict)
"""

from __future__ import annotations

import io
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import zstandard

from ehr_sync.core.record_body import Body, encode, resources_of
from ehr_sync.sandbox.dossiers import dossier, envelope
from ehr_sync.store.sealing import mark
from mappings.fhir import to_fhir
from mappings.formats import archive
from mappings.formats.envelope import Limits, read_hoso, scan
from mappings.model import MappingContext
from mappings.record_types.catalogue import check
from mappings.terminology.uris import load_uris

_SAMPLES = 3000
_BYTES = 112_640  # zstd's own default
_MADE_ON = date(2026, 11, 20)


def main(folder: Path, number: int) -> None:
    """Write both dictionaries."""
    bodies, pieces = zip(*(_sample(seed) for seed in range(_SAMPLES)), strict=True)
    for name, samples, base in (("bodies", bodies, 1000), ("pieces", pieces, 2000)):
        dictionary = zstandard.train_dictionary(_BYTES, list(samples), level=3, dict_id=base + number)
        (folder / f"{name}-{number}.zdict").write_bytes(dictionary.as_bytes())


def _sample(seed: int) -> tuple[bytes, bytes]:
    file = envelope([dossier(1_000_000 + seed, person_index=seed)], facility="01001", made_on=_MADE_ON)
    found = scan(io.BytesIO(file), Limits())
    piece = file[slice(*found.spans[0])]
    read = check(read_hoso(piece, found, 0, Limits()), _MADE_ON)
    record_id = mark(b"dictionary", str(seed).encode())
    context = MappingContext(record_id, b"dictionary", datetime(2026, 11, 20, tzinfo=UTC), "GD", load_uris())
    mapped = to_fhir(read, context)
    resources = resources_of(r.json for r in mapped.resources)
    return encode(Body(resources, (), mapped.organizations, mapped.practitioners)), archive.pack(piece)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
