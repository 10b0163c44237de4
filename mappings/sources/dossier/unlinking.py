"""What would tell of a row or code that is withheld: results of an order, the order of results, words of a code.

Law 64/2006/QH11, amended by 71/2020/QH14: a withheld item leaves no sign.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mappings import prose
from mappings.model import Row, Tables
from mappings.restricted import codes
from mappings.restricted.fields import Kind, kind_of
from mappings.restricted.folding import fold
from mappings.sources.dossier.visit import cost_group, service_code, service_stem
from mappings.terminology import icd9cm, icd10

_NARRATED: Final = frozenset({"2", "3"})  # MA_NHOM of imaging and function tests: what they find is a report
_PATHOLOGY: Final = "25"  # chapter of TT 43/2013, a report too
_SURGERY: Final = frozenset({"8", "9", "18"})
_SUPPLIES: Final = frozenset({"10", "11"})
_NATIONAL: Final = re.compile(r"\d{2}\.\d{4}(?:\.\d{4})?")  # a code that means one service everywhere
_ITEMS: Final = {"Z11.4": "z114", "Z20.6": "z206", "Z71.7": "z717", "Z83.0": "z830"}
_AS_DIGITS: Final = str.maketrans("lio", "110")
_MAIN, _OTHERS, _WORDS = "MA_BENH_CHINH", "MA_BENH_KT", "CHAN_DOAN_RV"


def follow(done: Sequence[Row], found: Sequence[Row], orders: set[int], results: set[int]) -> None:
    """Adds to the withheld rows of XML3 (`orders`) and XML4 (`results`) those that belong to them.

    A withheld order takes its results with it. Results that are all withheld take their order, unless it is a report
    of which another part may be still to come.
    """
    _take_same_service(done, orders)
    services = {service_of(done[number]) for number in orders if _NATIONAL.fullmatch(service_of(done[number]))}
    results.update(number for number, row in enumerate(found) if service_of(row) in services)
    belongs = _Belonging(done)
    theirs: dict[int, list[int]] = defaultdict(list)
    for number, row in enumerate(found):
        for order in belongs.orders_of(row):
            theirs[order].append(number)
    for order, numbers in theirs.items():
        if order in orders:
            results.update(numbers)
    orders.update(
        order for order, numbers in theirs.items() if results.issuperset(numbers) and not _is_report(done[order])
    )


def without_operations(tables: Tables, done: Sequence[Row], orders: set[int]) -> Tables:
    """The tables whose XML1 does not name the operations (ICD-9-CM) of withheld services that no other has. Of a
    withheld operation without a code any that no other row names may be the code.
    """
    gone = {one for number in orders for one in _operations(done[number])}
    is_uncoded = any(cost_group(done[number]) in _SURGERY and not _operations(done[number]) for number in orders)
    if not (gone or is_uncoded) or "XML1" not in tables:
        return tables
    named = {one for number, row in enumerate(done) if number not in orders for one in _operations(row)}
    return {
        **tables,
        "XML1": tuple(_without_operations(row, None if is_uncoded else gone, named) for row in tables["XML1"]),
    }


def without_codes(row: Row, tags: Iterable[str]) -> tuple[Row, dict[str, str]]:
    """The row without its restricted codes in these fields and their words in CHAN_DOAN_RV; and which words became
    which, so that other tables that say the same can follow.
    """
    left = dict(row)
    cut = {tag: codes.pieces(prose.read(row.get(tag, "")).words) for tag in (*tags, _MAIN, _OTHERS)}
    for tag in tags:
        found = cut[tag]
        _put(left, tag, codes.without(found) if found else "")
    words = row.get(_WORDS, "")
    if not words or not {_MAIN, _OTHERS}.intersection(tags):
        return left, {}
    flags = [one.restricted for tag in (_MAIN, _OTHERS) for one in cut[tag] or () if one.text.strip()]
    pieces = [piece.strip() for piece in words.split(";") if piece.strip()]
    named = _named([one.text for tag in (_MAIN, _OTHERS) for one in cut[tag] or () if one.restricted], pieces)
    if len(flags) == len(pieces) and sum(named) < sum(flags):
        named = [is_named or gone for is_named, gone in zip(named, flags, strict=True)]
    if len(flags) == len(pieces) or any(named):
        _put(left, _WORDS, "; ".join(piece for piece, gone in zip(pieces, named, strict=True) if not gone))
    elif _MAIN in tags:
        left.pop(_WORDS)  # whose words these are nobody can say, but the main code's are among them
    return left, {fold(words): left.get(_WORDS, "")}


def _named(gone: Iterable[str], pieces: Iterable[str]) -> list[bool]:
    """Which pieces of a diagnosis have words of the name of a withheld code only: words are not in the codes' order."""
    said = [squeezed.translate(_AS_DIGITS) for squeezed in map(codes.squeezed, gone)]
    names = [
        set(fold(icd10.shipped_name(code)).split())
        for code, short in _ITEMS.items()
        if any(short in one for one in said)
    ]
    return [any(set(fold(piece).split()) <= name for name in names) for piece in pieces]


