"""The kinds of record that can be sent in JSON: one module a kind, registered here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mappings.sources.city.form import Kind
from mappings.sources.city.kinds.allergy import ALLERGY
from mappings.sources.city.kinds.immunization import IMMUNIZATION

KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in (IMMUNIZATION, ALLERGY)}
