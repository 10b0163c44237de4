"""What is restricted is found wherever it hides, and ordinary medicine is left alone: the record, a row, a field."""

from __future__ import annotations

import unicodedata

import pytest

from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.sandbox.dossiers.hoso import Hoso
from ehr_sync.sandbox.dossiers.restricted import DECOYS, TRIGGERS, planted
from mappings.model import Tables
from mappings.sources.dossier.withholding import (
    RECORD_CODE,
    RECORD_DRUG,
    RECORD_ENTITLEMENT,
    RECORD_TABLE,
    withheld,
)

ROW, FIELD, NOTHING = "row", "field", "nothing"


def field(table: str, tag: str, value: str) -> Tables:
    other = {"MA_LK": "LK1"}
    return {"XML1": (other,), table: (other, {"MA_LK": "LK1", tag: value})}


def taken(table: str, tag: str, value: str) -> str:
    """What is withheld for this value: a rule of the record, the row, the field, or what is left of the field."""
    found = withheld(field(table, tag, value))
    if found.record:
        return " ".join(sorted(found.record))
    rows = found.tables[table]
    if len(rows) == 1:
        return ROW
    left = rows[1].get(tag)
    return FIELD if left is None else NOTHING if left == value else left


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
    ("XML99", "MAU_BENH_PHAM", "B24 - theo dõi ngoại trú", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "Z11.4", FIELD),
    ("XML1", "MA_BENH_KT", "z206", FIELD),
    ("XML1", "MA_BENH_KT", "I10;Z71.7", "I10"),
    ("XML1", "MA_BENH_KT", "I10;Z;1;1;4", "I10"),  # cut to pieces
    ("XML1", "MA_BENH_KT", ";".join(["I10"] * 199 + ["Z11.4"]), ";".join(["I10"] * 199)),
    ("XML1", "MA_BENH_KT", ";".join(["I10"] * 200 + ["Z11.4"]), FIELD),  # nobody writes so many: not looked through
    ("XML1", "MA_BENH_KT", "Z83.0", FIELD),
    # Tables and fields
    ("XML6", "MA_BN", "1", RECORD_TABLE),
    ("XML1", "MA_DOITUONG_KCB", "1.9", RECORD_ENTITLEMENT),
    ("XML1", "MA_DOITUONG_KCB", "1.1; 1.9", RECORD_ENTITLEMENT),
    ("XML0", "MA_DOITUONG_KCB", "1,9", RECORD_ENTITLEMENT),
    ("XML15", "PHANLOAI_LAO_HIV", "2", FIELD),
    ("XML15", "NGAYKD_HIV", "20250101", FIELD),
    ("XML15", "BDDT_ARV", "0", FIELD),
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
    ("XML5", "DIEN_BIEN_LS", "Đổi phác đồ AZT/3TC/NVP sang TDF/3TC/EFV", FIELD),
    ("XML5", "DIEN_BIEN_LS", "phác đồ TDF + 3TC + NVP", FIELD),
    ("XML5", "DIEN_BIEN_LS", "đang dùng TDF+3TC+DTG", FIELD),
    ("XML13", "TEN_THUOC", "Raltegravir", RECORD_DRUG),
    ("XML2", "GHI_CHU_LA", "thuốc Biktarvy mang từ nước ngoài về", RECORD_DRUG),
    # Tests
    ("XML3", "TEN_DICH_VU", "HIV Ab test nhanh", ROW),
    ("XML3", "TEN_DICH_VU", "HIV khẳng định", ROW),
    ("XML3", "TEN_DICH_VU", "HIV Ag/Ab miễn dịch tự động", ROW),
    ("XML3", "TEN_DICH_VU", "Đếm số lượng tế bào CD3/CD4/CD8", ROW),
    ("XML4", "TEN_CHI_SO", "Anti-HIV", ROW),
    ("XML4", "TEN_CHI_SO", "AntiHIV1/2", ROW),
    ("XML4", "TEN_CHI_SO", "TCD4", ROW),
    ("XML4", "TEN_CHI_SO", "HIVAg", ROW),
    ("XML4", "MA_CHI_SO", "HIV_AG_AB", ROW),
    ("XML4", "KET_LUAN", "Kháng nguyên p24 âm tính", ROW),
    # Words, wherever they stand
    ("XML1", "LY_DO_VV", "khám định kỳ phòng khám ngoại trú OPC", FIELD),
    ("XML1", "CHAN_DOAN_RV", "Lao phổi/HIV(+)", FIELD),
    ("XML1", "DIA_CHI", "Trung tâm phòng chống HIV/AIDS, phường Thử", NOTHING),
    ("XML1", "HO_TEN", "TRUNG TÂM NUÔI DƯỠNG TRẺ HIV", FIELD),
    ("XML1", "GHI_CHU", "đang uống ARV", FIELD),
    ("XML1", "GHI_CHU", "SIDA", FIELD),
    ("XML1", "GHI_CHU", "tư vấn PrEP", FIELD),
    ("XML1", "GHI_CHU", "PEP sau phơi nhiễm nghề nghiệp", FIELD),
    ("XML5", "DIEN_BIEN_LS", "người có H, sức khoẻ ổn định", FIELD),
    ("XML5", "DIEN_BIEN_LS", "bị nhiễm H từ năm 2015", FIELD),
    ("XML5", "DIEN_BIEN_LS", "nhiễm vi rút gây suy giảm miễn dịch ở người", FIELD),
    ("XML5", "DIEN_BIEN_LS", "Human Immunodeficiency Virus", FIELD),
    ("XML8", "QT_BENHLY", "hội chứng suy giảm miễn dịch mắc phải", FIELD),
    ("XML42", "TAG_LA", "xn hiv", FIELD),
    ("XML3", "MA_MAY", "HIV.01", ROW),
    # Codes with anything inside, in fields of codes
    ("XML1", "MA_BENH_CHINH", "B 20", RECORD_CODE),
    ("XML1", "MA_BENH_CHINH", "B.20", RECORD_CODE),
    ("XML1", "MA_BENH_CHINH", "b-20", RECORD_CODE),
    ("XML1", "MA_BENH_CHINH", "B2O", RECORD_CODE),
    ("XML1", "MA_BENH_CHINH", "B/2/0", RECORD_CODE),
    ("XML1", "MA_BENH_CHINH", "B;20", RECORD_CODE),
    ("XML1", "MA_BENH_CHINH", "В20", RECORD_CODE),  # the letter is Cyrillic
    ("XML1", "MA_BENH_CHINH", "B\u200b2\u200b4", RECORD_CODE),
    ("XML1", "MA_BENH_CHINH", "B_2_3.8", RECORD_CODE),
    ("XML1", "MA_BENH_CHINH", "B٢٠", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "I10,B20,E11", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "I10 B20", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "I10B20", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "I10|Z 21|E11", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "Z2l", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "Z2I", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "R.75", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "0987", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "I10;098.7", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "O 98 . 7", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "F O2.4", RECORD_CODE),
    ("XML14", "MA_BENH_KT", "E11 + B 24", RECORD_CODE),
    ("XML3", "MA_BENH", "I10\nB20", RECORD_CODE),
    # The same in diagnoses
    ("XML1", "CHAN_DOAN_RV", "B.20 Bệnh", RECORD_CODE),
    ("XML1", "CHAN_DOAN_RV", "Lao phổi; B 20", RECORD_CODE),
    ("XML1", "CHAN_DOAN_VAO", "(B 24)", RECORD_CODE),
    ("XML7", "CHAN_DOAN_RV", "B 20 - bệnh nhiễm trùng", RECORD_CODE),
    ("XML1", "CHAN_DOAN_RV", "theo dõi Z-21", RECORD_CODE),
    ("XML5", "DIEN_BIEN_LS", "mã bệnh: B 24", RECORD_CODE),
    ("XML8", "QT_BENHLY", "đã biết [B.20]", RECORD_CODE),
    ("XML8", "TOMTAT_KQ", "vào viện vì B20.6", RECORD_CODE),
    ("XML1", "CHAN_DOAN_RV", "Sốt (Z11.4)", FIELD),
    ("XML8", "QT_BENHLY", "khám Z71.7", FIELD),
    # Codes of items leave their list alone
    ("XML1", "MA_BENH_KT", "I10;Z11.4;E11", "I10;E11"),
    ("XML1", "MA_BENH_KT", "Z11.4;I10", "I10"),
    ("XML1", "MA_BENH_KT", "I10, Z 11.4, E11", "I10, E11"),
    ("XML1", "MA_BENH_KT", "I10;Z20,6;E11", "I10;E11"),
    ("XML1", "MA_BENH_KT", "I10 Z71.7 E11", "I10 E11"),
    ("XML1", "MA_BENH_KT", "I10;ZII.4", "I10"),
    ("XML1", "MA_BENH_KT", "I10 + z-83-0", "I10"),
    ("XML1", "MA_BENH_YHCT", "U50.011;Z206", "U50.011"),
    ("XML3", "MA_BENH", "Z11.4;A97.9", "A97.9"),
    ("XML13", "MA_BENH_KT", "Z83.0*;I10", "I10"),
    ("XML1", "MA_BENH_KT", "HIV;I10", FIELD),
    # Entitlements
    ("XML1", "MA_DOITUONG_KCB", "1.90", RECORD_ENTITLEMENT),
    ("XML1", "MA_DOITUONG_KCB", "1.900", RECORD_ENTITLEMENT),
    ("XML1", "MA_DOITUONG_KCB", "01.9", RECORD_ENTITLEMENT),
    ("XML1", "MA_DOITUONG_KCB", "1 . 9", RECORD_ENTITLEMENT),
    ("XML1", "MA_DOITUONG_KCB", "１．９", RECORD_ENTITLEMENT),
    ("XML14", "MA_DOITUONG_KCB", "1,90;2", RECORD_ENTITLEMENT),
    # Drugs by code, whatever they are called; fixed combinations by brand
    ("XML2", "MA_THUOC", "40.273", RECORD_DRUG),
    ("XML2", "MA_THUOC", "40.262", RECORD_DRUG),
    ("XML2", "MA_THUOC", "40.263+40.268", RECORD_DRUG),
    ("XML2", "MA_THUOC", "40. 271", RECORD_DRUG),
    ("XML2", "MA_THUOC", "40.271.N1", RECORD_DRUG),
    ("XML2", "MA_THUOC", "J05AR10", RECORD_DRUG),
    ("XML2", "MA_THUOC", "j05af06", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "TLE 400", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "TLD1000", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "Eltvir", RECORD_DRUG),
    ("XML2", "HAM_LUONG", "Dolutegravir 50mg", RECORD_DRUG),
    ("XML2", "CACH_DUNG", "uống sau Efavirenz 2 giờ", RECORD_DRUG),
    ("XML13", "TEN_THUOC", "Paracetamol; TLE", RECORD_DRUG),
    ("XML8", "PP_DIEUTRI", "phác đồ TLE", FIELD),
    ("XML2", "MA_THUOC", "NVP", RECORD_DRUG),
    ("XML2", "MA_THUOC", "40,273", RECORD_DRUG),
    ("XML2", "MA_THUOC", "4O.273", RECORD_DRUG),
    ("XML2", "MA_THUOC", "40.2 73", RECORD_DRUG),
    ("XML2", "MA_THUOC", "J05 AR-13", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "EFAVIRENZ600", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "Dolutegravir50mg", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "EFV600", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "Zidovudina", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "T.L.D", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "NVP 200mg", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "ABC/3TC", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "BIC/FTC/TAF", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "Ricovir-EM", RECORD_DRUG),
    ("XML2", "TEN_THUOC", "Rekambys", RECORD_DRUG),
    ("XML1", "MA_DOITUONG_KCB", "1·9", RECORD_ENTITLEMENT),
    ("XML1", "MA_DOITUONG_KCB", "2,1.9", RECORD_ENTITLEMENT),
    ("XML1", "MA_DOITUONG_KCB", "1.9,2", RECORD_ENTITLEMENT),
    ("XML1", "MA_BENH_KT", "Б20", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "ß20", RECORD_CODE),
    ("XML1", "MA_BENH_KT", "0.98.7", RECORD_CODE),
    ("XML1", "GHI_CHU", "HAART từ 2019", FIELD),
    ("XML1", "GHI_CHU", "bệnh nhân có H điều trị đều", FIELD),
    ("XML1", "GHI_CHU", "dương tính với H", FIELD),
    ("XML1", "GHI_CHU", "bị xi đa", FIELD),
    ("XML1", "GHI_CHU", "căn bệnh thế kỷ", FIELD),
    ("XML1", "GHI_CHU", "chương trình HIVAIDS", FIELD),
    ("XML1", "GHI_CHU", "uống Pr.EP", FIELD),
    ("XML1", "GHI_CHU", "virus gây SGMD", FIELD),
    ("XML1", "GHI_CHU", "SGMDMP", FIELD),
    ("XML3", "TEN_DICH_VU", "Test VIH", ROW),
    ("XML3", "TEN_DICH_VU", "HIVtest", ROW),
    ("XML4", "TEN_CHI_SO", "p24", ROW),
    ("XML4", "TEN_CHI_SO", "gp120", ROW),
    # Tests by their code, and words that only look like the word
    ("XML3", "MA_DICH_VU", "24.0169.1616", ROW),
    ("XML3", "MA_DICH_VU", "24.0175.1663_TB", ROW),
    ("XML4", "MA_DICH_VU", "24.0182", ROW),
    ("XML3", "TEN_DICH_VU", "Test nhanh HlV", ROW),
    ("XML3", "TEN_VAT_TU", "Sinh phẩm HIV 1/2 3.0", ROW),
    ("XML4", "GIA_TRI", "HIV âm tính", ROW),
    ("XML4", "DU_PHONG", "HIV", FIELD),
    ("XML2", "TEN_THUOC", "Thuốc ARV dự án", ROW),
    ("XML2", "LIEU_DUNG", "cùng ARV", FIELD),
    ("XML3", "DU_PHONG", "HIV", FIELD),
    ("XML1", "MA_KHOA", "K01;HIV", FIELD),
    ("XML15", "NGAY_BAT_DAU_DT_CTX", "20250101", FIELD),
]


