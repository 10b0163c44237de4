"""What a reviewer asks a facility about one of its dossiers, and what its people answer (rules: review-proves)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.codes import record_version_of, transaction_code
from ehr_sync.core.errors import Conflict, NotFound
from ehr_sync.store import audit, edges, records, repeated_refusals, reviews
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.reviews import ReviewRow, edge_of_review
from ehr_sync.usecases.desk.asking import Asker, families_of
from ehr_sync.usecases.desk.heard import named_in
from ehr_sync.usecases.stores import Stores

_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its name, the maGiaoDich and the MA_LK that it is about, and until when an answer is hoped for.
    `is_twin`: whether it asks about two visits, and not about who the patient is.
    """

    subject: str
    code: str
    source_id: str = field(repr=False)
    until: datetime
    is_late: bool
    is_twin: bool


def list_questions(asker: Asker, *, stores: Stores) -> tuple[Question, ...]:
    """What the asker's places are asked, the next deadline first. One audit entry."""
    now = stores.database.now()
    with stores.database.begin() as connection:
        families = families_of(connection, asker, vietnam_day(now), stores)
        asked = reviews.asked_of(connection, families, limit=_MOST)
        rows = records.records(connection, [each.record_id or b"" for each in asked])
        heads = records.version_heads(connection, rows.values())
        told_in = {
            transaction_code(h.record_id, h.version): h.submission_id
            for found in heads.values()
            for h in found
            if h.version == (rows[h.record_id].newest or rows[h.record_id].versions)
        }
        names = named_in(connection, told_in, stores)
        codes = {record_version_of(code)[0]: code for code in told_in}
        entry = AuditEntry(asker.actor, "list questions", None, asker.client_id)
        audit.write(connection, stores.keys.audit, [entry])
    return tuple(_question(each, codes, names, now) for each in asked if each.record_id in codes)


def _question(asked: ReviewRow, codes: Mapping[bytes, str], names: Mapping[str, str], now: datetime) -> Question:
    code, until = codes[asked.record_id or b""], asked.answer_until or now
    return Question(asked.subject.hex(), code, names.get(code, ""), until, until < now, asked.kind == "twin")


def answer_question(subject: str, answer: str, asker: Asker, *, stores: Stores) -> None:
    """Answer with one of ANSWERS. One audit entry. Raises NotFound for a question that is none of theirs, or is
    answered or decided already; who tried that is noted.
    """
    with stores.database.begin() as connection:
        families = families_of(connection, asker, vietnam_day(stores.database.now()), stores)
        found = reviews.find(connection, stores.keys.edges, [_id(subject)]).get(_id(subject))
        is_theirs = found is not None and found.state == "asked" and found.family in families
        entry = AuditEntry(
            asker.actor,
            "answer question" if is_theirs else "refused answer question",
            found.person_id if found else None,
            f"{asker.client_id} {subject[:32]}",
        )
        if found is None or not is_theirs:
            repeated_refusals.note(connection, stores.keys.audit, entry)
        else:
            answered = replace(found, state="open", answer=answer, answered_by=asker.actor)
            if not reviews.put(connection, answered):
                raise Conflict("review.busy")
            edges.write(connection, stores.keys, [edge_of_review(answered)])
            audit.write(connection, stores.keys.audit, [entry])
    if not is_theirs:
        raise NotFound("not_found")


def _id(subject: str) -> bytes:
    try:
        return bytes.fromhex(subject)
    except ValueError:
        return b""
