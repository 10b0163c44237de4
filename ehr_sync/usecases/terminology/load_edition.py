"""An operator loads an edition of a code list, or takes one back that was loaded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection

from ehr_sync.core.errors import EhrSyncError, NotFound
from ehr_sync.store import audit, code_lists
from ehr_sync.store.audit import AuditEntry
from ehr_sync.store.code_lists import LoadedEdition, NewEdition
from ehr_sync.usecases.stores import Stores
from ehr_sync.usecases.terminology.follow_editions import install_editions
from mappings.terminology import edition_file, editions
from mappings.terminology.edition_file import BadFile

_NAME: Final = re.compile(r"[^\x00-\x1f\x7f<>\s](?:[^\x00-\x1f\x7f<>]{0,78}[^\x00-\x1f\x7f<>\s])?")
_EARLIEST: Final = date(1900, 1, 1)


class BadEdition(EhrSyncError):
    """It cannot be loaded so. `code` is one sentence that says what to do, with what is wrong in further lines."""


@dataclass(frozen=True, slots=True)
class Told:
    """What loading it does, or would do: how many codes it has, and how many of those of the edition that ruled on its
    first day before it does not have, and has beside them.
    """

    number: int  # 0 where it was not loaded
    codes: int
    gone: int
    fresh: int


def load_edition(new: NewEdition, *, may_shrink: bool, dry_run: bool, by: str, stores: Stores) -> Told:
    """Load an edition of a list; one audit entry. Nothing changes where it raises BadEdition, or in a dry run.

    One with fewer than half of the codes that the list had looks cut short, and is loaded only where it `may_shrink`.
    """
    told = _look_at(new, may_shrink=may_shrink, stores=stores)
    if dry_run:
        return told
    digest = hashlib.sha256(new.content).hexdigest()
    with stores.database.begin() as connection:
        number = code_lists.add(connection, new)
        said = f"{new.list} number={number} from={new.first} to={new.last or '-'} codes={told.codes} sha256={digest}"
        _note(connection, "load code list", said, by, stores)
    install_editions(stores.database)
    return Told(number, told.codes, told.gone, told.fresh)


def withdraw_edition(number: int, *, by: str, stores: Stores) -> str:
    """Take back an edition that was loaded: what counted before it counts again. Returns the list; one audit entry.
    Raises NotFound where there is none of this number that counts.
    """
    now = stores.database.now()
    with stores.database.begin() as connection:
        name = code_lists.withdraw(connection, number, now)
        if name is None:
            raise NotFound("terminology.unknown")
        _note(connection, "withdraw code list", f"{name} number={number}", by, stores)
    install_editions(stores.database)
    return name


def loaded_editions(*, stores: Stores) -> Sequence[LoadedEdition]:
    """All that were ever loaded, in that order."""
    with stores.database.reading() as connection:
        return code_lists.loaded(connection)


def _look_at(new: NewEdition, *, may_shrink: bool, stores: Stores) -> Told:
    if new.list not in editions.names():
        raise BadEdition(f"Name a list that there is: {', '.join(sorted(editions.names()))}.")
    if _NAME.fullmatch(new.name) is None:
        raise BadEdition("Name the edition as its decree is called, in at most 80 characters.")
    if new.first < _EARLIEST or (new.last is not None and new.last < new.first):
        raise BadEdition("Let the edition begin in 1900 or later, and end no earlier than it begins.")
    install_editions(stores.database)
    before = editions.in_force(new.list, new.first)
    try:
        edition = edition_file.read(
            new.content,
            of=new.list,
            name=new.name,
            first=new.first,
            last=new.last or date.max,
            whole=new.whole,
        )
    except BadFile as bad:
        wrong = "\n  ".join(bad.problems)
        raise BadEdition(f"Mend the file; nothing was loaded:\n  {wrong}") from None
    had = set(before.names) if before is not None and not before.groups else set()
    told = Told(0, len(edition.names), len(had - edition.names.keys()), len(edition.names.keys() - had))
    if new.whole and not may_shrink and 2 * len(edition.names) < len(had):
        raise BadEdition(
            f"Say --shrinks if it is whole: it has {told.codes} codes, where the list had {len(had)} before; or"
            " --partial if it is not. Nothing was loaded."
        )
    return told


def _note(connection: Connection, action: str, said: str, by: str, stores: Stores) -> None:
    audit.write(connection, stores.keys.audit, [AuditEntry(f"ops:{stores.alias_of(by)}", action, None, said)])
