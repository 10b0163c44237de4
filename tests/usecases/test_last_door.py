"""P9 at the last door, on entries that nobody should ever have filed."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import pytest

from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.record_body import Body, LastChange, Manifest
from ehr_sync.store.book_entries import BookEntry, OpenEntry
from ehr_sync.usecases.book.open_book import cast_of, leaving
from mappings.model import PATIENT_PLACEHOLDER
from tests.given import URIS

PERSON: Final = UUID(int=7)
FILED: Final = Manifest((LastChange(1, 1, 1),))
RESOURCE: Final = b'{"resourceType":"Condition","id":"c","subject":{"reference":"%s"}}' % PATIENT_PLACEHOLDER


def entry(manifest: Manifest, *restricted: str) -> OpenEntry:
    body = Body(RESOURCE, restricted, organizations=("01001",), practitioners=("p",))
    return OpenEntry(BookEntry(PERSON, b"record", 1, 1, manifest), body)


def cast(of: OpenEntry) -> list[str]:
    none = bytes(32)
    keys = ServiceKeys(
        root=none, index=none, id=none, content=none, audit=none, signing={}, id_tokens={}, restricted={}
    )
    return [r.type for r in cast_of([of], names=lambda code: code, keys=keys, uris=URIS)]


def test_what_may_leave_leaves_for_its_person_with_whom_it_names() -> None:
    [(resource, last_change)] = leaving(entry(FILED))
    assert resource == RESOURCE.replace(PATIENT_PLACEHOLDER, b"Patient/" + str(PERSON).encode())
    assert (last_change, cast(entry(FILED))) == (LastChange(1, 1, 1), ["Organization", "Practitioner"])


@pytest.mark.parametrize("withheld", [entry(FILED, "record.code"), entry(Manifest(), "record.code"), entry(Manifest())])
def test_p9_a_restricted_or_withdrawn_record_leaves_nothing_whatever_its_manifest_says(withheld: OpenEntry) -> None:
    assert (list(leaving(withheld)), cast(withheld)) == ([], [])
