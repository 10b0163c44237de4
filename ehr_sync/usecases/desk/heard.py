"""What senders heard of their dossiers, from the answers that are kept, without what would tell of HIV (P9)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from ehr_sync.core.answers import HosoResult
from ehr_sync.store import submissions
from ehr_sync.usecases.intake import stored_answer
from ehr_sync.usecases.stores import Stores
from mappings.issues.catalogue import by_weight
from mappings.model import Issue
from mappings.restricted.fields import Kind, kind_of

_PATH: Final = re.compile(r"([A-Z0-9]+)(?:\[\d+\])?(?:\.(\w+))?")


def heard_of(connection: Connection, told_in: Mapping[str, bytes], stores: Stores) -> dict[str, HosoResult]:
    """What the sender heard of accepted dossiers (maGiaoDich → the submission whose answer told it), by maGiaoDich."""
    answers = submissions.answers_of(connection, stores.key_store, told_in.values())
    told = (hoso for answer in answers.values() for hoso in stored_answer.decode_some(answer, told_in.keys()))
    return {hoso.transaction_code: _shown(hoso) for hoso in told}


def named_in(connection: Connection, told_in: Mapping[str, bytes], stores: Stores) -> dict[str, str]:
    """The MA_LK of those of these maGiaoDich that are dossiers; what was cut out of a dossier has none of its own."""
    answers = submissions.answers_of(connection, stores.key_store, told_in.values())
    return {
        hoso.transaction_code: hoso.source_id
        for answer in answers.values()
        for hoso in stored_answer.decode_own(answer, told_in.keys())
    }


def refused_of(said: bytes) -> HosoResult:
    """What was kept of a refused one."""
    return _shown(stored_answer.decode_hoso(said))


def _shown(hoso: HosoResult) -> HosoResult:
    return replace(hoso, issues=by_weight(without_withheld(hoso.issues)))


def without_withheld(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Issues without those whose place alone tells of HIV: its table, and fields with such a name."""
    return tuple(issue for issue in issues if not _tells(issue.path))


def _tells(path: str) -> bool:
    found = _PATH.match(path)
    return found is not None and (found[1] == "XML6" or kind_of(found[2] or "") is Kind.HIV)
