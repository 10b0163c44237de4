"""Times of the national dossiers: yyyymmddHHMM and yyyymmdd, Viet Nam time (appendix of QĐ 130 and 4750)."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7))

# Older than any living patient: a year below it is a slipped digit ("1202…"), not a date.
EARLIEST_YEAR = 1850
# How long after a dossier came anything in it can have happened. Clocks are minutes wrong and supplies last months:
# beyond a year the year itself is a slip ("2062").
_LONGEST_AHEAD = timedelta(days=366)
# An appointment is made for later: "khám lại sau 1 năm" is common, three years are not.
_LONGEST_APPOINTMENT = timedelta(days=3 * 366)
_ZEROS = re.compile(r"[0 :/.T-]*0[0 :/.T-]*")


def parse_minute(text: str) -> datetime | None:
    """The aware minute (+07:00) of a 12-digit yyyymmddHHMM, or None where it is not one.

    Hour 2400 is 0000 of the next day (rules: what-refuses). Of 14 digits the last two are seconds, and are left out.
    """
    if len(text) == 14 and text[12] < "6" and _is_digits(text):
        text = text[:12]
    if len(text) != 12 or not _is_digits(text):
        return None
    if text[8:] == "2400":
        return _midnight_after(parse_day(text[:8]))
    year = int(text[:4])
    if year < EARLIEST_YEAR:
        return None
    try:
        return datetime(year, int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:]), tzinfo=VIETNAM)
    except ValueError:
        return None


def parse_day(text: str) -> date | None:
    """The day of an 8-digit yyyymmdd, or None where there is no such day."""
    if len(text) != 8 or not _is_digits(text):
        return None
    year = int(text[:4])
    if year < EARLIEST_YEAR:
        return None
    try:
        return date(year, int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def parse_birth(text: str) -> tuple[str, datetime | None] | None:
    """NGAY_SINH as ("yyyy-mm-dd" or "yyyy", the minute where one is stated), or None where it is impossible.

    Day and month 0000 mean unknown, and so does the time 0000: a birth at midnight cannot be told from it. A
    month without its day counts as the year alone. The 8-digit form without a time is read too, and four digits.
    """
    if len(text) == 4 and _is_digits(text):
        return _year_alone(text)
    if len(text) not in (8, 12) or not _is_digits(text):
        return None
    if text[6:8] == "00" and (text[4:6] == "00" or parse_day(text[:6] + "01")):
        return _year_alone(text)
    day = parse_day(text[:8])
    if day is None:
        return None
    if text[8:] in ("", "0000"):
        return day.isoformat(), None
    minute = parse_minute(text)
    return None if minute is None else (minute.date().isoformat(), minute)


def is_all_zero(text: str) -> bool:
    """Whether a date is nothing but zeros ("0", "00000000", "00/00/0000"): exporters write a blank so."""
    return _ZEROS.fullmatch(text) is not None


def canonical_date(text: str) -> tuple[str, str]:
    """A date, or a ';' list, as others write the same, and the code of the issue that tells so, or "".

    What is all zero is blank, at its place in a list; seconds are left out where the minute is one. What cannot be
    read stays as it came.
    """
    pieces = text.split(";")
    made = ["" if is_all_zero(one.strip()) else _to_the_minute(one) for one in pieces]
    if made == pieces:
        return text, ""
    changed = ";".join(made)
    return changed if changed.strip("; ") else "", "date.zero" if "" in made and "" not in pieces else "date.seconds"


def _to_the_minute(text: str) -> str:
    plain = text.strip()
    is_moment = len(plain) == 14 and parse_minute(plain) is not None
    # A birth of which only the year is known has no minute.
    is_year = len(plain) == 14 and plain[4:].strip("0") == "" and parse_birth(plain[:8]) is not None
    return plain[:12] if is_moment or is_year else text


def latest_event(received_on: date) -> date:
    """The last day on which what a dossier tells can have happened, received on that day."""
    return received_on + _LONGEST_AHEAD


def latest_appointment(received_on: date) -> date:
    """The last day for which an appointment can have been meant."""
    return received_on + _LONGEST_APPOINTMENT


def _year_alone(text: str) -> tuple[str, None] | None:
    return (text[:4], None) if int(text[:4]) >= EARLIEST_YEAR else None


def _midnight_after(day: date | None) -> datetime | None:
    if day is None or day == date.max:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=VIETNAM) + timedelta(days=1)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
