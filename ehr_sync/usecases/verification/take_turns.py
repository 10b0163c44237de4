"""Whose claims are asked about next: each facility in its turn, however many one has sent (rules: fair-turns)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from ehr_sync.store import due_claims
from ehr_sync.store.due_claims import TakenClaim


class Turns:
    """One round after the other: in each, every facility that has a due claim gets one. Each process has rounds of its
    own. `at_desk`: of patients who are at a desk now, or of all others.
    """

    def __init__(self, *, at_desk: bool) -> None:
        self.at_desk = at_desk
        self._waiting: Sequence[str] = ()  # the families that have not had their turn in this round

    def take(self, connection: Connection, edge_key: bytes, lease: timedelta, limit: int) -> list[TakenClaim]:
        """Take at most so many due claims."""
        taken = self._turn(connection, edge_key, lease, limit, each=1)
        if len(taken) < limit and not self._waiting:
            self._waiting = due_claims.whose_turn(connection, at_desk=self.at_desk)
            # Where all of them together are fewer than the places, there are several for each.
            taken += self._turn(connection, edge_key, lease, limit - len(taken), each=limit)
        return taken

    def _turn(
        self, connection: Connection, edge_key: bytes, lease: timedelta, limit: int, each: int
    ) -> list[TakenClaim]:
        turn, self._waiting = self._waiting[:limit], self._waiting[limit:]
        if not turn or limit <= 0:
            return []
        return due_claims.take_due(
            connection, edge_key, lease, turn, each=each if len(turn) < limit else 1, limit=limit, at_desk=self.at_desk
        )
