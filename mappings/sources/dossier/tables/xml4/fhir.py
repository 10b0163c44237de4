"""Results (QĐ 3176 table XML4) to FHIR Observation and DiagnosticReport.

https://hl7.org/fhir/R4/observation.html https://hl7.org/fhir/R4/diagnosticreport.html
A blank result makes no Observation, and no reference range is invented: XML4 has none
(rules: results-of-an-order, no-invented-range).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from mappings.fhir.elements import SUBJECT, UCUM, Json, code, coding, concept, decimal, minute, number, text
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.dossier.unshown import shown
from mappings.sources.dossier.visit import Order, Visit, service_code, service_stem
from mappings.terminology.loinc import with_loinc
from mappings.terminology.units import ucum

TABLE: Final = "XML4"
# Names first: a value that is mended must not trade places with another index.
_MAPPED: Final = ("TEN_CHI_SO", "GIA_TRI", "DON_VI_DO", "MO_TA", "KET_LUAN", "MA_BS_DOC_KQ")
_COMPARED = re.compile(r"(<=|>=|<|>|≤|≥)?\s*([\d.,-]+)")
_DIGIT = re.compile(r"\d")
# 250.000 is written here for a quarter of a million, and by analysers for 250: three places are certain only behind a
# zero, or behind more than three digits.
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}\.\d{3}")
_NEVER_THOUSANDS: Final = re.compile(r"(?:TSH|pH)\b.*")
# Nor has what is measured so: a share of a whole, a ratio, a temperature.
_WITHOUT_THOUSANDS: Final = frozenset({"%", "L/L", "{INR}", "[pH]", "Cel"})
_COMPARATORS: Final = {"≤": "<=", "≥": ">="}
_LABORATORY_CHAPTERS: Final = frozenset({"22", "23", "24", "25"})  # TT 43/2013
_IMAGING_CHAPTER: Final = "18"


def _category(value: str) -> list[Json]:
    return [concept(coding("http://terminology.hl7.org/CodeSystem/observation-category", value))]


def _section(value: str) -> list[Json]:
    return [concept(coding("http://terminology.hl7.org/CodeSystem/v2-0074", value))]


# By MA_NHOM: laboratory, imaging, function tests.
_CATEGORIES: Final = {"1": _category("laboratory"), "2": _category("imaging"), "3": _category("procedure")}
_REPORTS: Final = {
    "1": "Kết quả xét nghiệm",
    "2": "Kết quả chẩn đoán hình ảnh",
    "3": "Kết quả thăm dò chức năng",
}
_SECTIONS: Final = {"1": _section("LAB"), "2": _section("IMG"), "3": _section("OTH")}


class _Orders:
    """The orders of one service, in the order of time. Looked up, for a table may hold thousands of them."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self._orders = orders
        self._times = [order.ordered for order in orders]
        self._finished = {order.finished: order for order in reversed(orders)}

    def matching(self, result_time: str) -> Order:
        """The order that a result belongs to: the one finished then, else the last one ordered before, else the
        first.
        """
        if result_time in self._finished:
            return self._finished[result_time]
        before = bisect_right(self._times, result_time)
        # Of those ordered at one time the first.
        return self._orders[bisect_left(self._times, self._times[max(before - 1, 0)])]


@dataclass(slots=True)
class _Group:
    """The rows of one report, while they are gathered."""

    key: Key
    ordinal: int
    order: Order | None
    service: str
    kind: str  # MA_NHOM
    rows: list[Row] = field(default_factory=list)
    results: list[Json] = field(default_factory=list)


def resulted_services(rows: Iterable[Row]) -> dict[str, bool]:
    """The service codes that rows came for, without what is attached to them, and whether any row says something. A
    technique whose rows name its price too stands there as "XX.YYYY.*": see `visit.resulted_in`.
    """
    said: dict[str, bool] = {}
    for row in rows:
        if value := row.get("MA_DICH_VU"):
            said[value] = said.get(value, False) or _has_result(row)
    found: dict[str, bool] = {}
    for value, has_result in said.items():
        service = service_code(value).code
        stem = service_stem(service)
        for name in (service, f"{stem}.*") if stem else (service,):
            found[name] = found.get(name, False) or has_result
    return found


