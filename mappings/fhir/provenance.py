"""Where the resources of a record come from: the submission, by its transaction code.
https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mappings.dates import VIETNAM
from mappings.fhir.elements import Json, coding, concept
from mappings.model import MappingContext, Resource

_AUTHOR: Final = concept(
    coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author", "Author")
)


def provenance(made: Sequence[Resource], by: Json, context: MappingContext) -> Json:
    """The body of the Provenance of these resources, which the facility `by` has sent."""
    source: Json = {"identifier": {"system": context.uris["transaction"], "value": context.transaction_code}}
    return {
        "target": [{"reference": f"{one.type}/{one.id}"} for one in made],
        "recorded": context.received_at.astimezone(VIETNAM).isoformat(timespec="milliseconds"),
        "agent": [{"type": _AUTHOR, "who": by}],
        "entity": [{"role": "source", "what": source}],
    }
