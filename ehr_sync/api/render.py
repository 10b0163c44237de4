"""The answer to a submission in the reader's language; it was stored as codes."""

from __future__ import annotations

from typing import Any

from ehr_sync.api.language import Language
from ehr_sync.core.answers import Answer, FileResult, HosoResult
from mappings.issues import catalogue as issues


def answer(given: Answer, language: Language) -> dict[str, Any]:
    """The answer as JSON values: batchId, totals, and one entry per file with its HOSO."""
    return {
        "batchId": given.batch_id,
        "totalSuccess": given.succeeded,
        "totalFailed": given.failed,
        "fileResults": [_file(result, language) for result in given.files],
    }


def _file(result: FileResult, language: Language) -> dict[str, Any]:
    return {
        "status": result.status,
        "issues": [issues.render(issue, language) for issue in result.issues],
        "hoSo": [_hoso(hoso, language) for hoso in result.dossiers],
    }


def _hoso(hoso: HosoResult, language: Language) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "maLK": hoso.source_id,
        "maGiaoDich": hoso.transaction_code,
        "status": hoso.status,
        "issues": [issues.render(issue, language) for issue in hoso.issues],
    }
    if hoso.superseded_by:
        rendered["supersededBy"] = hoso.superseded_by
    if hoso.others:
        rendered["otherRecords"] = [_hoso(other, language) for other in hoso.others]
    return rendered
