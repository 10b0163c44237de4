"""Days and times as people write them: 20/11/2026 in Vietnamese, 20 November 2026 in English; always Vietnam's."""

from __future__ import annotations

from datetime import date, datetime

import flask_babel
from flask_babel import get_locale

from mappings.dates import VIETNAM
from mappings.summary.narrative import told_day


def gettext(text: str, **values: object) -> str:
    """A text in the reader's language. (The library has no types.)"""
    return str(flask_babel.gettext(text, **values))


def day(value: str | date) -> str:
    """The day of an ISO date or instant; a year or month alone stays as it is; "" of nothing."""
    return told_day(value if isinstance(value, str) else value.isoformat(), "en" if str(get_locale()) == "en" else "vi")


def moment(value: str | datetime) -> str:
    """The day and minute of an instant; of a day alone the day."""
    if isinstance(value, str):
        if "T" not in value:
            return day(value)
        value = datetime.fromisoformat(value)
    local = value.astimezone(VIETNAM)
    return f"{local:%H:%M}, {day(local.date())}"


def span(first: str, last: str) -> str:
    """From a day to another, or one day alone."""
    begins, ends = day(first), day(last)
    return begins if not ends or begins == ends else f"{begins} – {ends}"


def when(first: str, last: str) -> str:
    """A minute, a day, or from a day to another."""
    return moment(first) if first == last else span(first, last)


def times(first: str, last: str) -> str:
    """From a minute to another: the day is told once where both are of it."""
    if last and "T" in first and "T" in last and day(first) == day(last):
        return f"{moment(first).partition(',')[0]} – {moment(last)}"
    return f"{moment(first)} – {moment(last)}" if last else moment(first)
