"""/api/v1/ops/reviews and /api/v1/questions: people decide what the registry leaves open, facilities answer what they
are asked. What is shown of a review names people: each look is an entry of the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from flask import Blueprint, Response, request
from marshmallow import Schema, fields, validate

from ehr_sync.api import access
from ehr_sync.api.desk import word
from ehr_sync.api.json_body import in_json, loaded
from ehr_sync.api.language import Language, language_of
from ehr_sync.api.parameters import know
from ehr_sync.api.problems import Problem
from ehr_sync.api.transactions import REASONS
from ehr_sync.core.review import ACCEPTING, ANSWERS, REJECTING, Letters, is_why
from ehr_sync.usecases.desk.answer_questions import Question
from ehr_sync.usecases.desk.asking import Asker, system
from ehr_sync.usecases.review.look_at_review import Case, ClaimShown

DECISIONS: Final = ("accept", "reject", "ask", "undo")


class Decide(Protocol):
    """A use case that says yes or no; returns the state of the review. Raises NotFound and Conflict."""

    def __call__(self, subject: str, *, why: str, by: str) -> str: ...


class Act(Protocol):
    """One that needs no reason."""

    def __call__(self, subject: str, *, by: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Reviews:
    """The use cases."""

    look: Callable[..., Case]  # (subject, *, by)
    accept: Decide
    reject: Decide
    ask: Act
    undo: Act
    questions: Callable[[Asker], Sequence[Question]]
    answer: Callable[[str, str, Asker], None]

    def decide(self, subject: str, decision: str, why: str, by: str) -> str:
        """Carry a decision out, with the reason that it needs; returns the state of the review. Raises Problem where
        the reason is none of its list.
        """
        match decision:
            case "accept" if is_why(why, ACCEPTING):
                return self.accept(subject, why=why, by=by)
            case "reject" if is_why(why, REJECTING):
                return self.reject(subject, why=why, by=by)
            case "ask":
                return self.ask(subject, by=by)
            case "undo":
                return self.undo(subject, by=by)
        words = {"accept": ACCEPTING, "reject": REJECTING}.get(decision)
        raise Problem("request.parameter", parameters=["reason"] if words else ["decision"], words=words or DECISIONS)


class Decision(Schema):
    """The body of POST /api/v1/ops/reviews/{subject}:decide."""

    decision = fields.String(required=True, validate=validate.OneOf(DECISIONS))
    reason = fields.String(load_default="", validate=validate.Length(max=60))


class AnswerToQuestion(Schema):
    """The body of POST /api/v1/questions/{subject}:answer."""

    answer = fields.String(required=True, validate=validate.OneOf(ANSWERS))


def reviews(behind: Reviews) -> Blueprint:
    """The operators' routes, around their use cases."""
    blueprint = Blueprint("reviews", __name__, url_prefix="/api/v1/ops/reviews")

    @blueprint.get("/<subject>")
    def look(subject: str) -> Response:
        know()
        return in_json(_case(behind.look(subject, by=access.login().subject), language_of(request)))

    @blueprint.post("/<subject>:decide")
    def decide(subject: str) -> Response:
        asked = loaded(Decision())
        state = behind.decide(subject, asked["decision"], asked["reason"], access.login().subject)
        return in_json({"id": subject, "state": state})

    return blueprint


def questions(behind: Reviews) -> Blueprint:
    """The senders' routes."""
    blueprint = Blueprint("questions", __name__, url_prefix="/api/v1/questions")

    @blueprint.get("")
    def show() -> Response:
        know()
        found = behind.questions(system(access.caller().client_id))
        return in_json({"questions": [_question(each) for each in found]})

    @blueprint.post("/<subject>:answer")
    def answer(subject: str) -> Response:
        given = loaded(AnswerToQuestion())["answer"]
        behind.answer(subject, given, system(access.caller().client_id))
        return in_json({"id": subject, "answer": given})

    return blueprint


def _case(case: Case, language: Language) -> dict[str, Any]:
    review = case.review
    decided = review if review is not None and review.decided_at else None
    asked = review if review is not None and review.answer_until else None
    return {
        "id": case.subject,
        "kind": case.kind,
        "patient": case.patient,
        "state": case.state,
        "reason": case.reason,
        "reason_text": word(case.reason, language, REASONS),
        "bar": case.ruling.bar,
        "people": case.ruling.people,
        "may": case.may,
        "decision": decided and {"reason": decided.reason, "by": decided.decided_by, "at": decided.decided_at},
        "proposed_by": review.proposed_by if review else "",
        "question": asked
        and {"facility": asked.family, "until": asked.answer_until, "answer": asked.answer, "by": asked.answered_by},
        "claims": [_claim(each, language) for each in case.claims],
        "more": case.more,
        "twins": case.twins,
    }


def _claim(each: ClaimShown, language: Language) -> dict[str, Any]:
    return {
        "patient": each.patient,
        "name": _letters(each.name),
        "birth_date": _letters(each.birth_date),
        "sex": each.sex,
        "rung": each.rung,
        "state": each.state,
        "reason": each.reason,
        "reason_text": word(each.reason, language, REASONS),
        "grade": each.grade,
        "found": each.found,
        "came": each.came,
        "decided_at": each.decided_at,
        "places": each.places,
        "transactions": each.codes,
    }


def _letters(text: Sequence[Letters]) -> list[dict[str, Any]]:
    return [{"text": each.text, "same": each.same} for each in text]


def _question(each: Question) -> dict[str, Any]:
    return {
        "id": each.subject,
        "maGiaoDich": each.code,
        "maLK": each.source_id,
        "about": "visit" if each.is_twin else "patient",
        "until": each.until,
        "late": each.is_late,
    }
