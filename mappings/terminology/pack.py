"""Packs the ministry's long lists into what the service reads: code, tab, Vietnamese name, a line each, zstd.

    python -m mappings.terminology.pack icd10 SOURCE.csv     QĐ 4469/QĐ-BYT (2020): columns code, name_vi
    python -m mappings.terminology.pack icd10-limits SOURCE.csv  the same: not_allowed_as_main, female_only, male_only
    python -m mappings.terminology.pack icd9 SOURCE.csv      QĐ 4440/QĐ-BYT (2020): columns maicd9, tenicd9
    python -m mappings.terminology.pack services SOURCE.csv  the same: columns matuongduong, maicd9

Run by hand; the service needs only what it writes.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from unicodedata import normalize

import zstandard

_LISTS: Final = {
    "icd10": ("icd10_vn_qd4469.tsv.zst", "code", "name_vi"),
    "icd9": ("icd9cm_vn_qd4440.tsv.zst", "maicd9", "tenicd9"),
    "services": ("icd9cm_services_qd4440.tsv.zst", "matuongduong", "maicd9"),
}
_MARKS: Final = "†*"
_LIMITS: Final = {"not_allowed_as_main": "n", "female_only": "f", "male_only": "m"}


def main(kind: str, source: Path) -> None:
    """Write the packed list beside this module. Raises KeyError for an unknown list or a missing column."""
    with source.open(encoding="utf-8-sig", newline="") as file:
        listed = list(csv.DictReader(file))
    if kind == "icd10-limits":
        target, read = "icd10_limits_qd4469.tsv.zst", limits_by_code(listed)
    else:
        target, code, name = _LISTS[kind]
        rows = [(row[code], row[name]) for row in listed]
        read = codes_by_service(rows) if kind == "services" else names_by_code(rows)
    Path(__file__).with_name(target).write_bytes(pack(read))


def pack(read: Mapping[str, str]) -> bytes:
    """A list as packed bytes, sorted by code."""
    lines = "".join(f"{code}\t{name}\n" for code, name in sorted(read.items()))
    return zstandard.ZstdCompressor(level=19).compress(lines.encode())


def names_by_code(rows: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Names by code, without the marks of cause and manifestation (†, *).

    A code that stands once without and once with a mark keeps the name without it. One that has two names in the
    same form says nothing certain and is left out: of 86.28 one is "rạch rộng", the other "không rạch rộng".
    """
    names: dict[str, str] = {}
    plain: dict[str, str] = {}
    unclear: set[str] = set()
    for stated, said in rows:
        written, name = stated.strip(), normalize("NFC", " ".join(said.split()))
        if not written or not name:
            continue
        if plain.setdefault(written, name) != name:
            unclear.add(written)
        names.setdefault(_padded(written.rstrip(_MARKS)), name)
    return {code: name for code, name in names.items() if code not in {_padded(one) for one in unclear}}


def limits_by_code(rows: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    """What a code may not be used for: n as the main diagnosis, f of others than women, m of others than men. Of a code
    that stands with and without a mark (†, *) only what holds of both.
    """
    found: dict[str, set[str]] = {}
    for row in rows:
        code = row["code"].strip().rstrip(_MARKS)
        limits = {letter for column, letter in _LIMITS.items() if row[column] == "1"}
        found[code] = found[code] & limits if code in found else limits
    return {code: "".join(sorted(limits)) for code, limits in found.items() if limits}


def codes_by_service(rows: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """The ICD-9-CM codes by service, a ';' list. "01.0115.0297" is service 01.0115 at one price of several."""
    found: dict[str, set[str]] = {}
    for service, code in rows:
        stem = ".".join(service.strip().split(".")[:2])
        if len(stem) == len("01.0115") and code.strip():
            found.setdefault(stem, set()).add(_padded(code.strip()))
    return {service: ";".join(sorted(codes)) for service, codes in found.items()}


def _padded(code: str) -> str:
    """A spreadsheet makes 9.99 of 09.99."""
    return f"0{code}" if len(code.partition(".")[0]) == 1 and code[0].isdigit() else code


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
