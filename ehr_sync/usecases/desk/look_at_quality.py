"""How good the data of a facility are, as they were measured week by week (rules: quality-of-data)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.quality import Week
from ehr_sync.store import audit, quality
from ehr_sync.store.audit import AuditEntry
from ehr_sync.usecases.desk.asking import Asker, families_of
from ehr_sync.usecases.stores import Stores

_WEEKS: Final = 26


def look_at_quality(asker: Asker, *, stores: Stores) -> Sequence[Week]:
    """The weeks of the asker's places, the newest first; half a year of each at most. One audit entry."""
    today = vietnam_day(stores.database.now())
    with stores.database.begin() as connection:
        families = families_of(connection, asker, today, stores)
        found = quality.weeks_of(connection, "facility", families, limit=_WEEKS * max(1, len(families)))
        entry = AuditEntry(asker.actor, "look at quality", None, asker.client_id)
        audit.write(connection, stores.keys.audit, [entry])
    return found
