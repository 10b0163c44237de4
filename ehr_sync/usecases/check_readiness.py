"""Can this process keep its promises now? Databases there, durable, migrated (P1), nothing foreign in them (P10)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from sqlalchemy import Connection

from ehr_sync.core.errors import Unavailable
from ehr_sync.store import destinations, readiness
from ehr_sync.store.database import Database, DatabaseFault


def check_readiness(
    *, database: Database, key_database: Database, undone_erasures: Callable[[], Collection[UUID]]
) -> Mapping[str, bool]:
    """Each thing that must be so, and whether it is. Never raises for a database that is away.

    That the service's keys open both is checked once, when they are opened at start.
    """
    return {
        "database": _is(database, readiness.is_there),
        "durability": _is(database, readiness.is_durable),
        "migrations": _is(database, lambda connection: readiness.is_migrated(connection, "main")),
        "untouched": _is(database, lambda connection: not readiness.strangers(connection, "main")),
        "key_store": _is(key_database, readiness.is_there),
        "key_store_durability": _is(key_database, readiness.is_durable),
        "key_store_migrations": _is(key_database, lambda connection: readiness.is_migrated(connection, "keys")),
        "key_store_untouched": _is(key_database, lambda connection: not readiness.strangers(connection, "keys")),
        "erasures": _is_none(undone_erasures),  # no older key store was put under us
    }


def _is_none(found: Callable[[], Collection[UUID]]) -> bool:
    try:
        return not found()
    except (Unavailable, DatabaseFault):
        return False


def tell_books(database: Database) -> Mapping[str, Mapping[str, object]]:
    """How each health book of which anything is known stands: fenced (None: not asked yet), and why it is paused."""
    try:
        with database.begin() as connection:
            known = destinations.all_standing(connection)
    except (Unavailable, DatabaseFault):
        return {}
    return {each.name: {"fenced": each.fenced, "paused": each.paused} for each in known}


def _is(database: Database, so: Callable[[Connection], bool]) -> bool:
    try:
        with database.begin() as connection:
            return so(connection)
    except (Unavailable, DatabaseFault):
        return False
