"""Restricted data is found wherever it hides, and ordinary medicine is left alone."""

from __future__ import annotations

import unicodedata

import pytest

from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.sandbox.dossiers.hoso import Hoso
from ehr_sync.sandbox.dossiers.restricted import DECOYS, RESTRICTED_KINDS, planted
from mappings.model import Tables
from mappings.restricted import (
    ITEM_CODE,
    ITEM_FIELD,
    ITEM_TERM,
    ITEM_TEST,
    RECORD_CODE,
    RECORD_DRUG,
    RECORD_ENTITLEMENT,
    RECORD_TABLE,
    fold,
    triggers,
)


def field(table: str, tag: str, value: str) -> Tables:
    return {"XML1": ({"MA_LK": "LK1"},), table: ({"MA_LK": "LK1"}, {"MA_LK": "LK1", tag: value})}


def tables(hoso: Hoso) -> Tables:
    return {
        table: tuple({tag: value.strip() for tag, value in row.items() if value.strip()} for row in rows)
        for table, rows in hoso.tables.items()
    }


PLANTED = [
    # Codes
    ("XML1", "MA_BENH_CHINH", "B20", RECORD_CODE),
    ("XML1", "MA_BENH_CHINH", "B20.1", RECORD_CODE),
    ("XML1", "MA_BENH_CHINH", "b227", RECORD_CODE),
    ("XML1", "MA_BENH_CHINH", "Ｂ２４", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "I10;B23.8;E11", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "I10; z21 ;E11", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "B20-B24", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "B24X", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "z21x", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "R75", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "F02.4*", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "F024", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "O98.7", RECORD_CODE),
    ("XML1", "MA_BENH_YHCT", "U62.261;B24", RECORD_CODE),
    ("XML3", "MA_BENH", "B22.0†", RECORD_CODE),
    ("XML99", "MA_BENH_KHAC", "Z21", RECORD_CODE),
    ("XML99", "ICD_PHU", "B21", RECORD_CODE),
    ("XML1", "CHAN_DOAN_RV", "Lao phổi / B20.0", RECORD_CODE),
    ("XML1", "CHAN_DOAN_RV", "Viêm phổi (B24)", RECORD_CODE),
    ("XML5", "DIEN_BIEN_LS", "Chẩn đoán theo ICD10: B24, tiếp tục theo dõi", RECORD_CODE),
    ("XML7", "GHI_CHU", "B24 - theo dõi ngoại trú", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "Z11.4", ITEM_CODE),
    ("XML1", "MA_BENH_KT", "z206", ITEM_CODE),
    ("XML1", "MA_BENH_KT", "I10;Z71.7", ITEM_CODE),
    ("XML1", "MA_BENH_KT", "Z83.0", ITEM_CODE),
    # Tables and fields
    ("XML6", "MA_BN", "1", RECORD_TABLE),
    ("XML1", "MA_DOITUONG_KCB", "1.9", RECORD_ENTITLEMENT),
    ("XML1", "MA_DOITUONG_KCB", "1.1; 1.9", RECORD_ENTITLEMENT),
    ("XML0", "MA_DOITUONG_KCB", "1,9", RECORD_ENTITLEMENT),
    ("XML15", "PHANLOAI_LAO_HIV", "2", ITEM_FIELD),
    ("XML15", "NGAYKD_HIV", "20250101", ITEM_FIELD),
    ("XML15", "BDDT_ARV", "0", ITEM_FIELD),
    # Drugs
    ("XML2", "TEN_THUOC", "Efavirenz 600mg", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "TENOFOVIR 300MG + LAMIVUDIN 300MG + DOLUTEGRAVIR 50MG", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "Lamivudin/Zidovudin 150/300", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "Nevirapine", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "Aluvia 200/50mg", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "LPV/r", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "TLD", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "Ritonavir 100mg", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "Emtricitabin + Tenofovir alafenamid", RECORD_DRUG),
    ("XML5", "DIEN_BIEN_LS", "Đổi phác đồ AZT/3TC/NVP sang TDF/3TC/EFV", RECORD_DRUG),
    ("XML5", "DIEN_BIEN_LS", "phác đồ TDF + 3TC + NVP", RECORD_DRUG),
    ("XML5", "DIEN_BIEN_LS", "đang dùng TDF+3TC+DTG", RECORD_DRUG),
    ("XML13", "TEN_THUOC", "Raltegravir", RECORD_DRUG),
    ("XML2", "GHI_CHU_LA", "thuốc Biktarvy mang từ nước ngoài về", RECORD_DRUG),
    # Tests
    ("XML3", "TEN_DICH_VU", "HIV Ab test nhanh", ITEM_TEST),
    ("XML3", "TEN_DICH_VU", "HIV khẳng định", ITEM_TEST),
    ("XML3", "TEN_DICH_VU", "HIV Ag/Ab miễn dịch tự động", ITEM_TEST),
    ("XML3", "TEN_DICH_VU", "Đếm số lượng tế bào CD3/CD4/CD8", ITEM_TEST),
    ("XML4", "TEN_CHI_SO", "Anti-HIV", ITEM_TEST),
    ("XML4", "TEN_CHI_SO", "AntiHIV1/2", ITEM_TEST),
    ("XML4", "TEN_CHI_SO", "TCD4", ITEM_TEST),
    ("XML4", "TEN_CHI_SO", "HIVAg", ITEM_TEST),
    ("XML4", "MA_CHI_SO", "HIV_AG_AB", ITEM_TEST),
    ("XML4", "KET_LUAN", "Kháng nguyên p24 âm tính", ITEM_TEST),
    # Words, wherever they stand
    ("XML1", "LY_DO_VV", "khám định kỳ phòng khám ngoại trú OPC", ITEM_TERM),
    ("XML1", "CHAN_DOAN_RV", "Lao phổi/HIV(+)", ITEM_TERM),
    ("XML1", "DIA_CHI", "Trung tâm phòng chống HIV/AIDS, phường Thử", ITEM_TERM),
    ("XML1", "HO_TEN", "TRUNG TÂM NUÔI DƯỠNG TRẺ HIV", ITEM_TERM),
    ("XML1", "GHI_CHU", "đang uống ARV", ITEM_TERM),
    ("XML1", "GHI_CHU", "SIDA", ITEM_TERM),
    ("XML1", "GHI_CHU", "tư vấn PrEP", ITEM_TERM),
    ("XML1", "GHI_CHU", "PEP sau phơi nhiễm nghề nghiệp", ITEM_TERM),
    ("XML5", "DIEN_BIEN_LS", "người có H, sức khoẻ ổn định", ITEM_TERM),
    ("XML5", "DIEN_BIEN_LS", "bị nhiễm H từ năm 2015", ITEM_TERM),
    ("XML5", "DIEN_BIEN_LS", "nhiễm vi rút gây suy giảm miễn dịch ở người", ITEM_TERM),
    ("XML5", "DIEN_BIEN_LS", "Human Immunodeficiency Virus", ITEM_TERM),
    ("XML8", "QT_BENHLY", "hội chứng suy giảm miễn dịch mắc phải", ITEM_TERM),
    ("XML42", "TAG_LA", "xn hiv", ITEM_TERM),
    ("XML3", "MA_MAY", "HIV.01", ITEM_TERM),
]


