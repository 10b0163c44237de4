"""Ask the facility that sent what is under review: it stands on its desk with a day until which it should be answered.

What it answers is evidence for a reviewer and proves nothing by itself (rules: review-proves).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from ehr_sync.core.errors import Conflict
from ehr_sync.store import audit, edges, reviews
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.reviews import edge_of_review
from ehr_sync.usecases.review.look_at_review import Opened, begun, id_of, opened
from ehr_sync.usecases.stores import Stores

ANSWERED_WITHIN: Final = timedelta(days=7)


def ask_facility(subject: str, *, by: str, stores: Stores) -> str:
    """Ask about a subject: the facility whose dossier made the claim last, or which sent the visit that is set aside.
    Returns "asked". One audit entry.

    Raises NotFound, and Conflict("review.not_open") where nothing waits, ("review.nobody_to_ask") where no dossier of
    it stands, ("review.busy") where somebody was quicker.
    """
    found, at, who = opened(id_of(subject), stores), stores.database.now(), stores.alias_of(by)
    if not found.kind:
        raise Conflict("review.not_open")
    with stores.database.begin() as connection:
        sent = reviews.sent_by(connection, [found.subject]).get(found.subject, ())
        family, record_id = _sender(found, sent)
        asked = replace(
            begun(found, at),
            state="asked",
            family=family,
            record_id=record_id,
            answer_until=at + ANSWERED_WITHIN,
            answer="",
            answered_by="",
            proposed_by="",
            decided_by="",
            decided_at=None,
            reason="",
        )
        if not reviews.put(connection, asked):
            raise Conflict("review.busy")
        edges.write(connection, stores.keys, [edge_of_review(asked)])
        entry = AuditEntry(f"ops:{who}", "ask about review", found.person_id, f"{subject} {family}")
        audit.write(connection, stores.keys.audit, [entry])
    return "asked"


def _sender(found: Opened, sent: reviews.Sent) -> tuple[str, bytes]:
    if found.row is not None:
        return found.row.family, found.row.record_id
    if not sent:
        raise Conflict("review.nobody_to_ask")
    family, record_id, _ = sent[-1]
    return family, record_id
