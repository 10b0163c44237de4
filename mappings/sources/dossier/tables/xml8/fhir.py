"""The summary of the medical record (QĐ 3176 table XML8) to FHIR Composition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.dossier.papers import Field, Form, paper, sections
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import Rows

_FORM: Final = Form("XML8", "Tóm tắt hồ sơ bệnh án", "34133-9", "Summary of episode note")
_TEXTS: Final = (
    Field("CHAN_DOAN_VAO", "Chẩn đoán khi vào viện", "46241-6"),
    Field("QT_BENHLY", "Quá trình bệnh lý và diễn biến", "8648-8"),
    Field("TOMTAT_KQ", "Tóm tắt kết quả xét nghiệm, cận lâm sàng", "30954-2"),
    Field("PP_DIEUTRI", "Phương pháp điều trị", "62387-6"),
    Field("CHAN_DOAN_RV", "Chẩn đoán khi ra viện", "11535-2"),
)
_MAPPED: Final = ("NGAY_CT", *(one.tag for one in _TEXTS))


def papers(rows: Rows, visit: Visit) -> Iterator[Resource]:
    """One Composition for each summary in which anything may be shown. It names no doctor: the facility wrote it."""
    for row, key, ordinal in numbered(rows, _key, _content):
        made = paper(_FORM, key, ordinal, sections(row, _TEXTS), visit, written=row.get("NGAY_CT", ""))
        if made is not None:
            yield made


def _key(_: Row) -> Key:
    return ()


def _content(row: Row) -> Key:
    return tuple([row.get(tag, "") for tag in _MAPPED])
