"""The tables of the national dossier (QĐ 130, 4750, 3176), a folder each.

A table is registered here and nowhere else.
"""

from __future__ import annotations

from typing import Final

from mappings.sources.dossier.tables.xml0 import XML0
from mappings.sources.dossier.tables.xml1 import XML1
from mappings.sources.dossier.tables.xml2 import XML2
from mappings.sources.dossier.tables.xml3 import XML3
from mappings.sources.dossier.tables.xml4 import XML4
from mappings.sources.dossier.tables.xml5 import XML5
from mappings.sources.dossier.tables.xml6 import XML6
from mappings.sources.dossier.tables.xml7 import XML7
from mappings.sources.dossier.tables.xml8 import XML8
from mappings.sources.dossier.tables.xml9 import XML9
from mappings.sources.dossier.tables.xml10 import XML10
from mappings.sources.dossier.tables.xml11 import XML11
from mappings.sources.dossier.tables.xml12 import XML12
from mappings.sources.dossier.tables.xml13 import XML13
from mappings.sources.dossier.tables.xml14 import XML14
from mappings.sources.dossier.tables.xml15 import XML15
from mappings.sources.dossier.visit import Visit
from mappings.sources.table import SourceTable

# In the order in which the book lists what they become.
TABLES: Final[tuple[SourceTable[Visit], ...]] = (
    XML0,
    XML1,
    XML2,
    XML3,
    XML4,
    XML5,
    XML6,
    XML7,
    XML8,
    XML9,
    XML10,
    XML11,
    XML12,
    XML13,
    XML14,
    XML15,
)
