"""Table XML1, the summary of a visit: its 66 fields (QĐ 4750, QĐ 3176 table 1) and what must agree among them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mappings.dates import latest_appointment, parse_birth, parse_day
from mappings.fhir.elements import decimal, minute
from mappings.model import Row
from mappings.numbers import birth_year_in, is_place_known, sex_in
from mappings.sources.columns import (
    Amount,
    Birth,
    Code,
    Day,
    FacilityCode,
    Minute,
    PersonalCode,
    TableSchema,
    Text,
    Whole,
)
from mappings.sources.dossier.identity import VIETNAMESE, card_in, read_number, with_card_read
from mappings.sources.dossier.tables.xml1.cards import unaligned
from mappings.sources.dossier.tables.xml1.encounter import STAYS, is_stay_of
from mappings.sources.lists import Icd10List, code_list
from mappings.sources.row_checks import RowProblem
from mappings.terminology import icd10

_CARD = r"[A-Z]{2}[1-5]\d{12}|\d{10}|\d{12}"
_PARENT_YEARS = 13
_MOST_SECONDARY = 12
_SEXES = {"1": "male", "2": "female"}
_OTHER_SEX = {"1": "f", "2": "m"}  # which limit of a code GIOI_TINH breaks
_CARD_NUMBER = re.compile(r"[A-Z]{2}[1-5]\d{12}")
_DIGIT = re.compile(r"\d")
_WITHOUT_DAYS = frozenset({"01", "07", "09"})  # of QĐ 4750, table 1, 39
_COURSE = "02"  # its days are counted as those of a stay
_REFERRED = frozenset({"2", "5"})
_DIED, _HOME = "5", "1"


class Xml1(TableSchema):
    """The columns of XML1. HO_TEN, NGAY_SINH and MA_LK are wanted too: the catalogue refuses without them."""

    MA_LK = PersonalCode(100)
    STT = Whole(10)
    MA_BN = PersonalCode(100, wanted="always")
    HO_TEN = Text(255)
    SO_CCCD = PersonalCode(15)
    NGAY_SINH = Birth()
    GIOI_TINH = Code(listed=code_list("GIOI_TINH"), wanted="always")
    NHOM_MAU = Code(10)
    MA_QUOCTICH = Code(3, wanted="always")
    MA_DANTOC = Code(listed=code_list("MA_DANTOC"), wanted="always")
    MA_NGHE_NGHIEP = Code(5, listed=code_list("MA_NGHE_NGHIEP"), wanted="always")
    DIA_CHI = Text(1024, wanted="always")
    MATINH_CU_TRU = Code(3, listed=code_list("MATINH_CU_TRU"), wanted="always")
    MAHUYEN_CU_TRU = Code(3)
    MAXA_CU_TRU = Code(5, listed=code_list("MAXA_CU_TRU"), wanted="always")
    DIEN_THOAI = PersonalCode(15)
    MA_THE_BHYT = PersonalCode(pattern=_CARD, expected="2 letters and 13 digits, or 10 or 12 digits", many=True)
    MA_DKBD = FacilityCode(many=True)
    GT_THE_TU = Day(many=True)
    GT_THE_DEN = Day(many=True)
    NGAY_MIEN_CCT = Day()
    LY_DO_VV = Text(wanted="always")
    LY_DO_VNT = Text()
    MA_LY_DO_VNT = Code(5)
    CHAN_DOAN_VAO = Text(wanted="always")
    CHAN_DOAN_RV = Text(wanted="always")
    MA_BENH_CHINH = Code(7, listed=Icd10List(), wanted="always")
    MA_BENH_KT = Code(100, listed=Icd10List(), many=True)
    MA_BENH_YHCT = Code(255)
    MA_PTTT_QT = Code(125, pattern=r"\d{2}(\.?\d{1,2})?", expected="00.00", many=True)
    MA_DOITUONG_KCB = Code(5, listed=code_list("MA_DOITUONG_KCB"), wanted="always")
    MA_NOI_DI = FacilityCode()
    MA_NOI_DEN = FacilityCode()
    MA_TAI_NAN = Code(2)
    NGAY_VAO = Minute(wanted="always")
    NGAY_VAO_NOI_TRU = Minute()
    NGAY_RA = Minute()
    GIAY_CHUYEN_TUYEN = PersonalCode(50)
    SO_NGAY_DTRI = Whole(3, wanted="always")
    PP_DIEU_TRI = Text()
    KET_QUA_DTRI = Code(listed=code_list("KET_QUA_DTRI"), wanted="always")
    MA_LOAI_RV = Code(listed=code_list("MA_LOAI_RV"), wanted="always")
    GHI_CHU = Text()
    NGAY_TTOAN = Minute(payment=True)
    T_THUOC = Amount(15, wanted="insured")
    T_VTYT = Amount(15, wanted="insured")
    T_TONGCHI_BV = Amount(15, wanted="insured")
    T_TONGCHI_BH = Amount(15, wanted="insured")
    T_BNTT = Amount(15, wanted="insured")
    T_BNCCT = Amount(15, wanted="insured")
    T_BHTT = Amount(15, wanted="insured")
    T_NGUONKHAC = Amount(15, wanted="insured")
    T_BHTT_GDV = Amount(15, wanted="insured")
    NAM_QT = Whole(4, wanted="insured")
    THANG_QT = Whole(2, wanted="insured")
    MA_LOAI_KCB = Code(listed=code_list("MA_LOAI_KCB"), wanted="always")
    MA_KHOA = Code(50, wanted="always")
    MA_CSKCB = FacilityCode(wanted="always")
    MA_KHUVUC = Code(listed=code_list("MA_KHUVUC"))
    CAN_NANG = Amount(6)
    CAN_NANG_CON = Code(100, pattern=r"\d+(\.\d+)?", expected="grams", many=True)
    NAM_NAM_LIEN_TUC = Day()
    NGAY_TAI_KHAM = Day(many=True, latest=latest_appointment)
    MA_HSBA = PersonalCode(100, wanted="always")
    MA_TTDV = PersonalCode(pattern=r"\d{10}|\d{12}", expected="10 or 12 digits")
    DU_PHONG = Text()


def within(row: Row) -> Iterator[RowProblem]:
    """What must agree among the fields of one summary; all of it only warns (rules: what-refuses)."""
    yield from _order(row)
    yield from number_problems(row)
    if row.get("MA_BENH_KT", "").count(";") >= _MOST_SECONDARY:
        yield "diagnosis.too_many", "MA_BENH_KT", f"<= {_MOST_SECONDARY} codes"
    yield from (("card.lists_differ", tag, "MA_THE_BHYT") for tag in unaligned(row))
    yield from _stay(row)
    yield from _limited(row)
    yield from _leaving(row)
    yield from _swapped(row)


def _order(row: Row) -> Iterator[RowProblem]:
    # yyyymmddHHMM sorts as text, 2400 included.
    admitted = row.get("NGAY_VAO", "")
    for tag in ("NGAY_RA", "NGAY_VAO_NOI_TRU"):
        if admitted and tag in row and row[tag] < admitted[: len(row[tag])]:
            yield "date.order", tag, ">= NGAY_VAO"
    born = row.get("NGAY_SINH", "")
    if admitted and born and born[4:8] != "0000" and born[:8] > admitted[:8]:
        yield "date.order", "NGAY_VAO", ">= NGAY_SINH"


def _stay(row: Row) -> Iterator[RowProblem]:
    kind = row.get("MA_LOAI_KCB")
    if kind in _WITHOUT_DAYS and (decimal(row.get("SO_NGAY_DTRI")) or "0").strip("0."):
        yield "stay.days_differ", "SO_NGAY_DTRI", "0"
    if kind not in STAYS and kind != _COURSE:
        return
    start, end, days = minute(row.get("NGAY_VAO", "")), minute(row.get("NGAY_RA", "")), decimal(row.get("SO_NGAY_DTRI"))
    if start and end and days and not is_stay_of(float(days), start, end):
        yield "stay.days_differ", "SO_NGAY_DTRI", "NGAY_RA - NGAY_VAO + 1"


def _limited(row: Row) -> Iterator[RowProblem]:
    """Codes that may not be a main diagnosis, or are of the other sex, by the list of the day of leaving, where that is
    known (rules: edition-not-loaded).
    """
    left = parse_day(row.get("NGAY_RA", "")[:8])
    if left is None:
        return
    other = _OTHER_SEX.get(row.get("GIOI_TINH", ""), "-")
    for tag in ("MA_BENH_CHINH", "MA_BENH_KT"):
        limits = [icd10.limits(code, left) for code in icd10.read(row.get(tag)).codes]
        if tag == "MA_BENH_CHINH" and any("n" in one for one in limits):
            yield "diagnosis.not_main", tag, ""
        if any(other in one for one in limits):
            yield "diagnosis.sex_differs", tag, "GIOI_TINH"


def _leaving(row: Row) -> Iterator[RowProblem]:
    if row.get("MA_LOAI_RV") in _REFERRED and "MA_NOI_DEN" not in row:
        yield "discharge.destination_missing", "MA_NOI_DEN", "MA_LOAI_RV = 2, 5"
    if row.get("KET_QUA_DTRI") == _DIED and row.get("MA_LOAI_RV") == _HOME:
        yield "discharge.death_at_home", "MA_LOAI_RV", "KET_QUA_DTRI = 5"


def _swapped(row: Row) -> Iterator[RowProblem]:
    """What stands in one field and is plainly another's: exporters join columns by their place."""
    if _CARD_NUMBER.fullmatch(row.get("SO_CCCD", "").upper()):
        yield "value.swapped", "SO_CCCD", "MA_THE_BHYT"
    if _DIGIT.search(row.get("HO_TEN", "")):
        yield "value.swapped", "HO_TEN", ""
    if icd10.read(row.get("MA_BENH_CHINH")).words:
        told = icd10.read(row.get("CHAN_DOAN_RV"))
        if told.codes and not told.words:
            yield "value.swapped", "CHAN_DOAN_RV", "MA_BENH_CHINH"


