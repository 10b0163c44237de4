"""What the tables that a new version lacks leave standing of the version before (rules: absent-tables)."""

from __future__ import annotations

from mappings.model import Issue, Tables
from mappings.sources.dossier.tables import TABLES
from mappings.sources.dossier.withholding import HIV_TABLE, to_carry
from mappings.sources.table import is_removed

MAY_STAY = frozenset(table.name for table in TABLES if table.stays is not is_removed)


def carry_over(new: Tables, previous: Tables) -> tuple[Tables, tuple[Issue, ...]]:
    """The new tables with those of the version before that absence does not remove, and a warning for each.

    Each table says when it stays, asked in order: what has been taken over counts for those behind it. Without XML1
    nothing is carried: an amendment is another rule's.
    """
    if not new.get("XML1"):
        return new, ()
    result = dict(new)
    carried = []
    before = to_carry(previous)
    for table in TABLES:
        if table.name not in new and before.get(table.name) and table.stays(result):
            result[table.name] = before[table.name]
            carried.append(table.name)
    # What is told is kept in the clear: of a record of HIV not even that there is one.
    return result, tuple(Issue("table.kept", name) for name in carried if name != HIV_TABLE)
