"""Table XML15 of the national dossier: treatments of tuberculosis (QĐ 3176 table 15;
rules: treatments-of-tuberculosis).

Nothing of it is of the visit: each registration is a record of its own, which `mappings.sources.tuberculosis` cuts out.
"""

from __future__ import annotations

from mappings.sources.dossier.repeated import repeats
from mappings.sources.dossier.tables.xml15.fields import Xml15, within
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import SourceTable, always_stays

# A version that merely lacks it must not show what the one before withheld (P9).
XML15: SourceTable[Visit] = SourceTable(
    name="XML15",
    root="CHI_TIEU_DIEUTRI_BENHLAO",
    item="CHITIET_DIEUTRI_BENHLAO",
    package=__name__,
    schema=Xml15,
    within=within,
    between=repeats("XML15"),
    stays=always_stays,
    told_apart_by=(("NGAYBD_DTRI_LAO",),),
)
