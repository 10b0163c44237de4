"""Tests of locks wait until a lock is waited for, and no longer."""

from __future__ import annotations

from threading import Event

from sqlalchemy import text

from ehr_sync.store.database import Database


def wait_until_somebody_waits(database: Database) -> None:
    pause = Event()
    for _ in range(500):
        with database.begin() as connection:
            if connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar():
                return
        pause.wait(0.01)
    raise AssertionError("nobody waits")
