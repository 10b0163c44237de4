"""The code of a facility: five characters, or the GLN that takes their place (QĐ 3176; GS1 General Specifications 7.9).

The one place that knows their form: fields, mappings, the register and its commands ask here.
"""

from __future__ import annotations

import re
from typing import Final

FIVE: Final = "[0-9]{2}[0-9A-Z]{3}"  # the province, then three characters
EXPECTED: Final = "5 characters, or 13 digits (GLN)"
# As the database can hold to it; a check digit is beyond it.
FORM: Final = f"{FIVE}|[0-9]{{13}}"

_FIVE: Final = re.compile(FIVE)
_THIRTEEN: Final = re.compile("[0-9]{13}")


def is_facility_code(text: str) -> bool:
    """Whether the text has the form of a facility's code."""
    return _FIVE.fullmatch(text) is not None or is_gln(text)


def has_gln_form(text: str) -> bool:
    """Whether the text is 13 digits, whatever the last of them says."""
    return _THIRTEEN.fullmatch(text) is not None


def is_gln(text: str) -> bool:
    """Whether the text is a GLN: 13 digits, the last of which makes the sum of the others, weighed 1, 3, 1, 3 …, and
    itself a multiple of ten.
    """
    if not has_gln_form(text):
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(text)) % 10 == 0
