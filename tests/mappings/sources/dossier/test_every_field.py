"""Each field of a table that is mapped is as wide as the decree or the portal lets it be, knows its list of codes, and
moves no id where rows that differ in it come in another order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from mappings.sources.dossier.checking import validate
from tests.mappings.formats.made import TABLES, with_values
from tests.mappings.sources.dossier.golden import mapped

RECEIVED: Final = date(2026, 6, 11)
PAGE: Final = (Path(__file__).resolve().parents[4] / "docs" / "tables.md").read_text(encoding="utf-8")
NAMES: Final = ["XML1", "XML2", "XML3", "XML4", "XML5", "XML7", "XML8", "XML13", "XML14"]
# Not by their width: days and times, codes of a list, facilities' codes, lists of weights and of codes.
JUDGED_OTHERWISE: Final = {
    "XML1": "NGAY_SINH MA_DANTOC NGAY_MIEN_CCT MA_BENH_CHINH MA_BENH_KT MA_NOI_DI MA_NOI_DEN NGAY_VAO NGAY_VAO_NOI_TRU"
    " NGAY_RA NGAY_TTOAN MA_LOAI_KCB MA_CSKCB MA_KHUVUC CAN_NANG NAM_NAM_LIEN_TUC NGAY_TAI_KHAM MA_TTDV",
    "XML2": "NGAY_YL NGAY_TH_YL",
    "XML3": "MA_BENH NGAY_YL NGAY_TH_YL NGAY_KQ",
    "XML4": "NGAY_KQ",
    "XML5": "THOI_DIEM_DBLS",
    "XML7": "NGAY_VAO NGAY_RA THOIGIAN_DINHCHI MA_TTDV NGAY_CT MA_CHA MA_ME NGOAITRU_TUNGAY NGOAITRU_DENNGAY",
    "XML8": "MA_LOAI_KCB NGAY_VAO NGAY_RA NGAY_SINHCON NGAY_CONCHET MA_TTDV NGAY_CT",
    "XML13": "MA_CSKCB MA_NOI_DI MA_CSKCB_DI MA_NOI_DEN MA_CSKCB_DEN NGAY_SINH GT_THE_DEN NGAY_VAO NGAY_VAO_NOI_TRU"
    " NGAY_RA MA_TTDV",
    "XML14": "MA_CSKCB NGAY_SINH GT_THE_DEN NGAY_VAO NGAY_VAO_NOI_TRU NGAY_RA NGAY_HEN_KL MA_TTDV NGAY_CT",
}
LISTED: Final = {
    "XML1": "GIOI_TINH MA_DANTOC MA_BENH_CHINH MA_BENH_KT MA_DOITUONG_KCB KET_QUA_DTRI MA_LOAI_RV MA_LOAI_KCB"
    " MA_KHUVUC",
    "XML2": "MA_NHOM PHAM_VI MA_PTTT NGUON_CTRA",
    "XML3": "MA_NHOM PHAM_VI MA_BENH MA_PTTT PP_VO_CAM",
    "XML7": "MA_DINH_CHI_THAI",
    "XML8": "MA_LOAI_KCB KET_QUA_DTRI",
    "XML13": "MA_LYDO_CT",
}


def told(name: str, tag: str, value: str) -> set[str]:
    """What is said of one field of this value."""
    tables = with_values(name, **{tag: value}) if name in TABLES else {**TABLES, name: ({tag: value},)}
    issues = validate(tables, RECEIVED)
    return {issue.code for issue in issues if issue.path == f"{name}[1].{tag}"}


def fields(name: str) -> list[tuple[str, str]]:
    """The tags of a table, with their types as the page of tables says them."""
    section = PAGE.partition(f"\n## {name}: ")[2].partition("\n## ")[0]
    return re.findall(r"^\| ([A-Z0-9_]+) \| ([^|]*) \|", section, re.MULTILINE)


def widths(name: str) -> Iterator[tuple[str, int]]:
    """Each text of a table with the most characters that it may have: the portal takes more than the decree names."""
    for tag, type_ in fields(name):
        bounds = [int(bound) for bound in re.findall(r"(?:text|portal) (\d+)", type_)]
        if bounds and tag not in JUDGED_OTHERWISE[name].split():
            yield tag, max(bounds)


@pytest.mark.parametrize("name", NAMES)
def test_a_text_may_be_as_long_as_the_page_of_tables_says_and_no_longer(name: str) -> None:
    found = dict(widths(name))
    wrong = [
        tag
        for tag, most in found.items()
        if [("value.too_long" in told(name, tag, "x" * n)) for n in (most, most + 1)] != [False, True]
    ]
    assert (len(found) >= 2, wrong) == (True, [])


@pytest.mark.parametrize("name", LISTED)
def test_a_code_that_is_not_in_the_list_of_its_field_is_told(name: str) -> None:
    unknown = {tag: "J99.99" if tag.startswith("MA_BENH") else "x9" for tag in LISTED[name].split()}
    assert [tag for tag, code in unknown.items() if "value.code_unknown" not in told(name, tag, code)] == []


DRUG: Final = {"MA_THUOC": "40.67", "TEN_THUOC": "Ibuprofen", "SO_LUONG": "6", "NGAY_YL": "202611200830"}
CARE: Final = {"MA_DICH_VU": "10.0742.0541", "MA_NHOM": "8", "TEN_DICH_VU": "Phẫu thuật", "NGAY_YL": "202611200830"}
TEST: Final = {"MA_DICH_VU": "22.0121.1369", "MA_NHOM": "1", "TEN_DICH_VU": "Huyết đồ", "NGAY_YL": "202611200830"}
STENT: Final = {"MA_VAT_TU": "N06.02.030", "TEN_VAT_TU": "Stent", "MA_NHOM": "10", "NGAY_YL": "202611200830"}
RESULT: Final = {"MA_DICH_VU": "22.0121.1369", "TEN_CHI_SO": "WBC", "GIA_TRI": "5", "NGAY_KQ": "202611200915"}


@pytest.mark.parametrize(
    ("name", "row"), [("XML2", DRUG), *(("XML3", r) for r in (CARE, TEST, STENT)), ("XML4", RESULT)]
)
def test_rows_that_differ_in_one_field_have_the_same_ids_in_whatever_order_they_come(
    name: str, row: dict[str, str]
) -> None:
    def pairs(tag: str) -> list[list[dict[str, str]]]:
        told = times if tag.startswith("NGAY_") else words
        return [[{**row, "SO_LUONG": "1"} | one, {**row, "SO_LUONG": "1"} | other] for one, other in told(tag)]

    def known(rows: list[dict[str, str]]) -> set[bytes]:
        return {resource.json for resource in mapped(None, **{name: rows}).resources}

    moved = [tag for tag, _ in fields(name) if any(known(rows) != known(rows[::-1]) for rows in pairs(tag))]
    assert moved == []


def times(tag: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    return [({}, {tag: "202611200900"}), ({tag: "202611200900"}, {tag: "202611200930"})]


def words(tag: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    return [({}, {tag: "1"}), ({tag: "1"}, {tag: "2"}), ({tag: "81.51"}, {tag: "81.52"})]


@pytest.mark.parametrize(("group", "is_told"), [("4", True), ("7", False), ("17", False), ("1", True)])
def test_blood_and_what_is_made_of_it_is_bought_without_a_tender(group: str, is_told: bool) -> None:
    issues = validate(with_values("XML2", MA_NHOM=group, TT_THAU=""), RECEIVED)
    assert (("value.required", "XML2[1].TT_THAU") in [(i.code, i.path) for i in issues]) is is_told
