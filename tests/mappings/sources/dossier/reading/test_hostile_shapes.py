"""Bodies that are small or well-formed and cost a reader without bounds minutes or gigabytes."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable

import pytest

from mappings.formats.archive import pack, unpack
from mappings.model import Dossier
from mappings.sources.dossier.reading.envelope import EnvelopeScan, Limits, read_hoso
from mappings.sources.dossier.reading.tables import TableRefused, read_table

SECONDS = 4.0
"""Far more than any of these takes, far less than it took before it was bounded."""
NOTHING_SAID = EnvelopeScan("01001", None, None, (), signed=False, issues=())
LIST = b"<CHITIEU_CHITIET_DIENBIENLAMSANG>%s</CHITIEU_CHITIET_DIENBIENLAMSANG>"
ITEM = b"CHI_TIET_DIEN_BIEN_BENH"


def timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize(
    "text",
    [
        b"NOIDUNGFILE" * 200_000,
        b"NOIDUNGFILE>" * 200_000,
        b"<NOIDUNGFILE><![CDATA[" + b"NOIDUNGFILE><![CDATA[" * 100_000 + b"]]>",
        b"NOIDUNGFILE> " + b" " * 2_000_000,
    ],
)
def test_a_text_that_looks_like_many_contents_is_packed_in_linear_time(text: bytes) -> None:
    piece = b"<HOSO>" + text + b"</HOSO>"
    assert timed(lambda: pack(piece)) < SECONDS
    assert unpack(pack(piece)) == piece


def read(piece: bytes) -> Dossier:
    return read_hoso(piece, NOTHING_SAID, 1, Limits())


@pytest.mark.parametrize("content", [b"!", b64encode(b"<A><B>1</B></A>")])
def test_a_record_in_very_many_parts_is_refused_with_one_code(content: bytes) -> None:
    part = b"<FILEHOSO><LOAIHOSO>X</LOAIHOSO><NOIDUNGFILE>%s</NOIDUNGFILE></FILEHOSO>" % content
    dossiers: list[Dossier] = []
    seconds = timed(lambda: dossiers.append(read(b"<HOSO>" + part * 100_000 + b"</HOSO>")))

    assert [(issue.code, issue.path) for issue in dossiers[0].issues] == [("record.too_large", "HOSO[1]")]
    assert seconds < SECONDS


def test_what_is_odd_in_every_row_is_told_twenty_times() -> None:
    rows = (b"<%s><MA_LK>1</MA_LK><MA_LK>1</MA_LK></%s>" % (ITEM, ITEM)) * 1_000
    _, read_rows, issues = read_table("XML5", LIST % rows, Limits())
    assert (len(read_rows), [issue.code for issue in issues]) == (1_000, ["tag.repeated"] * 20)


def test_attributes_count_as_elements_do() -> None:
    rows = (b"<X " + b" ".join(b"a%d=''" % n for n in range(20)) + b"/>") * 1_000
    with pytest.raises(TableRefused) as refused:
        read_table("XML5", LIST % rows, Limits(table_rows=100))
    assert refused.value.code == "record.too_many_rows"


@pytest.mark.parametrize("prefix", ["", "p%d:"])
def test_rows_inside_rows_do_not_say_the_same_text_again_and_again(prefix: str) -> None:
    names = [(prefix % n if "%" in prefix else prefix).encode() + ITEM for n in range(40)]
    opening = b"".join(b"<%s><X>" % name for name in names)
    closing = b"".join(b"</X></%s>" % name for name in reversed(names))
    _, rows, _ = read_table("XML5", LIST % (opening + b"a" * 100_000 + closing), Limits())
    assert sum(len(value) for row in rows for value in row.values()) == 100_000
