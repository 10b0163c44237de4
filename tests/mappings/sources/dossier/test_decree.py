"""The tables of the decree, mapped or not: all there, told in the docs, known to the reader and to the checks."""

from __future__ import annotations

from datetime import date

import pytest

from mappings.sources.dossier.checking import validate
from mappings.sources.dossier.decree import page, tables
from mappings.sources.dossier.reading.tables import ROOTS
from mappings.sources.dossier.tables import TABLES

# Counted by hand in the appendix of QĐ 4750; XML13 with the three tags that QĐ 3176 gives it.
FIELDS = {
    "XML0": 26,
    "XML1": 66,
    "XML2": 39,
    "XML3": 47,
    "XML4": 12,
    "XML5": 9,
    "XML6": 47,
    "XML7": 26,
    "XML8": 22,
    "XML9": 35,
    "XML10": 13,
    "XML11": 23,
    "XML12": 35,
    "XML13": 42,
    "XML14": 22,
    "XML15": 20,
}


def test_every_table_is_there_with_all_its_fields() -> None:
    assert {name: len(table.fields) for name, table in tables().items()} == FIELDS


def test_every_field_says_what_it_means_in_both_languages() -> None:
    silent = [
        (name, f.tag) for name, table in tables().items() for f in table.fields if not (f.vietnamese and f.english)
    ]
    assert silent == []


def test_a_cell_of_the_page_never_breaks_its_table() -> None:
    lines = [line for line in page().splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {8}
    assert len(lines) == sum(FIELDS.values()) + 2 * len(FIELDS)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("XML1", "| SO_CCCD | text 15 (QĐ 130 number) |  |  |  | số CCCD, CMND, hộ chiếu |"),
        ("XML1", "| NHOM_MAU | text 5 (portal 10) |  |  | since 4750 | nhóm máu |"),
        ("XML1", "| MA_DOITUONG_KCB | text 4 (portal 5; QĐ 130 3) | always |  |  | đối tượng đến KCB |"),
        ("XML7", "| MA_TTDV | text 10 | always | 10 or 12 |  | mã định danh thủ trưởng đơn vị |"),
        ("XML13", "| MA_NOI_DI | text 5 |  |  | until 4750 | nơi chuyển đi |"),
        ("XML13", "| MA_CSKCB_DI | text 5 |  |  | since 3176 | cơ sở chuyển đi |"),
        ("XML13", "| TINH_TRANG_CT |  |  |  | since 3176 | tình trạng khi chuyển |"),
    ],
)
def test_the_page_tells_type_width_and_edition(name: str, line: str) -> None:
    after = page().partition(f"\n## {name}: ")[2].partition("\n## ")[0]
    assert any(row.startswith(line) for row in after.splitlines())


def test_the_reader_knows_the_elements_of_every_table_that_comes_in_a_file() -> None:
    ends = {
        (path[0], path[-1] if len(path) > 1 else "") for table in tables().values() if (path := table.path.split("/"))
    }
    known = {(root, item) for root, (_, item) in ROOTS.items()}
    assert ends - {("", "")} == known


@pytest.mark.parametrize("name", [table.name for table in TABLES if table.schema is not None])
def test_a_checked_table_knows_every_tag_of_the_decree(name: str) -> None:
    row = {field.tag: "1" for field in tables()[name].fields}
    assert "tag.unknown" not in {issue.code for issue in validate({name: (row,)}, date(2026, 11, 20))}
    told = validate({name: ({**row, "MA_LA": "1"},)}, date(2026, 11, 20))
    assert "tag.unknown" in {issue.code for issue in told}
