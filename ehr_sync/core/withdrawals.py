"""Why a facility takes a record back: words of a list, never free text, which might hold a diagnosis."""

from __future__ import annotations

from typing import Final

WHYS: Final = ("sent_by_mistake", "wrong_patient", "duplicate", "visit_cancelled", "test_data")
