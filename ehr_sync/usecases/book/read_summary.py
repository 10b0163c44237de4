"""A citizen's International Patient Summary, made of their own book. One audit entry, committed before the answer."""

from __future__ import annotations

from ehr_sync.core.ports import Login
from ehr_sync.usecases.book.search_book import Search, search_book
from ehr_sync.usecases.stores import Stores
from mappings.model import Uris
from mappings.summary.document import summary


def read_summary(patient_id: str, *, login: Login, stores: Stores, uris: Uris) -> bytes:
    """The document. Raises NotFound where `patient_id` is not one's own."""
    asked = Search(owners=(frozenset({patient_id}),))
    return summary(search_book("summary", (), asked, login=login, stores=stores, uris=uris).resources)
