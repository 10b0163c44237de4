"""The examples: what a source file becomes.

`python -m tests.mappings.sources.dossier.golden` writes the Bundles anew.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson

from mappings.formats.source import Limits
from mappings.model import Dossier, MappedRecord, MappingContext, Row
from mappings.sources.dossier.reading.envelope import scan
from mappings.sources.dossier.reading.hoso import read_hoso
from mappings.sources.dossier.to_fhir import to_fhir
from tests.given import URIS
from tests.mappings.fhir.checking import problems

EXAMPLES = Path(__file__).parent / "examples"
CASES = sorted(path.name.removesuffix(".source.xml") for path in EXAMPLES.glob("*.source.xml"))
CONTEXT = MappingContext(
    record_id=bytes(range(16)),
    id_key=b"the id key of the examples",
    received_at=datetime(2026, 11, 20, 3, 0, tzinfo=UTC),
    transaction_code="GD-20261120-000001",
    uris=URIS,
    book=b"",
)


def read(case: str) -> Dossier:
    """The one dossier of an example."""
    return read_envelope((EXAMPLES / f"{case}.source.xml").read_bytes())[0]


def read_envelope(envelope: bytes) -> list[Dossier]:
    """Every dossier of an envelope."""
    limits = Limits()
    found = scan(io.BytesIO(envelope), limits)
    return [
        read_hoso(envelope[start:end], found, position, limits) for position, (start, end) in enumerate(found.spans, 1)
    ]


def dossier(**tables: list[Mapping[str, str]] | list[dict[str, str]]) -> Dossier:
    """A dossier of rows written down in a test."""
    return Dossier(
        source_id="01001.2026.000001",
        facility_code="01001",
        made_on=date(2026, 11, 20),
        tables={name: tuple(rows) for name, rows in tables.items()},
        unmapped=(),
        issues=(),
        content_hash=b"",
    )


VISIT: Row = {
    "MA_LK": "01001.2026.000001",
    "MA_LOAI_KCB": "01",
    "NGAY_VAO": "202611200805",
    "NGAY_RA": "202611201030",
    "MA_BENH_CHINH": "J20.9",
    "CHAN_DOAN_RV": "Viêm phế quản cấp",
}


def mapped(row: Mapping[str, str] | None = None, **tables: list[dict[str, str]]) -> MappedRecord:
    """What a visit becomes whose XML1 is VISIT with some tags changed."""
    return to_fhir(dossier(XML1=[{**VISIT, **(row or {})}], **tables), CONTEXT)


def of_type(record: MappedRecord, kind: str) -> list[dict[str, object]]:
    """The resources of a type, parsed."""
    return [json.loads(one.json) for one in record.resources if one.type == kind]


def of(record: MappedRecord, kind: str) -> list[dict[str, Any]]:
    """The resources of a type, parsed; each is valid."""
    assert [problems(one.json) for one in record.resources] == [[]] * len(record.resources)
    return [json.loads(one.json) for one in record.resources if one.type == kind]


def bundle(record: MappedRecord) -> bytes:
    """The resources as a Bundle that can be read, numbers with the digits that they were sent with."""
    base = "https://book.example/fhir"
    entries = [
        {"fullUrl": f"{base}/{one.type}/{one.id}", "resource": orjson.Fragment(one.json)} for one in record.resources
    ]
    compact = orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})
    # json would write 4.80 as 4.8: decimals pass as marked texts.
    marked = json.dumps(json.loads(compact, parse_float="decimal:{}".format), ensure_ascii=False, indent=2)
    return re.sub(r'"decimal:([^"]*)"', r"\1", marked).encode() + b"\n"


def main() -> None:
    """Write the Bundle of each example."""
    for case in CASES:
        (EXAMPLES / f"{case}.bundle.json").write_bytes(bundle(to_fhir(read(case), CONTEXT)))


if __name__ == "__main__":
    main()
