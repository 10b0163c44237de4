"""What of a record in JSON the law restricts (P9): as of a dossier, the record whole, or rows and fields, without a
sign (docs/security.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mappings.model import Row, Tables
from mappings.restricted.fields import Kind as Holds
from mappings.restricted.fields import Said, kind_of, said_in
from mappings.sources.city.kinds import KINDS
from mappings.sources.dossier.withholding import RECORD_CODE, RECORD_DRUG
from mappings.sources.source import Withheld

_NAMES: Final[Mapping[str, frozenset[str]]] = {
    table: names for kind in KINDS.values() for table, names in kind.names.items()
}

# "ABC" and a strength of "3TC" say together what neither says alone.
_ONE_TEXT: Final = (("TEN_THUOC", "HOAT_CHAT", "HAM_LUONG", "DANG_BAO_CHE"), ("LIEU_DUNG", "CACH_DUNG"))


def withheld(tables: Tables) -> Withheld:
    """What is withheld of a record. The tables are the same object where nothing is taken out of them."""
    record: set[str] = set()
    left: dict[str, tuple[Row, ...]] = {}
    for table, rows in tables.items():
        kept = []
        for row in rows:
            said = {tag: found for tag, value in row.items() if (found := said_in(tag, value) | _together(tag, row))}
            record |= {rule for tag, found in said.items() for rule in _of_record(tag, found)}
            if said.keys() & _NAMES.get(table, frozenset()):
                continue  # without its name a row would be a sign
            gone = {*said, "CHAN_DOAN"} if "MA_BENH" in said else said  # a code's words say the same
            kept.append({tag: value for tag, value in row.items() if tag not in gone} if said else row)
        left[table] = tuple(kept)
    if not record and all(left[table] == rows for table, rows in tables.items()):
        return Withheld(frozenset(), tables)
    return Withheld(frozenset(record), left)


def _together(tag: str, row: Row) -> frozenset[Said]:
    """What fields that are shown as one text say together."""
    parts = next(([row[one] for one in tags if one in row] for tags in _ONE_TEXT if tag in tags), [])
    return said_in(tag, " ".join(parts)) if len(parts) > 1 else frozenset()


def _of_record(tag: str, said: frozenset[Said]) -> set[str]:
    found = {RECORD_CODE} if Said.RECORD_CODE in said else set()
    # A medicine that a text only mentions may be another person's.
    return found | ({RECORD_DRUG} if Said.DRUG in said and kind_of(tag) is Holds.DRUG else set())
