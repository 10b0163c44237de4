"""POST /api/v1/verifications: is this who they say they are? One person at a desk, or a list (:batch). Verdicts are
told, never what the registry holds (rules: asked-at-a-desk).
"""

from __future__ import annotations

import io
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from flask import Blueprint, Response, request

from ehr_sync.api import access
from ehr_sync.api.desk import word
from ehr_sync.api.json_body import in_json, json_body
from ehr_sync.api.language import Language, language_of
from ehr_sync.api.parameters import know
from ehr_sync.api.places import Places
from ehr_sync.api.problems import Problem, retry_after
from ehr_sync.api.transactions import REASONS, WORDS, Words
from ehr_sync.core.clock import instant
from ehr_sync.core.errors import NotFound
from ehr_sync.usecases.desk.asking import Asker, system
from ehr_sync.usecases.desk.verify_people import Answer
from mappings.formats.cells import MOST_BYTES
from mappings.formats.people_list import PersonRow, person_row, read_people
from mappings.formats.source import SourceRefused
from mappings.formats.workbook import MEDIA_TYPE as XLSX
from mappings.formats.workbook import write_sheet
from mappings.issues import catalogue
from mappings.model import Issue

CSV: Final = "text/csv"
MOST_ROWS: Final = 5_000
LONGEST: Final = 250
WAIT_SECONDS: Final = 1.5
"""For one person; with all else the answer is there within two seconds."""
LIST_SECONDS: Final = 15.0
_AGAIN_SECONDS: Final = 2.0

OUTCOMES: Final[Words] = {
    **{code: WORDS[code] for code in ("not_proven", "review", "no_number", "not_asked")},
    "proven": ("Đúng người", "Is who they say they are"),
    "pending": ("Chưa có trả lời; hỏi lại sau", "Not answered yet; ask again"),
    "not_answered": ("Cơ sở dữ liệu dân cư không trả lời; hỏi lại sau", "The registry does not answer; ask again"),
    "held_back": ("Không hỏi: đã thử quá nhiều lần", "Not asked: too many tries"),
    "unreadable": ("Dòng này không đọc được", "This row cannot be read"),
}
_MEMBERS: Final = {
    "reference": "reference",
    "number": "SO_CCCD",
    "name": "HO_TEN",
    "birthDate": "NGAY_SINH",
    "sex": "GIOI_TINH",
    "nationality": "MA_QUOCTICH",
}


class One(Protocol):
    """Raises Unfit, Unavailable."""

    def __call__(self, person: PersonRow, family: str, asker: Asker, *, wait: float) -> Answer: ...


class Many(Protocol):
    """The same for a list, within so many seconds."""

    def __call__(
        self, rows: Sequence[PersonRow], family: str, asker: Asker, *, seconds: float
    ) -> list[tuple[PersonRow, Answer]]: ...


class Find(Protocol):
    """What came of a question. Raises NotFound."""

    def __call__(self, check_id: UUID, asker: Asker) -> Answer: ...


class PlaceOf(Protocol):
    """In whose name they ask. Raises NotFound."""

    def __call__(self, facility: str, asker: Asker) -> str: ...


@dataclass(frozen=True, slots=True)
class Verify:
    """The use cases."""

    one: One
    many: Many
    find: Find
    place_of: PlaceOf


