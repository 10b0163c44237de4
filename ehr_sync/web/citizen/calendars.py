"""An appointment as a calendar takes it (RFC 5545).  https://www.rfc-editor.org/rfc/rfc5545"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from ehr_sync.web.citizen.visits import Appointment


def calendar(appointment: Appointment, *, made: datetime) -> str:
    """An appointment for a calendar (RFC 5545): whole days, or the minute where a facility says one; without a word of
    why.
    """
    content = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//ehr-sync//VI",
        "BEGIN:VEVENT",
        f"UID:{appointment.key}@ehr-sync",
        f"DTSTAMP:{made:%Y%m%dT%H%M%SZ}",
        *_when(appointment),
        f"SUMMARY:{_escaped('Hẹn khám lại')}",
        f"LOCATION:{_escaped(appointment.place)}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{folded}\r\n" for line in content for folded in _folded(line))


def _when(appointment: Appointment) -> Iterator[str]:
    """Nobody says how long it takes: a minute has no end (section 3.6.1)."""
    if "T" in appointment.first:
        yield f"DTSTART:{datetime.fromisoformat(appointment.first).astimezone(UTC):%Y%m%dT%H%M%SZ}"
        return
    after = date.fromisoformat(appointment.last[:10]) + timedelta(days=1)
    yield f"DTSTART;VALUE=DATE:{date.fromisoformat(appointment.first[:10]):%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{after:%Y%m%d}"


def _escaped(text: str) -> str:
    plain = "".join(" " if letter in "\r\n" else letter for letter in text)
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> Iterator[str]:
    # At most 75 octets a line (RFC 5545 section 3.1), never within a letter.
    part, size = "", 0
    for letter in line:
        octets = len(letter.encode())
        if size + octets > 74:
            yield part
            part, size = " ", 1
        part, size = part + letter, size + octets
    yield part