def number_problems(row: Row) -> Iterator[RowProblem]:
    """SO_CCCD: its shape, its place, and its sex and birth year against the row's. A number may be right and they
    corrected (rules: parents-number, number-structure).
    """
    yield from (("card.whole_code", tag, "") for tag in ("SO_CCCD", "HO_TEN") if card_in(row, tag))
    row = with_card_read(row)
    sent = row.get("SO_CCCD", "")
    birth = parse_birth(row.get("NGAY_SINH", ""))
    if not sent or birth is None:
        return
    foreign = row.get("MA_QUOCTICH", "").upper() not in VIETNAMESE
    number, kind = read_number(sent, birth[0], foreign=foreign)
    if kind == "other":
        yield "number.shape", "SO_CCCD", "12 digits, 9 digits, or a letter and 7 or 8 digits"
    if kind == "account":
        yield "number.account", "SO_CCCD", "12 digits"
    if kind == "cccd":
        if len(number) > len("".join(sent.split())):
            yield "number.padded", "SO_CCCD", "12 digits"
        yield from _inside(number, int(birth[0][:4]), _SEXES.get(row.get("GIOI_TINH", ""), ""))


def _inside(number: str, birth_year: int, sex: str) -> Iterator[RowProblem]:
    if not is_place_known(number):
        yield "number.place_unknown", "SO_CCCD", ""
    inside = birth_year_in(number)
    if birth_year - inside >= _PARENT_YEARS:
        yield "number.of_parent", "SO_CCCD", ""
    elif birth_year != inside:
        yield "number.birth_differs", "SO_CCCD", "NGAY_SINH"
    if sex and sex != sex_in(number):
        yield "number.sex_differs", "SO_CCCD", "GIOI_TINH"
