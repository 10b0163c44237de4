"""Which laboratory test a result certainly is: expected codes are LOINC's own, by hand."""

from __future__ import annotations

import pytest

from mappings.sources.city.values import Loinc
from mappings.terminology.loinc import certain, table
from mappings.terminology.units import comparable

MACHINE = "Tổng phân tích tế bào máu ngoại vi (bằng máy đếm laser)"


@pytest.mark.parametrize(
    ("name", "ordered", "unit", "loinc"),
    [
        ("Glucose", "Định lượng Glucose [Máu]", "mmol/L", "14749-6"),
        ("Định lượng Glucose [Máu]", "Định lượng Glucose [Máu]", "mmol/L", "14749-6"),
        ("GLUCOSE", "Glucose huyết tương", "mg/dL", "2345-7"),
        ("Creatinin", "Định lượng Creatinin (máu)", "umol/L", "14682-9"),
        ("Ure", "Định lượng Urê máu [Máu]", "mmol/L", "22664-7"),
        ("AST (GOT)", "Đo hoạt độ AST (GOT) [Máu]", "U/L", "1920-8"),
        ("HbA1c", "Định lượng HbA1c [Máu]", "%", "4548-4"),
        ("TSH", "Định lượng TSH (Thyroid Stimulating hormone) [Máu]", "u[IU]/mL", "3016-3"),
        ("CRP", "Định lượng CRP (C-Reactive Protein) [Máu]", "mg/L", "1988-5"),
        ("Ferritin", "Định lượng Ferritin bằng miễn dịch hóa phát quang [Máu]", "ug/L", "2276-4"),
        ("HGB", MACHINE, "g/L", "718-7"),
        ("WBC", MACHINE, "10*9/L", "6690-2"),
        ("INR", "Thời gian prothrombin (PT) bằng máy tự động", "{INR}", "6301-6"),
        # Not certain: the specimen is not said, or is another.
        ("Glucose", "Sinh hóa", "mmol/L", ""),
        ("Glucose", "Định lượng Glucose (niệu)", "mmol/L", ""),
        ("Glucose", "Định lượng Glucose [dịch não tủy], máu", "mmol/L", ""),
        ("Glucose", "Xét nghiệm đường máu mao mạch tại giường", "mmol/L", ""),
        ("Glucose", "Nghiệm pháp dung nạp glucose đường máu", "mmol/L", ""),
        ("Glucose niệu", "Tổng phân tích nước tiểu (bằng máy tự động)", "mmol/L", ""),
        # The unit is another's, or none.
        ("Glucose", "Định lượng Glucose [Máu]", "%", ""),
        ("Creatinin", "Định lượng Creatinin (máu)", "mmol/L", ""),
        ("Glucose", "Định lượng Glucose [Máu]", "", ""),
        # A part of a name is no name.
        ("Glucose sau ăn 2 giờ", "Định lượng Glucose [Máu]", "mmol/L", ""),
        ("TG", "Định lượng Triglycerid [Máu]", "mmol/L", ""),
        # The method decides.
        ("WBC", "Tổng phân tích tế bào máu ngoại vi (thủ công)", "10*9/L", ""),
        ("CRP", "Định lượng CRP hs (C-Reactive Protein high sensitivity) [Máu]", "mg/L", ""),
        ("Troponin I hs", "Định lượng Troponin I [Máu]", "ng/L", ""),
    ],
)
def test_a_test_is_known_where_name_specimen_and_unit_leave_one(name: str, ordered: str, unit: str, loinc: str) -> None:
    found = certain(name, ordered=ordered, unit=unit)
    assert (found.loinc if found else "") == loinc


def test_a_stated_specimen_says_what_it_is_of() -> None:
    of_blood = certain("Glucose", ordered="Sinh hóa", unit="mmol/L", specimen="Huyết thanh")
    assert of_blood is not None
    assert of_blood.loinc == "14749-6"
    assert certain("Glucose", ordered="Sinh hóa máu", unit="mmol/L", specimen="Nước tiểu") is None


def test_every_code_is_one_of_loinc_and_no_two_are_meant_by_one_name_and_unit() -> None:
    check = Loinc("MA_LOINC", "", "")
    assert [one.loinc for one in table() if check.row_text(one.loinc) is None] == []
    assert len({one.loinc for one in table()}) == len(table())
    meant = [(name, unit, one.specimen) for one in table() for name in one.called for unit in one.units]
    of_two = {one for one in meant if meant.count(one) > 1}
    # CRP by the one or the other method: of these one is only probable.
    assert of_two == {("crp", "mg/L", "serum")}


def test_nothing_of_hiv_is_in_the_table() -> None:
    assert [one for one in table() if "hiv" in f"{one.name} {' '.join(one.called)}".casefold()] == []


@pytest.mark.parametrize(
    ("code", "same"), [("ng/mL", "ug/L"), ("10*3/uL", "10*9/L"), ("g/dL", "g/dL"), ("U/L", "U/L"), ("", "")]
)
def test_units_of_the_same_digits_can_be_compared(code: str, same: str) -> None:
    assert comparable(code) == same
