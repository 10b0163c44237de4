"""Files that a person drops at their facility's desk: checked without being kept as records, then sent as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ehr_sync.core.answers import Answer, FileResult
from ehr_sync.core.errors import NotFound
from ehr_sync.settings import Settings
from ehr_sync.store import audit
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.kept_files import KeptFile, KeptFiles
from ehr_sync.store.spool import Spool
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.desk.refused_part import FileKind, refused_part
from ehr_sync.usecases.intake.accept_submission import accept_submission, check_submission
from ehr_sync.usecases.stores import Stores
from mappings.formats.source import Limits, SourceRefused
from mappings.model import Uris
from mappings.sources.city.reading import MOST_BYTES, kind_in

_BLANK: Final = b"\xef\xbb\xbf \t\r\n"


@dataclass(frozen=True, slots=True)
class FileSeen:
    """One file and what is answered to it."""

    name: str = field(repr=False)
    media_type: FileKind
    answer: Answer


@dataclass(frozen=True, slots=True)
class Desk:
    """What checking and sending needs."""

    kept: KeptFiles
    stores: Stores = field(repr=False)
    settings: Settings = field(repr=False)
    uris: Uris = field(repr=False)


def check_files(files: Sequence[KeptFile], asker: Asker, *, desk: Desk) -> tuple[tuple[FileSeen, ...], str]:
    """What would be answered to each file now, and the token with which they can be sent within a quarter of an hour.
    One audit entry a file. Raises Unavailable where database or disk fail.
    """
    seen = tuple(_checked(file, asker, desk) for file in files)
    token = desk.kept.keep(files, whose=_whose(asker), now=desk.stores.database.now())
    return seen, token


def send_files(token: str, asker: Asker, *, desk: Desk) -> tuple[FileSeen, ...]:
    """Send the files of this token, each as one submission of the facility's desk: the same bytes again have no second
    effect, whoever of the desk sends them (P2). One audit entry a file says who it was, before it is sent.

    Raises NotFound where they are over, Unavailable where the database fails: what was answered before stays.
    """
    sent = []
    files = _opened(token, asker, desk)
    try:
        for file in files:
            kind = media_type_of(file.content)
            with desk.stores.database.begin() as connection:
                entry = AuditEntry(asker.actor, "send dossiers", None, asker.client_id)
                audit.write(connection, desk.stores.keys.audit, [entry])
            sent.append(FileSeen(file.name, kind, _accepted(file, kind, asker, desk)))
    finally:
        _close(files)
    return tuple(sent)


def refused_of(token: str, number: int, asker: Asker, *, desk: Desk) -> tuple[FileSeen, bytes]:
    """The file of this number (from 0) with only what is refused of it now, in the same form. Raises NotFound."""
    files = _opened(token, asker, desk)
    try:
        seen = _checked(files[number], asker, desk)
        content = files[number].content
        return seen, refused_part(content, seen.media_type, seen.answer, _limits(desk), lambda: _spool(desk))
    except IndexError:
        raise NotFound("not_found") from None
    finally:
        _close(files)


def media_type_of(content: Spool) -> FileKind:
    """JSON where the first sign is a brace or bracket, else XML. The content is left at its start."""
    content.seek(0)
    first = content.read(64).lstrip(_BLANK)[:1]
    content.seek(0)
    return "json" if first in (b"{", b"[") else "xml"


def _record_kind(content: Spool) -> str:
    """Of the one record in the city's JSON that it is, "" where it is another file. Left at its start."""
    body = content.read(MOST_BYTES + 1)
    content.seek(0)
    return kind_in(body)


def _checked(file: KeptFile, asker: Asker, desk: Desk) -> FileSeen:
    kind = media_type_of(file.content)
    try:
        answer = check_submission(
            client_id=asker.client_id,
            actor=asker.actor,
            body=file.content,
            media_type=kind,
            stores=desk.stores,
            settings=desk.settings,
            uris=desk.uris,
            kind=_record_kind(file.content),
        )
    except SourceRefused as refused:
        answer = _unreadable(refused)
    file.content.seek(0)
    return FileSeen(file.name, kind, answer)


def _accepted(file: KeptFile, kind: FileKind, asker: Asker, desk: Desk) -> Answer:
    try:
        return accept_submission(
            client_id=asker.client_id,
            body=file.content,
            media_type=kind,
            idempotency_key=None,
            stores=desk.stores,
            settings=desk.settings,
            uris=desk.uris,
            kind=_record_kind(file.content),
        )
    except SourceRefused as refused:
        return _unreadable(refused)


def _unreadable(refused: SourceRefused) -> Answer:
    return Answer("", (FileResult("refused", (refused.issue,), ()),))


def _opened(token: str, asker: Asker, desk: Desk) -> list[KeptFile]:
    return desk.kept.open(token, whose=_whose(asker), now=desk.stores.database.now())


def _whose(asker: Asker) -> str:
    return f"{asker.actor} {asker.client_id}"


def _close(files: Sequence[KeptFile]) -> None:
    for file in files:
        file.content.close()


def _spool(desk: Desk) -> Spool:
    return Spool(desk.settings.spool_folder, desk.settings.spool_bytes)


def _limits(desk: Desk) -> Limits:
    s = desk.settings
    return Limits(s.request_bytes, s.request_dossiers, s.table_rows, s.record_bytes)
