"""Who plays in the demo, and how each story must end: one table, which `--once` holds the service to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from ehr_sync.sandbox.city.facilities import DEMO
from ehr_sync.sandbox.city.magic import BOOK, REGISTRY
from ehr_sync.sandbox.city.people import TODAY, person
from ehr_sync.sandbox.dossiers.bad_inputs import bad_inputs
from ehr_sync.sandbox.dossiers.generator import dossier, envelope
from ehr_sync.sandbox.dossiers.health_checks import checked, file, health_check
from ehr_sync.sandbox.dossiers.hoso import Hoso, with_values
from ehr_sync.sandbox.dossiers.messy import messed, messy_style
from ehr_sync.sandbox.dossiers.restricted import planted
from ehr_sync.sandbox.dossiers.variations import corrected

Ending = Literal[
    "delivered", "replaced", "withheld", "not proven", "review", "no number", "asking again", "parked", "refused"
]


@dataclass(frozen=True, slots=True)
class Story:
    """One thing that a hospital sends, and how it must end. `reason` is the issue code of a refusal."""

    told: str
    ending: Ending
    facility: str
    body: bytes = field(repr=False)
    reason: str = ""


_HOSPITAL: Final = DEMO[0]
_WITHHELD: Final = 203


_AT_THE_REGISTRY: Final[dict[str, tuple[str, Ending]]] = {
    "not_found": ("registry: no such person", "not proven"),
    "tone_name": ("registry: name with the other tone placement", "delivered"),
    "other_name": ("registry: another name", "not proven"),
    "year_only": ("registry and hospital: birth year only", "review"),
    "marks_dropped": ("registry: name without its marks", "review"),
    "time_out": ("registry: does not answer", "asking again"),
    "error_500": ("registry: fails", "asking again"),
    "garbage": ("registry: talks nonsense", "asking again"),
    "other_number": ("registry: answers for somebody else", "asking again"),
}
_AT_THE_BOOK: Final[dict[str, tuple[str, Ending]]] = {
    "throttled": ("book: says 'slow down' three times", "delivered"),
    "unavailable": ("book: is down three times", "delivered"),
    "slow": ("book: answers slowly", "delivered"),
    "dripping": ("book: answers a byte a second", "delivered"),
    "bad_request": ("book: refuses the whole", "parked"),
    "refuses_entry": ("book: refuses one entry", "parked"),
    "stored_no_answer": ("book: stores, and does not answer", "delivered"),
}
_REFUSED: Final[dict[str, tuple[str, str]]] = {
    "truncated_xml": ("a file cut short", "file.truncated"),
    "no_ma_lk": ("a dossier without MA_LK", "ma_lk.missing"),
    "no_patient": ("a dossier of nobody", "patient.missing"),
    "thirteenth_month": ("a date in the thirteenth month", "date.impossible"),
    "facility_of_somebody_else": ("a dossier of another hospital", "facility.not_yours"),
}


def cast(dossiers: int) -> list[Story]:
    """That many stories: one of each special kind, and ordinary visits for the rest."""
    special = list(_special())
    return [*_ordinary(dossiers - len(special)), *special]


def _ordinary(count: int) -> Iterator[Story]:
    for n in range(count):
        yield _story("an ordinary visit", "delivered", _visit(n, facility=DEMO[n % len(DEMO)]))


def _special() -> Iterator[Story]:
    yield from _exports()
    yield from _versions()
    yield _story("a visit that names HIV", "withheld", planted(_visit(_WITHHELD), "icd_main"))
    yield Story("a health check", "delivered", _HOSPITAL, file(health_check(209, person(_adult(0)))))
    yield Story("a health check of a child without a number", "no number", _HOSPITAL, checked(210, "ChildUnder"))
    yield _story("a newborn without a number", "no number", dossier(204, facility=_HOSPITAL, shape="newborn", rows=8))
    yield _story("a foreigner with a passport", "no number", dossier(205, person_index=20_048, rows=8))
    yield from _magic(REGISTRY, _AT_THE_REGISTRY)
    yield from _magic(BOOK, _AT_THE_BOOK)
    yield from _refused()


def _exports() -> Iterator[Story]:
    for n in (206, 207, 208):
        body = envelope([messed(_visit(n), n)], style=messy_style(n))
        yield Story("a visit as exporters mess it up", "delivered", _HOSPITAL, body)


def _versions() -> Iterator[Story]:
    yield _story("a visit sent again", "delivered", _visit(201))
    yield _story("a visit sent again", "delivered", _visit(201))
    yield _story("a visit that is corrected later", "replaced", _visit(202))
    tomorrow = envelope([corrected(_visit(202), 1)], made_on=TODAY + timedelta(days=1))
    yield Story("its correction", "delivered", _HOSPITAL, tomorrow)


def _magic(people: dict[int, str], endings: dict[str, tuple[str, Ending]]) -> Iterator[Story]:
    for index, behaviour in people.items():
        told, ending = endings[behaviour]
        sent = dossier(index, person_index=index, facility=_HOSPITAL, shape="outpatient", rows=8)
        yield _story(told, ending, _with_birth_year_only(sent) if behaviour == "year_only" else sent)


def _with_birth_year_only(hoso: Hoso) -> Hoso:
    # As old people's papers have it; only then may the registry be asked by the year.
    return with_values(hoso, "XML1", NGAY_SINH=hoso.summary["NGAY_SINH"][:4] + "00000000")


def _refused() -> Iterator[Story]:
    bad = bad_inputs(_HOSPITAL)
    for name, (told, reason) in _REFUSED.items():
        yield Story(told, "refused", _HOSPITAL, bad[name].body, reason)


def _visit(n: int, *, facility: str = _HOSPITAL) -> Hoso:
    return dossier(n, person_index=_adult(n), facility=facility)


def _adult(n: int) -> int:
    # In every fifty people the first forty are adults, who have a number.
    return n * 50 + n % 40


def _story(told: str, ending: Ending, hoso: Hoso) -> Story:
    return Story(told, ending, hoso.facility, envelope([hoso]))


CITIZEN: Final = person(_adult(0)).number
"""Who the first ordinary visit is of: somebody whose book has something in it."""

WITHHELD: Final = person(_adult(_WITHHELD)).number
"""Whose only visit names HIV: nothing of theirs may be in the book."""

SPECIAL: Final = sum(1 for _ in _special())
"""How many stories are not ordinary."""
