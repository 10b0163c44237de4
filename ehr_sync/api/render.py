"""The answer to a submission in the reader's language; it was stored as codes."""

from __future__ import annotations

from typing import Any

from ehr_sync.api.language import Language
from ehr_sync.core.answers import Answer, FileResult, HosoResult
from mappings.issues import catalogue as issues
from mappings.sources import foresee


def dry_run(given: Answer, language: Language, base: str) -> dict[str, Any]:
    """As `answer`, of what was only tried: what nobody could know, and what would become of each HOSO."""
    unknown = [{"stage": stage, "why": why} for stage, why in foresee.not_known(foresee.DRY_RUN, language)]
    rendered = {"dryRun": True, "notKnown": unknown, **answer(given, language)}
    for file, result in zip(rendered["fileResults"], given.files, strict=True):
        for shown, hoso in zip(file["hoSo"], result.dossiers, strict=True):
            _show(shown, hoso, base)
    return rendered


def _show(rendered: dict[str, Any], hoso: HosoResult, base: str) -> None:
    rendered.update(foresee.told(hoso.foreseen, base) if hoso.foreseen else {"fhir": None, "trace": None})
    for shown, other in zip(rendered.get("otherRecords", ()), hoso.others, strict=True):
        _show(shown, other, base)


def record(given: Answer, language: Language, base: str, *, is_dry_run: bool) -> dict[str, Any]:
    """The answer to the one record that was sent, or only tried."""
    (file,) = given.files
    (result,) = file.dossiers
    rendered = _hoso(result, language)
    told = {"id": rendered.pop("maLK"), **rendered}
    if not is_dry_run:
        return {"batchId": given.batch_id, **told}
    unknown = [{"stage": stage, "why": why} for stage, why in foresee.not_known(foresee.DRY_RUN, language)]
    _show(told, result, base)
    return {"dryRun": True, "notKnown": unknown, **told}


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
