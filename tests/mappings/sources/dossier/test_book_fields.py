"""What a dossier leaves open of what a health book shows, by hand-made rows of XML1."""

from __future__ import annotations

from typing import Final

import pytest

from mappings.model import Dossier, Issue
from mappings.sources.dossier.book_fields import completeness

WHOLE: Final = {
    "SO_CCCD": "099090000017",
    "NGAY_SINH": "199003150000",
    "GIOI_TINH": "1",
    "MA_DANTOC": "01",
    "MA_NGHE_NGHIEP": "00000",
    "DIEN_THOAI": "0100000001",
    "DIA_CHI": "Số 1 phố Mẫu",
    "MATINH_CU_TRU": "01",
    "MAXA_CU_TRU": "00070",
    "NGAY_VAO": "202601010800",
    "NGAY_RA": "202601010900",
    "MA_LOAI_KCB": "01",
    "CHAN_DOAN_RV": "Viêm họng cấp",
    "MA_BENH_CHINH": "J02",
    "KET_QUA_DTRI": "1",
    "MA_LOAI_RV": "1",
}


def gaps(row: dict[str, str], *issues: Issue) -> tuple[str, ...]:
    found = completeness(Dossier("LK", "01001", None, {"XML1": (row,)}, (), issues, b""))
    assert found is not None
    assert found.commune == row["MAXA_CU_TRU"]
    return found.gaps


@pytest.mark.parametrize(
    ("changed", "open_"),
    [
        ({}, ()),
        ({"DIEN_THOAI": " ", "MA_DANTOC": ""}, ("MA_DANTOC", "DIEN_THOAI")),
        ({"NGAY_SINH": "1990"}, ("NGAY_SINH",)),
        ({"NGAY_SINH": "199000000000"}, ("NGAY_SINH",)),
        ({"MA_THE_BHYT": "DN4010100000001", "MA_DKBD": "01001"}, ("GT_THE_TU", "GT_THE_DEN")),
    ],
)
def test_what_is_blank_is_open_and_of_a_card_only_where_there_is_one(
    changed: dict[str, str], open_: tuple[str, ...]
) -> None:
    assert gaps({**WHOLE, **changed}) == open_


def test_a_code_that_is_in_no_list_is_open_once_and_tables_of_restricted_data_leave_no_sign() -> None:
    issues = [
        Issue("value.code_unknown", "XML3[1].MA_DICH_VU"),
        Issue("value.code_unknown", "XML3[2].MA_DICH_VU"),
        Issue("value.code_replaced", "XML1[1].MAXA_CU_TRU"),
        Issue("value.code_unknown", "XML6[1].MA_HIV"),
        Issue("value.format", "XML1[1].CAN_NANG"),
    ]
    assert gaps(WHOLE, *issues) == ("code:MAXA_CU_TRU", "code:MA_DICH_VU")


def test_without_its_summary_nobody_knows() -> None:
    assert completeness(Dossier("LK", "01001", None, {"XML4": ()}, (), (), b"")) is None
