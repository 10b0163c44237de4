"""Packs the communes before and after 01/07/2025, and which new ones came in the place of an old one.

    python -m mappings.terminology.pack_communes OLD.csv NEW.csv PROVINCES.csv

OLD.csv: matinh, tentinh, maxa, tenxa; NEW.csv: code, name, province, formed_from_old_units, words of the resolutions
that name units and no codes; PROVINCES.csv: old_province, new_province_code_2025. A name stands for a code only where
one old unit alone has it in all that became the province, or in the district that is named beside it: what is not
certain is left out. Run by hand; the service needs only what it writes.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from unicodedata import normalize

from mappings.terminology.pack import pack

OLD: Final = "communes_2024.tsv.zst"
NEW: Final = "communes_2025.tsv.zst"
REPLACED: Final = "communes_replaced_2025.tsv.zst"

Row = Mapping[str, str]
_KIND: Final = re.compile(r"(phường|xã|thị trấn|đặc khu|thị xã|huyện|quận|thành phố)\s+", re.IGNORECASE)
_COMMUNES: Final = frozenset({"phường", "xã", "thị trấn"})
_DISTRICT: Final = re.compile(r"\((huyện|quận|thị xã|thành phố) ([^()]+)\)", re.IGNORECASE)
_BRACKETS: Final = re.compile(r"\([^()]*\)")
_APART: Final = re.compile(r"[,;]|\s+và\s+")
_BEHIND: Final = re.compile(r"\s(?:sau khi|sau sắp xếp|thuộc)\s.*")
_SEVERAL: Final = re.compile(r"\bcác (phường|xã|thị trấn)\b", re.IGNORECASE)
# One placement of tones: the sources write Hoà and Hòa.
_TONES: Final = str.maketrans({"’": "'", "–": "-"})
_PAIRS: Final = (("oà", "òa"), ("oá", "óa"), ("oả", "ỏa"), ("oã", "õa"), ("oạ", "ọa"), ("uỳ", "ùy"), ("uý", "úy"))


def main(old: Path, new: Path, provinces: Path) -> None:
    """Write the three packed lists beside this module."""
    before, after = _rows(old), _rows(new)
    found = {
        OLD: {row["maxa"]: row["tenxa"] for row in before if row["maxa"]},
        NEW: {row["code"]: row["name"] for row in after},
        REPLACED: {code: ";".join(new) for code, new in replaced(before, after, _rows(provinces)).items()},
    }
    for name, read in found.items():
        Path(__file__).with_name(name).write_bytes(pack(read))
        print(f"{name}: {len(read)}")


def replaced(old: Iterable[Row], new: Iterable[Row], provinces: Iterable[Row]) -> Mapping[str, Sequence[str]]:
    """By the code of an old unit that is none any more those of the new ones that it became, or parts of it."""
    now_in = {_plain(_without_kind(row["old_province"])): row["new_province_code_2025"] for row in provinces}
    units: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in old:
        if row["maxa"]:
            province = now_in.get(_plain(_without_kind(row["tentinh"])), "")
            units[province, _plain(row["tenxa"])].append(row)
    after = list(new)
    known = {row["code"] for row in after}
    became: dict[str, set[str]] = defaultdict(set)
    for row in after:
        for name, district in named_units(row["formed_from_old_units"]):
            there = [
                one
                for one in units.get((row["province"], _plain(name)), ())
                if not district or _plain(_without_kind(one["tenhuyen"])) == _plain(district)
            ]
            if len(there) == 1 and there[0]["maxa"] not in known:
                became[there[0]["maxa"]].add(row["code"])
    return {code: sorted(codes) for code, codes in became.items()}


def named_units(words: str) -> Iterator[tuple[str, str]]:
    """The old units that a new one was formed from, as "Xã Bình Minh", each with the district beside it, or ""."""
    kind = ""
    for cut in _APART.split(_hidden(words)):
        several, piece = _SEVERAL.search(cut), cut
        if several is not None:
            # "… của các phường Cửa Nam, Điện Biên": the kind is said once for all that follow.
            kind, piece = several[1], cut[several.end() :]
        district = _DISTRICT.search(piece.replace("\x1f", ","))
        bare = _BEHIND.sub("", " ".join(_BRACKETS.sub(" ", piece).split()))
        starts = list(_KIND.finditer(bare))
        if starts:
            kind, name = starts[-1][1], bare[starts[-1].end() :]
        else:
            name = bare
        if kind.lower() in _COMMUNES and name:
            yield f"{kind} {name}", district[2] if district else ""


def _hidden(words: str) -> str:
    """Without what stands in brackets cutting the pieces: commas there part nothing."""
    return _BRACKETS.sub(lambda found: found[0].replace(",", "\x1f").replace(" và ", " \x1f "), words)


def _without_kind(name: str) -> str:
    return re.sub(r"^(Tỉnh|Thành phố|Huyện|Quận|Thị xã)\s+", "", name.strip(), flags=re.IGNORECASE)


def _plain(name: str) -> str:
    plain = " ".join(normalize("NFC", name).translate(_TONES).lower().split())
    for one, other in _PAIRS:
        plain = re.sub(rf"(?<!q){one}\b", other, plain)
    return plain


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
