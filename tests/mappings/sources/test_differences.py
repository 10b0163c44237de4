"""What a version says otherwise than another: rows by what tells them apart, fields old and new, and nobody's name."""

from __future__ import annotations

from typing import Final

import pytest

from mappings.model import Row, Tables
from mappings.sources.differences import LONGEST, Change, RowChange, TableChange, differences, is_personal
from mappings.sources.dossier.source import DOSSIER

PARACETAMOL: Final = {"STT": "1", "MA_THUOC": "40.48", "TEN_THUOC": "Paracetamol", "NGAY_YL": "202401010800"}
AMOXICILLIN: Final = {"STT": "2", "MA_THUOC": "40.154", "TEN_THUOC": "Amoxicillin", "NGAY_YL": "202401010800"}


def drugs(*rows: Row) -> Tables:
    return {"XML2": rows}


def told(before: Tables, after: Tables) -> tuple[TableChange, ...]:
    return differences(before, after, DOSSIER.tables)


@pytest.mark.parametrize(
    "after",
    [
        (PARACETAMOL, AMOXICILLIN),
        (AMOXICILLIN, PARACETAMOL),
        ({**AMOXICILLIN, "STT": "1"}, {**PARACETAMOL, "STT": "2"}),
        (PARACETAMOL, AMOXICILLIN, {"STT": "3", "MA_LK": "x"}),
    ],
)
def test_the_same_rows_in_another_order_or_numbered_anew_differ_in_nothing(after: tuple[Row, ...]) -> None:
    assert told(drugs(PARACETAMOL, AMOXICILLIN), drugs(*after)) == ()


def test_a_row_is_new_gone_or_changed_by_its_key() -> None:
    key = "40.48 · Paracetamol · 202401010800"
    more = {**PARACETAMOL, "SO_LUONG": "20"}
    assert told(drugs(PARACETAMOL), drugs(more)) == (
        TableChange("XML2", (RowChange("changed", key, (Change("SO_LUONG", "", "20"),)),)),
    )
    assert told(drugs(PARACETAMOL), drugs()) == (TableChange("XML2", (RowChange("removed", key),)),)
    assert told({}, drugs(PARACETAMOL)) == (TableChange("XML2", (RowChange("added", key),)),)


def test_of_equal_rows_only_as_many_as_differ_are_told() -> None:
    [table] = told(drugs(PARACETAMOL, PARACETAMOL), drugs(PARACETAMOL, PARACETAMOL, PARACETAMOL))
    assert [row.kind for row in table.rows] == ["added"]


def test_tables_come_in_the_order_of_their_numbers() -> None:
    before: Tables = {"XML11": ({"SO_KCB": "1"},), "XML2": (), "XML1": ({"LY_DO_VV": "ho"},)}
    after: Tables = {"XML11": ({"SO_KCB": "2"},), "XML2": (PARACETAMOL,), "XML1": ({"LY_DO_VV": "sốt"},)}
    assert [table.table for table in told(before, after)] == ["XML1", "XML2", "XML11"]


@pytest.mark.parametrize(
    "tag",
    [
        "HO_TEN",
        "SO_CCCD",
        "NGAY_SINH",
        "MA_BN",
        "DIA_CHI",
        "DIEN_THOAI",
        "MA_THE_BHYT",
        "HO_TEN_CHA",
        "MA_ME",
        "HO_TEN_CON",
        "NGAYSINH_NND",
        "NOI_CU_TRU_NND",
        "HOTEN_NGUOI_HT",
        "MA_THE_TAM",
        "NGUOI_GIAM_HO",
        "MA_BHXH_NND",
    ],
)
def test_who_somebody_is_is_never_shown(tag: str) -> None:
    assert is_personal(tag)
    assert is_personal(f"{tag.lower()}#2")
    [table] = told({"XML1": ({tag: "Lê Văn A"},)}, {"XML1": ({tag: "Lê Văn B"},)})
    assert table.rows[0].changes == (Change(tag, "", "", is_personal=True),)


@pytest.mark.parametrize(
    "tag", ["MA_BENH_CHINH", "NGAY_VAO", "SO_LUONG", "TEN_THUOC", "KET_LUAN", "GIOI_TINH", "MA_KHOA"]
)
def test_what_was_done_is_shown(tag: str) -> None:
    assert not is_personal(tag)


@pytest.mark.parametrize("text", ["BN lê văn a nhập viện", "LÊ VĂN A", "gọi 0912345678", "<b>Lê</b> <i>Văn</i> A"])
def test_a_text_that_names_the_patient_is_not_shown_however_it_is_written(text: str) -> None:
    person = {"HO_TEN": "Lê Văn A", "DIEN_THOAI": "0912345678"}
    [table] = told({"XML1": ({**person, "GHI_CHU": "x"},)}, {"XML1": ({**person, "GHI_CHU": text},)})
    assert table.rows[0].changes == (Change("GHI_CHU", "", "", is_personal=True),)


def test_a_long_text_is_cut() -> None:
    [table] = told({"XML1": ({"GHI_CHU": ""},)}, {"XML1": ({"GHI_CHU": "a" * 5000},)})
    assert table.rows[0].changes[0].after == "a" * LONGEST + "…"