@pytest.mark.parametrize(("table", "tag", "value", "rule"), PLANTED)
def test_a_planted_trigger_is_found_under_its_rule(table: str, tag: str, value: str, rule: str) -> None:
    assert rule in triggers(field(table, tag, value))


SPELLINGS = [
    "H.I.V",
    "H I V",
    "h-i-v",
    "H_I_V",
    "hiv",
    "HIV-1",
    "HIV1/2",
    "HIV(+)",
    "(HIV)",
    "ＨＩＶ",
    "H\u200bI\u200dV",
    "H\u00adIV",
    "HI\ufeffV",
    "H\u00a0I\u00a0V",
    "НІV",  # Cyrillic En and Ukrainian I
    "ΗΙV",  # Greek Eta and Iota
    "hіν",  # Cyrillic i, Greek nu
    "HIѴ",  # izhitsa
    "H·I·V",
    "𝐇𝐈𝐕",
    "Ⓗ Ⓘ Ⓥ",
    "H\u0301IV",
    "A.I.D.S",
    "ＡＩＤＳ",
    "АIDЅ",
    "S I D A",
    "suy giam mien dich mac phai",
    unicodedata.normalize("NFD", "suy giảm miễn dịch mắc phải"),
    "SUY  GIẢM\tMIỄN DỊCH MẮC PHẢI",
    "virus suy giảm miễn dịch",
    "vi-rút gây suy giảm miễn dịch",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_hides_a_word(spelling: str) -> None:
    assert triggers(field("XML5", "DIEN_BIEN_LS", f"Tiền sử {spelling}, không sốt")) == {ITEM_TERM}


BENIGN_TEXTS = [
    "Viêm gan vi rút B mạn, điều trị TDF 300mg/ngày",
    "Chuyển từ 3TC sang TAF do kháng thuốc",
    "TDF + 3TC",
    "kháng virus viêm gan B",
    "Đo tải lượng HBV DNA",
    "HCV Ab test nhanh; HBsAg dương tính",
    "Khi vào viện bệnh nhân tỉnh, khi về ổn định",
    "Đau khi vận động",
    "chi vận động bình thường",
    "lưu trữ hồ sơ archive",
    "shiver, chivas, hive",
    "Nhiễm H. pylori",
    "nhiễm H.pylori, đã điều trị",
    "nhiễm H1N1",
    "nhiễm H. influenzae",
    "bệnh nhân có h/c thận hư",
    "tập thở với van PEP 10 phút x 3 lần",
    "PEP flow, dẫn lưu tư thế",
    "áp lực PEEP 5 cmH2O",
    "tiêm vắc xin dại sau phơi nhiễm (PEP dại)",
    "bowel prep đạt, BBPS 8 điểm",
    "prep da vùng mổ bằng Povidon",
    "uống Kim tiền thảo OPC 2 viên x 3 lần",
    "dùng hearing aids hai bên",
    "ké hoa vàng (Sida rhombifolia L.)",
    "suy giảm miễn dịch bẩm sinh",
    "suy giảm miễn dịch do hoá trị",
    "suy giảm miễn dịch thể kết hợp nặng SCID",
    "ARVC, loạn nhịp thất phải",
    "AVR qua da",
    "nằm giường B20, phòng B24",
    "chuyển phòng B21.2",
    "bổ sung vitamin B12, B6, B2",
    "gãy đầu dưới xương quay (S52.5)",
    "Z20.2 tiếp xúc bệnh lây qua đường tình dục",
    "đái tháo đường (ĐTĐ) týp 2",
    "NVP mức độ nhẹ, thai 10 tuần",
    "ATV 20mg buổi tối",
    "FTC thể xâm nhập tối thiểu",
    "tế bào dương tính với CD3, CD4, CD20 trên hoá mô miễn dịch",
    "đã tiêm phòng dự phòng sau phơi nhiễm viêm gan B",
    "chống phơi nhiễm bức xạ",
    "Paxlovid (nirmatrelvir 150mg + ritonavir 100mg)",
    "ombitasvir/paritaprevir/ritonavir",
    "Sofosbuvir + Velpatasvir",
    "retinopathy, retrograde",
    "đặt ống dẫn lưu retroperitoneal",
    "B20 giờ vào viện",
]
BENIGN_DRUGS = [
    "Tenofovir disoproxil fumarat 300mg",
    "Tenofovir alafenamid 25mg (TAF)",
    "Lamivudin 100mg",
    "Lamivudine 150 mg",
    "Entecavir 0,5mg",
    "Aciclovir 400mg",
    "Valganciclovir",
    "Oseltamivir 75mg",
    "Adefovir",
    "Harvoni 90mg/400mg",
    "Kim tiền thảo OPC",
    "Cao ích mẫu OPC",
    "Mimosa OPC",
    "Fleet Prep Kit",
    "Atorvastatin",
    "Abciximab",
    "Pepsane",
    "Larva-stop",
    "Marvelon",
    "Cotrimoxazol 960mg",
    "Isoniazid 300mg",
    "Remdesivir",
    "Favipiravir 200mg",
]
BENIGN_CODES = [
    "B18.1",
    "B19",
    "B25",
    "D83.9",
    "D84.9",
    "Z20.2",
    "Z11.3",
    "Z71.6",
    "Z83.1",
    "F02.3*",
    "O98.4",
    "R76",
    "I10;E11",
]
BENIGN_NAMES = ["SIDA VONGPHACHANH", "Nguyễn Văn Opc", "TRẦN ARV ANH", "Lò Văn Prep"]


@pytest.mark.parametrize("text", BENIGN_TEXTS)
def test_ordinary_clinical_text_is_left_alone(text: str) -> None:
    assert triggers(field("XML5", "DIEN_BIEN_LS", text)) == frozenset()


@pytest.mark.parametrize("drug", BENIGN_DRUGS)
def test_an_ordinary_drug_is_left_alone(drug: str) -> None:
    assert triggers(field("XML2", "TEN_THUOC", drug)) == frozenset()


@pytest.mark.parametrize("codes", BENIGN_CODES)
def test_a_neighbouring_code_is_left_alone(codes: str) -> None:
    assert triggers(field("XML1", "MA_BENH_KT", codes)) == frozenset()


@pytest.mark.parametrize("name", BENIGN_NAMES)
@pytest.mark.parametrize("tag", ["HO_TEN", "HO_TEN_ME", "HOTEN_NGUOI_HT", "NGUOI_DO_DE"])
def test_a_persons_name_is_not_read_as_a_disease(tag: str, name: str) -> None:
    assert triggers(field("XML9", tag, name)) == frozenset()


def test_a_house_number_is_no_code() -> None:
    assert triggers(field("XML1", "DIA_CHI", "B20.1 khu B24, phường Thử")) == frozenset()


@pytest.mark.parametrize("value", ["1.1", "1", "9", "19", "1.90", ""])
def test_another_entitlement_is_left_alone(value: str) -> None:
    assert triggers(field("XML1", "MA_DOITUONG_KCB", value)) == frozenset()


def test_an_empty_hiv_table_is_no_trigger() -> None:
    assert triggers({"XML1": ({"MA_LK": "1"},), "XML6": ()}) == frozenset()


def test_a_harmless_saying_spares_only_itself() -> None:
    both = "Kim tiền thảo OPC; tái khám tại OPC quận"
    assert triggers(field("XML1", "GHI_CHU", both)) == {ITEM_TERM}


def test_all_rules_that_hit_are_told() -> None:
    made: Tables = {
        "XML1": ({"MA_BENH_CHINH": "B20", "MA_BENH_KT": "Z71.7"},),
        "XML2": ({"TEN_THUOC": "Dolutegravir"},),
        "XML4": ({"TEN_CHI_SO": "Anti-HIV"},),
    }
    assert triggers(made) == {RECORD_CODE, ITEM_CODE, RECORD_DRUG, ITEM_TEST}


@pytest.mark.parametrize("kind", RESTRICTED_KINDS)
def test_what_the_sandbox_plants_is_found(kind: str) -> None:
    assert triggers(tables(planted(dossier(7), kind)))


@pytest.mark.parametrize("kind", DECOYS)
def test_what_only_looks_like_it_is_left_alone(kind: str) -> None:
    assert triggers(tables(planted(dossier(7), kind))) == frozenset()


@pytest.mark.parametrize("seed", range(0, 60, 3))
@pytest.mark.parametrize("messy", [False, True])
def test_an_ordinary_dossier_is_left_alone(seed: int, messy: bool) -> None:
    assert triggers(tables(dossier(seed, messy=messy))) == frozenset()


def test_folding_keeps_words_apart() -> None:
    assert fold("Viêm–gan;Đường\u200b huyết (µmol/L)") == "viem gan duong huyet mol l"
