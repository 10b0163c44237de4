"""Packing the ministry's lists."""

from __future__ import annotations

from pathlib import Path

import pytest
import zstandard

from mappings.terminology import pack
from mappings.terminology.icd9cm import of_service, read
from mappings.terminology.icd10 import display

SHARED = Path("../shared/reference/data/icd")


def test_marks_are_no_part_of_a_code_and_two_names_are_none() -> None:
    rows = [
        ("B59", "Bệnh do  pneumocystosis "),
        ("B59†", "Bệnh do pneumocystosis (J17.3*)"),
        ("G01*", "Viêm màng não"),
        ("86.28", "Cắt lọc, rạch rộng"),
        ("86.28", "Cắt lọc, không rạch rộng"),
        ("9.99", "Mổ khác"),
        ("", "x"),
        ("A00", ""),
    ]

    assert pack.names_by_code(rows) == {"B59": "Bệnh do pneumocystosis", "G01": "Viêm màng não", "09.99": "Mổ khác"}


def test_a_service_has_the_codes_of_all_its_prices() -> None:
    rows = [("01.0115.0297", "88.73"), ("01.0115.0298", "9.99"), ("PT1", "88.73"), ("01.0116.0118", "")]

    assert pack.codes_by_service(rows) == {"01.0115": "09.99;88.73"}


def test_a_packed_list_is_lines_of_code_and_name() -> None:
    packed = pack.pack({"B": "hai", "A": "một"})

    assert zstandard.ZstdDecompressor().decompress(packed).decode() == "A\tmột\nB\thai\n"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the ministry's lists are not part of the project")
@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("icd10", "icd10_vn_qd4469_2020.csv"),
        ("icd9", "icd9cm_service_map.csv"),
        ("services", "icd9cm_service_map.csv"),
    ],
)
def test_what_is_packed_is_what_the_command_makes(kind: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(Path, "write_bytes", lambda _, content: written.append(content))
    pack.main(kind, SHARED / source)

    shipped = Path(pack.__file__).with_name(pack._LISTS[kind][0]).read_bytes()
    unpack = zstandard.ZstdDecompressor().decompress
    assert [unpack(one) for one in written] == [unpack(shipped)]


def test_the_shipped_lists_have_their_names() -> None:
    assert display("J18.9") == "Viêm phổi, không đặc hiệu"
    assert display("X00.99") == ""


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ("81.51;47.09", ["81.51", "47.09"]),
        ("8151", ["81.51"]),
        ("9.99", ["09.99"]),
        ("81.51, 47.09", ["81.51", "47.09"]),
        ("81.51.", ["81.51"]),
        ("47", ["47"]),
        ("81.51;8151", ["81.51"]),
        ("Mổ lấy thai", []),
        ("815100", []),
        ("", []),
    ],
)
def test_codes_of_operations_are_read_in_one_form(written: str, codes: list[str]) -> None:
    assert read(written) == codes


@pytest.mark.parametrize(
    ("service", "codes"), [("10.0742.0541", ["81.75"]), ("10.0742", ["81.75"]), ("PT.1", []), ("99.9999", [])]
)
def test_a_service_of_the_shared_list_has_its_international_codes(service: str, codes: list[str]) -> None:
    assert of_service(service) == codes


def test_what_a_code_may_not_be_is_what_holds_of_it_in_every_form() -> None:
    rows = [
        limited("C53.0", female_only="1"),
        limited("B37.3†", female_only="1"),
        limited("N08.3*", not_allowed_as_main="1", male_only="1"),
        limited("A34†", not_allowed_as_main="1", female_only="1"),
        limited("A34", female_only="1"),
        limited("I10"),
    ]
    assert pack.limits_by_code(rows) == {"C53.0": "f", "B37.3": "f", "N08.3": "mn", "A34": "f"}


def limited(code: str, **flags: str) -> dict[str, str]:
    """A row of the ministry's list with these flags."""
    return {"code": code, "not_allowed_as_main": "0", "female_only": "0", "male_only": "0", **flags}


def test_a_manifestation_has_the_causes_of_the_table_and_of_the_names() -> None:
    named = {
        "E10.2": "Đái tháo đường, biến chứng thận",
        "E11.2": "Đái tháo đường, biến chứng thận",
        "E11.4": "Đái tháo đường, biến chứng thần kinh",
        "E15.2": "Khác",
        "N08.3": "Cầu thận trong đái tháo đường (E10-E14 với ký tự thứ tư là .2†)",
        "A18.0": "Lao xương và khớp",
        "M01.1": "Viêm khớp do lao (A18.0†)",
        "A17.0": "Viêm màng não do lao (G01*)",
        "G94.0": "Tràn dịch não trong bệnh nhiễm trùng (A00-B99†)",
    }
    pairs = [{"dagger": "A010", "asterisk": "G01"}, {"dagger": "B59", "asterisk": "J173"}]

    assert pack.causes_by_manifestation(pairs, named) == {
        "G01": "A01.0;A17.0",
        "J17.3": "B59",
        "N08.3": "E10.2;E11.2",
        "M01.1": "A18.0",
    }
