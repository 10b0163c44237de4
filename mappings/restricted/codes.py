"""Restricted codes: ICD-10, the entitlement of HIV (MA_DOITUONG_KCB 1.9), national drug and test codes.

Exporters write codes with anything inside: "B 20", "B.20", "b-20", "B2O".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mappings.restricted.folding import fold, plain

# As they read with nothing inside; O is 0, l and i are 1 among digits. O98.7 with a nought for its letter counts only
# where a code begins, for "50.987" is none.
_RECORD: Final = re.compile(r"b[2z][0-4oliz]|z[2z][1li]|r7[5s]|f[0o][2z]4|o9[8b]7")
_NOUGHT: Final = re.compile(r"(?<![a-z0-9.])0[ .]?98[^a-z0-9;,]{0,2}7")
_ITEM: Final = re.compile(r"z[1li]{2}4|z[2z][0o]6|z7[1li]7|z[8b]3[0o]")
_BETWEEN: Final = re.compile(r"\s*[;,|/+&\n]\s*|\s+-\s+")
_ONE_CODE: Final = re.compile(r"[A-Za-z]\d[0-9A-Za-z](?:\.?[0-9A-Za-z]{1,2})?[*†]?")
_MOST_PARTS: Final = 4  # of one code that was cut in pieces: "Z11, 4"
_MOST_PIECES: Final = 200  # the decree has room for a dozen

# In texts a bed or a room can be "B20": in running text a code counts with its decimal, in brackets, after "ICD" or
# "mã", or at the start before a dash. What may be long is bounded: 20 KB of spaces after "ICD" took 20 s.
_WHOLE: Final = r"(?:b[ .\-]?2 ?[0-4o]|z[ .\-]?2[1li]|r[ .\-]?75)"
_OTHER_CODES: Final = r"(?:[a-z]\d\d(?:\.\d{1,2})?\s{0,3}[;,/+]\s{0,3}){0,12}"  # before it in a list
_RUNNING_RECORD: Final = re.compile(
    r"(?<![a-z0-9])(?:b[.\-]?2[0-4]\.\d|f[.\-]?02\.4|o[.\-]?98\.7)(?!\d)"
    rf"|[(\[]\s{{0,9}}{_WHOLE}\s{{0,9}}[)\]*;,]"
    rf"|(?:icd\S{{0,20}}|(?<![a-z])ma(?: benh)?)\s{{0,9}}:?\s{{0,9}}{_OTHER_CODES}{_WHOLE}(?!\w)"
    rf"|^\s{{0,9}}{_WHOLE}\s{{0,9}}[-:]"
)
_RUNNING_ITEM: Final = re.compile(r"(?<![a-z0-9])z[.\-]?(?:11\.4|20\.6|71\.7|83\.0)(?!\d)")
_BED: Final = re.compile(r"(?:giuong|phong|buong|p\.|g\.)\s{0,9}b[.\-]?2[0-4]\.\d")
# In a diagnosis a code counts wherever it stands as a word; with a blank inside only where a code may stand, for
# hepatitis "B 20 năm" is none.
_STATED_RECORD: Final = re.compile(
    r"(?<![a-z0-9])(?:(?:b[.\-]?2[.\-]?[0-4o]|z[.\-]?2[.\-]?[1li]|r[.\-]?7[.\-]?5)(?:[ .]?[\dx])?"
    r"|f[.\-]?02[ .\-]?4|[o0][.\-]?98[ .\-]?7)(?!\w)"
    r"|(?:^|[;(\[,/|:])\s{0,9}(?:b {1,3}2 ?[0-4]|z {1,3}2 ?1|r {1,3}7 ?5|f {1,3}02[ .]?4|o {1,3}98[ .]?7)(?:\.\d)?"
    r"(?=\s{0,9}(?:$|[.;,)\]:/|-]))"
)
_STATED_ITEM: Final = re.compile(
    r"(?<![a-z0-9])z[.\-]?(?:11[ .\-]?4|20[ .\-]?6|71[ .\-]?7|83[ .\-]?0)(?!\w)"
    r"|(?:^|[;(\[,/|:])\s{0,9}z {1,3}(?:11[ .]?4|20[ .]?6|71[ .]?7|83[ .]?0)(?=\s{0,9}(?:$|[.;,)\]:/|-]))"
)
# In folded texts, each where a word begins: all that the patterns for texts can match.
CODE_SIGN: Final = r"b ?2|z ?(?:1 ?1|2 ?[01il]|7 ?1|8 ?3)|r ?7|f ?0|o ?9|098"

_ENTITLED: Final = re.compile(r"(?<![\d.,])0*[1li]\s*[^\w\s;|/]\s*90*(?![\d.,])", re.IGNORECASE)
# One of a list that is parted by commas too.
_ENTITLEMENTS: Final = re.compile(r"[;,|/\s]")
_ENTITLED_ALONE: Final = re.compile(r"0*[1li][^\w\s]90*\.?|1_9")
_POINTS: Final = re.compile("[·。‧∙•٫｡]")

# The list of drugs that insurance pays (TT 20/2022): abacavir, darunavir, efavirenz, nevirapine, raltegravir,
# ritonavir, zidovudine, and the fixed combinations 270 to 274 (272 is TLE, 273 TLD). Lamivudine 263, tenofovir 267 and
# the two together 269 treat hepatitis B.
_LISTED_DRUG: Final = re.compile(r"(?<![\d.])0?4[0oO]\s?[.,\-]?\s?0?2\s?(?:6[0124568]|7[0-4])(?!\d)")
# ATC: J05AE to J05AR but for hepatitis B and C and COVID-19 (J05AR12 is lamivudine with tenofovir).
_ATC_DRUG: Final = re.compile(
    r"J05A(?:E(?:0\d|10)|F0[123469]|G\d\d|J\d\d|R(?!12)\d\d|X(?:07|09|23|29|31))(?![0-9A-Z])", re.IGNORECASE
)
_INSIDE: Final = re.compile(r"(?<=[A-Za-z\d])[ .\-_](?=[A-Za-z\d])")
# The list of services (TT 43/2013), chapter 24, 169 to 182: every test for HIV.
_LISTED_TEST: Final = re.compile(r"(?<![\d.])24[\s.,_-]{1,3}0(?:169|17\d|18[0-2])(?:\D\d{4})?(?!\d)")


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a field of codes, with what separates it from the next."""

    text: str
    between: str
    restricted: bool


