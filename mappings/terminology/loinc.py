"""LOINC for common laboratory tests, only where it is certain (rules: known-tests).  https://loinc.org

loinc.json is ours: by which names facilities call a test, in which units and of which specimen it is this code, and how
sure that is. Codes and names are LOINC's, used under its licence (docs/loinc.md).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal
from unicodedata import normalize

from mappings.fhir.elements import Json, coding
from mappings.model import Uris

Sure = Literal["certain", "probable"]

# What a test must be said to be of. A count is one by a machine: LOINC tells the method of cells that were counted.
_SPECIMENS: Final = {
    "serum": re.compile(r"\b(?:máu|huyết thanh|huyết tương)\b"),
    "blood": re.compile(r"\bmáu\b"),
    "count": re.compile(r"\bmáu\b.*\bmáy đếm\b"),
    "prothrombin": re.compile(r"\bprothrombin\b"),
    "thromboplastin": re.compile(r"\bthromboplastin\b"),
}
# And must not: urine and other fluids, and blood of another kind than a laboratory's, drawn from a vein. "Miễn dịch"
# is a method, "dịch vụ" a service.
_OTHER_SPECIMENS: Final = re.compile(
    r"niệu|nước tiểu|(?<!miễn )dịch(?! vụ)|\[phân\]|\(phân\)|trong phân|mao mạch|động mạch|khí máu|cuống rốn|đờm"
    r"|que thử|test nhanh|tại giường|nghiệm pháp|sau ăn"
)
_BEFORE: Final = re.compile(r"^(?:định lượng|đo hoạt độ|đo) ")
_BEHIND: Final = re.compile(r" ?(?:\[(?:máu|huyết thanh)\]|\((?:máu|huyết thanh)\))$")


@dataclass(frozen=True, slots=True)
class LaboratoryTest:
    """One test: its LOINC code with LOINC's name, what facilities call it, the UCUM units and the specimen that make it
    this one, words that make it another, and how sure the whole is.
    """

    loinc: str
    name: str
    specimen: str
    units: tuple[str, ...]
    sure: Sure
    called: tuple[str, ...]
    unless: tuple[str, ...]


def certain(name: str, *, ordered: str, unit: str, specimen: str = "") -> LaboratoryTest | None:
    """The test that a result is certainly one of: by its name, the name of what was `ordered`, the UCUM code of its
    unit, and the words for its specimen, if any. None where anything of that is not certain.
    """
    candidates = _by_name().get(_plain(name))
    if not candidates:
        return None
    said = normalize("NFC", f"{ordered} {specimen} {name}").casefold()
    if _OTHER_SPECIMENS.search(said) is not None:
        return None
    found = [one for one in candidates if one.sure == "certain" and unit in one.units and _is_of(one, said)]
    return found[0] if len(found) == 1 else None


def with_loinc(code: Json, name: str, value: Json, uris: Uris, *, ordered: str, specimen: str = "") -> Json:
    """The code of an Observation with that of LOINC behind the facility's own, where `certain` knows one for its name
    and value.
    """
    unit = value.get("valueQuantity", {}).get("code", "")
    test = certain(name, ordered=ordered, unit=unit, specimen=specimen) if unit else None
    if test is None:
        return code
    return {**code, "coding": [*code.get("coding", ()), coding(uris["loinc"], test.loinc, test.name)]}


def _is_of(test: LaboratoryTest, said: str) -> bool:
    if any(re.search(rf"\b{re.escape(one)}\b", said) for one in test.unless):
        return False
    return _SPECIMENS[test.specimen].search(said) is not None


@cache
def table() -> Sequence[LaboratoryTest]:
    """The whole table, as it stands there."""
    stored: list[dict[str, Any]] = json.loads(files(__package__).joinpath("loinc.json").read_text("utf-8"))
    return tuple(
        LaboratoryTest(
            row["loinc"],
            row["name"],
            row["specimen"],
            tuple(row["units"]),
            row["sure"],
            tuple(row["called"]),
            tuple(row.get("unless", ())),
        )
        for row in stored
    )


@cache
def _by_name() -> Mapping[str, Sequence[LaboratoryTest]]:
    found: dict[str, list[LaboratoryTest]] = defaultdict(list)
    for test in table():
        for called in test.called:
            found[called].append(test)
    return found


def _plain(name: str) -> str:
    plain = " ".join(normalize("NFC", name).casefold().split())
    return _BEHIND.sub("", _BEFORE.sub("", plain))
