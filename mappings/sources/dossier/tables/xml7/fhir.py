"""The discharge paper (QĐ 3176 table XML7) to FHIR Composition.

What tells of an ended pregnancy is not mapped: it never enters a share or a delegate's view, and whose eyes a book has
elsewhere nobody here knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.fhir.elements import text
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.dossier.papers import Field, Form, Section, days_of_leave, paper, sections, signed_by
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import Rows

_FORM: Final = Form("XML7", "Giấy ra viện", "18842-5", "Discharge summary", "archive-number")
_TEXTS: Final = (
    Field("CHAN_DOAN_RV", "Chẩn đoán khi ra viện", "11535-2"),
    Field("PP_DIEUTRI", "Phương pháp điều trị", "62387-6"),
    Field("GHI_CHU", "Ghi chú, lời dặn", "69730-0"),
)
_MAPPED: Final = (
    *("SO_LUU_TRU", "MA_BS", "TEN_BS", "NGAY_CT", "SO_NGAY_NGHI", "NGOAITRU_TUNGAY", "NGOAITRU_DENNGAY"),
    *(one.tag for one in _TEXTS),
)


def papers(rows: Rows, visit: Visit) -> Iterator[Resource]:
    """One Composition for each paper in which anything may be shown."""
    for row, key, ordinal in numbered(rows, _key, _content):
        off = days_of_leave(row, "SO_NGAY_NGHI", "NGOAITRU_TUNGAY", "NGOAITRU_DENNGAY")
        parts = [*sections(row, _TEXTS), Section("Nghỉ sau khi ra viện", off)]
        number, doctors = text(row.get("SO_LUU_TRU")), signed_by(row, visit)
        made = paper(_FORM, key, ordinal, parts, visit, number=number, written=row.get("NGAY_CT", ""), doctors=doctors)
        if made is not None:
            yield made


def _key(row: Row) -> Key:
    return (row.get("SO_LUU_TRU", ""),)


def _content(row: Row) -> Key:
    return tuple([row.get(tag, "") for tag in _MAPPED])
