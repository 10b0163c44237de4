"""Every source of records. One is registered here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mappings.model import Dossier
from mappings.sources.assessment.cutting import assessments_of
from mappings.sources.assessment.source import ASSESSMENT
from mappings.sources.birth.cutting import children_of
from mappings.sources.birth.source import BIRTH
from mappings.sources.city.source import CITY
from mappings.sources.cut_out import Part
from mappings.sources.dossier.source import DOSSIER
from mappings.sources.health_check.reading import source_id_of
from mappings.sources.health_check.source import HEALTH_CHECK
from mappings.sources.source import Source
from mappings.sources.tuberculosis.cutting import registrations_of
from mappings.sources.tuberculosis.source import TUBERCULOSIS

SOURCES: Final[Mapping[str, Source]] = {
    source.name: source for source in (DOSSIER, HEALTH_CHECK, BIRTH, TUBERCULOSIS, ASSESSMENT, CITY)
}
_PARTS: Final = {source.part: source for source in SOURCES.values()}
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_FIRST_TAG: Final = re.compile(rb"\s*<(?:[\w.-]+:)?([\w.-]+)")


def source_of(part: bytes) -> Source:
    """The source that a part of a submission is of, by its outer element, or as it is JSON; the national dossier where
    no other claims it.
    """
    if part.lstrip(_BLANK).startswith(CITY.part):
        return CITY
    found = _FIRST_TAG.match(part)
    return _PARTS.get(found.group(1).upper(), DOSSIER) if found else DOSSIER


def named_by(ma_lk: str) -> tuple[str, ...]:
    """The source ids of the records that an MA_LK may name: a visit, and a health check."""
    return ma_lk, source_id_of(ma_lk)


def parts_of(dossier: Dossier) -> tuple[Part, ...]:
    """The records that are cut out of a dossier, beside its own."""
    return (*children_of(dossier), *registrations_of(dossier), *assessments_of(dossier))
