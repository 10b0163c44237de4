"""What a reviewer may decide of a claim that the registry leaves open, as a table of rules (rules: review-proves)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Final
from unicodedata import normalize

from ehr_sync.core.identity import Claim
from ehr_sync.core.names import PROVING, Rung, compare_names
from ehr_sync.core.reasons import TICKET

KINDS: Final = ("contradiction", "merge", "probable", "possible", "certainly-not", "twin")
"""What is reviewed, the most pressing first: a proof that was contradicted, two proofs of one number that differ,
claims of each grade, one visit under two MA_LK.
"""

ACCEPTED: Final = "review.accepted"
"""The reason of a claim that a reviewer proved."""
REJECTED: Final = "review.rejected"
"""The reason of a claim that a reviewer said no to: it is not asked about again."""

ACCEPTING: Final = ("documents_agree", "name_changed_by_law", "office_confirmed", "one_visit")
REJECTING: Final = ("another_person", "typed_wrong", "not_enough", "two_visits")
ANSWERS: Final = ("card_seen", "typed_wrong", "another_person", "not_known")
"""What a facility may answer when it is asked. `card_seen`: the card was in hand and says what the dossier says."""


def is_why(text: str, words: Collection[str]) -> bool:
    """Whether a text is one of these words, alone or with a ticket behind it (another_person/ticket-17)."""
    return re.fullmatch(f"(?:{'|'.join(words)})(?:/{TICKET})?", text) is not None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a claim when somebody decides. No member tells a value. `reason`, `grade`, `name`, `birth_date`:
    of the registry's last answer; `known`: who is proven behind the number already; `answer`: the facility's.
    """

    number: str  # "personal", "old"
    reason: str
    grade: str
    name: str
    birth_date: str
    known: str  # "nobody", "same", "another"
    answer: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a claim may be accepted: `bar` is the code of what forbids it, "" where nothing does; `people` is how
    many must say so.
    """

    bar: str = ""
    people: int = 1


@dataclass(frozen=True, slots=True)
class ReviewRule:
    """One row: what must be so for it to apply (an axis that it does not name may be anything), and what follows."""

    name: str
    when: Mapping[str, frozenset[str]] = field(hash=False)
    ruling: Ruling

    def applies(self, evidence: Evidence) -> bool:
        """Whether everything that the row asks for is so."""
        return all(getattr(evidence, axis) in values for axis, values in self.when.items())


def _rule(row: str, ruling: Ruling, /, **when: str) -> ReviewRule:
    return ReviewRule(row, {axis: frozenset(values.split()) for axis, values in when.items()}, ruling)


# The first row that applies decides.
RULES: Final = (
    _rule("number invalid", Ruling("review.number_invalid"), reason="registry.number_invalid"),
    _rule("number superseded", Ruling("review.number_superseded"), reason="registry.number_superseded"),
    _rule("old number", Ruling("review.old_number"), number="old"),
    _rule("another's by the registry", Ruling("review.number_of_another"), name="different", birth_date="different"),
    _rule("another's by a proof", Ruling("review.number_of_another"), known="another"),
    _rule(
        "nobody looked",
        Ruling("review.ask_first"),
        reason="registry.no_match",
        grade="possible",
        answer=" ".join(["none", *(each for each in ANSWERS if each != "card_seen")]),
    ),
    _rule("against the registry", Ruling(people=2), grade="certainly-not"),
    _rule("otherwise", Ruling()),
)


def ruling_on(evidence: Evidence) -> Ruling:
    """What follows from what is known: the first row of RULES that applies."""
    return next(rule.ruling for rule in RULES if rule.applies(evidence))


def known_as(claim: Claim, proven: Claim) -> str:
    """Whether who is proven behind a number can be who this claim tells of: "same", or "another" where the names are
    different, or only near and the birth dates differ.
    """
    rung = compare_names(claim.name, proven.name)
    if rung is Rung.DIFFERENT:
        return "another"
    return "same" if rung in PROVING or claim.birth_date == proven.birth_date else "another"


def agree(one: Claim, other: Claim) -> bool:
    """Whether two claims on one number tell of one person by name and birth date, as far as proves."""
    return compare_names(one.name, other.name) in PROVING and one.birth_date == other.birth_date


@dataclass(frozen=True, slots=True)
class Letters:
    """Some letters of a text, and whether the other text has them in this place too."""

    text: str = field(repr=False)
    same: bool


def letters_of(text: str, beside: str) -> tuple[Letters, ...]:
    """A text cut into what stands in `beside` too and what does not, letter by letter (composed, NFC)."""
    mine, theirs = normalize("NFC", text), normalize("NFC", beside)
    blocks = SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes()
    return tuple(Letters(mine[a:b], tag == "equal") for tag, a, b, _, _ in blocks if a < b)
