"""Which new communes came in the place of an old one: only what names say for certain."""

from __future__ import annotations

import pytest

from mappings.terminology.pack_communes import named_units, replaced

PROVINCES = [
    {"old_province": "Hà Nội", "new_province_code_2025": "01"},
    {"old_province": "Hòa Bình", "new_province_code_2025": "25"},
]


def old(code: str, name: str, district: str = "Huyện A", province: str = "Thành phố Hà Nội") -> dict[str, str]:
    return {"maxa": code, "tenxa": name, "tenhuyen": district, "tentinh": province}


def new(code: str, words: str, province: str = "01") -> dict[str, str]:
    return {"code": code, "name": "", "province": province, "formed_from_old_units": words}


@pytest.mark.parametrize(
    ("words", "units"),
    [
        ("Thị trấn Bo, Xã Vĩnh Đồng", [("Thị trấn Bo", ""), ("Xã Vĩnh Đồng", "")]),
        ("Phường Bưởi và Phường Phú Thượng", [("Phường Bưởi", ""), ("Phường Phú Thượng", "")]),
        ("Xã Thanh Bình (huyện Hớn Quản)", [("Xã Thanh Bình", "Hớn Quản")]),
        ("Phường Kim Mã (phần còn lại sau khi sáp nhập vào phường Ba Đình, phường Ngọc Hà)", [("Phường Kim Mã", "")]),
        (
            "một phần diện tích của các phường Cửa Nam, Điện Biên",
            [("phường Cửa Nam", ""), ("phường Điện Biên", "")],
        ),
        ("phần còn lại của phường Đồng Xuân sau khi sáp nhập vào phường Hồng Hà", [("phường Đồng Xuân", "")]),
        ("giữ nguyên", []),
    ],
)
def test_units_are_read_out_of_the_words_of_a_resolution(words: str, units: list[tuple[str, str]]) -> None:
    assert list(named_units(words)) == units


def test_a_name_that_one_old_unit_alone_has_names_its_successors() -> None:
    rows = [old("00001", "Phường Hoà Xá"), old("00002", "Phường Giữa"), old("00003", "Phường Còn")]
    found = replaced(rows, [new("00003", "Phường Hòa Xá, Phường Còn, Phường Giữa"), new("00009", "Xã Giữa"),
                            new("00008", "một phần phường Giữa")], PROVINCES)  # fmt: skip
    assert found == {"00001": ["00003"], "00002": ["00003", "00008"]}


def test_of_two_old_units_of_one_name_the_district_decides_or_nobody() -> None:
    rows = [
        old("00001", "Xã Tân", "Huyện A"),
        old("00002", "Xã Tân", "Huyện B"),
        old("00003", "Xã Tân", "Huyện C", "Tỉnh Hoà Bình"),
    ]
    assert replaced(rows, [new("00009", "Xã Tân")], PROVINCES) == {}
    assert replaced(rows, [new("00009", "Xã Tân (huyện B)")], PROVINCES) == {"00002": ["00009"]}
    assert replaced(rows, [new("00009", "Xã Tân", "25")], PROVINCES) == {"00003": ["00009"]}
