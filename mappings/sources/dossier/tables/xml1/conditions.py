"""The diagnoses of a visit (XML1) to FHIR Condition.  https://hl7.org/fhir/R4/condition.html"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mappings.fhir.elements import SUBJECT, Json, codes, coding, concept, text
from mappings.fhir.ids import Key
from mappings.model import Resource, Row
from mappings.sources.dossier.tables.xml1.encounter import TABLE
from mappings.sources.dossier.unshown import is_death
from mappings.sources.dossier.visit import Visit
from mappings.sources.dossier.wording import Said, joined, may_be_about, meant, pieces, without_ruled_out
from mappings.terminology import icd10

_ROLE: Final = "http://terminology.hl7.org/CodeSystem/diagnosis-role"
_ADMISSION: Final = concept(coding(_ROLE, "AD", "Admission diagnosis"))
_DISCHARGE: Final = concept(coding(_ROLE, "DD", "Discharge diagnosis"))
_ENCOUNTER_DIAGNOSIS: Final = [
    concept(
        coding("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis", "Encounter Diagnosis")
    )
]
_VERIFICATION: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_PROVISIONAL: Final = concept(coding(_VERIFICATION, "provisional", "Provisional"))
_CONFIRMED: Final = concept(coding(_VERIFICATION, "confirmed", "Confirmed"))
# Chapter XXI: reasons and circumstances ("tiếp xúc với lao", "theo dõi nghi lao"), still true of what is ruled out.
_NO_DISEASE: Final = "Z"


@dataclass(frozen=True, slots=True)
class _Diagnoses:
    """The diagnoses at the end of a visit: the codes that stand, and what is said beside them."""

    main: str  # "" where there is none
    others: tuple[str, ...]
    words: tuple[str, ...]  # what stood in the place of further codes and is none
    whole: str  # all that is said to be there, as one text
    own: Mapping[str, Said]  # what is certainly said of a code
    is_shared_out: bool  # nothing is said that is not certainly of one of the codes
    is_doubted: bool  # something is in doubt, and nobody can tell which code it is about


def conditions(row: Row, shown: Row, visit: Visit) -> tuple[list[Resource], list[Json]]:
    """The diagnoses and how the Encounter names them. Only the main one has a rank (rules: ranked-diagnoses).

    `shown` is the row without the texts that must not be shown; what they rule out is ruled out all the same.
    """
    made: list[Resource] = []
    diagnosis: list[Json] = []
    for key, body, use, rank in _diagnoses(row, shown, visit):
        condition = visit.resource("Condition", TABLE, key, 0, body)
        made.append(condition)
        named: Json = {"condition": {"reference": "Condition/" + condition.id}, "use": use}
        diagnosis.append(named | ({"rank": rank} if rank else {}))
    return made, diagnosis


def _diagnoses(row: Row, shown: Row, visit: Visit) -> Iterator[tuple[Key, Json, Json, int]]:
    if at_admission := without_ruled_out(text(shown.get("CHAN_DOAN_VAO"))):
        body = _condition(concept(words=at_admission), visit.start, visit)
        yield ("admission",), {"verificationStatus": _PROVISIONAL, **body}, _ADMISSION, 0
    found = _read(row, shown)
    of_main, of_others, further = _traditional(row, found)
    keys: dict[str, Key] = {found.main: ("main",)} | {one: ("other", one) for one in found.others}
    said = found.own.get(found.main)
    words = said.words if said and found.is_shared_out else found.whole
    if found.main or words:
        codings = [icd10.icd10(found.main, visit.on, visit.uris)] if found.main else []
        named = concept(*codings, *_traditional_codings(of_main, visit), words=words or icd10.words_for(found.main))
        of_cause = _of_cause(found.main, keys, visit)
        body = of_cause | _verified(found, said) | _condition(named, visit.end, visit)
        yield ("main",), body, _DISCHARGE, 1 if found.main else 0
    else:
        further = (*of_main, *further)
    for one in found.others:
        said = found.own.get(one)
        codings = [icd10.icd10(one, visit.on, visit.uris), *_traditional_codings(of_others.get(one, ()), visit)]
        named = concept(*codings, words=said.words if said and found.is_shared_out else icd10.words_for(one))
        body = _condition(named, visit.end, visit)
        yield (
            ("other", one),
            _of_cause(one, keys, visit)
            | ({"verificationStatus": _PROVISIONAL} if said and said.is_open else {})
            | body,
            _DISCHARGE,
            0,
        )
    for one in found.words:
        yield ("words", one), _condition(concept(words=one), visit.end, visit), _DISCHARGE, 0
    for one in further:
        named = concept(*_traditional_codings((one,), visit), words=f"Mã bệnh y học cổ truyền {one}")
        yield ("traditional", one), _condition(named, visit.end, visit), _DISCHARGE, 0


def _of_cause(code: str, keys: Mapping[str, Key], visit: Visit) -> Json:
    """What a manifestation says of the disease behind it, where that is one of the visit's (rules: paired-codes)."""
    cause = icd10.cause_of(code, keys)
    return icd10.due_to(visit.reference("Condition", TABLE, keys[cause])) if cause else {}


