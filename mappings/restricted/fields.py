"""What one field says of HIV: the kind of field by its tag, mapped or not, and then what stands in it.

Says which rules hit, never what it read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from mappings import prose
from mappings.model import AGAIN
from mappings.restricted import codes
from mappings.restricted.folding import fold
from mappings.restricted.terms import is_typed_alike, rules


class Kind(Enum):
    """What a field holds, by its tag."""

    CODES = auto()  # ICD-10 codes
    DIAGNOSIS = auto()  # a diagnosis in words
    DRUG = auto()  # the name, code or strength of a medicine
    TEXT = auto()  # any other text or name, and every tag that nobody knows
    NAME = auto()  # of a person: a family or given name can equal a short word (Sida, Opc)
    HIV = auto()  # a field about HIV by its very tag
    OTHER = auto()  # numbers, identifiers, times, money, addresses, employers and makers: no text


class Said(Enum):
    """What a field says: the first two withhold the record, the others an item."""

    RECORD_CODE = auto()
    DRUG = auto()  # a medicine for HIV alone; in a running text an item
    ITEM_CODE = auto()
    WORD = auto()  # of HIV or a test for it


# HIV status, date and treatment, and the prophylaxis that goes with it (XML15), wherever they stand.
_HIV: Final = re.compile(r"HIV|ARV|DT_CTX$")
_CODES: Final = re.compile(r"^(?:TSBT_|TSGD_)?MA_?BENH|ICD|^KET_LUAN_BENH$")
_DIAGNOSIS: Final = re.compile(r"CHAN_?DOAN|BENH(?!_?(?:LY|AN|VIEN|NHAN|PHAM))")
_DRUG: Final = re.compile(r"THUOC(?!_TP)|HOAT_CHAT|BIET_DUOC|HAM_LUONG")
_NAME: Final = re.compile(r"^HO_?TEN|^TEN_BS$|^NGUOI_|^CHUCDANH|^TEN_(?:CHA|ME|CON)")
# A code or number is no text, but for those that say what was done or where; nor a place, but for internal medicine.
_SAYS: Final = re.compile(
    r"^MA_(?:DICH_VU|DVKT|CHI_SO|VAT_TU|MAY|KHOA|HIEU|LY_?DO|TAI_NAN|LOAI_RV|PHAC_DO|PTTT_QT)|^NOI_KHOA_"
)
_OTHER: Final = re.compile(
    r"^(?:MA|SO|STT|NGAY|GT|T|TYLE|MUC|DON_GIA|THANH_TIEN|NAM|THANG|QUYEN|MATINH|MAHUYEN|MAXA|DIA_?CHI|NOI|DIEN_THOAI)(?:_|$)"
    r"|^(?:NGAY|NOICAP|GIAY_CHUYEN|TT_THAU|SDT|EMAIL)|^(?:DON_VI|CO_QUAN|GIOI_THIEU_CUA)$|^(?:HANG|NHA|NUOC|CONG_TY)_|^CSKCB"
    r"|^MA_CSKCB|^MAU_SO$|^CKDT_|^CKS_"
)


@lru_cache(maxsize=1024)
def kind_of(tag: str) -> Kind:
    """What a field of this tag holds. Known by the words of the tag: a table may have a tag that nobody has seen."""
    tag = named(tag)
    if _HIV.search(tag):
        return Kind.HIV
    if _CODES.search(tag):
        return Kind.CODES
    if _NAME.search(tag):
        return Kind.NAME
    if tag == "MA_THUOC" or (_DRUG.search(tag) and not _OTHER.search(tag)):
        return Kind.DRUG
    if _SAYS.search(tag):
        return Kind.TEXT
    if _OTHER.search(tag):
        return Kind.OTHER
    return Kind.DIAGNOSIS if _DIAGNOSIS.search(tag) else Kind.TEXT


def named(tag: str) -> str:
    """The decree's name of a tag, however it is written and however often it stands in its row."""
    return tag.upper().removesuffix(AGAIN)


def said_in(tag: str, value: str) -> frozenset[Said]:
    """All that a field says, as it came and as its reader sees it; empty where it says nothing of HIV."""
    kind = kind_of(tag)
    if kind in {Kind.OTHER, Kind.HIV}:
        return frozenset()
    views = [*prose.views(value)]
    if kind is Kind.CODES and len(views) > 1:
        views = views[1:]  # "<b>Z10</b>" with nothing inside would be "bz10"
    return frozenset(said for view in views for said in _said(kind, named(tag), view))


def _said(kind: Kind, tag: str, value: str) -> Iterator[Said]:
    listed, folded = rules(), fold(value)
    named = kind is Kind.NAME
    words = (term.hits(tag, folded) for term in listed.terms if term.names or not named)
    if any(words) or is_typed_alike(value) or (tag.startswith("MA_DICH_VU") and codes.is_test(value)):
        yield Said.WORD
    if named:
        return
    drugs = (drug.hits(tag, folded) for drug in listed.drugs if kind is Kind.DRUG or not drug.drugs)
    if any(drugs) or (tag == "MA_THUOC" and codes.is_drug(value)):
        yield Said.DRUG
    yield from _codes(kind, tag, value)


def _codes(kind: Kind, tag: str, value: str) -> Iterator[Said]:
    if kind is Kind.CODES:
        record, item = codes.names_record(value), codes.names_item(value)
    elif kind is Kind.DIAGNOSIS:
        record, item = codes.stated_record(value), codes.stated_item(value)
    elif tag.startswith("MA_"):
        return
    else:
        record, item = codes.running_record(value), codes.running_item(value)
    if record:
        yield Said.RECORD_CODE
    if item:
        yield Said.ITEM_CODE
