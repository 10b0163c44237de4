"""Tables of which the sandbox has no story of its own: a row like the example that the table itself gives."""

from __future__ import annotations

from collections.abc import Container

from ehr_sync.sandbox.dossiers.hoso import Row, Tables
from mappings.sources.dossier.tables import TABLES


def others_of(summary: Row, told: Container[str]) -> Tables:
    """One row for each table that has an example and is not among those `told`, with the summary's own values."""
    return {
        table.name: [{tag: summary.get(tag, value) for tag, value in table.example.items()}]
        for table in TABLES
        if table.example and table.name not in told
    }
