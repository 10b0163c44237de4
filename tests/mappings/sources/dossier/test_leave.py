"""Certificates of leave (XML10, XML11) are papers of the patient, and name nobody else."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from mappings.sources.dossier.identity import claimed_number
from tests.mappings.sources.dossier.golden import mapped, of

SICK_CHILD: Final = {
    "MA_LK": "01001.2026.000001",
    "SO_CT": "17",
    "SO_SERI": "AB",
    "DON_VI": "CÔNG TY MẪU",
    "MA_BHXH": "0199000009",
    "CHAN_DOAN_RV": "Viêm phế quản cấp",
    "PP_DIEUTRI": "Kháng sinh",
    "SO_NGAY_NGHI": "5",
    "TU_NGAY": "20261120",
    "DEN_NGAY": "20261124",
    "HO_TEN_CHA": "TRẦN VĂN CHA",
    "HO_TEN_ME": "LÊ THỊ MẸ",
    "MA_BS": "0199000002",
    "NGAY_CT": "20261120",
}
PREGNANCY: Final = {
    "MA_LK": "01001.2026.000001",
    "SO_CT": "18",
    "CHAN_DOAN_RV": "Dọa sảy thai",
    "SO_NGAY": "30",
    "TU_NGAY": "20261120",
    "DEN_NGAY": "20261219",
    "TEN_BS": "TRẦN THỊ BÁC SĨ",
    "MA_BS": "0199000002",
    "NGAY_CT": "20261120",
}


def words(paper: dict[str, Any]) -> list[tuple[str, str]]:
    """The sections of a paper: heading and words."""
    return [(one["title"], one["text"]["div"].partition("<p>")[2].partition("</p>")[0]) for one in paper["section"]]


def test_leave_for_a_sick_child_is_the_childs_paper_and_names_no_parent() -> None:
    record = mapped(XML11=[dict(SICK_CHILD)])
    [paper] = of(record, "Composition")
    assert (paper["title"], paper["date"], paper["identifier"]["value"]) == (
        "Giấy chứng nhận nghỉ việc hưởng bảo hiểm xã hội",
        "2026-11-20",
        "17",
    )
    assert words(paper) == [
        ("Chẩn đoán", "Viêm phế quản cấp"),
        ("Phương pháp điều trị", "Kháng sinh"),
        ("Thời gian nghỉ", "5 ngày, từ 20/11/2026 đến 24/11/2026"),
    ]
    told = json.dumps(paper, ensure_ascii=False)
    assert not any(SICK_CHILD[tag] in told for tag in ("HO_TEN_CHA", "HO_TEN_ME", "MA_BHXH", "DON_VI", "MA_BS"))
    assert claimed_number({"XML11": (SICK_CHILD,)}) == ""


def test_leave_for_a_pregnancy_is_a_paper() -> None:
    [paper] = of(mapped(XML10=[dict(PREGNANCY)]), "Composition")
    assert paper["type"]["coding"][0]["code"] == "104531-9"
    assert paper["author"][0]["display"] == "TRẦN THỊ BÁC SĨ"
    assert words(paper) == [("Chẩn đoán", "Dọa sảy thai"), ("Thời gian nghỉ", "30 ngày, từ 20/11/2026 đến 19/12/2026")]


@pytest.mark.parametrize("row", [{"SO_CT": "19"}, {**PREGNANCY, "MA_LK": "another"}])
def test_a_paper_with_nothing_to_show_or_of_another_visit_is_none(row: dict[str, str]) -> None:
    assert of(mapped(XML10=[row]), "Composition") == []


def test_an_ended_pregnancy_is_not_told() -> None:
    ended = {"MA_DINH_CHI_THAI": "1", "NGUYENNHAN_DINHCHI": "Thai lưu", "TUOI_THAI": "9"}
    assert mapped(XML11=[{**SICK_CHILD, **ended}]).resources == mapped(XML11=[dict(SICK_CHILD)]).resources
