"""XML0 of a dossier: its patient is registered, and nothing has been done yet (QĐ 3176 table 0)."""

from __future__ import annotations

from dataclasses import replace

from ehr_sync.sandbox.dossiers.catalogue import table_shapes
from ehr_sync.sandbox.dossiers.hoso import Hoso
from ehr_sync.sandbox.dossiers.rendering import table_xml


def checked_in(hoso: Hoso, **values: str) -> Hoso:
    """The dossier as it is when its patient comes: XML0 alone."""
    row = {tag: hoso.summary.get(tag, "") for tag in table_shapes()["XML0"].tags}
    row |= {"STT": "1", "MA_DICH_VU": "02.1896", "TEN_DICH_VU": "Khám Nội", "NGAY_YL": hoso.summary["NGAY_VAO"]}
    return replace(hoso, tables={"XML0": [row | values]})


def alone(hoso: Hoso) -> bytes:
    """A check-in as software sends it without an envelope: its own root."""
    return f'<?xml version="1.0" encoding="utf-8"?>\n{table_xml("XML0", hoso.tables["XML0"])}\n'.encode()
