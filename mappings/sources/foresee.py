"""What would become of a dossier: its FHIR, and which element comes of which field, found by trying.

Each field is taken away once, and the dossier is mapped again: what is another then, or is not there, comes of that
field (docs/decisions/060-a-trace-is-an-experiment.md). So nothing of a mapping is told twice, and what is told is true
of this very dossier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Literal

import orjson

from mappings import exact_json
from mappings.dates import parse_day
from mappings.gate import findings
from mappings.model import AGAIN, Dossier, MappingContext, Resource, Row, Tables
from mappings.sources.catalogue import SOURCES
from mappings.sources.source import Source
from mappings.sources.table import Rows

MOST_ROWS_MAPPED: Final = 6_000
"""How many rows are mapped, again and again, for one trace: a second or two, enough for a stay of twenty rows."""
_MOST_COMPARED: Final = 10_000

Stage = Literal["facility", "version", "keep", "verify", "deliver"]
OFFLINE: Final[tuple[Stage, ...]] = ("facility", "version", "keep", "verify", "deliver")
DRY_RUN: Final[tuple[Stage, ...]] = ("keep", "verify", "deliver")
"""The stages on a dossier's way that a trial does not know: without the service, and by the service itself."""

_WHY: Final[Mapping[Stage, tuple[str, str]]] = {
    "facility": (
        "Chưa hỏi mã cơ sở nào được phép gửi.",
        "Nobody was asked for which facilities you may send.",
    ),
    "version": (
        "Chưa so với những gì đã gửi trước đó: có thể là bản lặp lại, bản cũ hơn, hoặc giữ lại bảng của bản trước.",
        "It was not compared with what was sent before: it may be a repeat, or older, or keep tables of a former one.",
    ),
    "keep": (
        "Không ghi nhận gì, nên không có maGiaoDich; bảng giữ lại từ bản trước không hiện ở đây.",
        "Nothing is kept, so there is no maGiaoDich; tables that stay from a former version are not shown here.",
    ),
    "verify": (
        "Chưa hỏi cơ sở dữ liệu dân cư số, họ tên và ngày sinh có thuộc về một người hay không.",
        "The population registry was not asked whether number, name and birth date belong to one person.",
    ),
    "deliver": (
        "Chưa hỏi sổ sức khỏe có nhận hay không.",
        "The health book was not asked whether it takes this.",
    ),
}
_NUMBER: Final = "STT"  # in no id and no content (rules: natural-keys): here it says where a row stood
_UNTRACED: Final = "Provenance"  # of the submission, and of no field
# Reading moved it out of the tables, to where the record belongs (rules: whose-record).
_ANOTHER_FACILITY: Final = "00000"


@dataclass(frozen=True, slots=True, order=True)
class Element:
    """One element of one resource, by its FHIRPath; the name of the type alone is the resource itself."""

    resource: str  # "Type/id"
    path: str


@dataclass(frozen=True, slots=True)
class Trace:
    """The fields that were tried, as "XML2[1].LIEU_DUNG", with what comes of each: of many nothing. Where it is not
    `whole`, some were not tried: the dossier is too long. `rows_mapped` is what it cost.
    """

    fields: Mapping[str, tuple[Element, ...]]
    whole: bool
    rows_mapped: int

    @property
    def elements(self) -> Mapping[Element, tuple[str, ...]]:
        """The way back: the fields that an element comes of."""
        found: dict[Element, list[str]] = {}
        for name, elements in self.fields.items():
            for one in elements:
                found.setdefault(one, []).append(name)
        return {one: tuple(found[one]) for one in sorted(found)}


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a book would hold of a dossier, its patient's Patient aside. `left_out` did not pass the gate."""

    resources: tuple[Resource, ...] = field(repr=False)
    left_out: int
    trace: Trace = field(repr=False)


