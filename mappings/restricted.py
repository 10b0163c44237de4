"""Which rules for restricted data (HIV and the like) a dossier meets.  Law 64/2006/QH11, amended by 71/2020/QH14

Looks into every value of every table, mapped or not, whatever its tag. Says which rules hit, never what it read.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, filterfalse
from pathlib import Path

from mappings.model import Tables

# Rules that withhold the record whole.
RECORD_TABLE = "record.table"  # XML6 is there with rows
RECORD_CODE = "record.code"  # B20-B24, Z21, R75, F02.4, O98.7
RECORD_ENTITLEMENT = "record.entitlement"  # MA_DOITUONG_KCB 1.9
RECORD_DRUG = "record.drug"  # a medicine used for HIV alone
# Rules that withhold an item; until items can be withheld by themselves, they withhold the record too.
ITEM_CODE = "item.code"  # Z11.4, Z20.6, Z71.7, Z83.0
ITEM_TEST = "item.test"  # an HIV test, whatever its result
ITEM_FIELD = "item.field"  # a field about HIV in another table (XML15)
ITEM_TERM = "item.term"  # a word in a free text or a name

_HIV_TAG = re.compile(r"HIV|ARV")
_CODE_TAG = re.compile(r"^MA_?BENH|ICD")
_DIAGNOSIS_TAG = re.compile(r"CHAN_?DOAN|BENH")
_TEST_TAG = re.compile(r"^(?:TEN|MA)_(?:DICH_VU|CHI_SO)|^TEN_DV")
# Names of people: a family or given name can equal a short word (Sida, Opc), and no name tells of a disease. The
# plain words HIV and AIDS are looked for all the same: for a foundling the field holds the home's name.
_NAME_TAG = re.compile(r"^HO_?TEN|^TEN_BS$|^NGUOI_")
_ADDRESS_TAG = re.compile(r"^DIA_?CHI|^NOI_")

_RECORD_CODES = re.compile(r"(?<![a-z0-9])(?:(?:b2[0-4]|z21|r75)(?: ?[\dx])?|f02 ?4|[o0]98 ?7)(?!\w)")
_ITEM_CODES = re.compile(r"(?<![a-z0-9])(?:z11 ?4|z20 ?6|z71 ?7|z83 ?0)(?!\w)")
# Each starts a word.
_CODE_SIGNS = (
    *(" b20", " b21", " b22", " b23", " b24", " z21", " r75", " f02", " o98", " 098"),
    *(" z11", " z20", " z71", " z83"),
)
# In running text a bed or a room can be "B20": there a code counts with its decimal, in brackets, after "ICD" or
# "mã", or at the start before a dash. What may be long is bounded or possessive: 20 KB of spaces after "ICD" took 20 s.
_CODE = r"(?:B2[0-4]|Z21|R75)"
_CODE_IN_TEXT = re.compile(
    rf"(?<![A-Z0-9])(?P<decimal>(?:B2[0-4]\.\d|F02\.4|O98\.7|Z11\.4|Z20\.6|Z71\.7|Z83\.0)(?!\d))"
    rf"|[(\[]\s*(?P<bracket>{_CODE})\s*[)\]*;,]|(?:ICD\S{{0,20}}|MÃ(?: BỆNH)?)\s*+:?+\s*+(?P<named>{_CODE})(?!\w)"
    rf"|^\s*(?P<first>{_CODE})\s*[-–:]"
)
_NO_BED = re.compile(r"(?:GIƯỜNG|PHÒNG|BUỒNG|P\.|G\.)\s*B2[0-4]\.\d")


def triggers(tables: Tables) -> frozenset[str]:
    """The codes of all rules that hit; empty where the record may be shown."""
    found = set(_by_structure(tables))
    suspects = _suspects(tables)
    if suspects:
        found.update(_by_text(tables, suspects))
    return frozenset(found)


def _by_structure(tables: Tables) -> Iterator[str]:
    if tables.get("XML6"):
        yield RECORD_TABLE
    for rows in tables.values():
        tags = set().union(*rows)
        if _HIV_TAG.search(" ".join(tags)):
            yield ITEM_FIELD
        if "MA_DOITUONG_KCB" in tags and any(_is_hiv_entitled(row.get("MA_DOITUONG_KCB", "")) for row in rows):
            yield RECORD_ENTITLEMENT


def _is_hiv_entitled(value: str) -> bool:
    return any(part.strip().replace(",", ".") == "1.9" for part in value.split(";"))


def _suspects(tables: Tables) -> frozenset[str]:
    """The distinct values that show a sign of anything restricted: usually none, so all are looked at as one."""
    distinct = set(chain.from_iterable(row.values() for rows in tables.values() for row in rows))
    values = list(filterfalse(str.isdigit, distinct))
    if not _has_sign(fold("\n".join(values))):
        return frozenset()
    return frozenset(value for value in values if _has_sign(fold(value)))


def _has_sign(folded: str) -> bool:
    """A first look that may be wrong in one direction only; plain searches, as one long pattern costs tenfold."""
    rules = _rules()
    return not rules.words.isdisjoint(folded.split()) or any(map(f" {folded}".__contains__, rules.signs))


def _by_text(tables: Tables, suspects: frozenset[str]) -> Iterator[str]:
    for rows in tables.values():
        for row in rows:
            for tag, value in row.items():
                if value in suspects:
                    yield from _in_field(tag.upper(), value, fold(value))


def _in_field(tag: str, value: str, folded: str) -> Iterator[str]:
    rules = _rules()
    named = _NAME_TAG.search(tag) is not None
    if any(term.hits(tag, folded) for term in rules.terms if term.names or not named):
        yield ITEM_TEST if _TEST_TAG.search(tag) else ITEM_TERM
    if named:
        return
    if any(test.hits(tag, folded) for test in rules.tests):
        yield ITEM_TEST
    if any(drug.hits(tag, folded) for drug in rules.drugs):
        yield RECORD_DRUG
    yield from _codes(tag, value, folded)


def _codes(tag: str, value: str, folded: str) -> Iterator[str]:
    if _CODE_TAG.search(tag) or _DIAGNOSIS_TAG.search(tag):
        text = folded
    elif _ADDRESS_TAG.search(tag) or tag.startswith(("MA_", "SO_")):
        return
    else:
        text = " ".join(_codes_in_text(value))
    if _RECORD_CODES.search(text):
        yield RECORD_CODE
    if _ITEM_CODES.search(text):
        yield ITEM_CODE


def _codes_in_text(value: str) -> Iterator[str]:
    text = unicodedata.normalize("NFKC", value).upper()
    for match in _CODE_IN_TEXT.finditer(_NO_BED.sub("", text)):
        yield fold(match["decimal"] or match["bracket"] or match["named"] or match["first"])


# --- Folding ------------------------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """Lower case without accents; Greek and Cyrillic look-alikes as Latin; all else a space. "H.I.V" is "h i v"."""
    if len(text) > _LONG or _STRANGE.search(text):
        return " ".join(text.translate(_BY_LETTER).split())
    return " ".join(_spread(text).split())


def _spread(text: str) -> str:
    """Quick for a few pages of Latin letters. One Arabic ligature becomes eighteen letters and as many calls: 10 MB of
    these took two minutes, so that long and strange texts go letter by letter instead.
    """
    apart = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D"))
    latin = _UNUSUAL.sub(lambda found: _folded(found[0]), apart)
    return latin.encode("ascii", "ignore").translate(_ASCII).decode("ascii")


class _ByLetter(dict[int, str]):
    def __missing__(self, point: int) -> str:
        folded = _spread(chr(point))
        if len(self) < _MOST_LETTERS:
            self[point] = folded
        return folded


_LONG = 20_000
_MOST_LETTERS = 4096
_BY_LETTER = _ByLetter()
_STRANGE = re.compile(r"[^\x00-\u024f\u0300-\u036f\u1e00-\u1eff\u2000-\u206f]")


_UNUSUAL = re.compile(r"[^\x00-\x7f\u0300-\u036f]")  # the accents go when all that is not ASCII goes
_ASCII = bytes(ord(chr(point).lower()) if chr(point).isalnum() else ord(" ") for point in range(128)) + bytes(128)

_LOOK_ALIKES = dict(
    zip(
        "đðɖıɩɪΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορυτκАВЕЅІЈКМНОРСТУХѴԀѡаеіјорсухѕѵԁһᴀᴅɑᴠᴵʜ",
        "dddiiiabezhikmnoptyxaivopytkabesijkmhopctyxvdwaeijopcyxsvdhadavih",
        strict=True,
    )
)
_IGNORED = {"Mn", "Me", "Cf"}  # accents, zero-width, soft hyphens


@lru_cache(maxsize=4096)
def _folded(letter: str) -> str:
    if letter in _LOOK_ALIKES:
        return _LOOK_ALIKES[letter]
    if unicodedata.category(letter) in _IGNORED:
        return ""
    if not letter.isalpha():
        return " "
    return _LOOK_ALIKES.get(letter) or _LOOK_ALIKES.get(letter.lower(), "")


# --- The list -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    match: re.Pattern[str]
    beside: re.Pattern[str] | None  # must be in the field too
    harmless: re.Pattern[str] | None  # taken away first, so that it spares only itself
    unless: re.Pattern[str] | None  # spares the whole field
    not_in: tuple[str, ...]
    names: bool  # looked for in names of people too

    def hits(self, tag: str, folded: str) -> bool:
        """Whether a field of folded text says it."""
        if tag in self.not_in or (self.unless and self.unless.search(folded)):
            return False
        text = self.harmless.sub(" ", folded) if self.harmless else folded
        return self.match.search(text) is not None and (self.beside is None or self.beside.search(text) is not None)


@dataclass(frozen=True, slots=True)
class Rules:
    words: frozenset[str]
    signs: tuple[str, ...]
    terms: tuple[Term, ...]
    tests: tuple[Term, ...]
    drugs: tuple[Term, ...]


@lru_cache(maxsize=1)
def _rules() -> Rules:
    listed = tomllib.loads(Path(__file__).with_name("restricted_terms.toml").read_text(encoding="utf-8"))
    names = [name for group in listed["drugs"].values() for name in group]
    each_rule = [rule for group in ("term", "test", "drug") for rule in listed[group]]
    plain = {"match": rf"\b(?:{'|'.join(names)})\b"}
    return Rules(
        words=frozenset(names).union(*(rule.get("words", ()) for rule in each_rule)),
        signs=(*_CODE_SIGNS, *(sign for rule in each_rule for sign in rule.get("signs", ()))),
        terms=tuple(map(_term, listed["term"])),
        tests=tuple(map(_term, listed["test"])),
        drugs=tuple(map(_term, [plain, *listed["drug"]])),
    )


def _term(listed: Mapping[str, object]) -> Term:
    not_in = listed.get("not_in", ())
    return Term(
        match=re.compile(str(listed["match"])),
        beside=re.compile(str(listed["beside"])) if "beside" in listed else None,
        harmless=re.compile(str(listed["harmless"])) if "harmless" in listed else None,
        unless=re.compile(str(listed["unless"])) if "unless" in listed else None,
        not_in=tuple(not_in) if isinstance(not_in, list) else (),
        names=bool(listed.get("names")),
    )