@pytest.mark.parametrize(("table", "tag", "value", "takes"), PLANTED)
def test_what_is_planted_takes_the_record_the_row_the_field_or_the_code(
    table: str, tag: str, value: str, takes: str
) -> None:
    assert taken(table, tag, value) == takes


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
    "HlV",
    "H1V",
    "h1v",
    "H|V",
    "H!V",
    "H.l.V",
    "H 1 V",
    "HI V",
    "H IV",
    "H-IV",
    "НlV",  # a Cyrillic En and a lower L
    "HӀV",  # palochka
    "ꓧꓲꓦ",  # Lisu
    "ᎻᏆᏙ",  # Cherokee
    "ңιѵ",
    "HI∨",
    "H¡V",
    "HⅣ",
    "antiHlV",
    "A.I.D.S",
    "AlDS",
    "A1DS",
    "SlDA",
    "suy giảm miễn dịch do virus ở người",
    "suy giảm miễn dịch virus người",
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
    assert taken("XML5", "DIEN_BIEN_LS", f"Tiền sử {spelling}, không sốt") == FIELD


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
    "tạm ứng 40.264 đồng, còn lại 402.600",  # as the codes of drugs are written
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
    "HLV bóng đá",
    "hlv",
    "mỗi 12 h IV",
    "uống 8 h 1 v",
    "h.v. khó đi lại",
    "Siro OPC 180ml",
    "cao OPC 180 ml, điều trị ho",
    "tái khám tại OPC",
    "Dầu gió xanh OPC",
    "vitamin B 20mg",
    "viêm gan B 20 năm",
    "B2 giờ",
    "TLE: động kinh thùy thái dương",
    "suy giảm miễn dịch ở trẻ em",
    "bác sĩ đa khoa, y sĩ đa khoa",
    "Bác sĩ da liễu",
    "bệnh nhân có H. pylori",
    "BN có H/c thận hư",
    "ABC: đường thở, hô hấp, tuần hoàn",
    "nằm phòng P24",
    "SGMD bẩm sinh",
    "hives, archives",
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
    "Siro ho OPC 180ml",
    "Tleston",
    "Titleex",
    "Favipiravir 200mg",
    "Ricovir 300mg",
    "Tafero 25mg",
    "Tenof 300mg",
    "Vemlidy 25mg",
    "Lamivir HBV 100mg",
    "Hepcinat LP",
    "Abacus",
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
    "U50.987",
    "I10;B18.1;20",
    "C20",
    "Z20.2;Z71.6",
    "Z11;Z20",
    "Z20.2;I11.4",
    "B02.4;J20.6",
    "O99;B97",
    "A98.7",
    "B94.2",
    "R05;R07.5",
]
BENIGN_NAMES = ["SIDA VONGPHACHANH", "Nguyễn Văn Opc", "TRẦN ARV ANH", "Lò Văn Prep"]


