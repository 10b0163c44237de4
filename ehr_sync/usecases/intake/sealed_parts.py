"""A record of HIV (XML6) is kept under a key of its own: whoever has all keys of the service does not read it.

The part's content becomes a JWE for the break-glass key, inside rows that say nothing but that there is one, so that
the record stays withheld. https://www.rfc-editor.org/rfc/rfc7516
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from html import escape
from typing import Any, Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from ehr_sync.store.sealing import Unreadable
from ehr_sync.usecases.intake.archived_dossier import ANY_SIZE
from mappings.formats.source import Limits
from mappings.issues.catalogue import is_refusal
from mappings.model import APART, Dossier
from mappings.sources.dossier.reading.hoso import spans_of_hiv
from mappings.sources.dossier.tables import TABLES
from mappings.sources.dossier.withholding import HIV_TABLE, says_hiv_record

_ROOT, _ITEM = next((table.root, table.item) for table in TABLES if table.name == HIV_TABLE)
_TAG: Final = "NIEM_PHONG"
_SEALED: Final = re.compile(
    rf"<NOIDUNGFILE><{_ROOT}><D><{_ITEM}>.*?<{_TAG}>([\w.-]+</{_TAG}>.*?)</NOIDUNGFILE>".encode()
)
_BETWEEN: Final = re.compile(rf"</{_TAG}>.*?(?:<{_TAG}>|$)".encode())
# libxml2 reads no text of more than 10 MB: what is longer stands in several rows.
_LONGEST_TEXT: Final = 4_000_000
_PROTECTED: Final = {"alg": "ECDH-ES", "enc": "A256GCM"}
# What was sealed was within the limits of then: the library's own limit on what is opened (64 KB) is not ours.
_REGISTRY: Final = jwe.JWERegistry(algorithms=list(_PROTECTED.values()))
_REGISTRY.max_ciphertext_length = sys.maxsize


def seal_restricted(piece: bytes, dossier: Dossier, key: Mapping[str, Any], limits: Limits) -> bytes:
    """The piece with every part that is a record of HIV sealed for the break-glass key; the same bytes where none says
    anything. Of a dossier that is refused the tables may not show it: there each part is looked at.
    """
    if not says_hiv_record(dossier.tables) and not any(map(is_refusal, dossier.issues)):
        return piece
    sealed, end, public = [], 0, ECKey.import_key(dict(key))
    for start, stop in spans_of_hiv(piece, limits):
        token = jwe.encrypt_compact(_PROTECTED, piece[start:stop], public)
        sealed += [piece[end:start], _written(dossier.source_id, token)]
        end = stop
    return b"".join((*sealed, piece[end:]))


def unseal_restricted(piece: bytes, key: Mapping[str, Any]) -> bytes:
    """The piece as it came. Raises Unreadable where the key is not the one that it was sealed for."""
    private, opened, end = ECKey.import_key(dict(key)), [], 0
    # Only where a part of XML6 stands: elsewhere a sender's text may look like one that was sealed.
    for start, stop in spans_of_hiv(piece, ANY_SIZE):
        if found := _SEALED.fullmatch(piece, start, stop):
            opened += [piece[end:start], _opened(_BETWEEN.sub(b"", found[1]), private)]
            end = stop
    return b"".join((*opened, piece[end:]))


def _opened(token: bytes, private: ECKey) -> bytes:
    try:
        return bytes(jwe.decrypt_compact(token, private, registry=_REGISTRY).plaintext or b"")
    except (JoseError, ValueError):
        raise Unreadable("sealed.unreadable") from None


def _written(ma_lk: str, token: str) -> bytes:
    # What names no visit has an id of our making, which holds what no XML can.
    named = "" if APART in ma_lk else f"<MA_LK>{escape(ma_lk, quote=False)}</MA_LK>"
    texts = (token[at : at + _LONGEST_TEXT] for at in range(0, len(token), _LONGEST_TEXT))
    rows = "".join(f"<{_ITEM}>{named}<{_TAG}>{text}</{_TAG}></{_ITEM}>" for text in texts)
    return f"<NOIDUNGFILE><{_ROOT}><D>{rows}</D></{_ROOT}></NOIDUNGFILE>".encode()