def foresee(dossier: Dossier, context: MappingContext, most_rows: int = MOST_ROWS_MAPPED) -> Foreseen:
    """What would become of it, and of what that would come; with `most_rows` of 0 nothing is tried.

    What is restricted is taken out before: it is in no resource, and in the trace it is a field of which nothing comes,
    as many others are (P9).
    """
    source = SOURCES[dossier.source]
    withheld = source.withheld(_numbered(dossier.tables))
    left = replace(dossier, tables={} if withheld.record else withheld.tables)
    mapped = source.to_fhir(left, context).resources
    sound = tuple(one for one in mapped if not findings(one.json))
    trace = _Trial(source, left, context, sound, most_rows).trace(dossier.tables)
    return Foreseen(sound, len(mapped) - len(sound), trace)


def not_known(stages: Iterable[Stage], language: str) -> list[tuple[Stage, str]]:
    """These stages, each with the reason why nobody knows how they would end; English if asked, else Vietnamese."""
    return [(stage, _WHY[stage][language.startswith("en")]) for stage in stages]


def told(foreseen: Foreseen, base: str) -> dict[str, Any]:
    """As JSON values for orjson: a Bundle whose entries stand under `base`, and the trace there and back."""
    resources, trace = foreseen.resources, foreseen.trace
    entries = [{"fullUrl": f"{base}/{one.type}/{one.id}", "resource": orjson.Fragment(one.json)} for one in resources]
    return {
        "fhir": {"resourceType": "Bundle", "type": "collection"} | ({"entry": entries} if entries else {}),
        "trace": {
            "whole": trace.whole,
            "fields": [
                {"field": name, "to": [{"resource": to.resource, "element": to.path} for to in elements]}
                for name, elements in trace.fields.items()
            ],
            "elements": [
                {"resource": to.resource, "element": to.path, "from": names} for to, names in trace.elements.items()
            ],
        },
    }


def _numbered(tables: Tables) -> Tables:
    return {
        name: tuple([{**row, _NUMBER: str(number)} for number, row in enumerate(rows, 1)])
        for name, rows in tables.items()
    }


class _Trial:
    """The experiments on one dossier."""

    def __init__(
        self, source: Source, dossier: Dossier, context: MappingContext, resources: Sequence[Resource], most_rows: int
    ) -> None:
        self._source, self._dossier, self._context = source, dossier, context
        self._base = _by_id(resources)
        self._mapped = [one.name for one in source.tables if one.announce or one.resources or one.documents]
        self._cost = sum(len(dossier.tables.get(name, ())) for name in self._mapped)
        self._most, self._spent, self._whole = most_rows, 0, True

    def trace(self, sent: Tables) -> Trace:
        """Of every field that was sent, of whatever is left of them."""
        fields: dict[str, tuple[Element, ...]] = {}
        for name in self._mapped:
            fields |= self._of_table(name, sent.get(name, ()))
        return Trace(fields, self._whole, self._spent)

    def _of_table(self, name: str, rows: Rows) -> dict[str, tuple[Element, ...]]:
        tags = dict.fromkeys(tag for row in rows for tag in row if tag != _NUMBER and not tag.endswith(AGAIN))
        tried = {tag: self._of_tag(name, tag) for tag in tags if self._may_go_on()}
        found = {tag: lost for tag, lost in tried.items() if lost is not None}
        return {
            f"{name}[{number}].{tag}": found[tag].get(number, ())
            for number, row in enumerate(rows, 1)
            for tag in row
            if tag in found
        }

    def _of_tag(self, name: str, tag: str) -> dict[int, tuple[Element, ...]] | None:
        """By the row's number; a row of which nothing comes need not be there. None where not every row was tried."""
        stands = {int(row[_NUMBER]): n for n, row in enumerate(self._dossier.tables.get(name, ())) if tag in row}
        # Of most fields nothing comes, in whichever row: one experiment says so of all.
        if len(stands) > 1 and not self._lost_without(name, tag, frozenset(stands.values())):
            return {}
        lost: dict[int, tuple[Element, ...]] = {}
        for number, place in stands.items():
            if not self._may_go_on():
                return None
            lost[number] = self._lost_without(name, tag, frozenset([place]))
        return lost

    def _lost_without(self, name: str, tag: str, places: frozenset[int]) -> tuple[Element, ...]:
        """The elements that are not as they were where these rows lack the field; a field on which all hangs is moved a
        day back instead, if it is a date.
        """
        if not self._base:
            return ()
        left = self._mapped_with(name, tag, places, lambda _: "")
        if not left:
            left = self._mapped_with(name, tag, places, _a_day_before)
        return tuple(sorted(_differences(self._base, left)))

    def _mapped_with(self, name: str, tag: str, places: frozenset[int], change: Callable[[str], str]) -> _ById:
        self._spent += self._cost
        rows = tuple(
            [
                _with(row, tag, change(row[tag])) if place in places else row
                for place, row in enumerate(self._dossier.tables[name])
            ]
        )
        is_facility = f"{name}[1].{tag}" == self._source.facility_at
        facility = _ANOTHER_FACILITY if is_facility else self._dossier.facility_code
        changed = replace(self._dossier, tables={**self._dossier.tables, name: rows}, facility_code=facility)
        return _by_id(self._source.to_fhir(changed, self._context).resources)

    def _may_go_on(self) -> bool:
        """Whether the next experiment, which may map twice, is still paid for."""
        self._whole = self._whole and (self._spent + 2 * self._cost <= self._most or not self._base)
        return self._whole


