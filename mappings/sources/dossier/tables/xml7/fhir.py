"""The discharge paper (QĐ 3176 table XML7) to FHIR Composition.

What tells of an ended pregnancy is not mapped: it never enters a share or a delegate's view, and whose eyes a book has
elsewhere nobody here knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.fhir.elements import Json, day, text, trimmed_decimal
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.dossier.papers import Field, Form, Section, paper, sections
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
        parts = [*sections(row, _TEXTS), Section("Nghỉ sau khi ra viện", _leave(row))]
        number, doctors = text(row.get("SO_LUU_TRU")), _doctors(row, visit)
        made = paper(_FORM, key, ordinal, parts, visit, number=number, written=row.get("NGAY_CT", ""), doctors=doctors)
        if made is not None:
            yield made


def _key(row: Row) -> Key:
    return (row.get("SO_LUU_TRU", ""),)


def _content(row: Row) -> Key:
    return tuple([row.get(tag, "") for tag in _MAPPED])


def _doctors(row: Row, visit: Visit) -> list[Json]:
    """Who signed. A name is told of one alone: of several nobody can tell whose it is."""
    signed = visit.register.practitioners(row.get("MA_BS"))
    name = text(row.get("TEN_BS"))
    if not name or len(signed) > 1:
        return signed
    return [{**(signed[0] if signed else {}), "display": name}]


def _leave(row: Row) -> str:
    """ "7 ngày, từ 16/11/2026 đến 22/11/2026"."""
    days = trimmed_decimal(row.get("SO_NGAY_NGHI"))
    first, last = day(row.get("NGOAITRU_TUNGAY")), day(row.get("NGOAITRU_DENNGAY"))
    told = [f"{days} ngày"] if days.strip("0") else []
    if span := " ".join(f"{word} {one:%d/%m/%Y}" for word, one in (("từ", first), ("đến", last)) if one):
        told.append(span)
    return ", ".join(told)
