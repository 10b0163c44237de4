"""What facilities sent, byte for byte: the skeleton under the submission's key, each HOSO under its person's.

A refused HOSO is under a person of its own, who is nobody: only a key, and no row among the people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ehr_sync.store.edges import seal_of
from ehr_sync.store.identity_edges import edge_of_person
from ehr_sync.store.key_store import KeyStore
from ehr_sync.store.packing import Words, pack, unpack
from ehr_sync.store.records import unwrap, wrap
from ehr_sync.store.sealing import new_key, place, seal, unseal
from ehr_sync.store.statement import Statement, among
from ehr_sync.store.tables import idempotency, person, piece, submission


@dataclass(frozen=True, slots=True)
class NewPiece:
    """One HOSO's bytes, packed, and whose they are. `number_mark` is a refused one's, empty where it has no number."""

    ordinal: int
    person_id: UUID
    body: bytes = field(repr=False)
    number_mark: bytes | None = None


@dataclass(frozen=True, slots=True)
class SubmissionKey:
    """The key of one submission, in the clear and wrapped."""

    submission_id: bytes
    key: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ending:
    """What is written with the last chunk: what stands between the pieces, and the answer."""

    skeleton: bytes = field(repr=False)
    answer: bytes = field(repr=False)


def new_submission_key(store: KeyStore, submission_id: bytes) -> SubmissionKey:
    """A fresh key for a submission."""
    key = new_key()
    return SubmissionKey(submission_id, key, store.wrap(key, _key_place(submission_id)))


def begin_submissions(connection: Connection, new: Sequence[tuple[SubmissionKey, str, str, Ending | None]]) -> bool:
    """Keep submissions (key, client, media type), each with its ending where its only chunk is kept in the same
    transaction; False where the same client's same bytes of one are kept already.
    """
    # In one order: two transactions with the same bytes wait for each other once.
    rows = [_submission_row(*each) for each in sorted(new, key=lambda each: each[0].submission_id)]
    return _BEGIN.count(connection, rows) == len(rows)


def _submission_row(key: SubmissionKey, client_id: str, media_type: str, ending: Ending | None) -> dict[str, Any]:
    return {
        "submission_id": key.submission_id,
        "client_id": client_id,
        "media_type": media_type,
        "wrapped_key": key.wrapped,
        **(_sealed_ending(key, ending) if ending else {"skeleton": None, "answer": None}),
    }


_BEGIN = Statement(
    upsert(submission).on_conflict_do_nothing(),
    ("submission_id", "client_id", "media_type", "wrapped_key", "skeleton", "answer"),
)


def _sealed_ending(key: SubmissionKey, ending: Ending) -> dict[str, bytes]:
    id_ = key.submission_id
    return {
        "skeleton": seal(key.key, pack(ending.skeleton, Words.ENDINGS), place("submission", "skeleton", id_)),
        "answer": seal(key.key, pack(ending.answer, Words.ENDINGS), place("submission", "answer", id_)),
    }


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """A submission that is kept: its key, and its answer where it was answered."""

    key: SubmissionKey
    answer: bytes | None = field(repr=False)


def submission_of(connection: Connection, store: KeyStore, submission_id: bytes) -> SubmissionRow | None:
    """The submission, or None where it is not kept."""
    row = _KEPT.row(connection, id_=submission_id)
    if row is None:
        return None
    key = SubmissionKey(submission_id, store.unwrap(row.wrapped_key, _key_place(submission_id)), row.wrapped_key)
    where = place("submission", "answer", submission_id)
    return SubmissionRow(key, unpack(unseal(key.key, row.answer, where)) if row.answer else None)


_KEPT = Statement(
    select(submission.c.wrapped_key, submission.c.answer).where(submission.c.submission_id == bindparam("id_"))
)


def known(connection: Connection, submission_ids: Collection[bytes]) -> set[bytes]:
    """Those of these submissions that are kept, whole or begun."""
    return {row.submission_id for row in _KNOWN.rows(connection, ids=list(submission_ids))}


_KNOWN = Statement(select(submission.c.submission_id).where(among(submission.c.submission_id, "ids")))


def answers_of(connection: Connection, store: KeyStore, submission_ids: Iterable[bytes]) -> dict[bytes, bytes]:
    """The answers to these submissions; one that was never answered is not among them. Raises Unreadable."""
    found = {}
    for row in _ANSWERS.rows(connection, ids=list(set(submission_ids))):
        key = store.unwrap(row.wrapped_key, _key_place(row.submission_id))
        found[row.submission_id] = unpack(unseal(key, row.answer, place("submission", "answer", row.submission_id)))
    return found


_ANSWERS = Statement(
    select(submission.c.submission_id, submission.c.wrapped_key, submission.c.answer).where(
        among(submission.c.submission_id, "ids"), submission.c.answer.is_not(None)
    )
)


def end_submission(connection: Connection, key: SubmissionKey, ending: Ending) -> None:
    """Keep what stands between the pieces, and the answer as codes."""
    connection.execute(
        update(submission).where(submission.c.submission_id == key.submission_id).values(_sealed_ending(key, ending))
    )


def claim_idempotency_key(connection: Connection, client_id: str, key_mark: bytes, submission_id: bytes) -> bytes:
    """The submission that this client's key stands for: this one, or the one that used the key first."""
    connection.execute(
        upsert(idempotency)
        .values(client_id=client_id, key_mark=key_mark, submission_id=submission_id)
        .on_conflict_do_nothing()
    )
    return bytes(
        connection.execute(
            select(idempotency.c.submission_id).where(
                idempotency.c.client_id == client_id, idempotency.c.key_mark == key_mark
            )
        ).scalar_one()
    )


