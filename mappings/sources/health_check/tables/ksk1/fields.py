"""Part XML1, who was checked and what they say of their health: its fields and what must agree among them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mappings.model import Row
from mappings.sources.columns import Code, Day, PersonalCode, TableSchema, Text
from mappings.sources.dossier.tables.xml1.fields import number_problems
from mappings.sources.health_check.columns import PERSONAL_NUMBER, BirthDay, Flag
from mappings.sources.lists import Icd10List, code_list
from mappings.sources.row_checks import RowProblem


class Ksk1(TableSchema):
    """The columns of XML1. HO_TEN and NGAY_SINH are wanted too: the check refuses without them."""

    HO_TEN = Text(255)
    GIOI_TINH = Code(listed=code_list("GIOI_TINH"), wanted="always")
    NGAY_SINH = BirthDay()
    TUAN_THAI = Code(2, pattern=r"\d{1,2}", expected="0-99")
    SINH_NON = Flag()
    MA_DAN_TOC = Code(listed=code_list("MA_DANTOC"), wanted="always")
    SO_CCCD = PersonalCode(15)
    NGAYCAP_CCCD = Day()
    NOICAP_CCCD = Text(1024)
    NHOM_MAU = Code(10)
    DIA_CHI = Text(1024, wanted="always")
    MATINH_CU_TRU = Code(3, wanted="always")
    MAXA_CU_TRU = Code(5, wanted="always")
    DIEN_THOAI = PersonalCode(15)
    NGUOI_GIAM_HO = Text(255)
    SO_CCCD_NGH = PersonalCode(pattern=PERSONAL_NUMBER, expected="12 digits")
    DIEN_THOAI_NGH = PersonalCode(15)
    HO_TEN_NGUOI_DI_CUNG = Text(255)
    SO_CCCD_NGUOI_DI_CUNG = PersonalCode(pattern=PERSONAL_NUMBER, expected="12 digits")
    MOI_QUAN_HE_VOI_TRE = Text(255)
    DIEN_THOAI_NGUOI_DI_CUNG = PersonalCode(15)
    MA_NGHE_NGHIEP = Code(5, wanted="always")
    NOI_LAM_VIEC_HOC_TAP = Text(1024)
    LY_DO_VV = Text(wanted="always")
    TSGD_MAC_BENH = Flag()
    TSGD_MA_BENH = Code(255, listed=Icd10List(), many=True)
    TS_TIEP_XUC_LAO = Flag()
    SAN_KHOA = Text()
    SAN_KHOA_KHONG_BT = Text()
    TIEM_CHUNG_BCG = Flag()
    TIEM_CHUNG_BH_HG_UV = Flag()
    TIEM_CHUNG_SOI = Flag()
    TIEM_CHUNG_BAI_LIET = Flag()
    TIEM_CHUNG_VNNB_B = Flag()
    TIEM_CHUNG_VGB = Flag()
    TIEM_CHUNG_CAC_LOAI_KHAC = Flag()
    TSBT_MAC_BENH = Flag()
    TSBT_MA_BENH = Code(255, listed=Icd10List(), many=True)
    TSBT_DANG_DIEU_TRI_BENH = Flag()
    TSBT_MA_BENH_KHAC = Code(255, listed=Icd10List(), many=True)
    TSBT_TEN_THUOC_LIEU_LUONG = Text()
    BENH_DANG_DIEU_TRI = Text()
    HANG_LAI_XE = Code(50)


# A disease of one's own, as a flag of which the name is not known here.
_FLAG_OF_DISEASE: Final = re.compile(r"TSBT_\w+")
_GUARDIANS: Final = ("SO_CCCD_NGH", "SO_CCCD_NGUOI_DI_CUNG")


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one person; all of it only warns."""
    if others := [tag for tag in _GUARDIANS if own_number(row) != row.get("SO_CCCD", "") == row.get(tag)]:
        yield "health_check.number_of_guardian", "SO_CCCD", others[0]
    yield from number_problems({**row, "SO_CCCD": own_number(row)})
    yield from _flagged(row)


def named(row: Row) -> Row:
    """The row without what is known by its form alone."""
    return {tag: value for tag, value in row.items() if tag in _NAMED or not _FLAG_OF_DISEASE.fullmatch(tag)}


def own_number(row: Row) -> str:
    """SO_CCCD where it is the person's own: for a child that has none some software writes the guardian's once more."""
    number = row.get("SO_CCCD", "")
    return "" if number and number in [row.get(tag) for tag in _GUARDIANS] else number


def _flagged(row: Row) -> Iterator[RowProblem]:
    """Diseases that are named, and a flag that says that there are none."""
    for flag, tag in (("TSBT_MAC_BENH", "TSBT_MA_BENH"), ("TSGD_MAC_BENH", "TSGD_MA_BENH")):
        if row.get(flag) == "0" and tag in row:
            yield "health_check.flag_differs", flag, tag


_NAMED: Final = frozenset(Ksk1().fields)