def results(rows: Iterable[Row], visit: Visit, orders: Sequence[Order]) -> list[Resource]:
    """An Observation for each result and each finding, and a report for each order that anything came for."""
    by_service = _by_service(orders)
    groups: dict[tuple[Key, int], _Group] = {}
    made: list[Resource] = []
    for row, key, ordinal in numbered(rows, _key, _content):
        group = _group(row, by_service, groups)
        group.rows.append(row)
        if (observation := _observation(row, key, ordinal, group, visit)) is not None:
            made.append(observation)
            group.results.append({"reference": "Observation/" + observation.id})
    made += [_report(group, visit) for _, group in sorted(groups.items()) if _says_something(group)]
    return made


def _key(row: Row) -> Key:
    return row.get("MA_DICH_VU", ""), _own_index(row) or row.get("TEN_CHI_SO", ""), row.get("NGAY_KQ", "")


def _own_index(row: Row) -> str:
    """MA_CHI_SO; "" where it repeats the service's code, as some software does for every index of a panel."""
    index = row.get("MA_CHI_SO", "")
    service = row.get("MA_DICH_VU", "")
    return "" if index in (service, service_code(service).code) else index


def _content(row: Row) -> Key:
    return tuple([row.get(tag, "") for tag in _MAPPED])


def _by_service(orders: Sequence[Order]) -> dict[str, _Orders]:
    """The orders of a service, and those of a technique ("02.0085.*") where one service alone is of it."""
    found: dict[str, list[Order]] = {}
    priced: dict[str, set[str]] = {}
    for order in orders:
        found.setdefault(order.service, []).append(order)
        if stem := service_stem(order.service):
            priced.setdefault(stem, set()).add(order.service)
    for stem, services in priced.items():
        if len(services) == 1:
            found[f"{stem}.*"] = found[next(iter(services))]
    return {service: _Orders(sorted(some, key=lambda one: one.ordered)) for service, some in found.items()}


def _group(row: Row, orders: dict[str, _Orders], groups: dict[tuple[Key, int], _Group]) -> _Group:
    service = service_code(row.get("MA_DICH_VU", "")).code
    # XML4 may name the technique alone (02.0085), or the order of XML3.
    known = orders.get(service) or orders.get(f"{service}.*") or orders.get(service_stem(service))
    order = known.matching(row.get("NGAY_KQ", "")) if known is not None else None
    if order is not None:
        key, ordinal = order.key, order.ordinal
        kind = order.group if order.group in _CATEGORIES else _kind_by_chapter(service)
    else:
        # No order to go by: one report a service and day.
        key, ordinal, kind = ("", service, row.get("NGAY_KQ", "")[:8]), 0, _kind_by_chapter(service)
    if (key, ordinal) not in groups:
        named = order.service if order is not None else service
        groups[key, ordinal] = _Group(key, ordinal, order, named, kind)
    return groups[key, ordinal]


def _kind_by_chapter(service: str) -> str:
    if service[:2] in _LABORATORY_CHAPTERS:
        return "1"
    return "2" if service[:2] == _IMAGING_CHAPTER else ""


def _observation(row: Row, key: Key, ordinal: int, group: _Group, visit: Visit) -> Resource | None:
    found, described = text(row.get("GIA_TRI")), shown(row.get("MO_TA"))
    if not found and not described:
        return None
    body: Json = {"status": "final"}
    if group.kind in _CATEGORIES:
        body["category"] = _CATEGORIES[group.kind]
    name = text(row.get("TEN_CHI_SO"))
    value = _value(found, text(row.get("DON_VI_DO")), name) if found else {"valueString": described}
    named = name or _service_name(group)
    body["code"] = with_loinc(
        _index(row, name, group, visit, is_finding=not found), named, value, visit.uris, ordered=_service_name(group)
    )
    body["subject"] = SUBJECT
    body["encounter"] = visit.encounter
    if at := minute(row.get("NGAY_KQ", "")):
        body["effectiveDateTime"] = at
    body |= value
    if found and described:
        body["note"] = [{"text": described}]
    return visit.resource("Observation", TABLE, key, ordinal, body)


def _index(row: Row, name: str, group: _Group, visit: Visit, *, is_finding: bool) -> Json:
    kind, index = "result-index", code(_own_index(row))
    if not index:
        # The service is what was found then.
        kind, index = "service", group.service
    fallback = "Mô tả" if is_finding else "Kết quả"
    return visit.coded(kind, index, name or _service_name(group) or fallback)


