"""What the pages call the quality of data, at the desk and at the console: as the API does."""

from __future__ import annotations

from ehr_sync.api.desk import word
from ehr_sync.api.quality import AXIS_NAMES, DEFINITIONS, fault_words
from ehr_sync.web.design.words import gettext
from ehr_sync.web.foundation import language


def axis(code: str) -> str:
    """The name of an axis."""
    return word(code, language(), AXIS_NAMES)


def definition(code: str) -> str:
    """What an axis counts."""
    return word(code, language(), DEFINITIONS)


def fault(code: str) -> str:
    """What is wrong, in words."""
    return fault_words(code, language())


def fix(told: str) -> str:
    """A fault and how many records have it, as a list of operators tells it: "DIEN_THOAI 12"."""
    code, _, count = told.rpartition(" ")
    return gettext("%(what)s: %(n)s hồ sơ", what=fault(code), n=count)


def percent(value: float | None) -> str:
    """A share, or a dash where there is nothing to tell it of."""
    return "–" if value is None else f"{value:.1f} %"