def add_pieces(
    connection: Connection,
    edge_key: bytes,
    new: Sequence[tuple[SubmissionKey, Sequence[NewPiece]]],
    person_keys: Mapping[UUID, bytes],
) -> None:
    """Keep submissions' pieces; one that is kept already (the same bytes again) is left as it is, except that one which
    was refused and is accepted now belongs to its person from then on.
    """
    # In one order: two requests with the same bytes may write the same pieces at once.
    named = sorted(((key, one) for key, some in new for one in some), key=lambda n: (n[0].submission_id, n[1].ordinal))
    if _ADD_PIECE.count(connection, [_piece_row(key, one, person_keys) for key, one in named]) < len(named):
        for key, some in new:
            _take_over(
                connection, edge_key, key, {one.ordinal: one.person_id for one in some if one.number_mark is None}
            )


_ADD_PIECE = Statement(upsert(piece).on_conflict_do_nothing())


def _piece_row(key: SubmissionKey, new: NewPiece, person_keys: Mapping[UUID, bytes]) -> dict[str, Any]:
    row_key = new_key()
    where = _piece_place(key.submission_id, new.ordinal)
    wrapped = wrap(person_keys[new.person_id], new.person_id, row_key, where)
    return {
        "submission_id": key.submission_id,
        "ordinal": new.ordinal,
        "person_id": new.person_id,
        "wrapped_key": wrapped,
        "body": seal(row_key, new.body, where),
        "number_mark": new.number_mark,
    }


def _take_over(connection: Connection, edge_key: bytes, key: SubmissionKey, owners: Mapping[int, UUID]) -> None:
    """Move the nobody of what was refused before into whose it is now. The piece stays as it is, and older backups with
    it: erasing somebody destroys the keys of all who were moved into them.
    """
    theirs = piece.c.submission_id == key.submission_id, piece.c.ordinal.in_(owners)
    refused = connection.execute(
        update(piece)
        .where(*theirs, piece.c.number_mark.is_not(None))
        .values(number_mark=None)
        .returning(piece.c.person_id, piece.c.ordinal)
    ).all()
    if refused:
        connection.execute(insert(person), [_moved_nobody(edge_key, p, owners[ordinal]) for p, ordinal in refused])


def _moved_nobody(edge_key: bytes, person_id: UUID, owner: UUID) -> dict[str, Any]:
    edge = edge_of_person(person_id, "merged", owner, None)  # as it is born, so sealed with 0
    return {"person_id": person_id, "state": "merged", "merged_into": owner, "seal": seal_of(edge_key, edge, 0)}


@dataclass(frozen=True, slots=True)
class PieceRow:
    """A piece as it is kept, not yet opened. It stays under the person it came for, also when that one was moved."""

    submission_id: bytes
    ordinal: int
    person_id: UUID
    wrapped_key: bytes = field(repr=False)
    body: bytes = field(repr=False)


_PIECE = [piece.c[name] for name in PieceRow.__dataclass_fields__]


def pieces(connection: Connection, keys: Collection[tuple[bytes, int]]) -> list[PieceRow]:
    """The pieces of these (submission, ordinal)."""
    query = select(*_PIECE).where(tuple_(piece.c.submission_id, piece.c.ordinal).in_(keys))
    return [PieceRow(**row._asdict()) for row in connection.execute(query)]


def open_piece(row: PieceRow, person_key: bytes) -> bytes:
    """The packed bytes of a piece that belongs to a person. Raises Unreadable."""
    where = _piece_place(row.submission_id, row.ordinal)
    return unseal(unwrap(person_key, row.person_id, row.wrapped_key, where), row.body, where)


def skeleton_of(connection: Connection, key: SubmissionKey) -> bytes:
    """What stands between the pieces. Raises KeyError where the submission was never ended."""
    sealed = connection.execute(
        select(submission.c.skeleton).where(submission.c.submission_id == key.submission_id)
    ).scalar_one()
    if sealed is None:
        raise KeyError("the last chunk of the submission has never come")
    return unpack(unseal(key.key, sealed, place("submission", "skeleton", key.submission_id)))


def _key_place(submission_id: bytes) -> bytes:
    return place("submission", "wrapped_key", submission_id)


def _piece_place(submission_id: bytes, ordinal: int) -> bytes:
    return place("piece", "body", submission_id, ordinal)


_KEYS_ARE_KEPT = timedelta(days=7)


def forget_old_idempotency_keys(connection: Connection) -> None:
    """Forget Idempotency-Keys older than a week; the same bytes have no second effect ever after either."""
    connection.execute(delete(idempotency).where(idempotency.c.created_at < func.now() - _KEYS_ARE_KEPT))