@pytest.mark.parametrize("text", BENIGN_TEXTS)
def test_ordinary_clinical_text_is_left_alone(text: str) -> None:
    assert taken("XML5", "DIEN_BIEN_LS", text) == NOTHING


@pytest.mark.parametrize("drug", BENIGN_DRUGS)
def test_an_ordinary_drug_is_left_alone(drug: str) -> None:
    assert taken("XML2", "TEN_THUOC", drug) == NOTHING


@pytest.mark.parametrize("codes", BENIGN_CODES)
def test_a_neighbouring_code_is_left_alone(codes: str) -> None:
    assert taken("XML1", "MA_BENH_KT", codes) == NOTHING


@pytest.mark.parametrize("name", BENIGN_NAMES)
@pytest.mark.parametrize("tag", ["HO_TEN", "HO_TEN_ME", "HOTEN_NGUOI_HT", "NGUOI_DO_DE"])
def test_a_persons_name_is_not_read_as_a_disease(tag: str, name: str) -> None:
    assert taken("XML9", tag, name) == NOTHING


NO_TEXT = [
    *[("XML1", tag, "HIV.ARV.B20") for tag in ("MA_LK", "MA_BN", "MA_HSBA", "SO_CCCD", "DIEN_THOAI", "MA_THE_BHYT")],
    *[("XML1", tag, "OPC ngoại trú HIV") for tag in ("MA_NOI_DI", "MA_TTDV", "GIAY_CHUYEN_TUYEN")],
    ("XML1", "DIA_CHI", "B20.1 khu B24, phường Thử"),
    ("XML1", "DIA_CHI", "Trung tâm phòng chống HIV/AIDS, phường Thử"),
    ("XML9", "NOI_CU_TRU_NND", "Trung tâm AIDS"),
    ("XML9", "NOI_SINH_CON", "Bệnh viện HIV"),
    ("XML8", "DON_VI", "Công ty ARV, phòng chống AIDS"),
    ("XML12", "GIOI_THIEU_CUA", "Trung tâm phòng chống HIV/AIDS"),
    ("XML2", "TT_THAU", "HIV/2026;G1"),
    ("XML2", "HANG_SX", "ARV Pharma"),
    ("XML2", "SO_DANG_KY", "VD-ARV-20"),
    ("XML2", "MA_BAC_SI", "HIV0001/HNO-CCHN"),
    ("XML3", "NGUOI_THUC_HIEN", "ARV001/HNO"),
    ("XML7", "TEN_BS", "Bác sĩ Opc Sida"),
    ("XML4", "MA_BS_DOC_KQ", "SIDA/01"),
    ("XML3", "MA_GIUONG", "B20"),
    ("XML3", "MA_DICH_VU", "24.0187.1637"),
    ("XML3", "MA_DICH_VU", "24.0168"),
    ("XML3", "MA_DICH_VU", "124.0169"),
    ("XML2", "MA_THUOC", "40.26"),
    ("XML2", "MA_THUOC", "40.263"),
    ("XML2", "MA_THUOC", "40.267"),
    ("XML2", "MA_THUOC", "40.269"),
    ("XML2", "MA_THUOC", "40.275"),
    ("XML2", "MA_THUOC", "40.2620"),
    ("XML2", "MA_THUOC", "140.262"),
    ("XML2", "MA_THUOC", "J05AF05"),
    ("XML2", "MA_THUOC", "J05AR12"),
    ("XML2", "MA_THUOC", "J05AE30"),
]