def squeezed(value: str) -> str:
    """The letters and digits alone, folded."""
    return fold(value).replace(" ", "")


def names_record(value: str) -> bool:
    """Whether a field of codes holds one that withholds the record, looked for through the whole field."""
    return _RECORD.search(squeezed(value)) is not None or _NOUGHT.search(plain(value).lower()) is not None


def names_item(value: str) -> bool:
    """Whether a field of codes holds one that is withheld as an item."""
    return _ITEM.search(squeezed(value)) is not None


def pieces(value: str) -> Sequence[Piece] | None:
    """A field of codes, cut; None where a restricted code is in it and nobody can say where."""
    cut = _cut(value)
    if len(cut) > _MOST_PIECES:
        return None
    found: list[Piece] = []
    at = 0
    while at < len(cut):
        size = _parts(cut, at)
        run = cut[at : at + size]
        words = "".join(one.text + one.between for one in run[:-1]) + run[-1].text
        found.append(Piece(words, run[-1].between, names_item(words)))
        at += size
    left = "".join(one.text + one.between for one in found if not one.restricted)
    return None if names_item(left) else found


def without(cut: Sequence[Piece]) -> str:
    """The field without its restricted pieces; "" where nothing is left."""
    kept = [one for one in cut if not one.restricted]
    return "".join(one.text + one.between for one in kept[:-1]) + kept[-1].text if kept else ""


def stated_record(value: str) -> bool:
    """Whether a text of diagnoses names a code that withholds the record."""
    return _STATED_RECORD.search(plain(value).lower()) is not None or running_record(value)


def stated_item(value: str) -> bool:
    """Whether a text of diagnoses names a code that is an item."""
    return _STATED_ITEM.search(plain(value).lower()) is not None


def running_record(value: str) -> bool:
    """Whether a running text names a code that withholds the record, as a code and not as a bed."""
    return _RUNNING_RECORD.search(_BED.sub("", plain(value).lower())) is not None


def running_item(value: str) -> bool:
    """Whether a running text names a code that is an item."""
    return _RUNNING_ITEM.search(plain(value).lower()) is not None


def is_entitled(value: str) -> bool:
    """Whether MA_DOITUONG_KCB holds 1.9, however it is written: "1,9", "01.9", "1.90"; 1.19 and 1.10 are others."""
    if "9" not in fold(value):
        return False
    said = plain(_POINTS.sub(".", value))
    return _ENTITLED.search(said) is not None or any(map(_ENTITLED_ALONE.fullmatch, _ENTITLEMENTS.split(said)))


def is_drug(value: str) -> bool:
    """Whether MA_THUOC names a medicine for HIV alone, by itself or as one of a mixture ("40.262+40.263")."""
    said = plain(value)
    return _LISTED_DRUG.search(said) is not None or _ATC_DRUG.search(_INSIDE.sub("", said)) is not None


def is_test(value: str) -> bool:
    """Whether MA_DICH_VU is a test for HIV."""
    return "24" in (said := plain(value)) and _LISTED_TEST.search(said) is not None


def _cut(value: str) -> list[Piece]:
    """At every separator; at blanks where what is between them is a code each."""
    parts = _BETWEEN.split(value)
    between = [*_BETWEEN.findall(value), ""]
    found: list[Piece] = []
    for part, after in zip(parts, between, strict=True):
        words = part.split()
        each = words if len(words) > 1 and all(map(_ONE_CODE.fullmatch, words)) else [part]
        found += [Piece(word, " ", restricted=False) for word in each[:-1]]
        found.append(Piece(each[-1], after, restricted=False))
    return found


def _parts(cut: Sequence[Piece], at: int) -> int:
    """How many pieces from here make one restricted code together; one where none does."""
    for size, _ in enumerate(cut[at : at + _MOST_PARTS], 1):
        said = squeezed("".join(one.text for one in cut[at : at + size]))
        if found := _ITEM.search(said):
            # It must begin in the first of them, else these are other codes before it.
            return size if found.start() < len(squeezed(cut[at].text)) else 1
    return 1
