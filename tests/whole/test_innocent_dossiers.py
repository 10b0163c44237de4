"""What only looks restricted loses nothing: not the record, not a row, not a word (docs/decisions/026)."""

from __future__ import annotations

import pytest

from ehr_sync.sandbox.dossiers.generator import Hoso, with_table
from tests.whole.test_marked_up_items import summary, with_row
from tests.whole.test_withheld_items import ORDER, RESULT, STAY, body

DRUG = {"MA_THUOC": "40.999", "TEN_THUOC": "Thuốc X", "SO_LUONG": "1"}
NAMES = [
    ("XML2", DRUG, "TEN_THUOC", name)
    for name in (
        "Tenofovir disoproxil fumarat 300mg",
        "TDF 300mg",
        "TAF 25mg",
        "Vemlidy 25mg",
        "Lamivudin 100mg",
        "Lamivudin + Tenofovir",
        "Entecavir 0,5mg",
        "Paxlovid (nirmatrelvir + ritonavir)",
        "Epclusa",
        "Kim tiền thảo OPC",
        "Siro ho OPC 180ml",
        "Mimosa OPC",
        "Prepidil gel",
        "Pepcid",
    )
]
SERVICES = [
    ("XML3", ORDER | {"MA_DICH_VU": "XN.77"}, "TEN_DICH_VU", name)
    for name in (
        "HBsAg test nhanh",
        "HCV Ab miễn dịch tự động",
        "HTLV-1 kháng thể",
        "Đo tải lượng HBV",
        "Treponema pallidum RPR",
        "Chuẩn bị đại tràng (bowel prep)",
        "Điện não đồ chẩn đoán TLE",
        "Tập thở PEP",
        "Đo khoảng H-V",
        "Siêu âm tim, ARVC",
        "Chụp X-quang tại phòng P24",
    )
]
CODES = [("XML2", DRUG, "MA_THUOC", code) for code in ("40.263", "40.267", "40.269", "J05AF05", "J05AF10", "J05AR12")]
TEXTS = [
    "TDF điều trị viêm gan B",
    "Siro OPC 180ml",
    "ông Opc đưa vào viện",
    "công ty Dược phẩm OPC",
    "HLV bóng đá, đau gối",
    "tiền sử viêm gan B 20 năm",
    "nằm giường B20",
    "truyền 12 h IV",
    "bệnh nhân có H. pylori",
    "bác sĩ đa khoa khám lại",
]


@pytest.mark.parametrize(("table", "row", "tag", "value"), [*NAMES, *SERVICES, *CODES])
def test_an_innocent_name_or_code_is_shown(table: str, row: dict[str, str], tag: str, value: str) -> None:
    made = body(with_row(STAY, table, **row | {tag: value}))
    assert (made.restricted, len(made.shown)) == ((), len(body(STAY).shown) + 1)
    assert value.encode() in made.resources


@pytest.mark.parametrize("words", TEXTS)
def test_an_innocent_text_is_shown(words: str) -> None:
    assert f"Lời dặn: {words}".encode() in body(summary(GHI_CHU=words)).resources


@pytest.mark.parametrize("code", ["B18.1", "Z20.2", "Z11.3", "Z71.6", "Z22.5", "B25", "D84.9", "I10;Z20;Z22"])
def test_an_innocent_code_is_shown(code: str) -> None:
    made = body(summary(MA_BENH_KT=code))
    assert all(f'"{one}"'.encode() in made.resources for one in code.split(";"))


def of_visit(value: str) -> Hoso:
    """The stay under another MA_LK."""
    made = STAY
    for table, rows in STAY.tables.items():
        made = with_table(made, table, [row | ({"MA_LK": value} if "MA_LK" in row else {}) for row in rows])
    return made


@pytest.mark.parametrize(
    "made",
    [
        summary(HO_TEN="SIDA VONGPHACHANH"),
        summary(HO_TEN="NGUYỄN VĂN OPC"),
        summary(DIA_CHI="Số 1 ngõ Trung tâm phòng chống HIV/AIDS"),
        summary(MA_BN="ARV01"),
        summary(MA_HSBA="HIV.2026/001"),
        of_visit("HIV.001"),
        with_row(STAY, "XML5", DIEN_BIEN_LS="Cha bệnh nhân điều trị ARV"),
    ],
    ids=["SIDA", "OPC", "address", "patient", "file", "visit", "note of a table that is not mapped"],
)
def test_a_name_an_address_or_a_number_hides_nothing(made: Hoso) -> None:
    assert (body(made).restricted, len(body(made).shown)) == ((), len(body(STAY).shown))


def test_orders_whose_codes_differ_by_capitals_stay_apart() -> None:
    made = with_row(STAY, "XML3", **ORDER | {"MA_DICH_VU": "xn7", "TEN_DICH_VU": "Đường máu"})
    made = with_row(made, "XML3", **ORDER | {"MA_DICH_VU": "XN7", "TEN_DICH_VU": "Đường niệu"})
    assert len(body(made).shown) == len(body(STAY).shown) + 2


def test_another_services_result_stays_when_a_test_is_withheld() -> None:
    other = with_row(STAY, "XML3", **ORDER | {"MA_DICH_VU": "XN.77", "TEN_DICH_VU": "Đường máu"})
    other = with_row(other, "XML4", **RESULT | {"MA_DICH_VU": "XN.77", "GIA_TRI": "5,1"})
    assert body(with_row(other, "XML3", **ORDER)) == body(other)


def test_p9_an_operation_whose_official_name_says_hiv_among_others_is_withheld() -> None:
    """Decided in docs/decisions/026: the word in a book tells more than the list meant, and there is no other name."""
    name = "Phẫu thuật lấy thai trên người bệnh có bệnh truyền nhiễm (viêm gan nặng, HIV-AIDS, H5N1, tiêu chảy cấp)"
    operation = ORDER | {"MA_DICH_VU": "13.0005.0675", "TEN_DICH_VU": name, "MA_NHOM": "8"}
    assert body(with_row(STAY, "XML3", **operation)) == body(STAY)