@pytest.mark.parametrize(("table", "tag", "value"), NO_TEXT)
def test_identifiers_addresses_employers_makers_and_other_codes_hide_nothing(table: str, tag: str, value: str) -> None:
    assert taken(table, tag, value) == NOTHING


@pytest.mark.parametrize("value", ["1.1", "1", "9", "19", "1.19", "1.10", "1.09", "11.9", "3.1;9", "21.9", "1;9", ""])
def test_another_entitlement_is_left_alone(value: str) -> None:
    assert taken("XML1", "MA_DOITUONG_KCB", value) == NOTHING


@pytest.mark.parametrize("rows", [(), ({"MA_LK": "1", "STT": "1"},), ({"MA_LK": "1"}, {"STT": "2"})])
def test_an_hiv_table_that_says_nothing_is_empty(rows: tuple[dict[str, str], ...]) -> None:
    found = withheld({"XML1": ({"MA_LK": "1"},), "XML6": rows})
    assert (found.record, found.tables["XML1"]) == (frozenset(), ({"MA_LK": "1"},))


@pytest.mark.parametrize("tag", ["MA_CSKCB", "GIOI_TINH", "MA_LOAI_BN", "TAG_LA"])
def test_an_hiv_table_that_says_anything_withholds_the_record(tag: str) -> None:
    assert withheld({"XML6": ({"MA_LK": "1"}, {"MA_LK": "1", tag: "1"})}).record == {RECORD_TABLE}


