"""Part XML11 of a health check: results of laboratory and imaging, as a dossier's (XML4) but without a time of their
own: they are of the day of the check.
"""

from __future__ import annotations

from typing import Final

from mappings.model import Resource
from mappings.sources.dossier.tables.xml4.fhir import results
from mappings.sources.health_check.check import Check
from mappings.sources.health_check.tables.ksk11.fields import Ksk11
from mappings.sources.table import Rows, SourceTable

ITEM: Final = "CHI_TIET_CLS"


def _documents(rows: Rows, check: Check) -> list[Resource]:
    day = check.visit.start[:10].replace("-", "")
    dated = [{**row, "NGAY_KQ": day} if day else row for row in rows]
    return results(dated, check.visit, ())


KSK11: SourceTable[Check] = SourceTable(
    name="KSK11",
    root="KHAM_CAN_LAM_SANG",
    item=ITEM,
    package=__name__,
    schema=Ksk11,
    told_apart_by=(("MA_DICH_VU",), ("MA_CHI_SO", "TEN_CHI_SO")),
    documents=_documents,
)
