"""Dossiers that name HIV in one chosen place, for tests that nothing of it ever leaves (Luật HIV art. 30).

Each kind is one table, one tag and one text, and what must be withheld for it; the tests take every kind in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from unicodedata import normalize

from ehr_sync.sandbox.dossiers.catalogue import table_shapes
from ehr_sync.sandbox.dossiers.hoso import Hoso, Row, copy_of, with_table

Takes = Literal["record", "row", "field", "code", "nothing"]
"""What is withheld: the record, the row, the field, or the code that was added to the field."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One text in one field. `append` keeps what the field holds and adds to it."""

    table: str
    tag: str
    text: str
    append: str = ""  # the separator, where the text is added
    takes: Takes = "record"


_LIST, _TEXT = ";", ". "
_NFD: Final = normalize("NFD", "suy giảm miễn dịch mắc phải")

TRIGGERS: Final[dict[str, Trigger]] = {
    # ICD-10 (QĐ 4469): B20-B24, Z21, R75, F02.4, O98.7; items Z11.4, Z20.6, Z71.7, Z83.0
    "icd_main": Trigger("XML1", "MA_BENH_CHINH", "B20.9"),
    "icd_main_without_dot": Trigger("XML1", "MA_BENH_CHINH", "B227"),
    "icd_main_lower_case": Trigger("XML1", "MA_BENH_CHINH", "b24"),
    "icd_main_with_blank": Trigger("XML1", "MA_BENH_CHINH", "B 20"),
    "icd_main_with_point": Trigger("XML1", "MA_BENH_CHINH", "B.20"),
    "icd_main_with_letter_o": Trigger("XML1", "MA_BENH_CHINH", "B2O"),
    "icd_secondary": Trigger("XML1", "MA_BENH_KT", "Z21", _LIST),
    "icd_secondary_dementia": Trigger("XML1", "MA_BENH_KT", "F02.4*", _LIST),
    "icd_secondary_pregnancy": Trigger("XML1", "MA_BENH_KT", "O98.7", _LIST),
    "icd_secondary_laboratory": Trigger("XML1", "MA_BENH_KT", "R75", _LIST),
    "icd_secondary_with_blanks": Trigger("XML1", "MA_BENH_KT", "Z 2 1", _LIST),
    "icd_secondary_with_nought": Trigger("XML1", "MA_BENH_KT", "0987", _LIST),
    "icd_screening": Trigger("XML1", "MA_BENH_KT", "Z11.4", _LIST, takes="code"),
    "icd_exposure": Trigger("XML1", "MA_BENH_KT", "Z20.6", _LIST, takes="code"),
    "icd_counselling": Trigger("XML1", "MA_BENH_KT", "Z71.7", _LIST, takes="code"),
    "icd_family_history": Trigger("XML1", "MA_BENH_KT", "Z83.0", _LIST, takes="code"),
    "icd_screening_with_blank": Trigger("XML1", "MA_BENH_KT", "Z 11.4", _LIST, takes="code"),
    "icd_exposure_with_comma": Trigger("XML1", "MA_BENH_KT", "Z20,6", _LIST, takes="code"),
    "icd_screening_of_an_order": Trigger("XML3", "MA_BENH", "Z11.4", _LIST, takes="code"),
    "icd_of_an_order": Trigger("XML3", "MA_BENH", "B23.8"),
    "icd_of_a_referral": Trigger("XML13", "MA_BENH_CHINH", "B20"),
    "icd_of_a_follow_up": Trigger("XML14", "MA_BENH_KT", "Z21", _LIST),
    "icd_in_traditional_codes": Trigger("XML1", "MA_BENH_YHCT", "B24", _LIST),
    "icd_in_a_diagnosis_text": Trigger("XML1", "CHAN_DOAN_RV", "B24 - Bệnh do virus suy giảm miễn dịch ở người", "; "),
    # tables and classes
    "xml6_table": Trigger("XML6", "MA_BAC_PHAC_DO", "1"),
    "xml15_hiv_status": Trigger("XML15", "PHANLOAI_LAO_HIV", "1", takes="field"),
    "xml15_hiv_confirmed": Trigger("XML15", "NGAYKD_HIV", "20240315", takes="field"),
    "xml15_arv_start": Trigger("XML15", "BDDT_ARV", "20240401", takes="field"),
    "entitlement_class": Trigger("XML1", "MA_DOITUONG_KCB", "1.9"),
    "entitlement_class_with_nought": Trigger("XML1", "MA_DOITUONG_KCB", "1.90"),
    # tests
    "test_ordered": Trigger("XML3", "TEN_DICH_VU", "HIV Ab test nhanh", takes="row"),
    "test_viral_load": Trigger("XML3", "TEN_DICH_VU", "HIV đo tải lượng Real-time PCR", takes="row"),
    "test_index": Trigger("XML4", "TEN_CHI_SO", "Anti-HIV", takes="row"),
    "test_index_code": Trigger("XML4", "MA_CHI_SO", "HIV_AG_AB", takes="row"),
    "test_lower_l": Trigger("XML3", "TEN_DICH_VU", "Test nhanh HlV", takes="row"),
    "test_by_code": Trigger("XML3", "MA_DICH_VU", "24.0174.1661", takes="row"),
    "test_value": Trigger("XML4", "GIA_TRI", "HIV âm tính", takes="row"),
    "test_findings": Trigger("XML4", "MO_TA", "Mẫu phản ứng với sinh phẩm HIV 1/2", _TEXT, takes="row"),
    "test_conclusion": Trigger("XML4", "KET_LUAN", "Khẳng định nhiễm HIV", _TEXT, takes="row"),
    # drugs
    "drug_combination": Trigger("XML2", "TEN_THUOC", "Tenofovir + Lamivudin + Dolutegravir 300mg/300mg/50mg"),
    "drug_short_name": Trigger("XML2", "TEN_THUOC", "TLD 300/300/50"),
    "drug_efavirenz": Trigger("XML2", "TEN_THUOC", "Efavirenz 600mg"),
    "drug_lopinavir": Trigger("XML2", "TEN_THUOC", "Lopinavir/Ritonavir 200mg/50mg"),
    "drug_nevirapin": Trigger("XML2", "TEN_THUOC", "Nevirapin 200mg"),
    "drug_zidovudin": Trigger("XML2", "TEN_THUOC", "Zidovudin + Lamivudin 300mg/150mg"),
    "drug_abacavir": Trigger("XML2", "TEN_THUOC", "Abacavir 300mg"),
    "drug_prophylaxis": Trigger("XML2", "TEN_THUOC", "Emtricitabin + Tenofovir (PrEP) 200mg/300mg"),
    "drug_brand": Trigger("XML2", "TEN_THUOC", "TLE 400"),
    "drug_code": Trigger("XML2", "MA_THUOC", "40.273"),
    "drug_code_of_a_mixture": Trigger("XML2", "MA_THUOC", "40.263+40.262"),
    "drug_word": Trigger("XML2", "TEN_THUOC", "Thuốc ARV dự án", takes="row"),
    "drug_dose": Trigger("XML2", "LIEU_DUNG", "uống cùng ARV buổi tối", _TEXT, takes="field"),
    "drug_instruction": Trigger("XML2", "CACH_DUNG", "Dự phòng PrEP hằng ngày", _TEXT, takes="field"),
    "drug_of_a_referral": Trigger("XML13", "TEN_THUOC", "Dolutegravir 50mg", "; "),
    # free texts
    "text_reason": Trigger("XML1", "LY_DO_VV", "khám lại ngoại trú HIV", _TEXT, takes="field"),
    "text_admission_reason": Trigger("XML1", "LY_DO_VNT", "Nhiễm HIV giai đoạn AIDS", _TEXT, takes="field"),
    "text_note": Trigger("XML1", "GHI_CHU", "Tái khám tại phòng khám OPC", _TEXT, takes="field"),
    "text_admission_diagnosis": Trigger("XML1", "CHAN_DOAN_VAO", "người sống chung với HIV", _TEXT, takes="field"),
    "text_discharge_diagnosis": Trigger("XML1", "CHAN_DOAN_RV", "Nhiễm HIV", "; ", takes="field"),
    "text_treatment": Trigger("XML1", "PP_DIEU_TRI", "Duy trì ARV", _TEXT, takes="field"),
    "text_reserved_field": Trigger("XML1", "DU_PHONG", "HIV+", takes="field"),
    "text_course": Trigger("XML5", "DIEN_BIEN_LS", "Vợ đang điều trị ARV", _TEXT, takes="field"),
    "text_consultation": Trigger("XML5", "HOI_CHAN", "Hội chẩn khoa HIV/AIDS", takes="field"),
    "text_stage": Trigger("XML5", "GIAI_DOAN_BENH", "AIDS", takes="field"),
    "text_operation": Trigger("XML5", "PHAU_THUAT", "Bệnh nhân HIV, dùng bộ dụng cụ riêng", takes="field"),
    "text_discharge_paper": Trigger("XML7", "GHI_CHU", "Tiếp tục thuốc ARV", _TEXT, takes="field"),
    "text_discharge_paper_diagnosis": Trigger("XML7", "CHAN_DOAN_RV", "SIDA", "; ", takes="field"),
    "text_record_summary_course": Trigger("XML8", "QT_BENHLY", "Phát hiện HIV năm 2019", _TEXT, takes="field"),
    "text_record_summary_results": Trigger("XML8", "TOMTAT_KQ", "HIV (+), tải lượng dưới ngưỡng", _TEXT, takes="field"),
    "text_record_summary_note": Trigger("XML8", "GHI_CHU", "Chuyển phòng khám OPC quản lý", _TEXT, takes="field"),
    "text_referral_signs": Trigger("XML13", "DAU_HIEU_LS", "Sụt cân, nấm họng, HIV", _TEXT, takes="field"),
    "text_referral_plan": Trigger("XML13", "HUONG_DIEU_TRI", "Điều trị ARV", _TEXT, takes="field"),
    "text_follow_up": Trigger("XML14", "CHAN_DOAN_RV", "Nhiễm HIV", "; ", takes="field"),
    # spellings
    "spelling_dotted": Trigger("XML1", "GHI_CHU", "nhiễm H.I.V", _TEXT, takes="field"),
    "spelling_spaced": Trigger("XML1", "GHI_CHU", "nhiễm H I V", _TEXT, takes="field"),
    "spelling_broken": Trigger("XML1", "GHI_CHU", "nhiễm H IV", _TEXT, takes="field"),
    "spelling_lower_l": Trigger("XML1", "GHI_CHU", "XN nhanh HlV dương tính", _TEXT, takes="field"),
    "spelling_digit": Trigger("XML1", "GHI_CHU", "H1V (+)", _TEXT, takes="field"),
    "spelling_cyrillic": Trigger("XML1", "GHI_CHU", "НІV dương tính", _TEXT, takes="field"),
    "spelling_unaccented": Trigger("XML1", "GHI_CHU", "nhiem hiv giai doan 3", _TEXT, takes="field"),
    "spelling_glued": Trigger("XML1", "GHI_CHU", "HIV(+)", _TEXT, takes="field"),
    "spelling_hyphenated": Trigger("XML1", "GHI_CHU", "HIV-1", _TEXT, takes="field"),
    "spelling_full_width": Trigger("XML1", "GHI_CHU", "ＨＩＶ dương tính", _TEXT, takes="field"),
    "spelling_zero_width": Trigger("XML1", "GHI_CHU", "H\u200bI\u200bV dương tính", _TEXT, takes="field"),
    "spelling_words": Trigger("XML1", "GHI_CHU", "hội chứng suy giảm miễn dịch mắc phải", _TEXT, takes="field"),
    "spelling_words_unaccented": Trigger("XML1", "GHI_CHU", "suy giam mien dich mac phai", _TEXT, takes="field"),
    "spelling_words_decomposed": Trigger("XML1", "GHI_CHU", _NFD, _TEXT, takes="field"),
}  # fmt: skip

