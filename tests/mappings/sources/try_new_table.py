"""Run in a copy of the project to which table XML77 was added: what the project then knows of it, as JSON."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime

from ehr_sync.sandbox.dossiers.generator import dossier, envelope, with_values
from ehr_sync.sandbox.dossiers.hoso import Hoso
from mappings.formats.source import Limits
from mappings.gate import findings
from mappings.model import Dossier, MappingContext
from mappings.sources.dossier.reading.envelope import scan
from mappings.sources.dossier.source import DOSSIER
from mappings.sources.fates import page
from mappings.terminology.uris import load_uris

_URIS = load_uris("https://ours.example/fhir")


def _read(sent: Hoso) -> Dossier:
    content = envelope([sent])
    found = scan(io.BytesIO(content), Limits())
    start, stop = found.spans[0]
    return DOSSIER.check(DOSSIER.read(content[start:stop], found, 1, Limits()), date(2026, 11, 20))


def _main() -> None:
    sent = dossier(7, shape="inpatient", rows=4)
    read = _read(sent)
    wrong = _read(with_values(sent, "XML77", NHIP_THO="mười tám"))
    context = MappingContext(b"r" * 16, b"k" * 32, datetime(2026, 11, 20, tzinfo=UTC), "GD1", _URIS, b"")
    made = [one for one in DOSSIER.to_fhir(read, context).resources if b"9279-1" in one.json]
    told = {
        "generated": sent.tables["XML77"],
        "read": [dict(row) for row in read.tables["XML77"]],
        "unmapped": list(read.unmapped),
        "issues": [issue.path for issue in read.issues if issue.path.startswith("XML77")],
        "issues of a wrong value": [
            (issue.code, issue.path) for issue in wrong.issues if issue.path.startswith("XML77")
        ],
        "mapped": [json.loads(one.json) for one in made],
        "found by the gate": [str(found) for one in made for found in findings(one.json)],
        "listed": [line for line in page().splitlines() if "NHIP_THO" in line],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    _main()
