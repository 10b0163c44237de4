"""What of a health check the law restricts (P9): as of a dossier, the record whole, or rows and fields, without a sign
(docs/security.md). Its results (KSK11) have the columns of the dossier's XML4, and are looked at as such.
"""

from __future__ import annotations

from typing import Final

from mappings.model import Tables
from mappings.sources.dossier import withholding
from mappings.sources.source import Withheld

_RESULTS: Final = "KSK11"
_AS: Final = "XML4"


def withheld(tables: Tables) -> Withheld:
    """What is withheld of a health check. The tables are the same object where nothing is taken out of them."""
    # A table of the dossier's in a health check is kept, never mapped: its results change places with the check's.
    asked = {_swapped(name): rows for name, rows in tables.items()}
    found = withholding.withheld(asked)
    if found.tables is asked:
        return Withheld(found.record, tables)
    return Withheld(found.record, {_swapped(name): rows for name, rows in found.tables.items()})


def _swapped(name: str) -> str:
    return {_RESULTS: _AS, _AS: _RESULTS}.get(name, name)
