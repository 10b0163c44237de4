"""Every field of the decree is declared, and what is declared is what happens."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from mappings.model import MappedRecord
from mappings.sources.catalogue import SOURCES, parts_of
from mappings.sources.dossier.decree import tables
from mappings.sources.dossier.tables import TABLES as ALL_TABLES
from mappings.sources.dossier.to_fhir import to_fhir
from mappings.sources.fates import fields, page
from tests.mappings.sources.dossier.golden import CONTEXT, dossier
from tests.mappings.sources.elements import named, says

ROOT = Path(__file__).parents[4]

Rows = dict[str, list[dict[str, str]]]
TABLES = {table.name: table for table in ALL_TABLES if table.schema is not None}

FULL: Rows = {
    "XML0": [{"HO_TEN": "NGUYỄN VĂN MẪU", "NGAY_SINH": "199003150000", "MA_DICH_VU": "02.1896"}],
    "XML1": [
        {
            "MA_LK": "01001.2026.000001",
            "MA_BN": "BN1",
            "HO_TEN": "NGUYỄN VĂN MẪU",
            "NGAY_SINH": "199003150000",
            "NHOM_MAU": "O+",
            "MA_THE_BHYT": "DN4010000000017",
            "MA_DKBD": "01001",
            "GT_THE_TU": "20260101",
            "GT_THE_DEN": "20261231",
            "LY_DO_VV": "Ho",
            "LY_DO_VNT": "Khó thở",
            "MA_LY_DO_VNT": "11",
            "CHAN_DOAN_VAO": "Viêm phổi",
            "CHAN_DOAN_RV": "Viêm phổi do vi khuẩn; Tăng huyết áp",
            "MA_BENH_CHINH": "J15.9",
            "MA_BENH_KT": "I10",
            "MA_BENH_YHCT": "U62.392.3",
            "MA_PTTT_QT": "93.46",
            "MA_DOITUONG_KCB": "1.1",
            "MA_NOI_DI": "01D07",
            "MA_NOI_DEN": "01929",
            "MA_TAI_NAN": "1",
            "NGAY_VAO": "202611100700",
            "NGAY_VAO_NOI_TRU": "202611100830",
            "NGAY_RA": "202611151000",
            "GIAY_CHUYEN_TUYEN": "GCT-1",
            "SO_NGAY_DTRI": "6",
            "PP_DIEU_TRI": "Kháng sinh",
            "KET_QUA_DTRI": "1",
            "MA_LOAI_RV": "1",
            "GHI_CHU": "Nghỉ ngơi",
            "MA_LOAI_KCB": "03",
            "MA_KHOA": "K03",
            "MA_CSKCB": "01001",
            "CAN_NANG": "62.50",
            "CAN_NANG_CON": "3200",
            "NGAY_TAI_KHAM": "20261127;20261204",
            "MA_HSBA": "BA1",
        }
    ],
    "XML2": [
        {
            "MA_THUOC": "40.155",
            "MA_NHOM": "4",
            "TEN_THUOC": "Amoxicilin",
            "DON_VI_TINH": "Viên",
            "HAM_LUONG": "500mg",
            "DUONG_DUNG": "1.01",
            "DANG_BAO_CHE": "Viên nang",
            "LIEU_DUNG": "1 viên/lần * 2 lần/ngày * 7 ngày",
            "CACH_DUNG": "Sau ăn",
            "SO_DANG_KY": "VD-1",
            "SO_LUONG": "14.000",
            "MA_BAC_SI": "000001/HNO-CCHN",
            "NGAY_YL": "202611100930",
            "NGAY_TH_YL": "202611101000",
        },
        {"MA_THUOC": "40.17", "TEN_THUOC": "Oxy", "NGAY_YL": "202611100930", "NGAY_TH_YL": "202611101000"},
    ],
    "XML3": [
        {
            "MA_DICH_VU": "22.0121.1369",
            "MA_NHOM": "1",
            "TEN_DICH_VU": "Công thức máu",
            "DON_VI_TINH": "Lần",
            "SO_LUONG": "2",
            "MA_BAC_SI": "000001/HNO-CCHN",
            "NGUOI_THUC_HIEN": "000002/HNO-CCHN",
            "MA_BENH": "J15.9",
            "MA_BENH_YHCT": "U62.392.3",
            "NGAY_YL": "202611100930",
            "NGAY_TH_YL": "202611100945",
            "NGAY_KQ": "202611101100",
        },
        {
            "MA_DICH_VU": "10.0742.0541",
            "MA_PTTT_QT": "81.51",
            "MA_NHOM": "8",
            "TEN_DICH_VU": "Thay khớp háng",
            "SO_LUONG": "1",
            "NGAY_YL": "202611110700",
            "NGAY_TH_YL": "202611110800",
            "NGAY_KQ": "202611111000",
            "PP_VO_CAM": "1",
            "VI_TRI_TH_DVKT": "12",
        },
        {
            "MA_VAT_TU": "N06.04.040",
            "TEN_VAT_TU": "Khớp háng",
            "MA_NHOM": "10",
            "MA_HIEU_SP": "BH-28",
            "SO_LUONG": "1",
            "NGAY_YL": "202611110700",
        },
    ],
    "XML4": [
        {
            "MA_DICH_VU": "22.0121.1369",
            "MA_CHI_SO": "MAU0001",
            "TEN_CHI_SO": "WBC",
            "GIA_TRI": "11.2",
            "DON_VI_DO": "G/L",
            "MO_TA": "Mẫu tan máu nhẹ",
            "KET_LUAN": "Bạch cầu tăng",
            "NGAY_KQ": "202611101100",
            "MA_BS_DOC_KQ": "000003/HNO-CCHN",
        }
    ],
    "XML9": [
        {
            "HO_TEN_NND": "NGUYỄN THỊ MẪU",
            "HO_TEN_CON": "NGUYỄN VĂN CON",
            "GIOI_TINH_CON": "2",
            "NGAY_SINH_CON": "202611100700",
            "CAN_NANG_CON": "3100",
            "TINH_TRANG_CON": "Khỏe mạnh",
            "SO": "17",
            "QUYEN_SO": "1",
        }
    ],
    "XML10": [
        {
            "SO_SERI": "AB",
            "SO_CT": "1",
            "SO_NGAY": "30",
            "CHAN_DOAN_RV": "Dọa sảy thai",
            "TU_NGAY": "20261115",
            "DEN_NGAY": "20261214",
            "TEN_BS": "TRẦN THỊ BÁC SĨ",
            "MA_BS": "0199000002",
            "NGAY_CT": "20261115",
        }
    ],
    "XML11": [
        {
            "SO_SERI": "AB",
            "SO_CT": "2",
            "SO_NGAY_NGHI": "6",
            "CHAN_DOAN_RV": "Viêm phổi",
            "PP_DIEUTRI": "Kháng sinh",
            "TU_NGAY": "20261115",
            "DEN_NGAY": "20261121",
            "MA_BS": "0199000002",
            "NGAY_CT": "20261115",
        }
    ],
    "XML12": [
        {
            "HO_TEN": "NGUYỄN VĂN MẪU",
            "NGAY_SINH": "19900315",
            "SO_BIEN_BAN": "1",
            "NGAY_HOP": "20261101",
            "KET_QUA_KHAM": "Hạn chế vận động khớp gối phải",
            "DE_NGHI": "Phục hồi chức năng",
            "DUOC_XACDINH": "Cần người trợ giúp",
            "TYLE_TTCT_MOI": "21",
            "TONG_TYLE_TTCT": "35",
        }
    ],
    "XML15": [
        {
            "MA_BN": "BN1",
            "PHANLOAI_LAO_VITRI": "1",
            "PHANLOAI_LAO_TS": "1",
            "PHANLOAI_LAO_VK": "1",
            "PHANLOAI_LAO_KT": "1",
            "LOAI_DTRI_LAO": "3",
            "NGAYBD_DTRI_LAO": "20260105",
            "PHACDO_DTRI_LAO": "13",
            "NGAYKT_DTRI_LAO": "20261105",
        }
    ],
    "XML5": [{"DIEN_BIEN_LS": "Tỉnh", "THOI_DIEM_DBLS": "202611100900", "NGUOI_THUC_HIEN": "000001/HNO-CCHN"}],
    "XML7": [
        {
            "SO_LUU_TRU": "LT1",
            "CHAN_DOAN_RV": "Viêm phổi do vi khuẩn",
            "PP_DIEUTRI": "Kháng sinh",
            "GHI_CHU": "Nghỉ ngơi",
            "MA_BS": "0100000004",
            "TEN_BS": "LÊ VĂN KÝ",
            "NGAY_CT": "20261115",
            "SO_NGAY_NGHI": "5",
            "NGOAITRU_TUNGAY": "20261116",
            "NGOAITRU_DENNGAY": "20261120",
        }
    ],
    "XML8": [
        {
            "CHAN_DOAN_VAO": "Viêm phổi",
            "CHAN_DOAN_RV": "Viêm phổi do vi khuẩn",
            "QT_BENHLY": "Sốt 3 ngày",
            "TOMTAT_KQ": "Bạch cầu tăng",
            "PP_DIEUTRI": "Kháng sinh",
            "NGAY_CT": "20261115",
        }
    ],
    # The columns of QĐ 3176, and those of QĐ 4750.
    "XML13": [
        {
            "SO_HOSO": "HS1",
            "SO_CHUYENTUYEN": "CT1",
            "GIAY_CHUYEN_TUYEN": "GCT1",
            "MA_CSKCB_DEN": "01929",
            "DAU_HIEU_LS": "Khó thở",
            "CHAN_DOAN_RV": "Viêm phổi do vi khuẩn",
            "QT_BENHLY": "Sốt 3 ngày",
            "TOMTAT_KQ": "Bạch cầu tăng",
            "PP_DIEUTRI": "Kháng sinh",
            "MA_BENH_CHINH": "J15.9",
            "MA_BENH_KT": "I10",
            "MA_BENH_YHCT": "U62.392.3",
            "TINH_TRANG_CT": "Tỉnh",
            "MA_LYDO_CT": "2",
            "HUONG_DIEU_TRI": "Thở máy",
            "PHUONGTIEN_VC": "Xe cứu thương",
            "MA_BAC_SI": "000001/HNO-CCHN",
        },
        {
            "GIAY_CHUYEN_TUYEN": "GCT2",
            "MA_NOI_DEN": "01929",
            "TEN_DICH_VU": "Khám Nội",
            "TEN_THUOC": "Amoxicilin",
            "PP_DIEU_TRI": "Kháng sinh",
        },
    ],
    "XML14": [
        {
            "SO_GIAYHEN_KL": "GH1",
            "NGAY_HEN_KL": "202611270800",
            "CHAN_DOAN_RV": "Viêm phổi do vi khuẩn",
            "MA_BAC_SI": "000001/HNO-CCHN",
            "NGAY_CT": "20261115",
        }
    ],
}

# What is prescribed and what is given differ in an outpatient visit only.
OUTPATIENT: Rows = {**FULL, "XML1": [{**FULL["XML1"][0], "MA_LOAI_KCB": "01"}]}
BASES = {table: FULL for table in TABLES} | {"XML2": OUTPATIENT}

# Another value of each mapped field that must be seen in the book; every other field gets "7".
OTHER = {
    "NHOM_MAU": "AB",
    "MA_DOITUONG_KCB": "2",
    "MA_NOI_DI": "01001",
    "MA_NOI_DEN": "01001",
    "MA_CSKCB": "01929",
    "NGAY_VAO": "202611100600",
    "NGAY_VAO_NOI_TRU": "202611100900",
    "NGAY_RA": "202611161000",
    "KET_QUA_DTRI": "2",
    "MA_LOAI_KCB": "01",
    "CAN_NANG": "63",
    "CAN_NANG_CON": "3300",
    "NGAY_TAI_KHAM": "20261127;20261205",
    "MA_THE_BHYT": "HT3010000000017",
    "GT_THE_TU": "20260201",
    "GT_THE_DEN": "20261130",
    "NGAY_YL": "202611100901",
    "NGAY_TH_YL": "202611100946",
    "NGAY_KQ": "202611101201",
    "PP_VO_CAM": "2",
    "NGAY_SINH": "198001010000",
    "NGAY_SINH_CON": "202611100701",
    "GIOI_TINH_CON": "1",
    "TU_NGAY": "20261116",
    "NGAY_HOP": "20261102",
    "DEN_NGAY": "20261120",
    "NGAY_CT": "20261116",
    "PHANLOAI_LAO_VITRI": "2",
    "PHANLOAI_LAO_TS": "2",
    "PHANLOAI_LAO_VK": "2",
    "PHANLOAI_LAO_KT": "2",
    "LOAI_DTRI_LAO": "2",
    "NGAYBD_DTRI_LAO": "20260106",
    "NGAYKT_DTRI_LAO": "20261106",
    "NGAY_HEN_KL": "202611270930",
    "MA_CSKCB_DEN": "01001",
    "MA_LYDO_CT": "3",
    "MA_BENH_CHINH": "J18.9",
    "MA_BENH_KT": "E11.9",
    "NGOAITRU_TUNGAY": "20261117",
    "NGOAITRU_DENNGAY": "20261121",
}


def mapped(tables: Rows) -> MappedRecord:
    """What the tables become, for the facility that XML1 names: the visit, and behind it what is cut out."""
    made = dossier(**tables)
    object.__setattr__(made, "facility_code", tables["XML1"][0]["MA_CSKCB"])
    visit = to_fhir(made, CONTEXT)
    cut = [SOURCES[part.dossier.source].to_fhir(part.dossier, CONTEXT) for part in parts_of(made)]
    return replace(visit, resources=(*visit.resources, *(one for other in cut for one in other.resources)))


def changed(table: str, tag: str) -> Rows:
    """The base with another value in every row of a table."""
    other = OTHER.get(tag, "7")
    base = BASES[table]
    return {**base, table: [{**row, tag: other} for row in base[table]]}


ALL = [(table, one.tag, one.fate) for table in TABLES for one in fields(TABLES[table])]


@pytest.mark.parametrize("table", TABLES)
def test_every_field_of_the_decree_is_declared_in_its_order(table: str) -> None:
    assert [one.tag for one in fields(TABLES[table])] == [one.tag for one in tables()[table].fields]


@pytest.mark.parametrize(("table", "tag"), [(table, tag) for table, tag, fate in ALL if fate == "mapped"])
def test_a_mapped_field_changes_the_book_when_it_changes(table: str, tag: str) -> None:
    before, after = (
        [json.loads(one.json) for one in mapped(rows).resources] for rows in (BASES[table], changed(table, tag))
    )
    assert before != after
    [detail] = [one.detail for one in fields(TABLES[table]) if one.tag == tag]
    # Which of them, can depend on what else the row says.
    elements = named(detail)
    assert not elements or any(says(before, *at) != says(after, *at) for at in elements)


# What the fate of a field names: "Composition.section 11535-2", "Appointment.created".
NAMED = re.compile(r"(Composition|ServiceRequest|Appointment)\.([A-Za-z]+)(?: (\d+-\d))?")
PAPERS = [
    (table, one.tag, found.groups(""))
    for table in ("XML7", "XML8", "XML13", "XML14")
    for one in fields(TABLES[table])
    if one.fate == "mapped"
    for found in NAMED.finditer(one.detail)
]


def test_every_mapped_field_of_a_paper_names_an_element() -> None:
    mapped_fields = {(table, tag) for table, tag, fate in ALL if fate == "mapped" and tag != "MA_LK"}
    papers = {table for table, _, _ in PAPERS}
    assert {(table, tag) for table, tag, _ in PAPERS} == {one for one in mapped_fields if one[0] in papers}


@pytest.mark.parametrize(("table", "tag", "named"), PAPERS)
def test_a_field_of_a_paper_changes_the_element_that_its_fate_names(
    table: str, tag: str, named: tuple[str, str, str]
) -> None:
    before, after = said(mapped(FULL), *named), said(mapped(changed(table, tag)), *named)
    assert before and before != after


def said(record: MappedRecord, type_: str, element: str, loinc: str) -> set[str]:
    """What the resources of a type say in an element; of sections, those with this code, or those without any."""
    found: set[str] = set()
    for one in record.resources:
        if one.type == type_:
            values = json.loads(one.json).get(element, [])
            if element == "section":
                values = [
                    each for each in values if each.get("code", {}).get("coding", [{}])[0].get("code", "") == loinc
                ]
            found.add(json.dumps(values))
    return found


@pytest.mark.parametrize(("table", "tag"), [(table, tag) for table, tag, fate in ALL if fate != "mapped"])
def test_a_field_that_is_not_mapped_changes_nothing(table: str, tag: str) -> None:
    assert mapped(changed(table, tag)) == mapped(BASES[table])


def test_the_page_of_fields_is_current() -> None:
    assert (ROOT / "docs" / "fields.md").read_text("utf-8") == page()
