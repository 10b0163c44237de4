"""What every use case needs of storage, in one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from ehr_sync.core.keys import ServiceKeys
from ehr_sync.store.database import Database
from ehr_sync.store.key_store import KeyStore
from ehr_sync.store.sealing import mark


@dataclass(frozen=True, slots=True)
class Stores:
    """The main database, the key store, the service's keys, and the destination that every person's lane leads to."""

    database: Database
    key_store: KeyStore
    keys: ServiceKeys = field(repr=False)
    destination: str

    def alias_of(self, subject: str) -> str:
        """Somebody as the audit log names them, always alike: by a keyed hash, as an identity provider may take a
        personal number or an e-mail address for the subject, and a login may say a name (P11).
        """
        return mark(self.keys.index, b"subject", subject.encode()).hex()
