"""stub"""

from __future__ import annotations

from ehr_sync.core.errors import NotFound
from ehr_sync.core.ports import Login
from ehr_sync.usecases.stores import Stores
from mappings.model import Uris


def read_summary(patient_id: str, *, login: Login, stores: Stores, uris: Uris) -> bytes:
    raise NotFound("resource.unknown")
