"""Whether a dossier may try who its patient is: a number is no riddle for facilities to guess at (rules: few-tries)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ehr_sync.core.identity import State
from ehr_sync.core.verdict import Verdict
from ehr_sync.store.identity_claims import ClaimRow, NewClaim
from ehr_sync.store.number_tries import HELD_BACK, TOGETHER, Try
from ehr_sync.store.sealing import mark
from ehr_sync.usecases.intake.plan_record import Filing


@dataclass(slots=True)
class Tries:
    """The tries that a chunk's dossiers come upon, and make one after the other. `claims` are those that are kept,
    `made_by` the families of them.
    """

    seen: set[Try]
    claims: Mapping[bytes, ClaimRow]
    made_by: Mapping[bytes, str]
    most: int
    index_key: bytes

    def admitted(self, new: NewClaim, filing: Filing) -> NewClaim:
        """The claim as the dossier may make it: as it is, or held back, under a fingerprint of the facility's own.

        The right person and a wrong one take the same way, also where the right one is proven already: who has tried
        too often hears the same of both, and no sooner. A claim that the record or the facility made before tells its
        sender nothing new.
        """
        if not new.is_try:
            return new
        held, said_before = held_back(new, self.index_key), {head.claim_id for head in filing.heads}
        known = self.claims.get(new.claim_id)
        is_proven = known is not None and known.state is State.PROVEN
        if new.claim_id in said_before or (is_proven and self.made_by.get(new.claim_id) == new.family):
            return new
        if held.claim_id in said_before or held.claim_id in self.claims:
            return held
        if not self._may_try(new):
            return held
        if not is_proven:
            self._count(new)
        return new

    def may_be_asked_again(self, new: NewClaim, filing: Filing) -> bool:
        """Whether a new record that names a doubted claim is a reason to ask again (rules: ask-again): it is a try."""
        known = self.claims.get(new.claim_id)
        doubted = known is not None and known.state in {State.NOT_PROVEN, State.REVIEW}
        if filing.record is not None or not doubted or new.number_mark is None or not self._may_try(new):
            return False
        self._count(new)
        return True

    def _may_try(self, new: NewClaim) -> bool:
        return may_try(new, self.seen, self.most)

    def _count(self, new: NewClaim) -> None:
        assert new.number_mark is not None
        self.seen.add(Try(new.claim_id, new.number_mark, new.family))


def may_try(new: NewClaim, seen: Collection[Try], most: int) -> bool:
    """Whether a facility has a try left on a number of which these tries were seen within a day."""
    others = [t for t in seen if t.number_mark == new.number_mark and t.claim_id != new.claim_id]
    own = sum(t.family == new.family for t in others)
    return own < most and len(others) < most * TOGETHER


def held_back(new: NewClaim, index_key: bytes) -> NewClaim:
    """The same claim as one that is not asked about. Its fingerprint is the facility's own: nobody else's dossiers wait
    for what this one tried.
    """
    fingerprint = mark(index_key, b"claim held back", new.claim_id, new.family.encode())
    return replace(new, claim_id=fingerprint, verdict=Verdict(State.REVIEW, HELD_BACK))
