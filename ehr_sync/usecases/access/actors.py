"""How the audit log names people: by a keyed hash of what the identity provider calls them, since a provider may take
the personal number, or an e-mail address, for the subject (P11).
"""

from __future__ import annotations

from ehr_sync.core.ports import Login
from ehr_sync.usecases.stores import Stores


def actor_of(login: Login, stores: Stores, *, as_: str = "citizen") -> str:
    """The actor of an audit entry: `as_` says in which room they were ("citizen", "facility", "ops")."""
    return f"{as_}:{stores.alias_of(login.subject)}"
