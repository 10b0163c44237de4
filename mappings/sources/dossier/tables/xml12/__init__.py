"""Table XML12 of the national dossier: what a council of medical assessment found (QĐ 3176 table 12;
rules: medical-assessments).

It has no MA_LK and belongs to no visit: each is a record of its own, which `mappings.sources.assessment` reads.
"""

from __future__ import annotations

from mappings.sources.dossier.tables.xml12.fields import Xml12, within
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import SourceTable

XML12: SourceTable[Visit] = SourceTable(
    name="XML12",
    root="",  # the decree gives it none, as it is typed at the insurance portal: LOAIHOSO alone names it
    package=__name__,
    schema=Xml12,
    within=within,
    told_apart_by=(("SO_BIEN_BAN",),),
)
