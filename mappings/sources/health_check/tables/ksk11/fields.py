"""Part XML11, laboratory and imaging: the fields of one result."""

from __future__ import annotations

from mappings.sources.columns import Code, TableSchema, Text


class Ksk11(TableSchema):
    """The columns of XML11."""

    MA_DICH_VU = Code(50, wanted="always")
    MA_CHI_SO = Code(255)
    TEN_CHI_SO = Text(255)
    GIA_TRI = Text(255)
    DON_VI_DO = Text(50)
    MO_TA = Text()
    KET_LUAN = Text()
