"""A dossier's children, each a record of its own (rules: children-of-a-birth, natural-keys)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import orjson

from mappings.model import AGAIN, APART, Dossier, Row
from mappings.sources.cut_out import WITHDRAWN, Kind, Part, cut_out
from mappings.sources.dossier.rows import is_of_episode
from mappings.sources.dossier.tables.xml9.child import MOST_CHILDREN, born_at, child_of, states_anothers_number
from mappings.text import canonical_code

CHILD: Final = Kind("birth", b"GIAYCHUNGSINH")
TABLE: Final = "XML9"
MOTHER: Final = "ME"
"""An empty table of this name says that whom the certificate names gave birth: she is the dossier's patient."""
# The mother's papers, numbers and address: they are hers, and no erasure of hers must look for them with the child.
_HERS: Final = frozenset(
    {"STT", "MA_BHXH_NND", "MA_THE_NND", "NGAYSINH_NND", "SO_CCCD_NND", "NGAYCAP_CCCD_NND", "NOICAP_CCCD_NND"}
    | {"NOI_CU_TRU_NND", "MATINH_CU_TRU", "MAHUYEN_CU_TRU", "MAXA_CU_TRU"}
)


def children_of(dossier: Dossier) -> tuple[Part, ...]:
    """The children of a dossier's XML9."""
    return tuple(_part(dossier, key, row) for key, row in _by_key(dossier, dossier.tables.get(TABLE, ())).items())


def withdrawn_of(dossier: Dossier, before: Iterable[Row]) -> tuple[Part, ...]:
    """The children of the rows `before` whom the dossier, which has the table, no longer has."""
    now = _by_key(dossier, dossier.tables.get(TABLE, ()))
    gone = {key: row for key, row in _by_key(dossier, before).items() if key not in now}
    return tuple(_part(dossier, key, row, WITHDRAWN) for key, row in gone.items())


def _by_key(dossier: Dossier, rows: Iterable[Row]) -> dict[str, Row]:
    """Each child by what tells it from the others: the number of its certificate, else its birth and sex; of several
    that are alike in that the n-th, in an order that is not the sender's. The same row twice is one child. A row of
    another visit is nobody's, and of more than one birth can have none is certain.
    """
    alike: dict[str, dict[bytes, Row]] = {}
    for sent in rows:
        if child_of(sent) is not None and is_of_episode(sent, dossier.source_id):
            row = _own(sent)
            alike.setdefault(_key(row), {})[orjson.dumps(row, option=orjson.OPT_SORT_KEYS)] = row
    found = {
        f"{key}-{n}" if n else key: row
        for key, equals in sorted(alike.items())
        for n, (_, row) in enumerate(sorted(equals.items(), key=lambda each: each[0]))
    }
    return found if len(found) <= MOST_CHILDREN else {}


def _own(row: Row) -> Row:
    """What of a row is the child's: never a number that is another one's."""
    gone = _HERS | {"SO_CCCD_CON"} if states_anothers_number(row) else _HERS
    return {tag: value for tag, value in row.items() if tag.removesuffix(AGAIN) not in gone}


def _key(row: Row) -> str:
    if number := canonical_code(row.get("SO", "")):
        return "-".join(filter(None, (canonical_code(row.get("QUYEN_SO", "")), number)))
    born = born_at(row)
    assert born is not None  # else it is no child
    return f"{born:%Y%m%d%H%M}-{row['GIOI_TINH_CON']}"


def _part(dossier: Dossier, key: str, row: Row, *said: str) -> Part:
    tables: dict[str, tuple[Row, ...]] = {TABLE: (row,), **dict.fromkeys(said, ())}
    if _gave_birth(dossier, row):
        tables[MOTHER] = ()
    return cut_out(CHILD, dossier, dossier.source_id + APART + key, tables, told_as=key)


def _gave_birth(dossier: Dossier, row: Row) -> bool:
    """Whether the certificate's "mother or who cares for the child" is the woman whose dossier this is."""
    summary = next(iter(dossier.tables.get("XML1", ())), {})
    named = (canonical_code(summary.get("HO_TEN", "")).upper(), canonical_code(row.get("HO_TEN_NND", "")).upper())
    return bool(named[0]) and named[0] == named[1] and summary.get("GIOI_TINH") == "2"
