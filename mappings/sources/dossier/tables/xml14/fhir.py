"""The slip with the day to come again (QĐ 3176 table XML14) to FHIR Composition; XML1 makes its Appointment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from mappings.dates import latest_appointment, latest_event, parse_minute
from mappings.fhir.elements import day, text
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.dossier.papers import Field, Form, Section, paper, sections
from mappings.sources.dossier.visit import FOLLOW_UP, Slip, Visit
from mappings.sources.table import Rows

_FORM: Final = Form("XML14", "Giấy hẹn khám lại", "56446-8", "Appointment summary Document", "appointment-paper")
_TEXTS: Final = (Field("CHAN_DOAN_RV", "Chẩn đoán", "29308-4"),)
_MAPPED: Final = ("SO_GIAYHEN_KL", "NGAY_HEN_KL", "CHAN_DOAN_RV", "MA_BAC_SI", "NGAY_CT")
# What exporters write where a slip says no time: the first minute of the day, or its last.
_NO_TIME: Final = frozenset({"0000", "2359", "2400"})


def announce(rows: Rows, visit: Visit) -> None:
    """Leaves the slips that hold, by the day that they name (rules: follow-up-days). One of an earlier sending does not
    where the summary names other days by now; nor does one for a day so far ahead that its year is a slip of the pen.
    """
    found: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        on = slip_day(row)
        if on is not None and on <= latest_appointment(visit.received):
            found[on].append(row)
    if _FORM.table in visit.taken_over and visit.come_again:
        found = {on: said for on, said in found.items() if on in visit.come_again}
    visit.told.slips = {on: _slip(said, visit) for on, said in sorted(found.items())}


def papers(rows: Rows, visit: Visit) -> Iterator[Resource]:
    """The Composition of each slip that holds, which refers to its Appointment."""
    standing = [row for row in rows if slip_day(row) in visit.told.slips]
    for row, key, ordinal in numbered(standing, _key, _content):
        made = paper(
            _FORM,
            key,
            ordinal,
            (_come_again(row, visit), *sections(row, _TEXTS)),
            visit,
            number=text(row.get("SO_GIAYHEN_KL")),
            written=row.get("NGAY_CT", ""),
            doctors=visit.register.practitioners(row.get("MA_BAC_SI")),
        )
        if made is not None:
            yield made


def slip_day(row: Row) -> date | None:
    """The day that a slip names."""
    return day(row.get("NGAY_HEN_KL"))


def _minute(row: Row) -> datetime | None:
    """The minute that it names, where it is one."""
    stated = row["NGAY_HEN_KL"]
    return None if stated[8:12] in _NO_TIME else parse_minute(stated)


def _come_again(row: Row, visit: Visit) -> Section:
    on, at = slip_day(row), _minute(row)
    told = f"{at:%H:%M} ngày {at:%d/%m/%Y}" if at else f"Ngày {on:%d/%m/%Y}"
    appointment = visit.reference("Appointment", FOLLOW_UP, (f"{on:%Y-%m-%d}",))
    return Section("Hẹn khám lại", told, entries=(appointment,))


def _slip(rows: list[Row], visit: Visit) -> Slip:
    times = [at.isoformat() for row in rows if (at := _minute(row))]
    given = [on for row in rows if (on := day(row.get("NGAY_CT"))) and on <= latest_event(visit.received)]
    return Slip(
        at=min(times, default=""),
        numbers=tuple(sorted({number for row in rows if (number := text(row.get("SO_GIAYHEN_KL")))})),
        given=min(given).isoformat() if given else "",
    )


def _key(row: Row) -> Key:
    return (row.get("SO_GIAYHEN_KL", ""),)


def _content(row: Row) -> Key:
    return tuple([row.get(tag, "") for tag in _MAPPED])