RESTRICTED_KINDS: Final[tuple[str, ...]] = tuple(TRIGGERS)
RECORD_KINDS: Final = tuple(kind for kind, trigger in TRIGGERS.items() if trigger.takes == "record")
ITEM_KINDS: Final = tuple(kind for kind, trigger in TRIGGERS.items() if trigger.takes != "record")

DECOYS: Final[dict[str, Trigger]] = {
    "tenofovir_alone": Trigger("XML2", "TEN_THUOC", "Tenofovir disoproxil fumarat 300mg", takes="nothing"),
    "lamivudin_alone": Trigger("XML2", "TEN_THUOC", "Lamivudin 100mg", takes="nothing"),
    "harvoni": Trigger("XML2", "TEN_THUOC", "Harvoni 90mg/400mg", takes="nothing"),
    "on_movement": Trigger("XML1", "LY_DO_VV", "Đau khi vận động, khi vào viện còn sốt", takes="nothing"),
    "primary_immunodeficiency": Trigger("XML1", "MA_BENH_KT", "D83.9", _LIST, takes="nothing"),
    "hepatitis_b": Trigger("XML1", "MA_BENH_CHINH", "B18.1", takes="nothing"),
    "syrup_of_a_maker": Trigger("XML2", "CACH_DUNG", "Siro ho OPC 180ml", _TEXT, takes="nothing"),
    "maker_in_a_tender": Trigger("XML2", "TT_THAU", "01/QĐ-ARV PHARMA;G1;N1;2026", takes="nothing"),
    "case_number": Trigger("XML1", "MA_HSBA", "HIV.2026/001", takes="nothing"),
    "address": Trigger("XML1", "DIA_CHI", "Số 1 ngõ Trung tâm phòng chống HIV/AIDS", takes="nothing"),
    "employer": Trigger("XML8", "DON_VI", "Công ty ARV, phòng AIDS", takes="nothing"),
    "coach": Trigger("XML1", "LY_DO_VV", "HLV bóng đá, đau gối", takes="nothing"),
    "injection_each_hours": Trigger("XML2", "CACH_DUNG", "mỗi 12 h IV", _TEXT, takes="nothing"),
    "hepatitis_b_for_years": Trigger("XML1", "CHAN_DOAN_RV", "Viêm gan B 20 năm", "; ", takes="nothing"),
    "entitlement_ten": Trigger("XML1", "MA_DOITUONG_KCB", "1.10", takes="nothing"),
    "other_contact": Trigger("XML1", "MA_BENH_KT", "Z20.2", _LIST, takes="nothing"),
}
"""What looks like it and is not: withholding these would be a fault. Not restricted by trade practice: TDF, TAF
and 3TC alone treat hepatitis B."""


