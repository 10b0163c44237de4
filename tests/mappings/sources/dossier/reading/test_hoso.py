"""One HOSO read: every way in which exporters write NOIDUNGFILE, and what refuses the record alone."""

from __future__ import annotations

import io
import re
import textwrap
from base64 import b64encode
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.sources.dossier.checking import check
from mappings.sources.dossier.reading.envelope import Limits, read_hoso, scan
from tests.mappings.formats.made import (
    DRUG,
    LIMITS,
    SUMMARY,
    TABLES,
    base64,
    codes,
    envelope,
    leaves,
    part,
    parts,
    read,
    read_parts,
    table,
)

XML1 = table("XML1", TABLES["XML1"])
XML1_WITH_MARK = "\ufeff" + XML1
DECLARED_UTF16 = '<?xml version="1.0" encoding="utf-16"?>\n' + XML1
WRAPPED = "\r\n".join(textwrap.wrap(base64(XML1), 76))


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@pytest.mark.parametrize(
    "content",
    [
        base64(XML1),
        WRAPPED,
        f"\n   {WRAPPED}\n  ",
        base64(XML1).replace("A", " A "),
        base64(XML1 + " ").rstrip("="),
        f"<![CDATA[{base64(XML1)}]]>",
        base64(XML1_WITH_MARK),
        base64(DECLARED_UTF16),
        base64(XML1.encode("utf-16")),
        XML1,
        f"\n  {XML1}\n",
        f"<!-- a copy -->{XML1}",
        f"<![CDATA[{XML1}]]>",
        f"<![CDATA[{DECLARED_UTF16}]]>",
        f"\ufeff{escaped(XML1)}",
        escaped(XML1),
        XML1.replace("<", "<hs:").replace("<hs:/", "</hs:"),
        XML1.replace("<TONG_HOP>", '<TONG_HOP xmlns="urn:x" xsi:nil="false">'),
        XML1.replace("<MA_LK>LK0001<", "<MA_LK><![CDATA[LK0001]]><"),
        XML1.replace("<MA_LK>LK0001<", "<GHI_CHU><![CDATA[]]></GHI_CHU><MA_LK>LK<!-- x -->00<![CDATA[01]]><"),
        XML1.replace("<MA_LK>", "<GHI_CHU/><GHI_CHU2></GHI_CHU2><MA_LK>\n  \t"),
    ],
)
def test_every_way_of_writing_a_table_says_the_same(content: str) -> None:
    plain = read_parts(part("XML1", base64(XML1)))
    dossier = read_parts(part("XML1", content))
    assert dossier.tables["XML1"] == (SUMMARY,)
    assert (dossier.issues, dossier.content_hash) == ((), plain.content_hash)


@pytest.mark.parametrize("written", ["XML1", "xml1", " XML 1\n", "XML01", "Xml-1", ""])
def test_a_tables_name_is_known_however_it_is_written(written: str) -> None:
    assert read_parts(part(written, base64(XML1))).tables == {"XML1": (SUMMARY,)}


@pytest.mark.parametrize("nothing", ["", " \n ", "<![CDATA[]]>", base64(""), base64("  "), base64("\ufeff")])
def test_a_blank_table_is_there_with_no_rows(nothing: str) -> None:
    assert read_parts(part("XML2", nothing)).tables == {"XML2": ()}


def test_a_self_closing_content_is_an_empty_table() -> None:
    assert read_parts("<FILEHOSO><LOAIHOSO>XML2</LOAIHOSO><NOIDUNGFILE/></FILEHOSO>").tables == {"XML2": ()}


def test_a_table_with_empty_lists_has_no_rows() -> None:
    assert read_parts(part("XML2", base64(table("XML2", [])))).tables == {"XML2": ()}


def test_rows_of_several_files_of_one_table_are_joined_in_order() -> None:
    second = {**DRUG, "STT": "2", "TEN_THUOC": "Paracetamol"}
    dossier = read_parts(part("XML2", base64(table("XML2", [DRUG]))) + part("xml2", base64(table("XML2", [second]))))
    assert dossier.tables == {"XML2": (DRUG, second)}


