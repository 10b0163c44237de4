"""python -m tests.faults.newer TICKETS ARGUMENT…: ehr-sync with a newer mapping than the running service's, killable at
boundaries as role "remap". By the newer one every Encounter is `unknown` where it was `finished`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from ehr_sync.cli import main
from ehr_sync.usecases.intake import compose_body, remap_records, remap_version
from mappings.model import Dossier, MappedRecord, MappingContext, Resource
from mappings.sources.dossier.source import DOSSIER
from tests.faults import boundaries

EDITION: Final = "n3w3r000"
TOUCHED: Final = "Encounter"
BEFORE, AFTER = '"status":"finished"', '"status":"unknown"'


def _anew(resource: Resource) -> Resource:
    if resource.type != TOUCHED:
        return resource
    return replace(resource, json=resource.json.replace(BEFORE.encode(), AFTER.encode(), 1))


def _mapped(dossier: Dossier, context: MappingContext) -> MappedRecord:
    found = DOSSIER.to_fhir(dossier, context)
    return replace(found, resources=tuple(map(_anew, found.resources)))


def run(tickets: str, *arguments: str) -> None:
    """Run a command until it ends or is killed."""
    sources = {DOSSIER.name: replace(DOSSIER, to_fhir=_mapped)}
    setattr(compose_body, "SOURCES", sources)  # noqa: B010 - an import there is no name of its own
    for module in (compose_body, remap_records, remap_version):
        setattr(module, "mapping", lambda: EDITION)  # noqa: B010
    boundaries.install("remap", Path(tickets))
    sys.argv = ["ehr-sync", *arguments]
    main()


if __name__ == "__main__":
    run(*sys.argv[1:])
