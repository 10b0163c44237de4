"""What a facility's own system shows at its desk: a day, its dossiers, one dossier's versions, work, its keys.

The same as the pages under /facility; everything is of the places that the calling client sends for today.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from flask import Blueprint, Response, request

from ehr_sync.api import access
from ehr_sync.api.json_body import in_json, json_body
from ehr_sync.api.language import Language, language_of
from ehr_sync.api.parameters import know
from ehr_sync.api.problems import Problem
from ehr_sync.api.transactions import REASONS, WORDS, rendered
from ehr_sync.core.clock import instant
from ehr_sync.usecases.desk.asking import Asker, system
from ehr_sync.usecases.desk.client_keys import Sender
from ehr_sync.usecases.desk.look_at_day import GROUPS, PAGE_SIZE, Day, Line, Lines
from ehr_sync.usecases.desk.look_at_dossier import Comparison, DossierSeen
from mappings.issues import catalogue

_LONGEST_MA_LK: Final = 200


class ListDay(Protocol):
    """The use case behind the list of a day. Raises NotFound for a group or place that is none."""

    def __call__(self, day: date, group: str, *, after: str, limit: int, asker: Asker) -> Lines: ...


class ListWork(Protocol):
    """The use case behind the work list. Raises NotFound for a place that is none."""

    def __call__(self, *, after: str, limit: int, asker: Asker) -> Lines: ...


@dataclass(frozen=True, slots=True)
class Looks:
    """The use cases: each is one entry of the audit log."""

    day: Callable[[date, Asker], Day]
    dossiers: ListDay
    work: ListWork
    find: Callable[[str, Asker], tuple[str, ...]]
    dossier: Callable[[str, Asker], DossierSeen]
    differences: Callable[[str, Asker], Comparison]
    keys: Callable[[Asker], Sender]


def desk(looks: Looks) -> Blueprint:
    """The routes, around their use cases."""
    blueprint = Blueprint("desk", __name__, url_prefix="/api/v1")

    @blueprint.get("/days/<day>")
    def show_day(day: str) -> Response:
        know()
        found = looks.day(day_of(day), _asker())
        return in_json({"day": found.day, "counts": found.groups, "work": found.work, "workIsMore": found.work_is_more})

    @blueprint.get("/days/<day>/dossiers")
    def list_day(day: str) -> Response:
        know("group", "after", "limit")
        group = request.args.get("group", "sent")
        if group not in GROUPS:
            raise Problem("request.parameter", parameters=["group"])
        after, limit = request.args.get("after", ""), _limit()
        return in_json(_lines(looks.dossiers(day_of(day), group, after=after, limit=limit, asker=_asker())))

    @blueprint.get("/work")
    def list_work() -> Response:
        know("after", "limit")
        return in_json(_lines(looks.work(after=request.args.get("after", ""), limit=_limit(), asker=_asker())))

    @blueprint.post("/dossiers:find")
    def find() -> Response:
        return in_json({"maGiaoDich": looks.find(_ma_lk(), _asker())})

    @blueprint.get("/transactions/<code>/versions")
    def versions(code: str) -> Response:
        know()
        return in_json(_seen(looks.dossier(code, _asker()), language_of(request)))

    @blueprint.get("/transactions/<code>/differences")
    def differences(code: str) -> Response:
        know()
        return in_json(_comparison(looks.differences(code, _asker())))

    @blueprint.get("/keys")
    def keys() -> Response:
        know()
        found = looks.keys(_asker())
        shown = [{"kid": key.kid, "alg": key.algorithm, "lastUsed": _at(key.used)} for key in found.keys]
        return in_json({"clientId": found.client_id, "keys": shown})

    return blueprint


def day_of(text: str) -> date:
    """A day as ISO 8601 writes it. Raises Problem for anything else: it is an address that is not there."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Problem("not_found") from None
    if day.isoformat() != text:
        raise Problem("not_found")
    return day


def _asker() -> Asker:
    return system(access.caller().client_id)


def _ma_lk() -> str:
    given = json_body()
    found = given.get("maLK") if isinstance(given, dict) else None
    if not isinstance(found, str) or not 0 < len(found.strip()) <= _LONGEST_MA_LK or "\0" in found:
        raise Problem("request.parameter", parameters=["maLK"])
    return found


def _limit() -> int:
    limit = request.args.get("limit", str(PAGE_SIZE))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 2 and 1 <= int(limit) <= PAGE_SIZE):
        raise Problem("request.parameter", parameters=["limit"])
    return int(limit)


def _lines(found: Lines) -> dict[str, Any]:
    language = language_of(request)
    return {"dossiers": [_line(line, language) for line in found.lines], "next": found.next or None}


def _line(line: Line, language: Language) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "maLK": line.source_id,
        "maGiaoDich": line.code,
        "received": _at(line.at),
        "state": line.state,
        "stateText": word(line.state, language),
        "firstIssue": catalogue.render(line.issues[0], language) if line.issues else None,
    }
    if line.reason:
        shown |= {"reason": line.reason, "reasonText": word(line.reason, language, REASONS)}
    return {**shown, "acceptedSince": line.accepted_since} if line.accepted_since else shown


def word(code: str, language: Language, words: Mapping[str, tuple[str, str]] = WORDS) -> str:
    """A code in words, itself where it has none."""
    vietnamese, english = words.get(code, (code, code))
    return english if language == "en" else vietnamese


def _seen(found: DossierSeen, language: Language) -> dict[str, Any]:
    versions = [
        {
            **rendered(version.line, language),
            "version": version.number,
            "received": _at(version.received),
            "madeOn": version.made_on,
            "stands": version.stands,
            "issues": [catalogue.render(issue, language) for issue in version.issues],
        }
        for version in found.versions
    ]
    return {"maLK": found.source_id, "versions": versions, "older": found.older}


def _comparison(found: Comparison) -> dict[str, Any]:
    tables = None
    if found.tables is not None:
        tables = [
            {
                "table": table.table,
                "rows": [
                    {
                        "kind": row.kind,
                        "key": row.key,
                        "fields": [
                            {"tag": change.tag, "personal": True}
                            if change.is_personal
                            else {"tag": change.tag, "before": change.before, "after": change.after}
                            for change in row.changes
                        ],
                    }
                    for row in table.rows
                ],
            }
            for table in found.tables
        ]
    return {"before": found.before, "after": found.after, "tables": tables}


def _at(at: datetime | None) -> str | None:
    return instant(at) if at else None
