"""The facility's rooms: its day, its dossiers, its work. Each page is of one facility that the visitor works for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from flask import Blueprint, Response, g, redirect, request, url_for

from ehr_sync.api.corrections import Corrections
from ehr_sync.api.desk import Looks, day_of
from ehr_sync.api.problems import Problem
from ehr_sync.core.clock import vietnam_day
from ehr_sync.core.codes import record_version_of
from ehr_sync.core.ports import Login
from ehr_sync.core.quality import AXES, Week
from ehr_sync.core.review import ANSWERS
from ehr_sync.core.withdrawals import WHYS
from ehr_sync.usecases.desk.answer_questions import Question
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.desk.look_at_day import GROUPS, PAGE_SIZE, STATES
from ehr_sync.web import quality_words
from ehr_sync.web.facility import corrections, files, keys, words
from ehr_sync.web.facility.files import Files
from ehr_sync.web.facility.keys import Keys
from ehr_sync.web.foundation import page, visitor

_LONGEST_MA_LK: Final = 200


@dataclass(frozen=True, slots=True)
class UseCases:
    """What stands behind the rooms."""

    asker: Callable[[str, Login], Asker]
    names: Callable[[Collection[str]], Mapping[str, str]]
    now: Callable[[], datetime]
    looks: Looks
    stand: Callable[[str, Asker], None]
    keep_apart: Callable[[str, Asker], None]
    files: Files
    keys: Keys
    corrections: Corrections
    questions: Callable[[Asker], Sequence[Question]]
    answer: Callable[[str, str, Asker], None]
    quality: Callable[[Asker], Sequence[Week]]


def rooms(behind: UseCases) -> Blueprint:
    """All rooms; a facility that is none of the visitor's is not there."""
    blueprint = Blueprint("facility", __name__)

    @blueprint.before_request
    def only_ones_own() -> None:
        code = (request.view_args or {}).get("code")
        if code is not None and code not in visitor().facilities():
            raise Problem("not_found")
        g.asker = behind.asker(code, visitor().login) if code else None

    @blueprint.context_processor
    def of_a_facility() -> dict[str, Any]:
        code = (request.view_args or {}).get("code", g.get("only_code"))
        if not code:
            return {}
        return {"code": code, "facility_name": behind.names([code]).get(code, ""), "words": words}

    _days(blueprint, behind)
    _dossiers(blueprint, behind)
    files.add(blueprint, behind.files)
    corrections.add(blueprint, behind.corrections, behind.now)
    keys.add(blueprint, behind.keys)
    return blueprint


def asker() -> Asker:
    """Who asks, for the facility of this address."""
    found: Asker = g.asker
    return found


def _days(blueprint: Blueprint, behind: UseCases) -> None:
    def today() -> date:
        return vietnam_day(behind.now())

    @blueprint.get("/facility")
    def home() -> Response:
        mine = visitor().facilities()
        if len(mine) > 1:
            return page("facility/choose.html", mine=mine, names=behind.names(mine))
        g.only_code = mine[0]
        g.asker = behind.asker(mine[0], visitor().login)
        return _day(today())

    @blueprint.get("/facility/<code>")
    def enter(code: str) -> Response:
        return _day(today())

    @blueprint.get("/facility/<code>/days/<day>")
    def show_day(code: str, day: str) -> Response:
        return _day(day_of(day))

    @blueprint.get("/facility/<code>/days")
    def choose_day(code: str) -> Response:
        there = url_for("facility.show_day", code=code, day=day_of(request.args.get("day", "")).isoformat())
        return redirect(there, 303)  # type: ignore[return-value]

    def _day(day: date) -> Response:
        found = behind.looks.day(day, asker())
        before = day - timedelta(days=1) if day > date.min else None
        after = day + timedelta(days=1) if day < today() else None
        return page(
            "facility/day.html", found=found, before=before, after=after, is_today=day == today(), groups=list(STATES)
        )

    @blueprint.get("/facility/<code>/days/<day>/<group>")
    def list_day(code: str, day: str, group: str) -> Response:
        if group not in GROUPS:
            raise Problem("not_found")
        wanted, after = day_of(day), request.args.get("after", "")
        found = behind.looks.dossiers(wanted, group, after=after, limit=PAGE_SIZE, asker=asker())
        return page("facility/list.html", found=found, day=wanted, group=group, is_first=not after)

    @blueprint.get("/facility/<code>/work")
    def work(code: str) -> Response:
        after = request.args.get("after", "")
        found = behind.looks.work(after=after, limit=PAGE_SIZE, asker=asker())
        questions = behind.questions(asker()) if not after else ()
        return page("facility/work.html", found=found, is_first=not after, questions=questions, answers=ANSWERS)

    @blueprint.post("/facility/<code>/questions/<subject>")
    def answer(code: str, subject: str) -> Response:
        given = request.form.get("answer", "")
        if given not in ANSWERS:
            raise Problem("request.parameter", parameters=["answer"])
        behind.answer(subject, given, asker())
        return redirect(url_for("facility.work", code=code), 303)  # type: ignore[return-value]

    @blueprint.get("/facility/<code>/quality")
    def quality(code: str) -> Response:
        weeks = behind.quality(asker())
        return page("facility/quality.html", weeks=weeks, axes=AXES, quality=quality_words)


def _dossiers(blueprint: Blueprint, behind: UseCases) -> None:
    @blueprint.get("/facility/<code>/find")
    def ask(code: str) -> Response:
        return page("facility/find.html", asked="", found=None, wrong="")

    @blueprint.post("/facility/<code>/find")
    def find(code: str) -> Response:
        asked = request.form.get("ma_lk", "").strip()
        if not 0 < len(asked) <= _LONGEST_MA_LK:
            return page("facility/find.html", asked="", found=None, wrong="empty")
        found = behind.looks.find(asked, asker())
        if len(found) == 1:
            # By our own id: nothing that was asked for stands in an address (P11).
            return redirect(url_for("facility.dossier", code=code, transaction=found[0]), 303)  # type: ignore[return-value]
        return page("facility/find.html", asked=asked, found=found, wrong="")

    @blueprint.get("/facility/<code>/dossiers/<transaction>")
    def dossier(code: str, transaction: str) -> Response:
        found = behind.looks.dossier(transaction, asker())
        version = next((v for v in found.versions if v.line.transaction_code == transaction), found.versions[0])
        return page("facility/dossier.html", found=found, version=version, whys=WHYS)

    @blueprint.get("/facility/<code>/dossiers/<transaction>/differences")
    def differences(code: str, transaction: str) -> Response:
        found = behind.looks.differences(transaction, asker())
        before, after = (record_version_of(each)[1] for each in (found.before, found.after))
        return page("facility/differences.html", found=found, before=before, after=after)

    @blueprint.post("/facility/<code>/dossiers/<transaction>/stand")
    def stand(code: str, transaction: str) -> Response:
        behind.stand(transaction, asker())
        return redirect(url_for("facility.dossier", code=code, transaction=transaction), 303)  # type: ignore[return-value]

    @blueprint.post("/facility/<code>/dossiers/<transaction>/apart")
    def keep_apart(code: str, transaction: str) -> Response:
        behind.keep_apart(transaction, asker())
        return redirect(url_for("facility.dossier", code=code, transaction=transaction), 303)  # type: ignore[return-value]
