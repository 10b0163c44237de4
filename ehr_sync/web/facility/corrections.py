"""What a facility takes back, and a month's list compared with what is here: by a list, or of one dossier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import orjson
from flask import Blueprint, Response, g, redirect, request, url_for

from ehr_sync.api.corrections import Corrections, month_of, workbook_of
from ehr_sync.api.problems import Problem
from ehr_sync.core.clock import Clock, vietnam_day
from ehr_sync.core.codes import record_version_of
from ehr_sync.core.withdrawals import WHYS
from ehr_sync.usecases.desk.withdraw_dossiers import MOST_ROWS, Done
from ehr_sync.web.facility.words import said
from ehr_sync.web.foundation import language, page
from mappings.formats import code_list
from mappings.formats.cells import MOST_BYTES
from mappings.formats.code_list import ListRow, checked, read_list
from mappings.formats.source import SourceRefused

_MOST_SHOWN: Final = 200


def add(blueprint: Blueprint, behind: Corrections, now: Clock) -> None:
    """The routes of corrections."""

    def form(wrong: str = "") -> Response:
        month = vietnam_day(now()).replace(day=1) - timedelta(days=1)
        return page("facility/corrections.html", wrong=wrong, month=f"{month:%Y-%m}", whys=WHYS, most=MOST_ROWS)

    @blueprint.get("/facility/<code>/corrections")
    def ask_corrections(code: str) -> Response:
        return form()

    @blueprint.post("/facility/<code>/reconcile")
    def reconcile(code: str) -> Response:
        try:
            rows = _listed(code_list.MOST_ROWS)
        except SourceRefused as refused:
            return form(_wrong(refused))
        found = behind.reconcile(rows, month_of(request.form.get("month", "")), g.asker)
        if request.form.get("as") == "xlsx":
            return workbook_of(found, language())
        return page("facility/reconciled.html", found=found, most=_MOST_SHOWN)

    @blueprint.post("/facility/<code>/withdraw")
    def withdraw(code: str) -> Response:
        why = request.form.get("reason", "")
        if why not in WHYS:
            raise Problem("request.parameter", parameters=["reason"])
        return acted(code, lambda rows: behind.withdraw(rows, g.asker, why=why), why)

    @blueprint.post("/facility/<code>/restore")
    def restore(code: str) -> Response:
        return acted(code, lambda rows: behind.restore(rows, g.asker), None)

    def acted(code: str, act: Callable[[Sequence[ListRow]], tuple[Done, ...]], why: str | None) -> Response:
        transaction = request.form.get("transaction", "")
        if transaction:
            record_version_of(transaction)  # it enters an address
            [one] = act([ListRow(1, code=transaction)])
            if one.issue is not None:
                raise Problem("not_found")
            there = url_for("facility.dossier", code=code, transaction=transaction)
            return redirect(there, 303)  # type: ignore[return-value]
        if "rows" in request.form:
            return told("facility/corrected.html", act(_shown_before(request.form["rows"])))
        try:
            rows = _listed(MOST_ROWS)
        except SourceRefused as refused:
            return form(_wrong(refused))
        return told("facility/foreseen.html", behind.look(rows, g.asker, why), why=why)

    def told(template: str, done: Sequence[Done], **values: object) -> Response:
        failed = [each for each in done if each.issue is not None]
        may = [each for each in done if each.issue is None]
        rows = orjson.dumps([(e.row.number, e.row.source_id, e.row.why, e.code) for e in may]).decode()
        shown = [*failed, *may][:_MOST_SHOWN]
        return page(template, done=len(may), failed=len(failed), shown=shown, rows=rows, **values)


def _shown_before(given: str) -> list[ListRow]:
    """The rows that somebody saw and says yes to. Raises Problem for anything else."""
    try:
        rows = [ListRow(int(n), str(id_), str(why), str(code)) for n, id_, why, code in orjson.loads(given)]
    except (TypeError, ValueError):
        raise Problem("request.parameter", parameters=["rows"]) from None
    return [checked(row) for row in rows[:MOST_ROWS]]


def _listed(most_rows: int) -> tuple[ListRow, ...]:
    """The rows of the list that came with the form. Raises SourceRefused."""
    file = request.files.get("list")
    return read_list(file.stream.read(MOST_BYTES + 1) if file else b"", most_rows=most_rows)


def _wrong(refused: SourceRefused) -> str:
    told = said(refused.issue)
    return f"{told['message']} {told['fix']}"
