"""Names as people of Viet Nam really have them, upper case and NFC as in the dossiers (XML1.HO_TEN)."""

from __future__ import annotations

import json
from functools import cache
from itertools import accumulate
from random import Random
from unicodedata import normalize

from ehr_sync.sandbox.lists import text_of

_Weighted = tuple[tuple[str, ...], tuple[int, ...]]


def kinh_name(draw: Random, sex: str, family: str = "") -> str:
    """Family, middle and given names at about their real frequency; two to five words."""
    words = [family or _one(draw, "family")]
    chance = draw.random()
    if chance < 0.06:  # both parents' family names
        words.append(_one(draw, "family"))
    if chance < 0.95:
        words.append(_one(draw, f"middle_{sex}"))
    if chance < 0.02 or chance > 0.85:
        words.append(_one(draw, f"middle_{sex}"))
    words.append(_one(draw, f"given_{sex}"))
    return " ".join(dict.fromkeys(words))  # nobody is called Thị Thị


def rare_name(draw: Random) -> tuple[str, str, str]:
    """(name, sex, ethnic group code): ethnic minorities, hyphens, apostrophes, one word, six words."""
    sex, name, ethnicity = draw.choice(_listed("rare")).split("|")
    return name, sex, ethnicity


def foreign_name(draw: Random) -> tuple[str, str]:
    """(name, sex) of a foreigner, in Latin letters."""
    sex, name = draw.choice(_listed("foreign")).split("|")
    return name, sex


@cache
def _lists() -> dict[str, str]:
    return {key: normalize("NFC", value) for key, value in json.loads(text_of("names.json")).items()}


@cache
def _listed(key: str) -> tuple[str, ...]:
    return tuple(_lists()[key].split(";"))


@cache
def _weighted(key: str) -> _Weighted:
    pairs = [item.rsplit(":", 1) for item in _lists()[key].split()]
    return tuple(name for name, _ in pairs), tuple(accumulate(int(weight) for _, weight in pairs))


def _one(draw: Random, key: str) -> str:
    names, weights = _weighted(key)
    return draw.choices(names, cum_weights=weights)[0]