def test_unknown_tables_and_tags_are_kept() -> None:
    inside = "<GIAY_MOI><DS><DONG><MA_LK>LK0001</MA_LK><TAG_MOI>a</TAG_MOI></DONG><DONG><B>b</B></DONG></DS></GIAY_MOI>"
    dossier = read_parts(parts(TABLES) + part("XML99", base64(inside)) + part("GIAY", base64("<X><A>1</A></X>")))
    assert dossier.tables["XML99"] == ({"MA_LK": "LK0001", "TAG_MOI": "a"}, {"B": "b"})
    assert dossier.tables["OTHER"] == ({"A": "1"},)
    assert dossier.unmapped == ("XML99", "OTHER")
    assert [issue.path for issue in dossier.issues if issue.code == "table.not_mapped"] == ["XML99", "OTHER"]


def test_a_dossier_names_its_facility_before_the_envelopes() -> None:
    one = {**SUMMARY, "MA_CSKCB": "01C51"}
    dossier = read(envelope(part("XML1", base64(table("XML1", [one])))))
    assert (dossier.facility_code, dossier.source_id) == ("01C51", "LK0001")


def test_an_amendment_without_a_summary_is_named_by_its_rows() -> None:
    dossier = read_parts(part("XML2", base64(table("XML2", [DRUG]))))
    assert (dossier.source_id, dossier.facility_code) == ("LK0001", "01001")


def test_markup_inside_a_value_is_read_as_its_text() -> None:
    note = "<NOTE/><MO_TA>a <b>đậm</b> c</MO_TA><KET_LUAN><![CDATA[<!DOCTYPE html><p>x</p>]]></KET_LUAN>"
    xml = table("XML4", [{"MA_LK": "LK0001"}]).replace("</MA_LK>", "</MA_LK>" + note)
    rows = read_parts(part("XML4", base64(xml))).tables["XML4"]
    assert rows == ({"MA_LK": "LK0001", "MO_TA": "a đậm c", "KET_LUAN": "<!DOCTYPE html><p>x</p>"},)


def test_a_tag_given_twice_keeps_the_first_and_warns() -> None:
    xml = XML1.replace("<MA_LK>", "<MA_LK>FIRST</MA_LK><MA_LK>")
    dossier = read_parts(part("XML1", base64(xml)))
    assert dossier.source_id == "FIRST"
    assert [(issue.code, issue.path) for issue in dossier.issues] == [("tag.repeated", "XML1[1].MA_LK")]


def one_row(row: dict[str, str]) -> str:
    """A table of one row under elements of nobody's: its name alone says which it is."""
    return f"<BANG><DONG>{leaves(row)}</DONG></BANG>"


@pytest.mark.parametrize(
    ("name", "tag", "sent", "kept"),
    [
        ("XML0", "MA_LOAI_KCB", "1", "01"),
        ("XML1", "MA_LOAI_KCB", "1", "01"),
        ("XML1", "MA_DANTOC", "1", "01"),
        ("XML1", "MA_QUOCTICH", "0", "000"),
        ("XML1", "MA_NGHE_NGHIEP", "0", "00000"),
        ("XML1", "MA_TTDV", "100000001", "0100000001"),
        ("XML1", "MA_TTDV", "99090000017", "099090000017"),
        ("XML7", "MA_TTDV", "100000001", "0100000001"),
        ("XML7", "MA_ME", "99190000017", "099190000017"),
        ("XML7", "MA_CHA", "100000001", "0100000001"),
        ("XML8", "MA_LOAI_KCB", "3", "03"),
        ("XML8", "MA_TTDV", "100000001", "0100000001"),
        ("XML9", "MA_DANTOC_NND", "1", "01"),
        ("XML9", "MA_QUOCTICH", "0", "000"),
        ("XML9", "MA_BHXH_NND", "100000001", "0100000001"),
        ("XML10", "MA_TTDV", "100000001", "0100000001"),
        ("XML11", "MA_BHXH", "100000001", "0100000001"),
        ("XML13", "MA_NGHE_NGHIEP", "0", "00000"),
        ("XML14", "MA_TTDV", "100000001", "0100000001"),
    ],
)
def test_leading_zeros_that_a_numeric_export_lost_are_given_back(name: str, tag: str, sent: str, kept: str) -> None:
    dossier = read_parts(part(name, base64(one_row({"MA_LK": "LK0001", tag: sent}))))
    assert dossier.tables[name][0][tag] == kept
    assert [issue.path for issue in dossier.issues if issue.code == "value.padded"] == [f"{name}[1].{tag}"]