def verifications(behind: Verify, places: Places, list_places: Places) -> Blueprint:
    """The routes, around their use cases. A list is read when it has its place."""
    blueprint = Blueprint("verifications", __name__, url_prefix="/api/v1")

    def family() -> str:
        know("facility")
        try:
            return behind.place_of(request.args.get("facility", ""), _asker())
        except NotFound:
            raise Problem("request.parameter", parameters=["facility"]) from None

    @blueprint.post("/verifications", endpoint="verify")
    def verify() -> Response:
        person = _person(1, json_body())
        if person.issue is not None:
            raise SourceRefused(person.issue)
        with places.taken(access.caller().client_id):
            return _told(person.reference, behind.one(person, family(), _asker(), wait=WAIT_SECONDS))

    @blueprint.get("/verifications/<uuid:check_id>", endpoint="find")
    def find(check_id: UUID) -> Response:
        if request.args:
            raise Problem("request.parameter")
        return _told("", behind.find(check_id, _asker()))

    @blueprint.post("/verifications:batch", endpoint="verify_list")
    def verify_list() -> Response:
        with list_places.taken(access.caller().client_id):
            rows = _rows()
            answers = behind.many(rows, family(), _asker(), seconds=LIST_SECONDS)
        language = language_of(request)
        if request.accept_mimetypes.best_match(["application/json", XLSX]) == XLSX:
            return _workbook(answers, language)
        counts = Counter(answer.outcome for _, answer in answers)
        results = [{"row": row.number, **_shown(row.reference, answer, language)} for row, answer in answers]
        is_over = all(answer.is_final for _, answer in answers)
        response = in_json({"counts": counts, "complete": is_over, "results": results})
        response.headers.extend({} if is_over else retry_after(_AGAIN_SECONDS))
        return response

    return blueprint


def _asker() -> Asker:
    return system(access.caller().client_id)


def _rows() -> list[PersonRow]:
    """The rows of the body. Raises Problem and SourceRefused."""
    if request.mimetype == "application/json":
        given = json_body(most_bytes=MOST_BYTES)
        people = given.get("people") if isinstance(given, dict) and given.keys() == {"people"} else None
        if not isinstance(people, list):
            raise Problem("request.parameter", parameters=["people"])
        found: Iterator[PersonRow] = itertools.starmap(_person, enumerate(people, 1))
    elif request.mimetype in (XLSX, CSV):
        request.max_content_length = MOST_BYTES
        found = read_people(io.BytesIO(request.get_data(cache=False)))
    else:
        raise Problem("media.unsupported", headers={"Accept-Post": f"application/json, {XLSX}, {CSV}"})
    rows = list(itertools.islice(found, MOST_ROWS + 1))
    if not 0 < len(rows) <= MOST_ROWS:
        raise SourceRefused(Issue("list.too_large" if rows else "list.empty"))
    return rows


def _person(number: int, given: object) -> PersonRow:
    """One person as JSON. Raises Problem, also for a member that is not known: it must not be taken for one."""
    if not isinstance(given, dict) or not given.keys() <= _MEMBERS.keys() or not all(map(_is_text, given.values())):
        raise Problem("request.parameter", parameters=list(_MEMBERS))
    return person_row(number, {_MEMBERS[name]: value for name, value in given.items()})


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST


def _told(reference: str, answer: Answer) -> Response:
    response = in_json(_shown(reference, answer, language_of(request)))
    if not answer.is_final:
        response.headers.extend(retry_after(answer.retry_after or _AGAIN_SECONDS))
    if answer.outcome == "pending":
        response.status_code = 202
        response.headers["Location"] = f"/api/v1/verifications/{answer.check_id}"
    return response


def _shown(reference: str, answer: Answer, language: Language) -> dict[str, Any]:
    at = instant(answer.at) if answer.at else None
    shown: dict[str, Any] = {
        "reference": reference,
        "outcome": answer.outcome,
        "outcomeText": word(answer.outcome, language, OUTCOMES),
        "grade": answer.grade,
        "code": answer.check_id,
        "checkedAt": at,
    }
    if answer.reason:
        shown |= {"reason": answer.reason, "reasonText": word(answer.reason, language, REASONS)}
    if answer.issue is not None:
        shown |= {"issue": catalogue.render(answer.issue, language)}
    return shown


_HEADS: Final = ("row", "reference", "outcome", "outcomeText", "grade", "reason", "reasonText", "checkedAt")


def _workbook(answers: Sequence[tuple[PersonRow, Answer]], language: Language) -> Response:
    lines = [{"row": row.number, **_shown(row.reference, answer, language)} for row, answer in answers]
    for line in lines:
        if "issue" in line:
            line |= {"reason": line["issue"]["code"], "reasonText": line["issue"]["message"]}
    cells = [[str(line.get(head) or "") for head in _HEADS] for line in lines]
    response = Response(write_sheet("verifications", [_HEADS, *cells]), mimetype=XLSX)
    response.headers["Content-Disposition"] = 'attachment; filename="verifications.xlsx"'
    return response
