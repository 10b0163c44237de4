"""The registrations for treatment that a dossier's XML15 tells of, each a record of its own
(rules: treatments-of-tuberculosis).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Final

from mappings.dates import parse_day
from mappings.model import AGAIN, APART, Dossier, Row, Tables
from mappings.restricted.fields import Kind as Holds
from mappings.restricted.fields import kind_of
from mappings.sources.cut_out import WITHDRAWN, Kind, Part, cut_out
from mappings.sources.dossier.identity import claimed_identity
from mappings.sources.dossier.rows import is_of_episode
from mappings.sources.dossier.withholding import withheld
from mappings.text import canonical_code

TREATMENT: Final = Kind("tuberculosis", b"DIEUTRI_BENHLAO")
TABLE: Final = "XML15"
_WHO: Final = ("MA_BN", "HO_TEN", "SO_CCCD", "NGAY_SINH", "GIOI_TINH", "MA_QUOCTICH")
_MOST: Final = 12  # one patient does not begin anew more often: which of these are true is not certain
_NONE: Final = "0"  # LOAI_DTRI_LAO: no treatment


def registrations_of(dossier: Dossier) -> tuple[Part, ...]:
    """The registrations of a dossier's XML15: each is known by the facility's own number of the patient and the day on
    which the treatment began, whichever visit tells of it.

    None without a summary that says who the patient is, and none of a dossier that is withheld whole (P9).
    """
    rows, summary = dossier.tables.get(TABLE, ()), next(iter(dossier.tables.get("XML1", ())), None)
    identity = claimed_identity(dossier.tables) if rows and summary else None
    if identity is None or summary is None or identity.name_may_be_a_parents or withheld(dossier.tables).record:
        return ()
    who, visited = {tag: summary[tag] for tag in _WHO if tag in summary}, _day_of(summary)
    return tuple(
        cut_out(
            TREATMENT,
            dossier,
            APART + APART.join((TABLE, who["MA_BN"], began)),
            {"XML1": (who,), TABLE: (row,)},
            told_as=TABLE,
            dated=visited,
        )
        for began, row in _registered(dossier, who).items()
    )


def withdrawn_of(dossier: Dossier, before: Tables) -> tuple[Part, ...]:
    """The registrations that the visit's tables `before` told of and the dossier, which has the table or is another
    patient's, does not. Each is as old as the visit: what a later one says of it stands.
    """
    was = {part.dossier.source_id: part.dossier for part in registrations_of(replace(dossier, tables=before))}
    now = {part.dossier.source_id for part in registrations_of(dossier)}
    visited = _day_of(next(iter(dossier.tables.get("XML1", ())), {}))
    return tuple(
        cut_out(
            TREATMENT,
            dossier,
            source_id,
            {**told.tables, WITHDRAWN: ()},
            told_as=TABLE,
            dated=max(filter(None, (visited, told.made_on)), default=None),
        )
        for source_id, told in was.items()
        if source_id not in now
    )


def _registered(dossier: Dossier, who: Row) -> dict[str, Row]:
    """The last row of each day on which a treatment began, without all that tells of HIV."""
    found: dict[str, Row] = {}
    for row in sorted(_treated(dossier), key=lambda one: (one.get("NGAYKT_DTRI_LAO", ""), sorted(one.items()))):
        if "MA_BN" in who and canonical_code(row.get("MA_BN", who["MA_BN"])) == canonical_code(who["MA_BN"]):
            found[row["NGAYBD_DTRI_LAO"][:8]] = row
    return found if len(found) <= _MOST else {}


def _treated(dossier: Dossier) -> Iterator[Row]:
    for row in dossier.tables[TABLE]:
        began = parse_day(row.get("NGAYBD_DTRI_LAO", "")[:8])
        if began and row.get("LOAI_DTRI_LAO", _NONE) != _NONE and is_of_episode(row, dossier.source_id):
            yield {tag: value for tag, value in row.items() if _may_be_kept(tag)}


def _may_be_kept(tag: str) -> bool:
    return tag.removesuffix(AGAIN) not in {"STT", "MA_LK", "HO_TEN", "SO_CCCD"} and kind_of(tag) is not Holds.HIV


def _day_of(summary: Row) -> date | None:
    """The day that the visit tells of: its end, or its beginning while it is open."""
    return parse_day(summary.get("NGAY_RA", "")[:8]) or parse_day(summary.get("NGAY_VAO", "")[:8])
