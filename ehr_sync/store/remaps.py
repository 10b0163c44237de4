"""What a remap goes over: records in the order of their ids, refused dossiers in that of their submissions.

Nothing is noted of how far it has come: a body says by which mapping it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, any_, func, or_, select, true, tuple_

from ehr_sync.store.submissions import PieceRow
from ehr_sync.store.tables import piece, record, record_version, submission


@dataclass(frozen=True, slots=True)
class Reach:
    """Which dossiers: of a facility family, received from `since` to before `until` (aware), holding a source table."""

    family: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    table: str | None = None

    def told(self) -> str:
        """For the audit log; codes and days only."""
        given = {"family": self.family, "since": self.since, "until": self.until, "table": self.table}
        words = [
            f"{name}={value:%Y-%m-%d}" if isinstance(value, datetime) else f"{name}={value}"
            for name, value in given.items()
            if value is not None
        ]
        return " ".join(words) or "all"


def count(connection: Connection, reach: Reach) -> int:
    """How many records are within reach, whatever tables they hold."""
    return connection.execute(select(func.count()).select_from(record).where(_within(reach))).scalar_one()


def some_records(connection: Connection, reach: Reach, after: bytes, limit: int) -> list[bytes]:
    """Up to `limit` record ids within reach, in their order, beyond `after`."""
    ids = select(record.c.record_id).where(record.c.record_id > after, _within(reach))
    return list(connection.execute(ids.order_by(record.c.record_id).limit(limit)).scalars())


def _within(reach: Reach) -> ColumnElement[bool]:
    wanted: ColumnElement[bool] = true()
    if reach.family is not None:
        wanted &= record.c.family == reach.family
    if reach.since is None and reach.until is None:
        return wanted
    v = record_version.c
    stands = (
        v.record_id == record.c.record_id,
        or_(v.person_id == record.c.person_id, v.person_id == any_(record.c.others)),
        or_(v.version == record.c.newest, v.version == record.c.shown),
    )
    return and_(wanted, select(v.version).where(*stands, _then(v.accepted_at, reach)).exists())


def _then(received: ColumnElement[datetime], reach: Reach) -> ColumnElement[bool]:
    since = received >= reach.since if reach.since is not None else true()
    return and_(since, received < reach.until if reach.until is not None else true())


@dataclass(frozen=True, slots=True)
class RefusedPiece:
    """A dossier that was refused, with who sent it and when."""

    piece: PieceRow
    client_id: str
    received_at: datetime


def some_refused(connection: Connection, reach: Reach, after: tuple[bytes, int], limit: int) -> Sequence[RefusedPiece]:
    """Up to `limit` refused dossiers received within reach, in the order of (submission, place in it), beyond `after`.

    Of which facility they are stands in them alone.
    """
    place = tuple_(piece.c.submission_id, piece.c.ordinal)
    columns = [piece.c[name] for name in PieceRow.__dataclass_fields__]
    rows = connection.execute(
        select(*columns, submission.c.client_id, submission.c.received_at)
        .join(submission, submission.c.submission_id == piece.c.submission_id)
        .where(piece.c.number_mark.is_not(None), place > after, _then(submission.c.received_at, reach))
        .order_by(piece.c.submission_id, piece.c.ordinal)
        .limit(limit)
    )
    return [RefusedPiece(PieceRow(*row[:-2]), row.client_id, row.received_at) for row in rows]
