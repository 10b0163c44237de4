"""Dossiers kept by an older mapping: what it did not know, wrote otherwise, or did not withhold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import pytest

from ehr_sync.usecases.intake import compose_body
from mappings.model import Dossier, MappedRecord, MappingContext, Tables
from mappings.sources.dossier.source import DOSSIER
from mappings.sources.source import Source, Withheld

OLDER: Final = "0ld3r000"


@contextmanager
def older_mapping(
    *,
    written: Callable[[bytes], bytes] = bytes,
    tables: Callable[[Tables], Tables] = dict,
    restricted: frozenset[str] | None = None,
    source: Source = DOSSIER,
) -> Iterator[None]:
    """While it lasts, dossiers, or the records of another source, are mapped as an older edition did: with these
    `tables` of theirs, each resource as `written` then, and, where that is given, withheld for what was `restricted`
    then.
    """

    def mapped(dossier: Dossier, context: MappingContext) -> MappedRecord:
        found = source.to_fhir(replace(dossier, tables=tables(dossier.tables)), context)
        return replace(found, resources=tuple(replace(one, json=written(one.json)) for one in found.resources))

    def withheld(tables: Tables) -> Withheld:
        return source.withheld(tables) if restricted is None else Withheld(restricted, tables)

    older = replace(source, to_fhir=mapped, withheld=withheld)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compose_body, "SOURCES", {source.name: older})
        patch.setattr(compose_body, "mapping", lambda: OLDER)
        yield