def with_same_words(tables: Tables, became: Mapping[str, str]) -> Tables:
    """The tables in which every diagnosis that said what XML1 said says what is left of it."""
    return (
        {table: tuple(_reworded(row, became) for row in rows) for table, rows in tables.items()} if became else tables
    )


def service_of(row: Row) -> str:
    """Which service a row of XML3 or XML4 is of: MA_DICH_VU without what is attached to it, and without the price that
    one table names and the other does not. Blanks and capitals tell no two services apart.
    """
    service = service_code(row.get("MA_DICH_VU", "")).code
    return "".join((service_stem(service) or service).split()).casefold()


def _take_same_service(done: Sequence[Row], orders: set[int]) -> None:
    """Of the same service are a row of the same national code, and a cancellation or nameless row of any."""
    services = {service for number in orders if (service := service_of(done[number]))}
    for number, row in enumerate(done):
        service = service_of(row)
        if service in services and (
            _NATIONAL.fullmatch(service) or "TEN_DICH_VU" not in row or row.get("SO_LUONG", "").startswith("-")
        ):
            orders.add(number)


def _is_report(order: Row) -> bool:
    return cost_group(order) in _NARRATED or service_of(order)[:2] == _PATHOLOGY


@dataclass(slots=True)
class _Service:
    """The orders of one service by the time that they were finished and given, and those times in their order."""

    finished: dict[str, list[int]]
    ordered: dict[str, list[int]]
    times: list[str]


class _Belonging:
    """Which orders a result may belong to: those finished at its time, else the last ordered before, else the first."""

    def __init__(self, done: Sequence[Row]) -> None:
        self._services: dict[str, _Service] = {}
        for number, row in enumerate(done):
            if cost_group(row) in _SUPPLIES or ("MA_VAT_TU" in row and "MA_DICH_VU" not in row):
                continue
            service = self._services.setdefault(service_of(row), _Service({}, {}, []))
            service.finished.setdefault(row.get("NGAY_KQ", ""), []).append(number)
            service.ordered.setdefault(row.get("NGAY_YL", ""), []).append(number)
        for service in self._services.values():
            service.times = sorted(service.ordered)

    def orders_of(self, result: Row) -> Sequence[int]:
        """The numbers of the rows of XML3; several where nobody can tell them apart."""
        service, at = self._services.get(service_of(result)), result.get("NGAY_KQ", "")
        if service is None:
            return ()
        if at in service.finished:
            return service.finished[at]
        return service.ordered[service.times[max(bisect_right(service.times, at) - 1, 0)]]


def _operations(row: Row) -> list[str]:
    return icd9cm.read(row.get("MA_PTTT_QT")) or icd9cm.of_service(service_of(row))


def _without_operations(row: Row, gone: set[str] | None, named: set[str]) -> Row:
    """`gone` is None where every code may be, but those that are `named` elsewhere."""
    stated = icd9cm.read(row.get("MA_PTTT_QT"))
    kept = [one for one in stated if one in named or (gone is not None and one not in gone)]
    if kept == stated:
        return row
    left = dict(row)
    _put(left, "MA_PTTT_QT", ";".join(kept))
    return left


def _reworded(row: Row, became: Mapping[str, str]) -> Row:
    said = {
        tag: became[folded]
        for tag, value in row.items()
        if kind_of(tag) is Kind.DIAGNOSIS and (folded := fold(value)) in became
    }
    if not said:
        return row
    left = dict(row)
    for tag, words in said.items():
        _put(left, tag, words)
    return left


def _put(row: dict[str, str], tag: str, value: str) -> None:
    """A blank field is no field."""
    if value:
        row[tag] = value
    else:
        row.pop(tag, None)
