"""The service that a command works on: opened once, closed in any case, and what it refuses told in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ehr_sync import settings
from ehr_sync.bootstrap import Service, open_service
from ehr_sync.core.errors import Conflict, Misconfigured, NotFound, Refused

_SENTENCES: Final = {
    "app.exists": "Choose another id: an app of this id is, or was, registered.",
    "app.unknown": "Name an app that is registered (ehr-sync app list).",
    "client.exists": "Choose another id: this client is registered already (ehr-sync client keys changes its keys).",
    "client.unknown": "Name a client that is registered (ehr-sync client list), or register it: ehr-sync client add.",
    "destination.unknown": "Give a destination that has lanes (EHR_SYNC_BOOK_NAME).",
    "facility.other_family": "Keep the facility's family: its record ids are made from it.",
    "facility.unknown": "Give a facility that is registered (ehr-sync facility list), or register it: ehr-sync facility"
    " add.",
    "patient.unknown": "Give the id of a patient who has a book: the patient of a lane, the id of a FHIR Patient.",
    "person.unknown": "Give the id of a person who is known here.",
    "staff.unknown": "Nobody with this number holds that post for longer (ehr-sync staff list).",
    "terminology.unknown": "Give the number of an edition that was loaded and counts (ehr-sync terminology list).",
    "transaction.unknown": "Give a maGiaoDich or a patient's id that is known here.",
}


@contextmanager
def opened(*, to_mend: bool = False) -> Iterator[Service]:
    """The service of the environment's settings, for this block; `to_mend` as for open_service. Raises Misconfigured
    with one sentence for what a use case in the block refuses, and what open_service raises.
    """
    service = open_service(settings.from_environment(), to_mend=to_mend)
    try:
        yield service
    except (Conflict, NotFound, Refused) as error:
        raise Misconfigured(_SENTENCES.get(error.code, f"This cannot be done: {error.code}.")) from None
    finally:
        service.close()
