"""Of a file that was answered, only the dossiers that were refused, in the same form: to be mended and sent again."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection
from typing import BinaryIO, Final, Literal, cast

from ehr_sync.core.answers import Answer, FileResult
from ehr_sync.store.spool import Spool
from mappings.formats import base64_reading, json_batch
from mappings.formats.source import Limits, SourceRefused
from mappings.sources.dossier.reading.envelope import scan

FileKind = Literal["xml", "json"]

_ANNOUNCED: Final = re.compile(rb"(?i)(<(?:[\w.-]+:)?SOLUONGHOSO\b[^<>]*>)[^<>]*(</)")


def refused_part(
    source: Spool, media_type: FileKind, answer: Answer, limits: Limits, spool: Callable[[], Spool]
) -> bytes:
    """The refused dossiers in their envelope, SOLUONGHOSO as many as there are left; of a batch the files that have
    some. What cannot be read, or was refused as a whole, stays as it came. A signature of the envelope fits no more.
    """
    if media_type == "xml":
        try:
            return _of_xml(source, answer.files[0], limits)
        except SourceRefused:  # it is base64 as a whole
            return _all(source)
    try:
        places = json_batch.scan_batch(cast(BinaryIO, source), limits).files
    except SourceRefused:
        return _all(source)
    wanted = [
        _of_base64(source, start, stop, file, limits, spool)
        for (start, stop), file in zip(places, answer.files, strict=True)
        if file.status != "accepted"
    ]
    return _bytes(source, 0, places[0][0] - 1) + b",".join(wanted) + _bytes(source, places[-1][1] + 1, source.size)


def _of_base64(
    source: Spool, start: int, stop: int, file: FileResult, limits: Limits, spool: Callable[[], Spool]
) -> bytes:
    if not file.dossiers:
        return b'"' + _bytes(source, start, stop) + b'"'
    with spool() as decoded:
        base64_reading.decode_file(cast(BinaryIO, source), start, stop, cast(BinaryIO, decoded), limits)
        decoded.finish()
        return b'"' + base64.b64encode(_of_xml(decoded, file, limits)) + b'"'


def _of_xml(source: Spool, file: FileResult, limits: Limits) -> bytes:
    wanted = {position for position, hoso in enumerate(file.dossiers) if hoso.status == "refused"}
    return _with_only(source, wanted, limits) if wanted else _all(source)


def _with_only(source: Spool, wanted: Collection[int], limits: Limits) -> bytes:
    spans = scan(cast(BinaryIO, source), limits).spans
    head, tail = _bytes(source, 0, spans[0][0]), _bytes(source, spans[-1][1], source.size)
    head = _ANNOUNCED.sub(rb"\g<1>%d\g<2>" % len(wanted), head)
    return head + b"\n".join(_bytes(source, *spans[position]) for position in sorted(wanted)) + tail


def _all(source: Spool) -> bytes:
    return _bytes(source, 0, source.size)


def _bytes(source: Spool, start: int, stop: int) -> bytes:
    source.seek(start)
    return source.read(stop - start)