def _with(row: Row, tag: str, value: str) -> Row:
    """The row with another value; without the field where that is blank."""
    left = {one: value for one, value in row.items() if one != tag}
    return {**left, tag: value} if value else left


def _a_day_before(value: str) -> str:
    day = parse_day(value[:8])
    return f"{day - timedelta(days=1):%Y%m%d}{value[8:]}" if day else ""


_ById = Mapping[str, bytes]


def _by_id(resources: Iterable[Resource]) -> _ById:
    return {f"{one.type}/{one.id}": one.json for one in resources if one.type != _UNTRACED}


def _differences(base: _ById, other: _ById) -> Iterator[Element]:
    """What of `base` is not in `other`, or not as it was."""
    ids = _new_ids(base, other)
    back = {new: old for old, new in ids.items()}
    for name, json in base.items():
        found = other.get(ids.get(name, name))
        kind, _, own = name.partition("/")
        if found is None:
            yield Element(name, kind)
        elif found != json:
            now = {**_renamed(exact_json.loads(found), back), "id": own}
            yield from (Element(name, path) for path in _changed(exact_json.loads(json), now, kind))


def _new_ids(base: _ById, other: _ById) -> dict[str, str]:
    """The resources that have another id in `other`, for ids are made of what a row says: of those of one type that
    each have only, the ones that are most alike. Of too many none: to compare each with each would take too long.
    """
    left, come = base.keys() - other.keys(), other.keys() - base.keys()
    if len(left) * len(come) > _MOST_COMPARED:
        return {}
    gone = [(name, exact_json.loads(json)) for name, json in base.items() if name in left]
    found: dict[str, str] = {}
    for new, json in other.items() if gone else ():
        if new in come:
            now = exact_json.loads(json)
            alike = [
                (_likeness(was, now), -n)
                for n, (_, was) in enumerate(gone)
                if was["resourceType"] == now["resourceType"]
            ]
            if alike:
                old, _ = gone.pop(-max(alike)[1])
                found[old] = new
    return found


def _likeness(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    return sum(other.get(key) == value for key, value in one.items())


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _renamed(one, names) for key, one in value.items()}
        case list():
            return [_renamed(one, names) for one in value]
        case str():
            return names.get(value, value)
    return value


def _changed(before: Any, after: Any, path: str) -> Iterator[str]:
    """Where two values differ: the smallest elements of `before` that hold all of it."""
    if before == after:
        return
    match before, after:
        case dict(), dict():
            for key, value in before.items():
                yield from _changed(value, after.get(key), f"{path}.{key}")
        case list(), list():
            rest = list(after)
            left = [(place, one) for place, one in enumerate(before) if not _taken(one, rest)]
            for place, one in left:
                yield from _changed(one, rest.pop(0) if rest else None, f"{path}[{place}]")
        case _:
            yield path


def _taken(one: Any, rest: list[Any]) -> bool:
    if one not in rest:
        return False
    rest.remove(one)
    return True
