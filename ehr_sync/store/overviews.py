"""Lists for operators, read page by page from where the page before ended (keyset): by our own ids and codes alone.

However long a list is, a page costs as many rows as it shows: each order has its index (migration 0009).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, literal, or_, select, tuple_, union_all

from ehr_sync.store.clients import newest_of
from ehr_sync.store.tables import claim, client_facility, facility, piece, resync, submission

Row = Mapping[str, Any]
Place = tuple[datetime, Any]
"""Where a page ended: the time of its last row, and that row's id."""

_DAY: Final = timedelta(days=1)
HELD: Final = ("not_proven", "review", "no_number", "not_asked")
CONTRADICTED: Final = "contradicted"  # proven, and a later answer of the registry says otherwise
CLAIM_STATES: Final = ("due", *HELD, CONTRADICTED)


def submissions(
    connection: Connection, *, client: str | None, refused: bool, before: Place | None, limit: int
) -> Sequence[Row]:
    """Submissions, the newest first; `answered` is whether the last chunk has committed. `refused`: only those of the
    last day with a dossier that was refused.
    """
    s = submission.c
    shown = select(s.submission_id, s.client_id, s.received_at, s.media_type, s.answer.isnot(None).label("answered"))
    if client is not None:
        shown = shown.where(s.client_id == client)
    if refused:
        some = exists().where(piece.c.submission_id == s.submission_id, piece.c.number_mark.isnot(None))
        shown = shown.where(some, s.received_at > func.statement_timestamp() - _DAY)
    if before is not None:
        shown = shown.where(tuple_(s.received_at, s.submission_id) < _literal(before))
    page = shown.order_by(s.received_at.desc(), s.submission_id.desc()).limit(limit).subquery()
    theirs = select(func.count()).where(piece.c.submission_id == page.c.submission_id, piece.c.number_mark.isnot(None))
    dossiers = select(func.count()).where(piece.c.submission_id == page.c.submission_id)
    return _rows(
        connection,
        select(page, dossiers.scalar_subquery().label("dossiers"), theirs.scalar_subquery().label("refused")).order_by(
            page.c.received_at.desc(), page.c.submission_id.desc()
        ),
    )


def claims(
    connection: Connection, *, states: Sequence[str], reason: str | None, after: Place | None, limit: int
) -> Sequence[Row]:
    """Claims of these of CLAIM_STATES, the oldest first."""
    # Each state in the order of its index, then merged: all at once would be sorted whole.
    each = [_claims_of(state, reason, after).order_by(*_OLDEST_FIRST).limit(limit) for state in states]
    merged = union_all(*(one.subquery().select() for one in each)).subquery()
    return _rows(connection, select(merged).order_by(merged.c.created_at, merged.c.claim_id).limit(limit))


_OLDEST_FIRST: Final = (claim.c.created_at, claim.c.claim_id)


def _claims_of(state: str, reason: str | None, after: Place | None) -> Select[Any]:
    c = claim.c
    why = c.contradiction.label("reason") if state == CONTRADICTED else c.reason
    asked = c.contradicted_at.isnot(None) if state == CONTRADICTED else and_(c.state == state, c.state != "proven")
    shown: Select[Any] = select(
        c.claim_id, c.person_id, c.state, why, c.grade, c.attempts, c.created_at, c.decided_at, c.due_at
    ).where(asked)
    if reason is not None:
        shown = shown.where(why == reason)
    return shown if after is None else shown.where(tuple_(*_OLDEST_FIRST) > _literal(after))


def facilities(connection: Connection, *, today: date, after: str | None, limit: int) -> Sequence[Row]:
    """Facilities by code, with who may send for each on a day and when anything of the place was last taken."""
    f, held = facility.c, client_facility.c
    page = select(f.code, f.family_id, f.name).order_by(f.code).limit(limit)
    if after is not None:
        page = page.where(f.code > after)
    here = page.subquery()
    shown = (
        select(
            here.c.code,
            here.c.family_id.label("family"),
            here.c.name,
            func.array_remove(func.array_agg(held.client_id.distinct()), None).label("clients"),
            newest_of(here.c.family_id).label("last_sent_at"),
        )
        .select_from(here.outerjoin(client_facility, _held_on(here.c.code, today)))
        .group_by(here.c.code, here.c.family_id, here.c.name)
        .order_by(here.c.code)
    )
    return _rows(connection, shown)


def _held_on(code: ColumnElement[str], day: date) -> ColumnElement[bool]:
    held = client_facility.c
    return and_(held.code == code, held.valid_from <= day, or_(held.valid_to.is_(None), held.valid_to >= day))


def resyncs(connection: Connection, *, before: Place | None, limit: int) -> Sequence[Row]:
    """Orders, the newest first; how far each has come is told of one at a time (`resyncs.find`)."""
    r = resync.c
    shown = select(r.resync_id, r.scope, r.state, r.reason, r.total, r.marked, r.created_at, r.ended_at)
    if before is not None:
        shown = shown.where(tuple_(r.created_at, r.resync_id) < _literal(before))
    return _rows(connection, shown.order_by(r.created_at.desc(), r.resync_id.desc()).limit(limit))


def _literal(place: Place) -> ColumnElement[Any]:
    at, id_ = place
    return tuple_(literal(at, submission.c.received_at.type), literal(id_, _type_of(id_)))


def _type_of(id_: object) -> Any:
    return resync.c.resync_id.type if isinstance(id_, UUID) else submission.c.submission_id.type


def _rows(connection: Connection, query: Select[Any]) -> list[Row]:
    return [{str(name): value for name, value in row._asdict().items()} for row in connection.execute(query)]
