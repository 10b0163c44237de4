"""Packs the ministry's long lists into what the service reads: code, tab, Vietnamese name, a line each, zstd.

    python -m mappings.terminology.pack icd10 SOURCE.csv     QĐ 4469/QĐ-BYT (2020): columns code, name_vi
    python -m mappings.terminology.pack icd10-limits SOURCE.csv  the same: not_allowed_as_main, female_only, male_only
    python -m mappings.terminology.pack icd10-pairs SOURCE.csv  columns dagger, asterisk; reads the names packed before
    python -m mappings.terminology.pack icd9 SOURCE.csv      QĐ 4440/QĐ-BYT (2020): columns maicd9, tenicd9
    python -m mappings.terminology.pack services SOURCE.csv  the same: columns matuongduong, maicd9

Run by hand; the service needs only what it writes.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from unicodedata import normalize

import zstandard

from mappings.terminology.packed import names

_LISTS: Final = {
    "icd10": ("icd10_vn_qd4469.tsv.zst", "code", "name_vi"),
    "icd9": ("icd9cm_vn_qd4440.tsv.zst", "maicd9", "tenicd9"),
    "services": ("icd9cm_services_qd4440.tsv.zst", "matuongduong", "maicd9"),
}
_MARKS: Final = "†*"
_MANIFESTATION: Final = re.compile(r"([A-Z][0-9]{2}(?:\.[0-9]{1,3})?) ?\*")
_CAUSE: Final = re.compile(r"([A-Z][0-9]{2}(?:\.[0-9]{1,3})?) ?†")
# A range of causes, and where it is so the character behind the point that all of them have.
_CAUSES: Final = re.compile(r"([A-Z][0-9]{2}) ?- ?([A-Z][0-9]{2})(?:[^†();,]*\.([0-9]))? ?†")
_LIMITS: Final = {"not_allowed_as_main": "n", "female_only": "f", "male_only": "m"}


def main(kind: str, source: Path) -> None:
    """Write the packed list beside this module. Raises KeyError for an unknown list or a missing column."""
    with source.open(encoding="utf-8-sig", newline="") as file:
        listed = list(csv.DictReader(file))
    if kind == "icd10-limits":
        target, read = "icd10_limits_qd4469.tsv.zst", limits_by_code(listed)
    elif kind == "icd10-pairs":
        target, read = "icd10_pairs_qd4469.tsv.zst", causes_by_manifestation(listed, names("icd10_vn_qd4469.tsv.zst"))
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


def causes_by_manifestation(rows: Iterable[Mapping[str, str]], named: Mapping[str, str]) -> Mapping[str, str]:
    """By a code of a manifestation (*) those of the causes (†) that it may be of, a ';' list: what the table of pairs
    says, and what the names of the codes say, as "Viêm khớp do lao (A18.0†)" or "… (E10-E14 … là .2†)". Of "(A00-B99†)"
    nothing is certain: any infection of a visit would be the cause.
    """
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(_dotted(row["asterisk"]), set()).add(_dotted(row["dagger"]))
    for code, name in named.items():
        for manifestation in _MANIFESTATION.findall(name):
            found.setdefault(manifestation, set()).add(code)
        for first, last, place in _CAUSES.findall(name):
            within = [one for one in named if place and first <= one[:3] <= last and one[4:5] == place]
            if within:
                found.setdefault(code, set()).update(within)
        if causes := set(_CAUSE.findall(_CAUSES.sub("", name))):
            found.setdefault(code, set()).update(causes)
    return {manifestation: ";".join(sorted(causes)) for manifestation, causes in found.items()}


def codes_by_service(rows: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """The ICD-9-CM codes by service, a ';' list. "01.0115.0297" is service 01.0115 at one price of several."""
    found: dict[str, set[str]] = {}
    for service, code in rows:
        stem = ".".join(service.strip().split(".")[:2])
        if len(stem) == len("01.0115") and code.strip():
            found.setdefault(stem, set()).add(_padded(code.strip()))
    return {service: ";".join(sorted(codes)) for service, codes in found.items()}


def _dotted(code: str) -> str:
    return f"{code[:3]}.{code[3:]}" if len(code) > len("A00") else code


def _padded(code: str) -> str:
    """A spreadsheet makes 9.99 of 09.99."""
    return f"0{code}" if len(code.partition(".")[0]) == 1 and code[0].isdigit() else code


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
