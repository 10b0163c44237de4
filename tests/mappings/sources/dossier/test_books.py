"""P4: whatever a dossier holds, no id of what it becomes in one person's book is one of another person's."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mappings.fhir.ids import record_prefix
from mappings.sources.dossier.to_fhir import to_fhir
from tests.mappings.sources.dossier.golden import CASES, CONTEXT, read

# A function of a code alone, and told by whoever refers to it.
REGISTER = re.compile(rb'"(?:Organization|Practitioner)/([^"]+)"')
UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def ids(case: str, book: bytes) -> set[bytes]:
    """Every id of a resource, and every id that one refers to."""
    text = b"\n".join(one.json for one in to_fhir(read(case), replace(CONTEXT, book=book)).resources)
    return set(UUID.findall(text)) - set(REGISTER.findall(text))


@pytest.mark.parametrize("case", CASES)
def test_p4_in_two_books_a_dossier_shares_no_id(case: str) -> None:
    one, other = ids(case, b"a" * 16), ids(case, b"b" * 16)
    assert len(one) == len(other)
    assert one.isdisjoint(other)
    assert {record_prefix(id_.decode()) for id_ in one | other} <= {CONTEXT.record_id[:8]}