def _service_name(group: _Group) -> str:
    return group.order.name if group.order is not None else ""


def _value(found: str, unit: str, name: str) -> Json:
    """A quantity where number and unit are both certain; otherwise the text as it came, for no series to
    use. Words have no unit: nobody measures "Âm tính" in mmol/L.
    """
    comparator, digits = "", decimal(found)
    if not digits:
        unit = unit if _DIGIT.search(found) else ""
        if unit and found.endswith(unit):
            found = found.removesuffix(unit).rstrip() or found
        parts = _COMPARED.fullmatch(found)
        comparator, digits = (parts.group(1) or "", decimal(parts.group(2))) if parts else ("", "")
    known = ucum(unit, name)
    if not digits or not (unit or known) or _may_be_thousands(digits, known, name):
        return {"valueString": f"{found} {unit}" if unit else found}
    quantity: Json = {"value": number(digits)}
    if comparator:
        quantity["comparator"] = _COMPARATORS.get(comparator, comparator)
    if unit:
        quantity["unit"] = unit
    if known:
        quantity["system"] = UCUM
        quantity["code"] = known
    return {"valueQuantity": quantity}


def _may_be_thousands(digits: str, unit: str, name: str) -> bool:
    """Whether nobody can tell three places from thousands. `unit` is a code of UCUM, or ""."""
    return (
        digits[-4:-3] == "."
        and _THOUSANDS.fullmatch(digits) is not None
        and unit not in _WITHOUT_THOUSANDS
        and not _NEVER_THOUSANDS.match(name)
    )


def _says_something(group: _Group) -> bool:
    return bool(group.results) or any(shown(row.get("KET_LUAN")) for row in group.rows)


def _report(group: _Group, visit: Visit) -> Resource:
    body: Json = {}
    if group.order is not None:
        body["basedOn"] = [group.order.reference]
    # Results may follow for 60 days (appendix of QĐ 4750): until then the report is a part.
    body["status"] = "final" if all(_has_result(row) for row in group.rows) else "partial"
    if group.kind in _SECTIONS:
        body["category"] = _SECTIONS[group.kind]
    body["code"] = visit.coded("service", group.service, _service_name(group) or _name_without_order(group))
    body["subject"] = SUBJECT
    body["encounter"] = visit.encounter
    last = max((row.get("NGAY_KQ", "") for row in group.rows), default="")
    if at := minute(last):
        body["effectiveDateTime"] = at
        if "T" in at:
            body["issued"] = at
    elsewhere = group.order.performer if group.order is not None else None
    body["performer"] = [elsewhere or visit.register.organization(visit.facility)]
    if readers := _readers(group, visit):
        body["resultsInterpreter"] = readers
    if group.results:
        body["result"] = group.results
    if conclusion := _conclusion(group):
        body["conclusion"] = conclusion
    return visit.resource("DiagnosticReport", TABLE, group.key, group.ordinal, body)


def _name_without_order(group: _Group) -> str:
    """What a report is called that no order names: as its only index, else by its kind; a code is no name."""
    named = {text(row.get("TEN_CHI_SO")) for row in group.rows}
    return (named.pop() if len(named) == 1 else "") or _REPORTS.get(group.kind, "Kết quả cận lâm sàng")


def _has_result(row: Row) -> bool:
    return bool(row.get("GIA_TRI") or row.get("MO_TA") or row.get("KET_LUAN"))


def _readers(group: _Group, visit: Visit) -> list[Json]:
    licences = sorted({row["MA_BS_DOC_KQ"] for row in group.rows if "MA_BS_DOC_KQ" in row})
    return visit.register.practitioners(";".join(licences))


def _conclusion(group: _Group) -> str:
    """The conclusions, each once; beside its index where a report has several."""
    said = set()
    for row in group.rows:
        if words := shown(row.get("KET_LUAN")):
            said.add((text(row.get("TEN_CHI_SO")), words))
    different = sorted({words for _, words in said})
    if len(different) < 2:
        return different[0] if different else ""
    return "\n".join(f"{name}: {words}" if name else words for name, words in sorted(said))
