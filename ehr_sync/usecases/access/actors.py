"""How the audit log names people: by a keyed hash of what the identity provider calls them, since a provider may take
the personal number, or an e-mail address, for the subject (P11).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ehr_sync.core.ports import Login
from ehr_sync.store.audit import AuditEntry
from ehr_sync.usecases.stores import Stores


def actor_of(login: Login, stores: Stores, *, as_: str = "citizen") -> str:
    """The actor of an audit entry: `as_` says in which room they were ("citizen", "facility", "ops")."""
    return f"{as_}:{stores.alias_of(login.subject)}"


BY_APP: Final = " by app "


def through(entry: AuditEntry, login: Login) -> AuditEntry:
    """An entry that names the app through which somebody came, behind what was done: "read Observation by app x"."""
    return replace(entry, action=f"{entry.action}{BY_APP}{login.app.client_id}") if login.app else entry