def planted(hoso: Hoso, kind: str) -> Hoso:
    """A copy with the trigger or decoy of this kind. Raises ValueError for an unknown kind."""
    trigger = TRIGGERS.get(kind) or DECOYS.get(kind)
    if trigger is None:
        raise ValueError("no such restricted kind")
    made = copy_of(hoso) if hoso.tables.get(trigger.table) else with_table(hoso, trigger.table, [_new(hoso, trigger)])
    row = _row_for(made, trigger)
    before = row.get(trigger.tag, "")
    row[trigger.tag] = f"{before}{trigger.append}{trigger.text}" if trigger.append and before else trigger.text
    return made


def _row_for(hoso: Hoso, trigger: Trigger) -> Row:
    """The last row: reading only the first must not be enough. A service's name needs a row that is a service."""
    rows = hoso.tables[trigger.table]
    if trigger.tag in {"TEN_DICH_VU", "MA_DICH_VU"} and trigger.table == "XML3":
        return next((r for r in reversed(rows) if r["MA_DICH_VU"]), rows[-1])
    return rows[-1]


def _new(hoso: Hoso, trigger: Trigger) -> Row:
    """A row for a table that the dossier has not: what XML1 knows, and a name where a name is needed."""
    tags = table_shapes()[trigger.table].tags
    row = {t: hoso.summary.get(t, "") for t in tags}
    row |= {t: v for t, v in _NEEDED.get(trigger.table, {}).items() if not row.get(t)}
    if "STT" in row:
        row["STT"] = "1"
    if "NGAY_YL" in row:
        row["NGAY_YL"] = hoso.summary["NGAY_VAO"]
    if "THOI_DIEM_DBLS" in row:
        row["THOI_DIEM_DBLS"] = hoso.summary["NGAY_VAO"]
    return row


_NEEDED: Final[dict[str, Row]] = {
    "XML2": {"MA_THUOC": "40.999", "TEN_THUOC": "Thuốc mẫu", "SO_LUONG": "1.000", "LIEU_DUNG": "1 viên"},
    "XML3": {"MA_DICH_VU": "24.0187.1637", "TEN_DICH_VU": "Xét nghiệm mẫu", "SO_LUONG": "1.000", "MA_NHOM": "1"},
    "XML4": {"MA_DICH_VU": "24.0187.1637", "TEN_CHI_SO": "Chỉ số mẫu", "GIA_TRI": "Âm tính"},
    "XML5": {"DIEN_BIEN_LS": "Tỉnh, tiếp xúc tốt", "NGUOI_THUC_HIEN": "000001/HNO-CCHN"},
    "XML14": {"SO_GIAYHEN_KL": "GH0000001", "NGAY_HEN_KL": "20261215"},
}  # fmt: skip