@pytest.mark.parametrize(
    ("name", "tag", "value"),
    [
        ("XML1", "MA_LOAI_KCB", "01"),
        ("XML1", "MA_LOAI_KCB", "100"),
        ("XML1", "MA_DANTOC", "x"),
        ("XML1", "MA_DANTOC", "\uff11"),
        ("XML1", "MA_TTDV", "0100000001"),
        ("XML1", "MA_TTDV", "099090000017"),
        ("XML1", "MA_TTDV", "1234567890123"),
        ("XML1", "MA_KHUVUC", "1"),
        ("XML3", "MA_NHOM", "1"),
        ("XML3", "MA_LOAI_KCB", "1"),  # of no such table
        ("XML99", "MA_LOAI_KCB", "1"),
    ],
)
def test_a_code_that_lost_no_zeros_stays_as_it_came(name: str, tag: str, value: str) -> None:
    dossier = read_parts(part(name, base64(one_row({"MA_LK": "LK0001", tag: value}))))
    assert dossier.tables[name][0][tag] == value
    assert "value.padded" not in codes(dossier)


def test_zeros_are_given_back_whatever_else_the_row_holds() -> None:
    bare = [{"MA_LK": "LK0001", "MA_DANTOC": "1"}]
    assert read_parts(part("XML1", base64(table("XML1", bare)))).tables["XML1"][0]["MA_DANTOC"] == "01"


def test_leading_zeros_are_told_in_the_same_order_by_every_process() -> None:
    sent = {"MA_TTDV": "100000001", "MA_DANTOC": "1", "MA_LOAI_KCB": "1", "MA_QUOCTICH": "0", "MA_NGHE_NGHIEP": "0"}
    dossier = read_parts(part("XML1", base64(table("XML1", [{**SUMMARY, **sent}]))))
    tags = ["MA_QUOCTICH", "MA_DANTOC", "MA_NGHE_NGHIEP", "MA_LOAI_KCB", "MA_TTDV"]
    assert [issue.path for issue in dossier.issues] == [f"XML1[1].{tag}" for tag in tags]


def test_control_characters_are_taken_out_and_told() -> None:
    xml = table("XML1", [{**SUMMARY, "DIA_CHI": "Số 1\x7f \x85phố"}])
    dossier = read_parts(part("XML1", base64(xml)))
    assert dossier.tables["XML1"][0]["DIA_CHI"] == "Số 1 \nphố"
    assert codes(dossier) == {"value.characters_removed"}


def test_the_form_of_2017_is_refused_by_name() -> None:
    old = {"MA_LK": "LK0001", "HO_TEN": "NGUYỄN VĂN MẪU", "MA_THE": "DN4010000000017", "MA_BENH": "J15"}
    dossier = read_parts(part("XML1", base64(table("XML1", [old]))))
    assert [issue.code for issue in dossier.issues] == ["format.qd4210_not_supported"]


def test_a_tag_of_2017_beside_those_of_today_is_no_form_of_2017() -> None:
    new = {**SUMMARY, "MA_BENH": "J15", "MA_THE": "DN4010000000017"}
    dossier = read_parts(part("XML1", base64(table("XML1", [new]))))
    assert "format.qd4210_not_supported" not in codes(dossier)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><TONG_HOP><MA_LK>&b;</MA_LK></TONG_HOP>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><TONG_HOP><MA_LK>&a;</MA_LK></TONG_HOP>'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (base64(XML1)[:-3] + "*", "table.base64_invalid"),
        ("A", "table.base64_invalid"),
        ("QQ==QQ==", "table.base64_invalid"),
        ("Đây không phải base64", "table.base64_invalid"),
        (base64("Nguyễn <a>".encode("utf-16")[:-1]), "table.unreadable"),
        (base64(BOMB), "table.dtd_forbidden"),
        (base64("<?xml version='1.0'?><!-- x -->\n" + OUTSIDE), "table.dtd_forbidden"),
        (escaped(BOMB), "table.dtd_forbidden"),
    ],
)
def test_a_table_that_cannot_be_read_refuses_the_record_and_reads_the_rest(content: str, code: str) -> None:
    dossier = read_parts(part("XML2", content) + part("XML1", base64(XML1)))
    assert [(issue.code, issue.path) for issue in dossier.issues] == [(code, "XML2")]
    assert dossier.source_id == "LK0001"


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (b"<A>\n\n<B>a\x01b</B></A>", "table.control_letter"),
        (b"<A>\n\n<B>\0</B></A>", "table.control_letter"),
        (b"<A>\n\n<B>&#2;</B></A>", "table.control_letter"),
        (b"<A>\n\n<B>A & B</B></A>", "table.bare_ampersand"),
        (b"<A>\n\n<B>A &B</B></A>", "table.bare_ampersand"),
        (b"<A>\n\n<B>&nothing;</B></A>", "table.bare_ampersand"),
        (b"<A>\n\n<p:B>A & B</p:B></A>", "table.bare_ampersand"),
        (b"<A>\n\n<B>a < b</B></A>", "table.unreadable"),
        (b"<A>\n\n<B>", "table.unreadable"),
        (b"<A>\n\n<B>\xff</B></A>", "table.unreadable"),
        (b"<A>\n\n<B>\xed\xa0\x80</B></A>", "table.unreadable"),
        (b"<A>\n\n" + b"<a>" * 5000 + b"</a>" * 5000, "table.unreadable"),
    ],
)
def test_what_is_no_xml_in_a_table_is_told_with_its_line(broken: bytes, code: str) -> None:
    dossier = read_parts(part("XML2", base64(broken)) + part("XML1", base64(XML1)))
    assert [(issue.code, issue.path) for issue in dossier.issues] == [(code, "XML2, line 3")]


