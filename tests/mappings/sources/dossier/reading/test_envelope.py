"""The first pass over an envelope: what it says of itself, where each HOSO stands, and what is refused whole."""

from __future__ import annotations

import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.sources.catalogue import source_of
from mappings.sources.dossier.reading.envelope import EnvelopeScan, Limits, SourceRefused, scan
from tests.mappings.formats.made import LIMITS, envelope

HOSO = "<FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>QQ==</NOIDUNGFILE></FILEHOSO>"


def scanned(content: bytes, limits: Limits = LIMITS) -> EnvelopeScan:
    return scan(io.BytesIO(content), limits)


def refusal(content: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(SourceRefused) as refused:
        scanned(content, limits)
    return refused.value.issue.code


def test_an_envelope_says_who_made_it_when_and_how_many() -> None:
    found = scanned(envelope(HOSO, HOSO))
    assert (found.facility_code, found.made_on, found.announced) == ("01001", date(2026, 6, 11), 2)
    assert found.issues == ()


def test_an_envelope_in_small_letters_says_the_same() -> None:
    found = scanned(envelope(HOSO, HOSO).lower())
    assert (found.facility_code, found.made_on, found.announced) == ("01001", date(2026, 6, 11), 2)
    assert (len(found.spans), found.issues) == (2, ())


def test_the_spans_are_exactly_the_hoso_elements() -> None:
    content = envelope(HOSO, "<!-- none -->" + HOSO, "")
    pieces = [content[start:end].decode() for start, end in scanned(content).spans]
    assert pieces == [f"<HOSO>{HOSO}</HOSO>", f"<HOSO><!-- none -->{HOSO}</HOSO>", "<HOSO></HOSO>"]


@pytest.mark.parametrize("between", ["", " ", "\r\n\t", "<!-- c -->", "<?p i?>", "<![CDATA[ ]]>"])
def test_a_span_ends_with_its_end_tag_whatever_follows(between: str) -> None:
    content = envelope(HOSO, HOSO).replace(b"</HOSO>", b"</HOSO \n>" + between.encode())
    assert [content[start:end][-9:] for start, end in scanned(content).spans] == [b"</HOSO \n>"] * 2


def test_a_self_closing_hoso_is_a_span_too() -> None:
    content = envelope("").replace(b"<HOSO></HOSO>", b"<HOSO />")
    assert [content[start:end] for start, end in scanned(content).spans] == [b"<HOSO />"]


@pytest.mark.parametrize("size", [1, 7, 65_536])
def test_spans_do_not_depend_on_how_the_source_is_cut(size: int) -> None:
    class Dripping(io.BytesIO):
        def read(self, _: int | None = -1, /) -> bytes:
            return super().read(size)

    content = envelope(HOSO, HOSO, HOSO)
    assert scan(Dripping(content), LIMITS).spans == scanned(content).spans


@pytest.mark.parametrize(
    "before", [b"\xef\xbb\xbf", b" \r\n\t", b"\xef\xbb\xbf \n"], ids=["mark", "space", "mark and space"]
)
def test_what_may_stand_before_the_declaration_is_passed_over(before: bytes) -> None:
    content = before + envelope(HOSO)
    ((start, end),) = scanned(content).spans
    assert content[start:end] == f"<HOSO>{HOSO}</HOSO>".encode()


@pytest.mark.parametrize("declared", [b"utf-16", b"windows-1258", b"UTF-8", b"iso-8859-1"])
def test_the_declared_encoding_is_not_believed(declared: bytes) -> None:
    content = envelope(HOSO).replace(b"utf-8", declared)
    assert scanned(content).facility_code == "01001"


def test_prefixes_and_namespaces_are_passed_over() -> None:
    content = envelope(HOSO).decode().replace("</", "</a:").replace("<H", "<a:H").replace("<FILE", "<a:FILE")
    for tag in ("GIAMDINHHS", "THONG", "MACSKCB", "NGAYLAP", "SOLUONG", "DANHSACH", "CHUKY", "LOAI", "NOIDUNG"):
        content = content.replace(f"<{tag}", f"<a:{tag}")
    content = content.replace("<a:GIAMDINHHS>", '<a:GIAMDINHHS xmlns:a="urn:x" xmlns="urn:y">')
    found = scanned(content.encode())
    assert (found.facility_code, len(found.spans)) == ("01001", 1)


@pytest.mark.parametrize(
    ("signature", "signed"),
    [("", False), (" \n ", False), ("<Signature><SignedInfo/></Signature>", True), ("MIIC", True)],
)
def test_a_signature_is_noticed_where_there_is_one(signature: str, signed: bool) -> None:
    assert scanned(envelope(HOSO, signature=signature)).signed is signed


COUNT = "GIAMDINHHS.THONGTINHOSO.SOLUONGHOSO"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (envelope(HOSO, facility=""), ("envelope.facility_missing", "GIAMDINHHS.THONGTINDONVI.MACSKCB", "")),
        (envelope(HOSO, made_on=""), ("envelope.made_on_invalid", "GIAMDINHHS.THONGTINHOSO.NGAYLAP", "yyyymmdd")),
        (
            envelope(HOSO, made_on="20261332"),
            ("envelope.made_on_invalid", "GIAMDINHHS.THONGTINHOSO.NGAYLAP", "yyyymmdd"),
        ),
        (envelope(HOSO, announced="một"), ("envelope.count_missing", COUNT, "1")),
        (envelope(HOSO, HOSO, announced="1"), ("envelope.more_than_announced", COUNT, "2")),
    ],
)
def test_an_envelope_that_says_too_little_or_too_few_warns_where_and_says_what_is_expected(
    content: bytes, told: tuple[str, str, str]
) -> None:
    assert [(issue.code, issue.path, issue.expected) for issue in scanned(content).issues] == [told]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (envelope(HOSO, announced="3"), ("file.truncated", COUNT, "3")),
        (envelope(announced="0"), ("file.no_dossier", COUNT, ">= 1 HOSO")),
    ],
)
def test_a_file_cut_short_or_empty_is_refused_by_what_it_announced(content: bytes, told: tuple[str, str, str]) -> None:
    with pytest.raises(SourceRefused) as refused:
        scanned(content)
    issue = refused.value.issue
    assert (issue.code, issue.path, issue.expected) == told


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.unreadable"),
        (b"   ", "file.unreadable"),
        (b"no xml", "file.unreadable"),
        (b'{"files": []}', "file.unreadable"),
        (envelope(HOSO)[:-40], "file.truncated"),
        (envelope(HOSO).replace(b"</FILEHOSO>", b""), "file.unreadable"),
        (envelope(HOSO).replace(b"QQ==", b"&a;"), "file.unreadable"),
        (envelope(HOSO) + b"<more/>", "file.unreadable"),
        (b"<HoSoBenhAn/>", "file.not_a_dossier"),
        (b"<giamdinhhs/>", "file.no_dossier"),
        (envelope(), "file.no_dossier"),
        (envelope(HOSO, announced="2"), "file.truncated"),
        (envelope(HOSO).replace(b"QQ==", b"Q\0Q="), "file.nul_byte"),
        (envelope(HOSO).replace(b"01001", "01001".encode("utf-16-le")), "file.nul_byte"),
        (envelope(HOSO).decode().encode("utf-16"), "file.encoding"),
        (envelope(HOSO).decode().encode("utf-16-le"), "file.encoding"),
        (envelope("<a>Ngô Thị</a>").decode().encode("cp1258", errors="replace"), "file.encoding"),
        (envelope("x").replace(b">x<", b">\xed\xa0\x80<"), "file.encoding"),  # half a surrogate pair
        (DECLARATION + BOMB + envelope(HOSO)[len(DECLARATION) :], "file.dtd_forbidden"),
        (DECLARATION + OUTSIDE + envelope(HOSO)[len(DECLARATION) :], "file.dtd_forbidden"),
        (envelope("<a>" * 100 + "</a>" * 100), "record.too_deep"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_code(content: bytes, code: str) -> None:
    assert refusal(content) == code


def test_a_health_check_is_one_record_from_the_first_byte_of_its_root_to_the_last() -> None:
    who = b"<THONGTINDONVI><MACSKCB>8939900000020</MACSKCB></THONGTINDONVI>"
    for root in (b"KHAMSUCKHOE", b"khamsuckhoe"):
        whole = b"<%s>%s<HOSO/><HOSO><MACSKCB>1</MACSKCB></HOSO></%s>" % (root, who, root)
        found = scanned(b"\xef\xbb\xbf" + DECLARATION + whole + b"\n")
        start, end = found.spans[0]
        assert (len(found.spans), end - start) == (1, len(whole))
        assert (found.facility_code, found.says_itself) == ("8939900000020", True)
        assert source_of(whole).name == "health_check"


def test_too_many_hoso_are_refused() -> None:
    few = Limits(request_dossiers=3)
    assert len(scanned(envelope(*[HOSO] * 3), few).spans) == 3
    assert refusal(envelope(*[HOSO] * 4), few) == "request.too_many_dossiers"


def test_a_source_beyond_the_limit_is_refused_without_being_read_on() -> None:
    assert refusal(envelope(HOSO * 2000), Limits(request_bytes=100_000)) == "file.too_large"


@pytest.mark.parametrize("many", ["<!-- y -->" * 300_000, "<A>y</A>" * 300_000, "y" * 3_000_000])
def test_a_large_file_of_short_tokens_is_none_with_an_endless_one(many: str) -> None:
    ((start, end),) = scanned(envelope(many)).spans
    assert end - start == len(f"<HOSO>{many}</HOSO>")


@pytest.mark.parametrize("token", ["<!--" + "y" * 3_000_000 + "-->", "<a b='" + "y" * 3_000_000 + "'/>"])
def test_one_endless_token_is_refused(token: str) -> None:
    assert refusal(envelope(token)) == "file.unreadable"


def test_a_refusal_says_nothing_of_what_was_sent() -> None:
    with pytest.raises(SourceRefused) as refused:
        scanned(b"<GIAMDINHHS><HO_TEN>TRAN THI BI MAT</GIAMDINHHS>")
    assert "BI MAT" not in repr(refused.value) + repr(refused.value.issue)
    assert refused.value.__suppress_context__


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(content: bytes) -> None:
    with pytest.raises(SourceRefused):
        scanned(content)


@given(st.data())
def test_any_damage_to_an_envelope_is_refused_or_read(data: st.DataObject) -> None:
    content = bytearray(envelope(HOSO, HOSO))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
    try:
        found = scanned(bytes(content))
    except SourceRefused:
        return
    assert all(bytes(content[start:]).lstrip(b"<").startswith(b"HOSO") for start, _ in found.spans)
