"""Makes the zstd dictionaries of ehr_sync/store/dictionaries from invented dossiers. Once for each name, never again.

usage: python -m bench.train_dictionaries FOLDER NUMBER NAME …   (writes NAME-NUMBER.zdict: bodies, endings, pieces)
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import zstandard

from ehr_sync.core.answers import Answer, FileResult, HosoResult
from ehr_sync.core.codes import batch_id, transaction_code
from ehr_sync.core.record_body import Body, encode, resources_of
from ehr_sync.sandbox.dossiers.generator import dossier, envelope
from ehr_sync.sandbox.world import URI_BASE
from ehr_sync.store.sealing import mark
from ehr_sync.store.short_ids import shorten
from ehr_sync.usecases.intake import skeleton, stored_answer
from ehr_sync.usecases.intake.skeleton import Skeleton
from mappings.formats import archive
from mappings.model import Dossier, MappingContext
from mappings.sources.dossier.checking import check
from mappings.sources.dossier.reading.envelope import EnvelopeScan, Limits, read_hoso, scan
from mappings.sources.dossier.to_fhir import to_fhir
from mappings.terminology.uris import load_uris

_SAMPLES = 3000
# In the order of the dictionaries' own numbers: 1001 is the first of bodies. The first size is zstd's own default.
_BYTES = {"bodies": 112_640, "pieces": 112_640, "endings": 16_384}
_MADE_ON = date(2026, 11, 20)


def main(folder: Path, number: int, names: Sequence[str]) -> None:
    """Write these dictionaries."""
    samples = [_sample(seed) for seed in range(_SAMPLES)]
    for base, (name, size) in enumerate(_BYTES.items(), start=1):
        if name in names:
            texts: list[Any] = [text for sample in samples for text in sample[name]]
            dictionary = zstandard.train_dictionary(size, texts, level=3, dict_id=base * 1000 + number)
            (folder / f"{name}-{number}.zdict").write_bytes(dictionary.as_bytes())


def _sample(seed: int) -> dict[str, list[bytes]]:
    file = envelope([dossier(1_000_000 + seed, person_index=seed)], facility="01001", made_on=_MADE_ON)
    found = scan(io.BytesIO(file), Limits())
    piece = file[slice(*found.spans[0])]
    read = check(read_hoso(piece, found, 0, Limits()), _MADE_ON)
    record_id = mark(b"dictionary", str(seed).encode())
    context = MappingContext(
        record_id, b"dictionary", datetime(2026, 11, 20, tzinfo=UTC), "GD", load_uris(URI_BASE), b""
    )
    mapped = to_fhir(read, context)
    resources = resources_of(r.json for r in mapped.resources)
    body = encode(Body(resources, (), mapped.organizations, mapped.practitioners))
    return {
        "bodies": [shorten(body)],
        "pieces": [archive.pack(piece)],
        "endings": _ending(file, found, read, record_id),
    }


def _ending(file: bytes, found: EnvelopeScan, read: Dossier, record_id: bytes) -> list[bytes]:
    around, (start, stop) = Skeleton(), found.spans[0]
    around.text(io.BytesIO(file), 0, start)
    around.piece(start)
    around.text(io.BytesIO(file), stop, len(file))
    result = HosoResult(read.source_id, transaction_code(record_id, 1), "accepted", read.issues)
    answer = Answer(batch_id(record_id), (FileResult("accepted", found.issues, (result,)),))
    return [skeleton.encode(around), stored_answer.encode(answer)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
