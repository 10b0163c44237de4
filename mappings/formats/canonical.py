"""Whether two dossiers say the same, and what a new one leaves standing of the one before (trade rules 1 and 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

import orjson

from mappings import exact_json
from mappings.model import Issue, Row, Tables

# Papers and registrations that are made once and are not sent again with every correction.
# XML6 and XML15 too: a version that merely lacks them must not show what the one before withheld (P9).
_ALWAYS_KEPT = ("XML6", "XML7", "XML8", "XML9", "XML13", "XML14", "XML15")
_DIAGNOSTIC_GROUPS = frozenset({"1", "2", "3"})
_ZERO = Decimal(0)


def content_hash(tables: Tables) -> bytes:
    """SHA-256 over the canonical values: rows as a multiset, STT left out, nothing of the envelope.

    Blank tags are absent already. A table sent empty counts, for it says something else than an absent one
    (trade rules 5). Numbers are compared as text: 1 and 1.0 differ.
    """
    digest = hashlib.sha256()
    for name in sorted(tables):
        digest.update(b"\x00" + name.encode(errors="surrogatepass"))
        for row in sorted(map(_row_bytes, tables[name])):
            digest.update(b"\x01" + row)
    return digest.digest()


def _row_bytes(row: Row) -> bytes:
    # JSON holds no control characters, so the marks between rows cannot be forged by values.
    values = dict(row)
    values.pop("STT", None)
    return exact_json.dumps(values, orjson.OPT_SORT_KEYS)


def carry_over(new: Tables, previous: Tables) -> tuple[Tables, tuple[Issue, ...]]:
    """The new tables with those of the version before that absence does not remove, and a warning for each.

    An absent table is removed, except: always XML6, 7, 8, 9, 13, 14, 15; XML2 where T_THUOC > 0; XML3 where
    T_TONGCHI_BV > T_THUOC; XML4 where the result's XML3 still has groups 1-3 (trade rules 5). Without XML1 nothing
    is carried: an amendment is another rule's.
    """
    if not new.get("XML1"):
        return new, ()
    result = dict(new)
    kept = []
    for name in _kept_by_summary(new["XML1"][0]):
        if previous.get(name) and name not in new:
            result[name] = previous[name]
            kept.append(name)
    if "XML4" not in new and previous.get("XML4") and _has_diagnostics(result):
        result["XML4"] = previous["XML4"]
        kept.append("XML4")
    return result, tuple(Issue("table.kept", name) for name in kept)


def _kept_by_summary(summary: Row) -> Iterator[str]:
    drugs = _amount(summary.get("T_THUOC", ""))
    if drugs > 0:
        yield "XML2"
    if _amount(summary.get("T_TONGCHI_BV", "")) > drugs:
        yield "XML3"
    yield from _ALWAYS_KEPT


def _has_diagnostics(tables: Tables) -> bool:
    return any(row.get("MA_NHOM", "").lstrip("0") in _DIAGNOSTIC_GROUPS for row in tables.get("XML3", ()))


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return _ZERO
    return amount if amount.is_finite() else _ZERO
