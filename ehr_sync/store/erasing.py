"""Taking an erased person's rows out of every table."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, any_, delete, func, select, tuple_, update

from ehr_sync.core.keys import ServiceKeys
from ehr_sync.store import app_grants, people, reviews, verifications
from ehr_sync.store.identity_edges import CLAIM, NUMBER, check_claim, check_number
from ehr_sync.store.tables import (
    book_entry,
    claim,
    delivery,
    identifier,
    lane,
    person,
    piece,
    record,
    record_version,
    refusal,
)


def refused_of(connection: Connection, edge_key: bytes, people: Collection[UUID]) -> list[UUID]:
    """The nobodies under whom refused dossiers stand that claim a number of these people, or of one of their claims.
    Raises Unfit: with somebody else's number among theirs, somebody else's dossiers would be destroyed.
    """
    refused = piece.c.number_mark.is_not(None), piece.c.number_mark.in_(_numbers_of(connection, edge_key, people))
    return list(connection.execute(select(piece.c.person_id).where(*refused)).scalars())


def _numbers_of(connection: Connection, edge_key: bytes, people: Collection[UUID]) -> set[bytes]:
    numbers = set()
    for row in connection.execute(select(*NUMBER).where(identifier.c.person_id.in_(people))):
        check_number(edge_key, row)
        numbers.add(row.number_mark)
    for row in connection.execute(select(*CLAIM).where(claim.c.person_id.in_(people))):
        check_claim(edge_key, row)
        numbers.add(row.claim_number_mark)
    return numbers - {None}


def take_out(connection: Connection, keys: ServiceKeys, erased: Collection[UUID]) -> int:
    """Delete all that hangs from these people; their rows stay as tombstones. Returns how many were not yet out.

    Nobodies, who have no row, may be among them, and do not count.
    """
    connection.execute(delete(piece).where(piece.c.number_mark.is_not(None), piece.c.person_id.in_(erased)))
    present = list(
        connection.execute(
            select(person.c.person_id)
            .where(person.c.person_id.in_(erased), person.c.state != "erased")
            .order_by(person.c.person_id)
            .with_for_update()
        ).scalars()
    )
    if not present:
        return 0
    numbers = _numbers_of(connection, keys.edges, present)
    connection.execute(delete(refusal).where(refusal.c.number_mark.in_(numbers)))
    verifications.forget_numbers(connection, numbers)
    _leave_records_to_others(connection, present)
    for table in (lane, delivery, book_entry, record_version, piece):
        connection.execute(delete(table).where(table.c.person_id.in_(present)))
    _leave_farewells_to_others(connection, present)
    connection.execute(delete(record).where(record.c.person_id.in_(present)))
    # Somebody else's record may still have been shown to one of them: nobody is kept waiting for a key that is gone.
    shown = record.c.shown_person.in_(present)
    connection.execute(update(record).where(shown).values(shown=None, shown_person=None))
    gone = [*app_grants.take_out_of_people(connection, present), *reviews.take_out(connection, present)]
    people.forget(connection, keys, present, gone)
    return len(present)


def _leave_records_to_others(connection: Connection, erased: Collection[UUID]) -> None:
    """A record that somebody else is shown goes on as theirs, as it is shown; of any other no former holder keeps a
    version: its record, sent again, would begin anew beside it.
    """
    connection.execute(
        update(record)
        .where(record.c.person_id.in_(erased), record.c.shown_person.not_in(erased))
        .values(
            person_id=record.c.shown_person,
            others=func.array_remove(record.c.others, record.c.shown_person),
            newest=record.c.shown,
            patient_mark=None,
            day_mark=None,
        )
    )
    held = select(func.unnest(record.c.others), record.c.record_id).where(record.c.person_id.in_(erased))
    version = tuple_(record_version.c.person_id, record_version.c.record_id)
    connection.execute(delete(record_version).where(version.in_(held)))


def _leave_farewells_to_others(connection: Connection, erased: Collection[UUID]) -> None:
    """A record of an erased person that had left somebody else's book stays as theirs, without a version: their book
    may have still to hear that it left, and, sent again, it goes on counting from there.
    """
    their = book_entry.c
    theirs = (
        select(their.person_id)
        .where(their.record_id == record.c.record_id, their.person_id == any_(record.c.others))
        .where(their.person_id.not_in(erased))
        .order_by(their.person_id)
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(
        update(record)
        .where(record.c.person_id.in_(erased), theirs.is_not(None))
        .values(
            person_id=theirs,
            others=func.array_remove(record.c.others, theirs),
            newest=0,
            shown=None,
            shown_person=None,
            patient_mark=None,
            day_mark=None,
            withdrawn_at=None,
            withdrawn_why=None,
            twin=None,
        )
    )
