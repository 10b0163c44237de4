"""The words of a search that came in a body, for the address of its next page: nobody on the way reads them (P11)."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from ehr_sync.core.ports import Login
from ehr_sync.store.sealing import Unreadable, place, seal, unseal
from ehr_sync.usecases.stores import Stores


def hide_words(words: bytes, *, login: Login, stores: Stores) -> str:
    """The words, sealed for this person alone, in letters of an address."""
    return urlsafe_b64encode(seal(_key(stores), words, _place(login))).decode().rstrip("=")


def hidden_words(hidden: str, *, login: Login, stores: Stores) -> bytes | None:
    """The words of `hide_words`; None of anything else, and of what was sealed for somebody else."""
    try:
        sealed = urlsafe_b64decode(hidden + "=" * (-len(hidden) % 4))
        return unseal(_key(stores), sealed, _place(login))
    except (Error, ValueError, Unreadable):
        return None


def _key(stores: Stores) -> bytes:
    return hmac.digest(stores.keys.content, b"words of searches", "sha256")


def _place(login: Login) -> bytes:
    return place("search", "words", login.personal_number.encode())