def test_tags_in_small_letters_say_the_same() -> None:
    drugs = table("XML2", [DRUG, DRUG])
    hoso = part("XML1", base64(XML1)) + part("XML2", base64(drugs))
    small = part("xml1", base64(in_small_letters(XML1))) + part("xml2", base64(in_small_letters(drugs)))
    plain, found = read_parts(hoso), read_parts(in_small_letters(small))
    assert (found.tables, found.issues, found.content_hash) == (plain.tables, plain.issues, plain.content_hash)
    assert len(found.tables["XML2"]) == 2


def test_rows_in_small_letters_beside_others_are_rows_too() -> None:
    row = "<CHI_TIET_THUOC><MA_LK>LK0001</MA_LK></CHI_TIET_THUOC>"
    rows = f"<DSACH_CHI_TIET_THUOC>{row}{in_small_letters(row)}</DSACH_CHI_TIET_THUOC>"
    both = f"<CHITIEU_CHITIET_THUOC>{rows}</CHITIEU_CHITIET_THUOC>"
    assert read_parts(part("XML2", base64(both))).tables["XML2"] == ({"MA_LK": "LK0001"},) * 2


def in_small_letters(xml: str) -> str:
    return re.sub(r"</?[A-Z0-9_]+", lambda tag: tag.group().lower(), xml)


def test_a_nameless_table_that_no_root_tells_is_refused() -> None:
    dossier = read_parts(part("XML1", base64(XML1)) + part("", base64("<A><B>1</B></A>")))
    assert [(i.code, i.path) for i in dossier.issues] == [("table.name_missing", "HOSO[1].FILEHOSO[2]")]


@pytest.mark.parametrize("name", ["XML2", "XML3", "XML8", "xml 13"])
def test_a_table_under_another_name_is_read_by_its_root_and_warned_of(name: str) -> None:
    dossier = read_parts(part(name, base64(XML1)))
    assert dossier.tables == {"XML1": TABLES["XML1"]}
    declared = name.upper().replace(" ", "")
    assert [(i.code, i.path, i.expected) for i in dossier.issues] == [("table.root_unexpected", declared, "XML1")]


def test_the_rows_of_a_misnamed_table_count_on_from_those_that_were_read() -> None:
    few = Limits(table_rows=30)
    halves = [table("XML2", [{**DRUG, "STT": str(n)} for n in range(16)])] * 2
    assert codes(read_parts(part("XML2", base64(halves[0])) + part("XML3", base64(halves[1])), few)) == {
        "record.too_many_rows"
    }


def test_a_table_without_the_element_of_its_content_says_so() -> None:
    lost = "<FILEHOSO><LOAIHOSO>XML2</LOAIHOSO></FILEHOSO>"
    dossier = read_parts(part("XML1", base64(XML1)) + lost)
    assert [(i.code, i.path) for i in dossier.issues] == [
        ("envelope.content_missing", "HOSO[1].FILEHOSO[2].NOIDUNGFILE")
    ]


def test_an_empty_content_is_an_empty_table_and_no_fault() -> None:
    assert codes(read_parts(part("XML1", base64(XML1)) + part("XML2", ""))) == set()


# ---- a health check (KHAMSUCKHOE, QĐ 2062) where a dossier is expected ----