def test_a_harmless_saying_spares_only_itself() -> None:
    assert taken("XML1", "GHI_CHU", "Kim tiền thảo OPC; tái khám phòng khám OPC quận") == FIELD


def test_all_rules_of_the_record_that_hit_are_told() -> None:
    made: Tables = {
        "XML1": ({"MA_BENH_CHINH": "B20", "MA_BENH_KT": "Z71.7", "MA_DOITUONG_KCB": "1.9"},),
        "XML2": ({"TEN_THUOC": "Dolutegravir"},),
        "XML4": ({"TEN_CHI_SO": "Anti-HIV"},),
    }
    assert withheld(made).record == {RECORD_CODE, RECORD_DRUG, RECORD_ENTITLEMENT}


@pytest.mark.parametrize("kind", TRIGGERS)
def test_what_the_sandbox_plants_is_withheld(kind: str) -> None:
    made = tables(planted(dossier(7), kind))
    found = withheld(made)
    assert (bool(found.record), bool(found.record) or found.tables != made) == (TRIGGERS[kind].takes == "record", True)


@pytest.mark.parametrize("kind", DECOYS)
def test_what_only_looks_like_it_is_left_alone(kind: str) -> None:
    made = tables(planted(dossier(7), kind))
    found = withheld(made)
    assert (found.record, found.tables) == (frozenset(), made)


