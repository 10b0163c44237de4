"""Health checks, which facilities send as KHAMSUCKHOE (QĐ 1551, QĐ 2062; rules: health-checks)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import Final

from mappings.dates import EARLIEST_YEAR, VIETNAM, parse_day, parse_minute
from mappings.model import ClaimedIdentity, Issue, Row, Tables
from mappings.sources.dossier import identity
from mappings.sources.dossier.reading.envelope import HEALTH_CHECK as ROOT
from mappings.sources.dossier.withholding import HIV_TABLE
from mappings.sources.health_check.checking import check
from mappings.sources.health_check.reading import SOURCE, read
from mappings.sources.health_check.tables import CHECK, PERSON, TABLES
from mappings.sources.health_check.tables.ksk1.fields import own_number
from mappings.sources.health_check.to_fhir import to_fhir
from mappings.sources.health_check.withholding import withheld
from mappings.sources.source import Source, VisitFacts

_ANY_DAY: Final = datetime(EARLIEST_YEAR, 1, 1, tzinfo=VIETNAM)


def _claims(tables: Tables) -> tuple[ClaimedIdentity, ...]:
    """Whose the check is. A guardian's number never becomes the child's: of one facility it tells the children apart
    that have none of their own, and nobody is asked about it (P4).
    """
    person = _person(tables)
    found = identity.claims({"XML1": (_as_summary(person),)})
    return tuple(replace(one, patient_code="" if one.number else person.get("SO_CCCD_NGH", "")) for one in found)


def _as_summary(person: Row) -> Row:
    """The person as a dossier's summary writes one: a child's name is always its own, as a guardian has a field."""
    return {**{tag: value for tag, value in person.items() if tag != "MA_BN"}, "SO_CCCD": own_number(person)}


def _person(tables: Tables) -> Row:
    return next(iter(tables.get(PERSON, ())), {})


def _visit(tables: Tables) -> VisitFacts:
    """A check is concluded before it is sent. NGAY_VAO is all that is said of its time."""
    text = next(iter(tables.get(CHECK, ())), {}).get("NGAY_VAO", "")
    day = parse_day(text[:8])
    ended = parse_minute(text) or (datetime.combine(day, time.min, VIETNAM) if day else _ANY_DAY)
    return VisitFacts(None, None, ended, "")


def _carry_over(new: Tables, before: Tables) -> tuple[Tables, tuple[Issue, ...]]:
    """A check is sent whole: a part that a new version lacks was taken back, but for a record of HIV (P9)."""
    stays = {HIV_TABLE: before[HIV_TABLE]} if HIV_TABLE in before and HIV_TABLE not in new else {}
    return {**new, **stays}, ()


HEALTH_CHECK: Final = Source(
    name=SOURCE,
    part=ROOT.encode(),
    tables=TABLES,
    read=read,
    check=check,
    claims=_claims,
    claimed_number=lambda tables: identity.claimed_number({"XML1": (_as_summary(_person(tables)),)}),
    visit=_visit,
    may_stay=frozenset({HIV_TABLE}),
    carry_over=_carry_over,
    to_carry=lambda tables: tables,
    withheld=withheld,
    to_fhir=to_fhir,
    number_at=f"{PERSON}[1].SO_CCCD",
    facility_at=f"{CHECK}[1].MA_CSKCB",
)
