"""Table XML5, notes on the clinical course: its fields (QĐ 4750, QĐ 3176 table 5; rules: course-is-kept)."""

from __future__ import annotations

from mappings.sources.columns import Code, Minute, PersonalCode, TableSchema, Text, Whole


class Xml5(TableSchema):
    """The columns of XML5."""

    MA_LK = PersonalCode(100)
    STT = Whole(10, wanted="always")
    DIEN_BIEN_LS = Text(wanted="always")
    GIAI_DOAN_BENH = Text()
    HOI_CHAN = Text()
    PHAU_THUAT = Text()
    THOI_DIEM_DBLS = Minute(wanted="always")
    NGUOI_THUC_HIEN = Code(255, wanted="always")
    DU_PHONG = Text()
