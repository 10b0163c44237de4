"""What happens to a dossier after it was first sent: corrections, money only, another order, other people."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Final

from ehr_sync.sandbox.city.people import Person
from ehr_sync.sandbox.dossiers import money
from ehr_sync.sandbox.dossiers.catalogue import conditions
from ehr_sync.sandbox.dossiers.hoso import LIST_TABLES, Hoso, Row, copy_of
from ehr_sync.sandbox.dossiers.summary import identity

_LATE_CODES: Final = ("I10", "E78.5", "K21.9", "J30.4", "D64.9")


def corrected(hoso: Hoso, seed: int) -> Hoso:
    """The same visit as its hospital sends it again: a late result filled in or put right, a diagnosis changed.

    Another seed gives another content; none gives the old one back.
    """
    changed = copy_of(hoso)
    _change_result(changed, seed)
    summary = changed.summary
    late = conditions()[_LATE_CODES[seed % len(_LATE_CODES)]]
    codes = [c for c in summary["MA_BENH_KT"].split(";") if c]
    if late.code not in {*codes, summary["MA_BENH_CHINH"]}:
        summary["MA_BENH_KT"] = ";".join([*codes, late.code])
        summary["CHAN_DOAN_RV"] += f"; {late.name}"
    summary["GHI_CHU"] = f"Đã bổ sung lần {seed}"
    for table in ("XML13", "XML14"):
        for row in changed.tables.get(table, []):
            row.update({tag: summary[tag] for tag in ("MA_BENH_KT", "CHAN_DOAN_RV")})
    return changed


def billing_only(hoso: Hoso) -> Hoso:
    """Only what concerns payment differs: settled later, under capitation, other tenders."""
    changed = copy_of(hoso)
    summary = changed.summary
    summary["NGAY_TTOAN"] = summary["NGAY_TTOAN"][:8] + "2350"
    for table in ("XML2", "XML3"):
        for row in changed.tables.get(table, []):
            row["TT_THAU"] = "09/QĐ-MAU;G1;N2;2026" if row["TT_THAU"] else ""
            row["MA_PTTT"] = "2"
    summary["T_BHTT_GDV"] = "0.00"
    return changed


def reordered(hoso: Hoso, seed: int = 1) -> Hoso:
    """The same rows in another order, STT numbered anew, as a second export writes them."""
    changed = copy_of(hoso)
    for table in LIST_TABLES:
        rows = changed.tables.get(table, [])
        Random(seed).shuffle(rows)
        if rows == hoso.tables.get(table):
            rows.reverse()
        _renumber(rows)
    return changed


def without_row(hoso: Hoso, table: str, n: int = 0) -> Hoso:
    """Without the n-th row (from 0) of a table; the others numbered anew, the sums of XML1 kept right."""
    changed = copy_of(hoso)
    del changed.tables[table][n]
    _renumber(changed.tables[table])
    if table in {"XML2", "XML3"}:
        changed.summary.update(money.totals(changed.tables.get("XML2", []), changed.tables.get("XML3", [])))
    return changed


def without_table(hoso: Hoso, table: str) -> Hoso:
    """Without a table; XML1 keeps its sums, as where an exporter forgot it."""
    return replace(hoso, tables={t: [dict(r) for r in rows] for t, rows in hoso.tables.items() if t != table})


def with_number(hoso: Hoso, number: str) -> Hoso:
    """The same dossier naming another number (SO_CCCD), all else kept."""
    changed = copy_of(hoso)
    changed.summary["SO_CCCD"] = number
    return changed


def with_patient(hoso: Hoso, person: Person) -> Hoso:
    """The same visit, of somebody else: identity, address and card in every table that repeats them."""
    changed = copy_of(hoso)
    who = identity(person) | ({} if person.card else {"MA_DKBD": "", "GT_THE_TU": "", "GT_THE_DEN": ""})
    for rows in changed.tables.values():
        for row in rows:
            row.update({tag: value for tag, value in who.items() if tag in row})
    return changed


def more_rows(hoso: Hoso, table: str, count: int) -> Hoso:
    """With this many rows in a table, by repeating its rows at other minutes; for tests of limits."""
    changed = copy_of(hoso)
    first = changed.tables[table]
    changed.tables[table] = [_repeated(first[n % len(first)], n // len(first)) for n in range(count)]
    _renumber(changed.tables[table])
    if table in {"XML2", "XML3"}:
        changed.summary.update(money.totals(changed.tables.get("XML2", []), changed.tables.get("XML3", [])))
    return changed


def _change_result(hoso: Hoso, seed: int) -> None:
    rows = hoso.tables.get("XML4", [])
    missing = [r for r in rows if not r["GIA_TRI"] and not r["MO_TA"]]
    numbers = [r for r in rows if r["GIA_TRI"].replace(".", "", 1).isdigit()]
    for row in missing:
        row["GIA_TRI"] = f"{seed % 90 + 5}"
        row["NGAY_KQ"] = row["NGAY_KQ"] or hoso.summary["NGAY_RA"]
    if not missing and numbers:
        row = numbers[seed % len(numbers)]
        row["GIA_TRI"] = row["GIA_TRI"][:-1] + str((int(row["GIA_TRI"][-1]) + 1 + seed % 9) % 10)


def _repeated(row: Row, n: int) -> Row:
    times = [t for t in ("NGAY_YL", "NGAY_TH_YL", "NGAY_KQ", "THOI_DIEM_DBLS") if row.get(t)]
    # Days 1 to 28 and all minutes of a day: enough distinct times for a million rows.
    moved = {t: f"{row[t][:6]}{n // 1440 % 28 + 1:02d}{n // 60 % 24:02d}{n % 60:02d}" for t in times}
    return row | moved if n else dict(row)


def _renumber(rows: list[Row]) -> None:
    for n, row in enumerate(rows, 1):
        row["STT"] = str(n)