@pytest.mark.parametrize("seed", range(0, 60, 3))
@pytest.mark.parametrize("messy", [False, True])
def test_an_ordinary_dossier_is_left_alone(seed: int, messy: bool) -> None:
    made = tables(dossier(seed, messy=messy))
    assert withheld(made).tables is made


@pytest.mark.parametrize(("group", "stays"), [("8", False), ("9", False), ("18", False), ("2", True)])
def test_p9_a_withheld_operation_without_a_code_takes_the_summarys_along(group: str, stays: bool) -> None:
    done = {"MA_LK": "LK1", "MA_NHOM": group, "TEN_DICH_VU": "Phẫu thuật trên người bệnh HIV"}
    found = withheld({"XML1": ({"MA_LK": "LK1", "MA_PTTT_QT": "81.51"},), "XML3": (done,)})
    assert (found.tables["XML3"], "MA_PTTT_QT" in found.tables["XML1"][0]) == ((), stays)


@pytest.mark.parametrize(
    ("report", "left"),
    [
        ({"MO_TA": "HIV (+)"}, None),
        ({"KET_LUAN": "HIV (+)"}, None),
        ({"MO_TA": "HIV (+)", "KET_LUAN": "HIV (+)"}, None),
        ({"MO_TA": "HIV (+)", "KET_LUAN": "Bình thường"}, {"KET_LUAN": "Bình thường"}),
        ({"MO_TA": "Bình thường", "KET_LUAN": "HIV (+)"}, {"MO_TA": "Bình thường"}),
        ({"MO_TA": "Bình thường", "GIA_TRI": "HIV (+)"}, None),  # a measurement: its words are its value's
    ],
)
def test_p9_a_report_of_which_nothing_is_left_is_gone_and_does_not_look_as_if_it_were_to_come(
    report: dict[str, str], left: dict[str, str] | None
) -> None:
    row = {"MA_LK": "LK1", "TEN_CHI_SO": "Siêu âm", "MA_DICH_VU": "18.0001.0001"}
    found = withheld({"XML1": ({"MA_LK": "LK1"},), "XML4": ({**row, **report},)})
    assert found.tables["XML4"] == (() if left is None else ({**row, **left},))
