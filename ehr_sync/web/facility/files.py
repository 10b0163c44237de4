"""Files at the desk: checked first, then sent as they are, or only what was refused taken home again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from flask import Blueprint, Response, g, request
from werkzeug.datastructures import FileStorage

from ehr_sync.api.problems import Problem
from ehr_sync.core.answers import HosoResult
from ehr_sync.core.errors import NotFound
from ehr_sync.store.kept_files import KeptFile
from ehr_sync.store.spool import Spool
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.desk.send_files import FileSeen
from ehr_sync.web.foundation import page
from mappings.issues.catalogue import by_weight

MOST_FILES: Final = 20
_LONGEST_NAME: Final = 80
_MOST_SHOWN: Final = 50
_TYPES: Final = {"xml": "application/xml", "json": "application/json"}


@dataclass(frozen=True, slots=True)
class Files:
    """The use cases. All raise NotFound where the files of a token are over."""

    check: Callable[[Sequence[KeptFile], Asker], tuple[tuple[FileSeen, ...], str]]
    send: Callable[[str, Asker], tuple[FileSeen, ...]]
    refused: Callable[[str, int, Asker], tuple[FileSeen, bytes]]


@dataclass(frozen=True, slots=True)
class Told:
    """A file as the page tells of it: the refused first, then the accepted that have issues, as many as fit."""

    name: str
    accepted: int
    refused: int
    file_issues: tuple[Any, ...]
    shown: tuple[HosoResult, ...]
    more: int


def add(blueprint: Blueprint, files: Files) -> None:
    """The routes of files."""

    @blueprint.get("/facility/<code>/files")
    def ask_files(code: str) -> Response:
        return _form()

    @blueprint.post("/facility/<code>/files")
    def check_files(code: str) -> Response:
        chosen = [file for file in request.files.getlist("files") if file.filename]
        if not chosen or len(chosen) > MOST_FILES:
            return _form(wrong="none" if not chosen else "too_many")
        seen, token = files.check([_kept(file) for file in chosen], g.asker)
        return _told("facility/checked.html", seen, token)

    @blueprint.post("/facility/<code>/files/send")
    def send_files(code: str) -> Response:
        token = request.form.get("files", "")
        try:
            return _told("facility/sent.html", files.send(token, g.asker), token)
        except NotFound:
            return _form(wrong="over")

    @blueprint.post("/facility/<code>/files/refused")
    def refused_files(code: str) -> Response:
        number = request.form.get("number", "")
        if not (number.isascii() and number.isdigit() and len(number) < 3):
            raise Problem("not_found")
        try:
            seen, left = files.refused(request.form.get("files", ""), int(number), g.asker)
        except NotFound:
            return _form(wrong="over")
        answer = Response(left, mimetype=_TYPES[seen.media_type])
        # A name of ours: the file's own may name a patient (P11).
        answer.headers["Content-Disposition"] = f'attachment; filename="tu-choi-{int(number) + 1}.{seen.media_type}"'
        return answer


def _form(wrong: str = "") -> Response:
    return page("facility/files.html", wrong=wrong, most=MOST_FILES)


def _kept(file: FileStorage) -> KeptFile:
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2]
    return KeptFile(name[:_LONGEST_NAME], cast(Spool, file.stream))


def _told(template: str, seen: Sequence[FileSeen], token: str) -> Response:
    told = []
    room = _MOST_SHOWN
    for file in seen:
        dossiers = [replace(h, issues=by_weight(h.issues)) for one in file.answer.files for h in one.dossiers]
        worth = [hoso for hoso in dossiers if hoso.status == "refused"]
        worth += [hoso for hoso in dossiers if hoso.status == "accepted"]
        shown = tuple(worth[:room])
        room -= len(shown)
        issues = tuple(issue for one in file.answer.files for issue in one.issues)
        accepted, refused = file.answer.succeeded, file.answer.failed
        told.append(Told(file.name, accepted, refused, issues, shown, len(worth) - len(shown)))
    accepted, refused = (sum(getattr(one, name) for one in told) for name in ("accepted", "refused"))
    return page(template, told=told, token=token, accepted=accepted, refused=refused)
