"""XML1 of a dossier: who, when, why, with what result, and the sums."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from ehr_sync.sandbox.city.people import Person, mother_of
from ehr_sync.sandbox.dossiers import money
from ehr_sync.sandbox.dossiers.hoso import Row, Tables
from ehr_sync.sandbox.dossiers.rows import blank, minute
from ehr_sync.sandbox.dossiers.visits import VISIT_TYPE, Visit, age_in_years

# Groups of QĐ 34/2020/QĐ-TTg, level 2, as five digits.
_OCCUPATIONS = ("21000", "22000", "23000", "41000", "52000", "61000", "71000", "83000", "91000")


def summary_row(visit: Visit, tables: Tables, draw: Random) -> Row:
    """The row of XML1, its money summed over XML2 and XML3."""
    row = blank("XML1", visit)
    row["STT"] = "1"
    row.update(identity(visit.person))
    if visit.shape == "newborn":
        row["HO_TEN"] = _name_on_the_ward(visit.person, draw)
    row.update(_insurance(visit))
    row.update(_reasons(visit))
    row.update(_times(visit, draw))
    row["MA_PTTT_QT"] = ";".join(dict.fromkeys(r["MA_PTTT_QT"] for r in tables["XML3"] if r["MA_NHOM"] in {"8", "18"}))
    row.update(money.totals(tables["XML2"], tables["XML3"]))
    row["CAN_NANG"] = _weight(visit, draw)
    row["NHOM_MAU"] = draw.choice(("O", "O+", "A", "B+", "AB+")) if draw.random() < 0.2 else ""
    if visit.shape != "referral" and draw.random() < 0.4:
        row["NGAY_TAI_KHAM"] = f"{visit.end + timedelta(days=draw.choice((7, 14, 30))):%Y%m%d}"
    return row


def identity(person: Person) -> Row:
    """The tags of XML1 that say who the patient is."""
    time_of_birth = f"{person.index % 24:02d}{person.index % 60:02d}" if person.kind == "newborn" else "0000"
    occupation = "00000" if person.kind in {"child", "newborn"} else _OCCUPATIONS[person.index % len(_OCCUPATIONS)]
    return {
        "MA_BN": f"BN{person.index:07d}",
        "HO_TEN": person.name,
        "SO_CCCD": person.number or person.passport,
        "NGAY_SINH": f"{person.birth_date:%Y%m%d}{time_of_birth}",
        "GIOI_TINH": "2" if person.sex == "female" else "1",
        "MA_QUOCTICH": person.nationality,
        "MA_DANTOC": person.ethnicity,
        "MA_NGHE_NGHIEP": occupation,
        "DIA_CHI": person.address,
        "MATINH_CU_TRU": "01",
        "MAXA_CU_TRU": person.commune,
        "DIEN_THOAI": person.phone if person.index % 4 else "",
        "MA_THE_BHYT": person.card,
    }


def _name_on_the_ward(newborn: Person, draw: Random) -> str:
    """A newborn's name is mostly its mother's still (TT 30/2020 art. 10), as it is or after "con bà"."""
    mother = mother_of(newborn)
    if mother is None:
        return newborn.name
    return draw.choices((mother.name, f"CON BÀ {mother.name}", newborn.name), (55, 15, 30))[0]


def _insurance(visit: Visit) -> Row:
    if not visit.person.card:
        return {"MA_DOITUONG_KCB": "9"}
    newborn = visit.shape == "newborn"
    return {
        "MA_DKBD": "01000" if newborn else visit.facility,
        "GT_THE_TU": f"{visit.person.birth_date:%Y%m%d}" if newborn else f"{visit.start.year}0101",
        "GT_THE_DEN": f"{visit.start.year}1231",
        "MA_DOITUONG_KCB": "1.7" if newborn else "1.1",
    }


def _reasons(visit: Visit) -> Row:
    condition, others = visit.condition, visit.companions
    return {
        "LY_DO_VV": condition.complaint,
        "LY_DO_VNT": condition.complaint if visit.stays else "",
        "CHAN_DOAN_VAO": f"Theo dõi {condition.name[0].lower()}{condition.name[1:]}",
        "CHAN_DOAN_RV": "; ".join(c.name for c in (condition, *others)),
        "MA_BENH_CHINH": condition.code,
        "MA_BENH_KT": ";".join(c.code for c in others),
        "MA_TAI_NAN": "8" if condition.code.startswith("S") else "0",
        "PP_DIEU_TRI": "Phẫu thuật" if visit.surgical else "Điều trị nội khoa",
        "GHI_CHU": "Uống thuốc theo đơn, tái khám khi có bất thường",
        "MA_NOI_DEN": "01013" if visit.shape == "referral" else "",
        "MA_KHOA": condition.department,
        "MA_CSKCB": visit.facility,
    }


def _times(visit: Visit, draw: Random) -> Row:
    paid = min(visit.end, visit.start + timedelta(hours=3)) if visit.shape == "long_term" else visit.end
    paid += timedelta(minutes=draw.randint(5, 40))
    admitted = visit.start + timedelta(minutes=draw.randint(10, 19))
    return {
        "NGAY_VAO": minute(visit.start),
        "NGAY_VAO_NOI_TRU": minute(admitted) if visit.stays or visit.shape == "long_term" else "",
        "NGAY_RA": minute(visit.end),
        "SO_NGAY_DTRI": _days(visit),
        "KET_QUA_DTRI": "2" if visit.shape != "referral" else "3",
        "MA_LOAI_RV": "2" if visit.shape == "referral" else "1",
        "NGAY_TTOAN": minute(paid),
        "NAM_QT": f"{paid.year}",
        "THANG_QT": f"{paid.month:02d}",
        "MA_LOAI_KCB": VISIT_TYPE[visit.shape],
        "MA_HSBA": f"BA{visit.ma_lk[-7:]}",
        "MA_TTDV": "0199000001",
    }


def _days(visit: Visit) -> str:
    if visit.stays:
        return str((visit.end.date() - visit.start.date()).days + 1)
    return str(visit.supply_days) if visit.shape == "long_term" else "0"


def _weight(visit: Visit, draw: Random) -> str:
    age = age_in_years(visit.person, visit.start.date())
    if visit.shape == "newborn":
        return f"{draw.uniform(2.1, 4.2):.2f}"
    middle = 55 if age >= 16 else 9 + age * 2.8
    return f"{max(4.0, draw.gauss(middle, middle / 8)):.2f}"