WHO = "<THONG_TIN_HANH_CHINH><HO_TEN>NGUYỄN VĂN MẪU</HO_TEN><SO_CCCD>099090000017</SO_CCCD></THONG_TIN_HANH_CHINH>"
WHERE = "<THONG_TIN_CHUNG_VE_LAN_KHAM><MA_LK>KSK1</MA_LK><MA_CSKCB>01001</MA_CSKCB></THONG_TIN_CHUNG_VE_LAN_KHAM>"
EXAM = "<KHAM_THE_LUC><CHIEU_CAO>170</CHIEU_CAO></KHAM_THE_LUC>"
CHECK = part("XML1", base64(WHO)) + part("XML2", base64(WHERE)) + part("XML10", base64(EXAM))


@pytest.mark.parametrize(
    "written",
    [
        CHECK,
        part("XML1", WHO) + part("XML2", WHERE) + part("XML12", "<KET_LUAN><PHAN_LOAI_SK>1</PHAN_LOAI_SK></KET_LUAN>"),
        part("XML2", base64(WHERE)),
        part("XML1", base64(f"<KHAMSUCKHOE><DANHSACHHOSO><HOSO>{WHERE}</HOSO></DANHSACHHOSO></KHAMSUCKHOE>")),
        part("KSK", base64(f"<KHAMSUCKHOE>{WHO}{WHERE}</KHAMSUCKHOE>")),
    ],
)
def test_a_hoso_that_is_a_health_check_is_told_to_be_one(written: str) -> None:
    assert [(i.code, i.path) for i in check(read_parts(written), date(2026, 6, 11)).issues] == [
        ("record.health_check", "HOSO[1]")
    ]


def test_a_health_checks_table_inside_a_dossier_is_kept_and_told_apart() -> None:
    dossier = read_parts(part("XML1", base64(XML1)) + part("XML10", base64(EXAM)))
    assert [(i.code, i.path) for i in dossier.issues] == [
        ("table.health_check", "XML10"),
        ("table.not_mapped", "OTHER"),
    ]
    assert dossier.tables["OTHER"] == ({"CHIEU_CAO": "170"},)


def test_a_hoso_without_tables_is_refused() -> None:
    assert codes(read_parts("")) == {"record.no_tables"}


def test_the_last_row_that_is_allowed_is_taken_and_one_more_is_refused() -> None:
    few = Limits(table_rows=30)
    rows = [{**DRUG, "STT": str(n)} for n in range(1, 32)]
    assert len(read_parts(part("XML2", base64(table("XML2", rows[:30]))), few).tables["XML2"]) == 30
    assert codes(read_parts(part("XML2", base64(table("XML2", rows))), few)) == {"record.too_many_rows"}
    halves = part("XML2", base64(table("XML2", rows[:16]))) + part("XML2", base64(table("XML2", rows[16:])))
    assert codes(read_parts(halves, few)) == {"record.too_many_rows"}


def test_ten_thousand_rows_are_taken() -> None:
    rows = [{"MA_LK": "LK0001", "STT": str(n)} for n in range(1, 10_001)]
    assert len(read_parts(part("XML2", base64(table("XML2", rows)))).tables["XML2"]) == 10_000
    one_more = [*rows, {"MA_LK": "LK0001"}]
    assert codes(read_parts(part("XML2", base64(table("XML2", one_more))))) == {"record.too_many_rows"}


def test_a_table_of_countless_empty_elements_is_refused_unparsed() -> None:
    assert codes(read_parts(part("XML2", base64("<X>" + "<A/>" * 1_300_000 + "</X>")))) == {"record.too_many_rows"}


def test_sizes_add_up_over_the_tables_of_a_record() -> None:
    small = Limits(record_bytes=20_000)
    content = base64(b"<X>" + b" " * 9_000 + b"<A>1</A></X>")
    assert codes(read_parts(part("XML20", content) * 2, small)) == {"table.not_mapped"}
    assert "record.too_large" in codes(read_parts(part("XML20", content) * 3, small))


def test_a_piece_beyond_every_size_is_refused_unparsed() -> None:
    found = scan(io.BytesIO(envelope(part("XML1", base64(XML1)))), LIMITS)
    dossier = read_hoso(b"<HOSO>" + b"A" * 3_000, found, 7, Limits(record_bytes=1_000))
    assert [(issue.code, issue.path) for issue in dossier.issues] == [("record.too_large", "HOSO[7]")]


