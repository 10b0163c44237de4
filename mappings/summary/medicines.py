"""For which days a medicine was prescribed (rules: given-or-prescribed)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any


def prescribed_for(request: Mapping[str, Any]) -> tuple[str, str]:
    """The first and the last day of a MedicationRequest; "" where nobody says until when."""
    dispensed = request.get("dispenseRequest", {})
    period = dispensed.get("validityPeriod", {})
    first = str(period.get("start") or request.get("authoredOn") or "")
    return first, str(period.get("end") or _last_day(first, request.get("dosageInstruction", ())))


def _last_day(first: str, dosages: Sequence[Mapping[str, Any]]) -> str:
    """The last of the days for which it was prescribed, where that is said in days."""
    bounds = [dose.get("timing", {}).get("repeat", {}).get("boundsDuration", {}) for dose in dosages]
    days = [each["value"] for each in bounds if each.get("code") == "d" and "value" in each]
    if not first or len(days) != len(dosages) or not days:
        return ""
    return (date.fromisoformat(first[:10]) + timedelta(days=max(int(max(days)) - 1, 0))).isoformat()
