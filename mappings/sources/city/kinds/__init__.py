"""The kinds of record that can be sent in JSON: one module a kind, registered here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mappings.sources.city.form import Kind
from mappings.sources.city.kinds.allergy import ALLERGY
from mappings.sources.city.kinds.immunization import IMMUNIZATION
from mappings.sources.city.kinds.laboratory_report import LABORATORY_REPORT
from mappings.sources.city.kinds.prescription import PRESCRIPTION
from mappings.sources.city.kinds.problem_list import PROBLEM_LIST
from mappings.sources.city.kinds.visit import VISIT

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind for kind in (VISIT, LABORATORY_REPORT, PRESCRIPTION, IMMUNIZATION, ALLERGY, PROBLEM_LIST)
}