def _verified(found: _Diagnoses, said: Said | None) -> Json:
    """How certain the main diagnosis is (rules: doubted-diagnoses)."""
    if said is not None and said.is_open:
        return {"verificationStatus": _PROVISIONAL}
    in_doubt = found.is_doubted if said is None else said.doubts(found.main)
    return {} if in_doubt else {"verificationStatus": _CONFIRMED}


def _read(row: Row, shown: Row) -> _Diagnoses:
    main, others = icd10.read(row.get("MA_BENH_CHINH")), icd10.read(row.get("MA_BENH_KT"))
    stated = list(dict.fromkeys((*main.codes, *others.codes)))
    whole = text(row.get("CHAN_DOAN_RV")) or "; ".join(main.words)
    said = pieces(whole, stated)
    rules_out = any(one.ruled_out for one in said)
    standing = [
        one for at, one in enumerate(stated) if not ((rules_out and _is_ruled_out(at, stated, said)) or is_death(one))
    ]
    there = [one for one in said if one.words]
    own = _paired(standing, there)
    first = main.codes[0] if main.codes and main.codes[0] in standing else ""
    is_shared_out = len(own) == len(there)
    further = others.words if "MA_BENH_KT" in shown else ()
    is_shown = ("CHAN_DOAN_RV" if "CHAN_DOAN_RV" in row else "MA_BENH_CHINH") in shown
    # Words that are of other codes are not those of a main one that was ruled out.
    is_said_elsewhere = bool(main.codes) and not first and is_shared_out
    return _Diagnoses(
        main=first,
        others=tuple(one for one in standing if one != first),
        words=tuple(words for one in further if (words := without_ruled_out(text(one)))),
        whole=joined(whole, said) if is_shown and not is_said_elsewhere else "",
        own=own,
        is_shared_out=is_shared_out and is_shown,
        is_doubted=any(one.doubts() for one in there if one not in own.values())
        and not any(not one.is_open and meant(one.words, (first,)) for one in there),
    )


def _is_ruled_out(at: int, stated: Sequence[str], said: Sequence[Said]) -> bool:
    """Whether the code is, or may be, of what is said to be ruled out. Nothing confirmed comes of it then."""
    code = stated[at]
    if code.startswith(_NO_DISEASE) or any(one.words and may_be_about(one.words, code) for one in said):
        return False
    if any(one.ruled_out and may_be_about(one.ruled_out, code) for one in said):
        return True
    # Not certain enough to give a code words, but enough to take it for none.
    return len(said) == len(stated) and not said[at].words


def _paired(stated: Sequence[str], there: Sequence[Said]) -> dict[str, Said]:
    """What is certainly said of a code: where there is one of each, or the words are those of its name and of no
    other's. An equal number alone says nothing: codes are not in the order of the words.
    """
    if len(stated) == len(there) == 1:
        return {stated[0]: there[0]}
    about = [meant(one.words, stated) for one in there]
    named = [found[0] if len(found) == 1 else "" for found in about]
    return {code: one for code, one in zip(named, there, strict=True) if code and named.count(code) == 1}


def _traditional(row: Row, found: _Diagnoses) -> tuple[tuple[str, ...], Mapping[str, tuple[str, ...]], tuple[str, ...]]:
    """Codes of traditional medicine: those of the main disease, those of others, and those that are of none of them.

    MA_BENH_YHCT holds the main disease and its companions again, as they correspond to ICD-10 (QĐ 4750, table 1, 29):
    the same diseases in another coding, in the same order. So the first is always the main one's.
    """
    stated = tuple(one for one in codes(row.get("MA_BENH_YHCT")) if not is_death(one))
    if not found.others:
        return stated, {}, ()
    if found.main and len(stated) == 1 + len(found.others):
        return stated[:1], {other: (one,) for other, one in zip(found.others, stated[1:], strict=True)}, ()
    return stated[:1], {}, stated[1:]


def _traditional_codings(stated: Sequence[str], visit: Visit) -> list[Json]:
    return [coding(visit.uris["traditional-disease"], one) for one in stated]


def _condition(named: Json, recorded: str, visit: Visit) -> Json:
    body: Json = {
        "category": _ENCOUNTER_DIAGNOSIS,
        "code": named,
        "subject": SUBJECT,
        "encounter": visit.encounter,
    }
    if recorded:
        body["recordedDate"] = recorded
    return body
