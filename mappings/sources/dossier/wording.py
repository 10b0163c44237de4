"""What the words of a diagnosis (CHAN_DOAN_VAO, CHAN_DOAN_RV) say: what is there, what is ruled out, what is open.

The appendix of QĐ 4750 lets doctors write differential diagnoses that were ruled out; they belong to nobody's book
(rules: diagnosis-text).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from mappings.terminology import icd10

_PIECES: Final = re.compile(r"[;\n]")
_BULLET: Final = re.compile(r"^(?:[-+*•]|[0-9]{1,2}[.)](?![0-9]))\s*")
_CLAUSES: Final = re.compile(r"[,.()\[\]+]|\s[-–]\s")
_RULED_OUT: Final = re.compile(r"(?<!\w)(?:(?:đã|được|hiện|tạm)\s+){0,3}(?:loại\s+trừ|loại\s+bỏ)(?!\w)", re.IGNORECASE)
# "Chưa loại trừ" is the opposite: it may still be so. "Chẩn đoán loại trừ" is what is left over.
_NOT_RULED_OUT: Final = re.compile(
    r"(?<!\w)(?:chưa|không|khó|cần|để|nhằm|theo\s+dõi|td|chẩn\s+đoán)\s+(?:(?:thể|được|hoàn\s+toàn)\s+){0,2}"
    r"(?:loại\s+trừ|loại\s+bỏ)(?!\w)",
    re.IGNORECASE,
)
_IS_NOT: Final = re.compile(r"^không\s+(?:phải|mắc|bị|có(?!\s+khả\s+năng))(?:\s+là)?\s+", re.IGNORECASE)
# Words that a doctor puts before what is not certain; a question mark says the same on either side.
_DOUBT: Final = (
    r"(?:theo\s+dõi|td|t/d|nghi(?:\s+ngờ)?|nghĩ(?:\s+nhiều)?\s+(?:đến|tới)|(?:có\s+)?khả\s+năng|có\s+thể|cđpb"
    r"|(?:chẩn\s+đoán\s+)?phân\s+biệt)(?!\w)"
)
_OPEN: Final = re.compile(rf"^(?:\?|{_DOUBT})|\?[\s)\]]*$", re.IGNORECASE)
_OPEN_CLAUSE: Final = re.compile(rf"\?|(?:^|[,.()\[\]+/]|\s[-–])\s*{_DOUBT}", re.IGNORECASE)
# What follows tells how it was ruled out and not what.
_MEANS: Final = re.compile(r"^(?:qua|bằng|sau|nhờ|trên|dựa|theo|khi|ngày|lúc|rồi|hoàn\s+toàn)(?!\w)", re.IGNORECASE)
_EDGES: Final = " ,.()[]+-–:"
_WORDS: Final = re.compile(r"\w+")
_FILLING: Final = frozenset({"bệnh", "lý", "chứng", "hội", "bị", "do", "và", "của", "có", "người"})


@dataclass(frozen=True, slots=True)
class Said:
    """One piece of a diagnosis: the words for what is there, and those for what is ruled out; either may be "".

    `is_open` where it is a candidate only ("theo dõi …", "chưa loại trừ …", "… ?").
    """

    words: str
    ruled_out: str
    is_open: bool

    def doubts(self, code: str = "") -> bool:
        """Whether any of the words is in doubt ("sốt, theo dõi sốt xuất huyết"), unless they begin with what a code
        is certainly called ("viêm phổi, theo dõi lao").
        """
        return self.is_open or (
            self.words != icd10.display(code)
            and _OPEN_CLAUSE.search(self.words) is not None
            and not (code and meant(_CLAUSES.split(self.words, maxsplit=1)[0], (code,)))
        )


def pieces(text: str, codes: Sequence[str] = ()) -> list[Said]:
    """What each piece of a text says. The name of one of the codes is that disease, whatever words are in it."""
    names = {*map(icd10.display, codes), *map(_plain_name, codes)}
    found = [_BULLET.sub("", piece.strip()).strip() for piece in _PIECES.split(text)]
    return [
        Said(one, "", is_open=False) if names and (one in names or _plain(one) in names) else _said(one)
        for one in found
        if one
    ]


def joined(whole: str, said: Sequence[Said]) -> str:
    """A text without what is ruled out in it, given its pieces; as it is where nothing is."""
    if not any(one.ruled_out for one in said):
        return whole
    return "; ".join(one.words for one in said if one.words)


def without_ruled_out(whole: str) -> str:
    """A text without what is ruled out in it."""
    return joined(whole, pieces(whole))


def meant(words: str, codes: Sequence[str]) -> list[str]:
    """The codes of ICD-10 VN whose name the words certainly mean: one has all the words of the other.

    What stands behind a comma or in brackets may be another disease, unless it is of the name too.
    """
    if called := [code for code in codes if icd10.display(code) == words]:
        return called
    if _CLAUSES.search(words) is not None:
        whole = _words(words)
        return [code for code in codes if whole and whole <= _words_of(code)]
    said = _words(words)
    return [
        code
        for code in codes
        if said
        and (name := _words_of_head(code))
        and ("không" in said) == ("không" in name)
        and (said <= name or name <= said)
    ]


def may_be_about(words: str, code: str) -> bool:
    """The same of one code, where a mistake does less harm: what is ruled out is rather left out than shown."""
    name, said = _words_of(code), _words(words)
    return bool(said and name) and (said <= name or name <= said)


def _said(piece: str) -> Said:
    if denied := _IS_NOT.match(piece):
        return Said("", piece[denied.end() :], is_open=False)
    # In all that rules out, and in hardly anything else.
    if "loại" not in piece.lower():
        return Said(piece, "", is_open=_OPEN.search(piece) is not None)
    if _NOT_RULED_OUT.search(piece) is not None:
        return Said(piece, "", is_open=True)
    found = _RULED_OUT.search(piece)
    if found is None:
        return Said(piece, "", is_open=_OPEN.search(piece) is not None)
    return _split_at(piece, found.start(), found.end())


def _split_at(piece: str, start: int, end: int) -> Said:
    """What stands around "đã loại trừ": before it in its own clause or behind it is what is ruled out."""
    cuts = [cut for cut in _CLAUSES.finditer(piece) if cut.end() <= start]
    clause = cuts[-1].end() if cuts else 0
    before, here, after = piece[:clause].strip(_EDGES), piece[clause:start].strip(_EDGES), piece[end:].strip(_EDGES)
    is_behind = bool(after) and _MEANS.match(after) is None
    if is_behind:
        # "Viêm phổi, đã loại trừ lao", "Viêm phổi loại trừ lao"
        return Said(piece[:start].strip(_EDGES), after, is_open=False)
    if here:
        # "Lao phổi đã loại trừ"; in "viêm phổi, lao phổi đã loại trừ" nobody can tell how far it reaches.
        return Said("", here, is_open=False)
    return Said("", before, is_open=False)


def _words_of_head(code: str) -> frozenset[str]:
    return _words_of_name(_head(icd10.display(code)))


def _words_of(code: str) -> frozenset[str]:
    return _words_of_name(icd10.display(code))


def _plain_name(code: str) -> str:
    return _plain_of_name(icd10.display(code))


# Of names of codes alone: no text of a person is remembered.
@lru_cache(maxsize=4096)
def _words_of_name(name: str) -> frozenset[str]:
    return _words(name)


@lru_cache(maxsize=4096)
def _plain_of_name(name: str) -> str:
    return _plain(name)


def _head(text: str) -> str:
    """Without what is added behind a comma or in brackets: ", không phân loại", " (chưa có biến chứng)"."""
    return re.split(r"[,(]", text, maxsplit=1)[0]


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORDS.findall(text.casefold())) - _FILLING


def _plain(text: str) -> str:
    return " ".join(_WORDS.findall(text.casefold()))
