"""Measure how good the data are, of each facility, of each commune and of the city (rules: quality-of-data)."""

from __future__ import annotations

from collections import defaultdict

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.quality import Kind, Measure, monday_of
from ehr_sync.store import quality
from ehr_sync.usecases.stores import Stores
from mappings.terminology import editions


def measure_quality(*, stores: Stores) -> int:
    """Count anew where that was done an hour ago or longer, by one process of all; returns how many records."""
    monday = monday_of(vietnam_day(stores.database.now()))
    found: defaultdict[tuple[Kind, str], Measure] = defaultdict(Measure)
    communes: dict[bytes, str] = {}
    with stores.database.begin() as connection:
        if not quality.is_due(connection):
            return 0
        city = found["city", ""]
        for family in quality.families(connection):
            for commune_mark, group in quality.groups(connection, family):
                communes = communes or _communes(stores.keys.index)
                city.add(group)
                found["facility", family].add(group)
                if commune_mark in communes:
                    found["commune", communes[commune_mark]].add(group)
        quality.keep(connection, monday, found)
    return city.records


def _communes(index_key: bytes) -> dict[bytes, str]:
    """Every commune that is or was, by its mark."""
    codes = {code for edition in editions.editions("commune") for code in edition.names}
    return {mark: code for code in codes if (mark := quality.commune_mark(index_key, code)) is not None}
