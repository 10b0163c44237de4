"""An answer as it is kept: codes only, rendered anew for each reader."""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Any

from ehr_sync.core.answers import Answer, FileResult, HosoResult
from mappings.model import Issue


def encode(answer: Answer) -> bytes:
    """The answer as JSON."""
    files = [[f.status, _issues(f.issues), [_hoso(d) for d in f.dossiers]] for f in answer.files]
    return json.dumps([answer.batch_id, files], ensure_ascii=False).encode()


def decode(encoded: bytes) -> Answer:
    """The opposite of `encode`."""
    batch, files = json.loads(encoded)
    return Answer(batch, tuple(FileResult(s, _to_issues(i), tuple(map(_to_hoso, d))) for s, i, d in files))


def decode_some(encoded: bytes, codes: Container[str]) -> list[HosoResult]:
    """Of the opposite of `encode`, the results of these maGiaoDich alone: an envelope may hold thousands."""
    _, files = json.loads(encoded)
    told = (kept for _, _, dossiers in files for hoso in dossiers for kept in (hoso, *_others(hoso)))
    return [_to_hoso(kept) for kept in told if kept[1] in codes]


def decode_own(encoded: bytes, codes: Container[str]) -> list[HosoResult]:
    """The same without what was cut out of dossiers."""
    _, files = json.loads(encoded)
    return [_to_hoso(hoso) for _, _, dossiers in files for hoso in dossiers if hoso[1] in codes]


def encode_hoso(result: HosoResult) -> bytes:
    """One HOSO's result as JSON."""
    return json.dumps(_hoso(result), ensure_ascii=False).encode()


def decode_hoso(encoded: bytes) -> HosoResult:
    """The opposite of `encode_hoso`."""
    return _to_hoso(json.loads(encoded))


def _issues(issues: tuple[Issue, ...]) -> list[list[str]]:
    return [[issue.code, issue.path, issue.expected] for issue in issues]


def _hoso(result: HosoResult) -> list[Any]:
    issues = _issues(result.issues)
    others = [_hoso(other) for other in result.others]
    return [result.source_id, result.transaction_code, result.status, issues, result.superseded_by, others]


def _to_issues(kept: list[list[str]]) -> tuple[Issue, ...]:
    return tuple(Issue(*words) for words in kept)


def _to_hoso(kept: list[Any]) -> HosoResult:
    source_id, code, status, issues, superseded_by, *_ = kept
    others = tuple(map(_to_hoso, _others(kept)))
    return HosoResult(source_id, code, status, _to_issues(issues), superseded_by, others)


def _others(kept: list[Any]) -> list[Any]:
    return kept[5] if len(kept) > 5 else []  # none were told before XML9 and XML15 were mapped
