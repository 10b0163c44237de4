"""POST /api/v1/dossiers:withdraw, :restore and :reconcile: a facility takes back what it sent, undoes that, and
compares a month's list with what is here. One record as JSON, many as a list: .xlsx or CSV.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from flask import Blueprint, Response, request

from ehr_sync.api import access
from ehr_sync.api.desk import word
from ehr_sync.api.json_body import in_json, json_body
from ehr_sync.api.language import Language, language_of
from ehr_sync.api.parameters import know
from ehr_sync.api.places import Places
from ehr_sync.api.problems import Problem
from ehr_sync.api.transactions import WITHDRAWN
from ehr_sync.core.clock import first_of_month, instant
from ehr_sync.core.withdrawals import WHYS
from ehr_sync.usecases.desk.asking import Asker, system
from ehr_sync.usecases.desk.reconcile_list import Missing, Reconciled, There
from ehr_sync.usecases.desk.withdraw_dossiers import MOST_ROWS, Done
from mappings.formats.cells import MOST_BYTES
from mappings.formats.code_list import ListRow, checked, read_list
from mappings.formats.workbook import MEDIA_TYPE as XLSX
from mappings.formats.workbook import write_sheet
from mappings.issues import catalogue
from mappings.model import Issue
from mappings.text import canonical_code

CSV: Final = "text/csv"
LIST_TYPES: Final = (XLSX, CSV)
MOST_TOLD: Final = 1_000
"""So many of each kind are told of; the counts are of all."""


class Withdraw(Protocol):
    """The use case. Raises Unavailable; what was done before stays."""

    def __call__(self, rows: Sequence[ListRow], asker: Asker, *, why: str) -> tuple[Done, ...]: ...


@dataclass(frozen=True, slots=True)
class Corrections:
    """The use cases. `look` changes nothing: what a withdrawal for that reason would do, or a restoring (None)."""

    look: Callable[[Sequence[ListRow], Asker, str | None], tuple[Done, ...]]
    withdraw: Withdraw
    restore: Callable[[Sequence[ListRow], Asker], tuple[Done, ...]]
    reconcile: Callable[[Sequence[ListRow], date, Asker], Reconciled]


def corrections(behind: Corrections, places: Places) -> Blueprint:
    """The routes, around their use cases. A list is read when it has its place."""
    blueprint = Blueprint("corrections", __name__, url_prefix="/api/v1")

    def place() -> AbstractContextManager[None]:
        return places.taken(access.caller().client_id)

    @blueprint.post("/dossiers:withdraw")
    def withdraw() -> Response:
        why = _asked("reason")
        if why and why not in WHYS:
            raise Problem("request.parameter", parameters=["reason"])
        _admit("application/json", *LIST_TYPES)
        with place():
            done = behind.withdraw(_rows(), _asker(), why=why)
        return in_json(_done(done, language_of(request)))

    @blueprint.post("/dossiers:restore")
    def restore() -> Response:
        _asked()
        _admit("application/json", *LIST_TYPES)
        with place():
            done = behind.restore(_rows(), _asker())
        return in_json(_done(done, language_of(request)))

    @blueprint.post("/dossiers:reconcile")
    def reconcile() -> Response:
        month = month_of(_asked("month"))
        _admit(*LIST_TYPES)
        with place():
            found = behind.reconcile(read_list(_body()), month, _asker())
            if request.accept_mimetypes.best_match(["application/json", XLSX]) == XLSX:
                return workbook_of(found, language_of(request))
        return in_json(_reconciled(found, language_of(request)))

    return blueprint


def month_of(text: str) -> date:
    """The first day of a month as ISO 8601 writes it. Raises Problem."""
    first = first_of_month(text)
    if first is None:
        raise Problem("request.parameter", parameters=["month"])
    return first


def _asker() -> Asker:
    return system(access.caller().client_id)


def _asked(*names: str) -> str:
    """The value of the one parameter that the route knows. Raises Problem for any other."""
    know(*names)
    return next((request.args.get(name, "") for name in names), "")


def _admit(*types: str) -> None:
    request.max_content_length = MOST_BYTES
    if request.mimetype not in types:
        raise Problem("media.unsupported", headers={"Accept-Post": ", ".join(types)})


def _body() -> bytes:
    return request.get_data(cache=False)


def _rows() -> tuple[ListRow, ...]:
    if request.mimetype != "application/json":
        return read_list(_body(), most_rows=MOST_ROWS)
    return (_row(json_body(most_bytes=MOST_BYTES)),)


_MEMBERS: Final = {"maLK": "source_id", "reason": "why", "maGiaoDich": "code"}


def _row(given: object) -> ListRow:
    """One record as JSON. Raises Problem, also for a member that is not known: it must not be taken for one."""
    known = isinstance(given, dict) and given.keys() <= _MEMBERS.keys()
    if not known or not all(isinstance(value, str) for value in given.values()):  # type: ignore[attr-defined]  # a dict
        raise Problem("request.parameter", parameters=list(_MEMBERS))
    said = {_MEMBERS[name]: canonical_code(value) for name, value in given.items()}  # type: ignore[attr-defined]
    return checked(ListRow(1, said.get("source_id", ""), said.get("why", ""), said.get("code", "")))


def _done(done: Sequence[Done], language: Language) -> dict[str, Any]:
    refused = sum(each.issue is not None for each in done)
    results = [_one(each, language) for each in done]
    return {"totalSuccess": len(done) - refused, "totalFailed": refused, "results": results}


def _one(each: Done, language: Language) -> dict[str, Any]:
    shown: dict[str, Any] = {"row": each.row.number, "maLK": each.row.source_id, "maGiaoDich": each.code}
    if each.issue is not None:
        return {**shown, "status": "refused", "issue": catalogue.render(each.issue, language)}
    if each.at is None:
        return {**shown, "status": "restored"}
    return {**shown, "status": "withdrawn", **_withdrawal(each.at, each.why, language)}


def _withdrawal(at: datetime, why: str, language: Language) -> dict[str, Any]:
    return {"withdrawnAt": instant(at), "reason": why, "reasonText": word(why, language, WITHDRAWN)}


def _reconciled(found: Reconciled, language: Language) -> dict[str, Any]:
    return {
        "month": f"{found.month:%Y-%m}",
        "counts": {
            "listed": found.listed,
            "repeated": found.repeated,
            "missing": len(found.missing),
            "extra": len(found.extra),
            "withdrawn": len(found.withdrawn),
            "wrong": len(found.wrong),
        },
        "found": found.groups,
        "missing": [_missing(each, language) for each in found.missing[:MOST_TOLD]],
        "extra": [_there(each, language) for each in found.extra[:MOST_TOLD]],
        "withdrawn": [_there(each, language) for each in found.withdrawn[:MOST_TOLD]],
        "wrong": [_wrong(each, language) for each in found.wrong[:MOST_TOLD]],
    }


_WHAT: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("Thiếu: chưa được nhận", "Missing: was not accepted"),
    "extra": ("Thừa: không có trong danh sách", "Extra: is not in the list"),
    "withdrawn": ("Đã thu hồi", "Withdrawn"),
    "wrong": ("Dòng không đọc được", "Row that cannot be read"),
}


def workbook_of(found: Reconciled, language: Language) -> Response:
    """All of it as a sheet, every code a text."""

    def what(kind: str) -> str:
        return word(kind, language, _WHAT)

    def issue(one: Issue | None) -> str:
        return catalogue.render(one, language)["message"] if one else ""

    rows = [("DÒNG", "MA_LK", "MA_GIAO_DICH", *(("KET_QUA", "GHI_CHU") if language != "en" else ("RESULT", "NOTE")))]
    rows += [(str(x.row.number), x.row.source_id, "", what("missing"), issue(x.refused)) for x in found.missing]
    rows += [("", x.source_id, x.code, what("extra"), word(x.state, language)) for x in found.extra]
    rows += [
        (str(x.row.number) if x.row else "", x.source_id, x.code, what("withdrawn"), word(x.why, language, WITHDRAWN))
        for x in found.withdrawn
    ]
    rows += [(str(x.number), x.source_id, "", what("wrong"), issue(x.issue)) for x in found.wrong]
    answer = Response(write_sheet(f"{found.month:%Y-%m}", rows), mimetype=XLSX)
    answer.headers["Content-Disposition"] = f'attachment; filename="doi-soat-{found.month:%Y-%m}.xlsx"'
    return answer


def _missing(each: Missing, language: Language) -> dict[str, Any]:
    refused = catalogue.render(each.refused, language) if each.refused else None
    return {"row": each.row.number, "maLK": each.row.source_id, "refused": refused}


def _there(each: There, language: Language) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "maLK": each.source_id,
        "maGiaoDich": each.code,
        "state": each.state,
        "stateText": word(each.state, language),
    }
    if each.row is not None:
        shown = {"row": each.row.number, **shown}
    if each.withdrawn_at is not None:
        return {**shown, **_withdrawal(each.withdrawn_at, each.why, language)}
    return {**shown, "received": instant(each.came) if each.came else None}


def _wrong(row: ListRow, language: Language) -> dict[str, Any]:
    issue = catalogue.render(row.issue, language) if row.issue else None
    return {"row": row.number, "issue": issue}
