"""A dossier's children, each a record with bytes of its own (rules: children-of-a-birth, natural-keys).

What becomes of the mother's dossier later, and whoever is erased, leaves the other's record as it is: so a child's row
is kept once more, under the child. The bytes are ours, and are read by `read` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from mappings import exact_json
from mappings.formats.canonical import content_hash
from mappings.formats.source import EnvelopeScan, Limits
from mappings.model import AGAIN, Dossier, Row, Tables
from mappings.sources.dossier.rows import is_of_episode
from mappings.sources.dossier.tables.xml9.child import MOST_CHILDREN, born_at, child_of, states_anothers_number
from mappings.text import canonical_code

NAME: Final = "birth"
TABLE: Final = "XML9"
PART: Final = b"GIAYCHUNGSINH"
WITHDRAWN: Final = "RUT"
"""An empty table of this name says that the mother's newer dossier no longer has the child."""
MOTHER: Final = "ME"
"""An empty table of this name says that whom the certificate names gave birth: she is the dossier's patient."""
# No file can hold it, so that no MA_LK is ever the source id of a child.
_BEFORE_KEY: Final = "\x1f"
# The mother's papers, numbers and address: they are hers, and no erasure of hers must look for them with the child.
_HERS: Final = frozenset(
    {"STT", "MA_BHXH_NND", "MA_THE_NND", "NGAYSINH_NND", "SO_CCCD_NND", "NGAYCAP_CCCD_NND", "NOICAP_CCCD_NND"}
    | {"NOI_CU_TRU_NND", "MATINH_CU_TRU", "MAHUYEN_CU_TRU", "MAXA_CU_TRU"}
)
_OPENING, _CLOSING = b"<" + PART + b">", b"</" + PART + b">"


@dataclass(frozen=True, slots=True)
class Part:
    """A child's record, and the bytes that it is read from again."""

    dossier: Dossier
    piece: bytes = field(repr=False)


def children_of(dossier: Dossier, before: Iterable[Row] = ()) -> tuple[Part, ...]:
    """The children of a dossier's XML9; those of the rows `before` that it no longer has are withdrawn."""
    now = _by_key(dossier, dossier.tables.get(TABLE, ()))
    if len(now) > MOST_CHILDREN:
        return ()
    gone = {key: row for key, row in _by_key(dossier, before).items() if key not in now}
    parts = [_part(dossier, key, row, withdrawn=False) for key, row in now.items()]
    return (*parts, *(_part(dossier, key, row, withdrawn=True) for key, row in gone.items()))


def told_as(source_id: str) -> str:
    """A source id as its sender reads it: MA_LK, and for a child what tells it from the others of the birth."""
    return source_id.replace(_BEFORE_KEY, " / ")


def read(piece: bytes, scan: EnvelopeScan, position: int, limits: Limits) -> Dossier:
    """The record of a child from its kept bytes."""
    kept: Mapping[str, Any] = exact_json.loads(piece[len(_OPENING) : -len(_CLOSING)])
    return _dossier(kept["id"], kept["facility"], {name: tuple(rows) for name, rows in kept["tables"].items()})


def _by_key(dossier: Dossier, rows: Iterable[Row]) -> dict[str, Row]:
    """Each child by what tells it from the others: the number of its certificate, else its birth and sex; of several
    that are alike in that the n-th, in an order that is not the sender's. The same row twice is one child. A row of
    another visit is nobody's.
    """
    alike: dict[str, dict[bytes, Row]] = {}
    for sent in rows:
        if child_of(sent) is not None and is_of_episode(sent, dossier.source_id):
            row = _own(sent)
            alike.setdefault(_key(row), {})[orjson.dumps(row, option=orjson.OPT_SORT_KEYS)] = row
    return {
        f"{key}-{n}" if n else key: row
        for key, found in sorted(alike.items())
        for n, (_, row) in enumerate(sorted(found.items(), key=lambda each: each[0]))
    }


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


def _part(dossier: Dossier, key: str, row: Row, *, withdrawn: bool) -> Part:
    tables: dict[str, tuple[Row, ...]] = {TABLE: (row,)}
    if withdrawn:
        tables[WITHDRAWN] = ()
    if _gave_birth(dossier, row):
        tables[MOTHER] = ()
    made = _dossier(dossier.source_id + _BEFORE_KEY + key, dossier.facility_code, tables)
    kept = exact_json.dumps({"id": made.source_id, "facility": made.facility_code, "tables": tables})
    return Part(replace(made, made_on=dossier.made_on), _OPENING + kept + _CLOSING)


def _dossier(source_id: str, facility: str, tables: Tables) -> Dossier:
    return Dossier(source_id, facility, None, tables, (), (), content_hash(tables), NAME)


def _gave_birth(dossier: Dossier, row: Row) -> bool:
    """Whether the certificate's "mother or who cares for the child" is the woman whose dossier this is."""
    summary = next(iter(dossier.tables.get("XML1", ())), {})
    named = (canonical_code(summary.get("HO_TEN", "")).upper(), canonical_code(row.get("HO_TEN_NND", "")).upper())
    return bool(named[0]) and named[0] == named[1] and summary.get("GIOI_TINH") == "2"
