"""Lists of MA_LK out of spreadsheets: what is read of them, and every way of being no such list."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from typing import Final

import pytest

from mappings.formats.cells import MOST_BYTES
from mappings.formats.code_list import read_list
from mappings.formats.source import SourceRefused
from mappings.formats.workbook import write_sheet

MAIN: Final = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS: Final = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'

Read = list[tuple[int, str, str, str]]


def read(content: bytes) -> Read:
    """Number, MA_LK, reason and what is wrong, of each row."""
    return [(row.number, row.source_id, row.why, row.issue.code if row.issue else "") for row in read_list(content)]


def refusal(content: bytes, most_rows: int = 1_000) -> str:
    with pytest.raises(SourceRefused) as refused:
        read_list(content, most_rows=most_rows)
    return refused.value.issue.code


def workbook(sheet: str, strings: str = "", *, parts: dict[str, bytes] | None = None, hidden: str = "") -> bytes:
    """A file as Excel writes it: a hidden sheet first where there is one, then the one that is meant."""
    sheets = [("rId1", 'state="hidden"', hidden)] if hidden else []
    sheets.append(("rId2", "", sheet))
    listed = "".join(f'<sheet name="S{i}" sheetId="{i[3:]}" {state} r:id="{i}"/>' for i, state, _ in sheets)
    related = "".join(
        f'<Relationship Id="{i}" Type="{OFFICE}/worksheet" Target="worksheets/{i}.xml"/>' for i, *_ in sheets
    )
    related += f'<Relationship Id="rId9" Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
    content: dict[str, bytes] = {
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'.encode(),
        "xl/_rels/workbook.xml.rels": f"<Relationships {RELATIONS}>{related}</Relationships>".encode(),
        "xl/sharedStrings.xml": f"<sst {MAIN}>{strings}</sst>".encode(),
        **{
            f"xl/worksheets/{i}.xml": f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>".encode()
            for i, _, rows in sheets
        },
        **(parts or {}),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, each in content.items():
            archive.writestr(name, each)
    return packed.getvalue()


STRINGS: Final = (
    "<si><t>Mã LK</t></si><si><r><t>00</t></r><r><t>123</t></r><rPh><t>ゼロ</t></rPh></si>"
    "<si><t xml:space='preserve'> LK-7 </t></si><si><t>Lý do</t></si><si><t>duplicate</t></si>"
)


def test_a_workbook_is_read_as_its_cells_are_stored() -> None:
    rows = (
        '<row r="2"><c r="A2" t="inlineStr"><is><t>DANH SÁCH THÁNG 10</t></is></c></row>'
        '<row r="4"><c r="C4" t="s"><v>0</v></c><c r="E4" t="s"><v>3</v></c></row>'
        '<row r="5"><c r="C5" t="s"><v>1</v></c><c r="E5" t="s"><v>4</v></c></row>'
        '<row r="6"><c r="C6" t="s"><v>2</v></c></row>'
        '<row r="8"><c r="C8"><v>99123</v></c></row>'
        '<row r="9"><c r="C9"><v>1.2345678901234567E+19</v></c></row>'
        '<row r="10"><c r="C10" t="str"><f>A1&amp;"x"</f><v>LK-9</v></c></row>'
        '<row r="11"><c r="C11" t="str"><f>"00077"</f><v>00077</v></c></row>'
        '<row r="12"><c r="A12" t="s"><v>1</v></c><c r="C12" t="s"/></row>'
        '<row r="13"><c r="E13" t="s"><v>4</v></c></row>'
    )
    assert read(workbook(rows, STRINGS, hidden='<row><c r="A1" t="s"><v>0</v></c></row>')) == [
        (5, "00123", "duplicate", ""),
        (6, "LK-7", "", ""),
        (8, "99123", "", ""),
        (9, "", "", "list.number_changed"),
        (10, "", "", "list.formula"),
        (11, "00077", "", ""),
        (13, "", "duplicate", "list.no_code"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("MA_LK\nLK-1\n\nLK-2", [(2, "LK-1", "", ""), (4, "LK-2", "", "")]),
        ("LK-1\r\nLK-2\r\n", [(1, "LK-1", "", ""), (2, "LK-2", "", "")]),
        ("STT;ma lk;LY_DO\n1; LK  1 ;test_data", [(2, "LK 1", "test_data", "")]),
        ('ma_lk\tstt\n="00012"\t1', [(2, "00012", "", "")]),
        ("MA_LK\n=A1+1\n1,23E+19\n", [(2, "", "", "list.formula"), (3, "1", "", "")]),
        ("MA_LK;x\n1,23E+19;\n", [(2, "", "", "list.number_changed")]),
        (f"MA_LK\n{'9' * 201}", [(2, "9" * 200, "", "list.unknown_dossier")]),
        ("Mã giao dịch\nGDX", [(2, "", "", "")]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_csv_is_read_whatever_stands_between_its_cells(text: str, found: Read, encoding: str) -> None:
    assert read(text.encode(encoding)) == found


ROW: Final = '<row><c t="inlineStr"><is><t>LK-1</t></is></c></row>'


def lying() -> bytes:
    """A part that unpacks to far more than is read of any."""
    content = bytearray(workbook(ROW, parts={"xl/worksheets/rId2.xml": b" " * 65_000_000}))
    return bytes(content)


def encrypted() -> bytes:
    content = bytearray(workbook(ROW))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + at] |= 1
            place = content.find(mark, place + 4)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "list.empty"),
        (b"\n \n;\n", "list.empty"),
        (b"MA_LK\n", "list.empty"),
        (b"\xff\xfe\x00", "list.unreadable"),
        ("MA_LK\nĐ".encode("cp1258", "replace") + b"\xd0\xff", "list.unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "list.unreadable"),  # .xls, and .xlsx under a password
        (b"PK\x03\x04", "list.unreadable"),
        (workbook(ROW)[:-30], "list.unreadable"),
        (workbook(ROW)[:200] + b"\0" * 40 + workbook(ROW)[240:], "list.unreadable"),
        (encrypted(), "list.unreadable"),
        (workbook("<row>"), "list.unreadable"),
        (workbook('<row r="x"/>'), "list.unreadable"),
        (workbook('<row><c r="1A"><v>1</v></c></row>'), "list.unreadable"),
        (workbook('<row><c t="s"><v>7</v></c></row>'), "list.unreadable"),
        (workbook('<row><c t="s"><v>-1</v></c></row>'), "list.unreadable"),
        (workbook(ROW, parts={"xl/workbook.xml": b"<workbook/>"}), "list.unreadable"),
        (
            workbook(ROW, parts={"xl/sharedStrings.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><sst>&b;</sst>'}),
            "list.unreadable",
        ),
        (workbook("<a>" * 100 + ROW + "</a>" * 100), "list.too_large"),
        (workbook(ROW, parts={"xl/workbook.xml": b"<a>" + b"<sheet/>" * 2_000 + b"</a>"}), "list.too_large"),
        (lying(), "list.too_large"),
        (workbook(f"<row><c t='{'x' * 2_000_000}'/></row>"), "list.too_large"),
        (workbook(ROW, parts={f"x/{n:>200}": b"" for n in range(900)}), "list.too_large"),
        (b"LK-1\n" * 1_001, "list.too_large"),
        (b"LK-1\n" * (MOST_BYTES // 5 + 1), "list.too_large"),
    ],
    ids=range(24),
)
def test_what_is_no_list_is_refused_by_a_code(content: bytes, code: str) -> None:
    assert refusal(content) == code


def test_a_row_of_very_many_cells_takes_no_more_memory_than_a_hundred(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook(f"<row>{'<c/>' * 200_000}</row>{ROW}")
    tracemalloc.start()
    assert read(content) == [(2, "LK-1", "", "")]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3_000_000
    monkeypatch.setattr("mappings.formats.workbook._MOST_ELEMENTS", 200_000)
    assert refusal(content) == "list.too_large"


def test_what_is_written_is_read_again_and_every_cell_is_a_text() -> None:
    content = write_sheet('a"b', [("MA_LK", "LY_DO"), ("00123", "=1+1"), ("12345678901234567890", "<&>\x01")])
    assert read(content) == [(2, "00123", "=1+1", ""), (3, "12345678901234567890", "<&>", "")]
