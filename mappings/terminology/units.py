"""Units of measure as UCUM, only where the spelling is certain.  https://ucum.org/ucum

"G/L" is giga per litre beside a cell count and, from analysers that write in capitals, gram per litre
beside a protein: it is certain only beside the name of a cell count. "mg%", "UI" of a drug and the like are
not here.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Final

_WITHOUT_UNIT: Final = (
    (re.compile(r"(?:PT|chỉ số|tỷ số)?[ -]*\(?INR\)?(?: \(.*\))?", re.IGNORECASE), "{INR}"),
    (re.compile(r"pH(?: máu| nước tiểu| niệu)?"), "[pH]"),
)
_SAME_DIGITS: Final = {
    "10*3/uL": "10*9/L",
    "10*6/uL": "10*12/L",
    "ug/mL": "mg/L",
    "ng/mL": "ug/L",
    "pg/mL": "ng/L",
    "u[IU]/mL": "m[IU]/L",
}
_CELL_COUNT: Final = re.compile(
    # "Monoclonal protein" and "base" begin like monocytes and basophils: a whole word is meant.
    r"(?:WBC|PLT|NEU|NEUT|NEUTRO|NEUTROPHIL|LYM|LYMPH|LYMPHO|LYMPHOCYTE|MON|MONO|MONOCYTE|EOS|EOSI|EOSINOPHIL|BAS|BASO"
    r"|BASOPHIL)S?(?![a-z]).*|(?:số lượng )?(?:bạch cầu|tiểu cầu|bc|tc)\b.*",
    re.IGNORECASE,
)


def ucum(unit: str, beside: str = "") -> str:
    """The UCUM code of a unit as written, or "" where it is not certain. `beside` is the name of what is
    measured, which alone says what a ratio is of: INR and pH are written without a unit.
    """
    if not unit:
        return next((code for name, code in _WITHOUT_UNIT if name.fullmatch(beside)), "")
    if unit in ("G/L", "G/l"):
        return "10*9/L" if _CELL_COUNT.match(beside) else ""
    return _spellings().get(unit, "")


def comparable(code: str) -> str:
    """One UCUM code for all in which a value has the same digits: ng/mL is ug/L."""
    return _SAME_DIGITS.get(code, code)


@cache
def _spellings() -> dict[str, str]:
    stored = json.loads(files(__package__).joinpath("units.json").read_text("utf-8"))
    # Whoever writes UCUM itself means it.
    return {spelling: code for code, spellings in stored.items() for spelling in (code, *spellings)}