def test_a_table_name_never_reaches_a_path() -> None:
    dossier = read_parts(part("TRAN THI BI MAT", base64("<X><TRAN_THI_BI_MAT>1</TRAN_THI_BI_MAT></X>")))
    assert "BI" not in " ".join(issue.path for issue in dossier.issues)
    assert "LK0001" not in repr(dossier)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("written", "read", "told"),
    [
        ("000000000000", None, "date.zero"),
        ("00000000", None, "date.zero"),
        ("0", None, "date.zero"),
        ("00/00/0000", None, "date.zero"),
        ("20261118090037", "202611180900", "date.seconds"),
        ("20261118240000", "202611182400", "date.seconds"),
        ("20261118090060", "20261118090060", None),
        ("20261132090000", "20261132090000", None),
        ("202611180900", "202611180900", None),
        ("20261118", "20261118", None),
    ],
)
@pytest.mark.parametrize(("name", "tag"), [("XML2", "NGAY_YL"), ("XML4", "NGAY_KQ"), ("XML1", "NGAY_RA")])
def test_dates_of_nothing_but_zeros_are_blank_and_seconds_are_left_out(
    name: str, tag: str, written: str, read: str | None, told: str | None
) -> None:
    dossier = read_parts(part(name, base64(table(name, [{"MA_LK": "LK0001", tag: written}]))))

    assert dossier.tables[name][0].get(tag) == read
    assert [one.code for one in dossier.issues if one.path == f"{name}[1].{tag}"] == ([told] if told else [])


@pytest.mark.parametrize(
    ("tag", "written", "read"),
    [
        ("NGAY_TAI_KHAM", "20261201;00000000", "20261201;"),
        ("NGAY_TAI_KHAM", "0;0", None),
        ("GT_THE_DEN", "00000000;20261231", ";20261231"),
        ("GT_THE_TU", "20260101000000;20260701000000", "202601010000;202607010000"),
        ("NGAY_SINH", "19900000000000", "199000000000"),
        ("NGAY_SINH", "199000000000", "199000000000"),
        ("SO_NGAY_DTRI", "0", "0"),
    ],
)
def test_a_list_keeps_the_place_of_a_date_that_is_blank(tag: str, written: str, read: str | None) -> None:
    dossier = read_parts(part("XML1", base64(table("XML1", [{"MA_LK": "LK0001", tag: written}]))))

    assert dossier.tables["XML1"][0].get(tag) == read


def test_a_time_with_seconds_is_the_same_content_as_one_without() -> None:
    with_seconds, without = (
        read_parts(part("XML4", base64(table("XML4", [{"MA_LK": "LK0001", "NGAY_KQ": at}])))).content_hash
        for at in ("20261118090037", "202611180900")
    )
    assert with_seconds == without


@given(st.binary(max_size=200), st.sampled_from(["XML1", "XML3", "", "xml 5", "?"]))
def test_any_table_content_is_read_or_refused(content: bytes, name: str) -> None:
    dossier = read_parts(part(name, b64encode(content).decode()))
    assert dossier.issues or set(dossier.tables) <= {"XML1", "XML3", "XML5", "OTHER"}


@given(st.data())
def test_any_damage_to_a_table_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(table("XML2", [DRUG, DRUG]).encode())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=20))
    dossier = read_parts(part("XML2", b64encode(bytes(content)).decode()))
    assert len(dossier.content_hash) == 32


@given(st.binary(max_size=300))
def test_any_piece_is_read_or_refused(piece: bytes) -> None:
    found = scan(io.BytesIO(envelope("<FILEHOSO/>")), LIMITS)
    assert read_hoso(piece, found, 1, LIMITS).issues


# A date of nothing but zeros is a blank: see test_dates_of_nothing_but_zeros_are_blank.
@given(st.dictionaries(st.sampled_from([tag for tag in DRUG if not tag.startswith("NGAY")]), TEXT, min_size=1))
def test_values_come_out_as_they_went_in_but_for_white_space_and_form(values: dict[str, str]) -> None:
    allowed = {tag: "".join(c for c in text if c.isprintable()) for tag, text in values.items()}
    xml = table("XML2", []).replace(
        "<DSACH_CHI_TIET_THUOC>", f"<DSACH_CHI_TIET_THUOC><CHI_TIET_THUOC>{leaves(allowed)}</CHI_TIET_THUOC>"
    )
    rows = read_parts(part("XML2", base64(xml))).tables["XML2"]
    assert {tag for row in rows for tag in row} == {tag for tag, text in allowed.items() if text.strip()}
