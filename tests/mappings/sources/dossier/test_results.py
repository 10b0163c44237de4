"""Results (XML4): which number is certain, which order they belong to, and that a reader meets words alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mappings.sources.dossier.checking import check
from mappings.sources.dossier.to_fhir import to_fhir
from tests.mappings.sources.dossier.golden import CONTEXT, mapped, of, read_envelope

CASES = Path(__file__).parent / "cases"
ECG = {
    "MA_DICH_VU": "02.0085.1778",
    "MA_NHOM": "3",
    "TEN_DICH_VU": "Điện tim thường",
    "NGAY_YL": "202611200830",
}
LAB = {"MA_DICH_VU": "22.0121.1369", "MA_NHOM": "1", "TEN_DICH_VU": "Công thức máu", "NGAY_YL": "202611200830"}
RESULT = {"MA_DICH_VU": "22.0121.1369", "TEN_CHI_SO": "WBC", "NGAY_KQ": "202611200915"}


def observation(**tags: str) -> dict[str, Any]:
    """The Observation of one row."""
    (only,) = of(mapped(XML3=[LAB], XML4=[{**RESULT, **tags}]), "Observation")
    return only


# Codes


@pytest.mark.parametrize(
    ("order", "tags", "codes"),
    [
        # The laboratory's own code stays, and stays first.
        (
            {"TEN_DICH_VU": "Định lượng Glucose [Máu]"},
            {"TEN_CHI_SO": "Glucose", "MA_CHI_SO": "G1", "GIA_TRI": "5.1", "DON_VI_DO": "mmol/l"},
            ["G1", "14749-6"],
        ),
        (
            {"TEN_DICH_VU": "Định lượng Glucose [Máu]"},
            {"TEN_CHI_SO": "Glucose", "MA_CHI_SO": "G1", "GIA_TRI": "<2.8", "DON_VI_DO": "mmol/L"},
            ["G1", "14749-6"],
        ),
        # Without a name of its own it is what was ordered.
        (
            {"TEN_DICH_VU": "Định lượng Glucose [Máu]"},
            {"TEN_CHI_SO": "", "MA_CHI_SO": "G1", "GIA_TRI": "5.1", "DON_VI_DO": "mmol/L"},
            ["G1", "14749-6"],
        ),
        (
            {"TEN_DICH_VU": "Sinh hóa"},
            {"TEN_CHI_SO": "Glucose", "MA_CHI_SO": "G1", "GIA_TRI": "5.1", "DON_VI_DO": "mmol/L"},
            ["G1"],
        ),
        (
            {"TEN_DICH_VU": "Định lượng Glucose [Máu]"},
            {"TEN_CHI_SO": "Glucose", "MA_CHI_SO": "G1", "GIA_TRI": "5.1"},
            ["G1"],
        ),
        (
            {"TEN_DICH_VU": "Định lượng Glucose [Máu]"},
            {"TEN_CHI_SO": "Glucose", "MA_CHI_SO": "G1", "GIA_TRI": "Không đủ mẫu", "DON_VI_DO": "mmol/L"},
            ["G1"],
        ),
    ],
)
def test_a_result_has_a_code_of_loinc_where_it_is_certain(
    order: dict[str, str], tags: dict[str, str], codes: list[str]
) -> None:
    (only,) = of(mapped(XML3=[{**LAB, **order}], XML4=[{**RESULT, **tags}]), "Observation")
    assert [one["code"] for one in only["code"]["coding"]] == codes


# Numbers


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        ("250.000 /mm3", "/mm3", "250.000 /mm3"),
        ("250.000", "/mm3", "250.000 /mm3"),
        ("1.250", "pg/mL", "1.250 pg/mL"),
        ("<1.000", "U/L", "<1.000 U/L"),
        ("3,810", "T/L", "3,810 T/L"),
        ("1.250.000", "/mm3", "1.250.000 /mm3"),
        ("5 - 10", "/mm3", "5 - 10 /mm3"),
        ("4..5", "g/L", "4..5 g/L"),
    ],
)
def test_a_number_that_may_be_a_thousand_is_text(value: str, unit: str, shown: str) -> None:
    assert observation(GIA_TRI=value, DON_VI_DO=unit)["valueString"] == shown


@pytest.mark.parametrize(
    ("name", "value", "unit", "number"),
    [
        ("HCT", "0.417", "L/L", 0.417),
        ("PLT", "250", "G/L", 250),
        ("Cholesterol", "5.12", "mmol/L", 5.12),
        ("Vi lượng", "1250.125", "ng/L", 1250.125),
        ("TSH", "2.345", "mIU/L", 2.345),
        ("BE", "-0.125", "mmol/L", -0.125),
    ],
)
def test_three_places_that_are_certain_are_a_number(name: str, value: str, unit: str, number: float) -> None:
    assert observation(TEN_CHI_SO=name, GIA_TRI=value, DON_VI_DO=unit)["valueQuantity"]["value"] == number


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("INR", "{INR}"),
        ("PT-INR", "{INR}"),
        ("PT (INR)", "{INR}"),
        ("Chỉ số INR", "{INR}"),
        ("pH", "[pH]"),
        ("pH máu", "[pH]"),
    ],
)
def test_a_ratio_without_a_unit_is_a_series_by_its_name(name: str, code: str) -> None:
    assert observation(TEN_CHI_SO=name, GIA_TRI="1.53")["valueQuantity"] == {
        "value": 1.53,
        "system": "http://unitsofmeasure.org",
        "code": code,
    }


@pytest.mark.parametrize("name", ["Tỷ trọng", "PT%", "INR mục tiêu và pH", "PHOSPHATASE", "Photpho", "Ph"])
def test_any_other_number_without_a_unit_stays_text(name: str) -> None:
    assert observation(TEN_CHI_SO=name, GIA_TRI="1.53")["valueString"] == "1.53"


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        ("s", "s"),
        ("giây", "s"),
        ("min", "min"),
        ("h", "h"),
        ("mm[Hg]", "mm[Hg]"),
        ("mmHg", "mm[Hg]"),
        ("[IU]/L", "[IU]/L"),
        ("UI/L", "[IU]/L"),
        ("10*9/L", "10*9/L"),
        ("/mm3", "/mm3"),
        ("mg/24h", "mg/(24.h)"),
    ],
)
def test_a_unit_that_is_ucum_already_or_certainly_means_it_has_its_code(unit: str, code: str) -> None:
    quantity = observation(TEN_CHI_SO="X", GIA_TRI="12", DON_VI_DO=unit)["valueQuantity"]

    assert (quantity["unit"], quantity["code"]) == (unit, code)


@pytest.mark.parametrize(
    ("name", "code"),
    [("MONO#", "10*9/L"), ("LYM", "10*9/L"), ("Tiểu cầu", "10*9/L"), ("Monoclonal protein", None)],
)
def test_a_count_of_cells_is_known_by_a_whole_word(name: str, code: str | None) -> None:
    assert observation(TEN_CHI_SO=name, GIA_TRI="5", DON_VI_DO="G/L")["valueQuantity"].get("code") == code


@pytest.mark.parametrize("value", ["A/B", "A,B", "A B", "AB", "O", "Rh+"])
def test_a_blood_group_of_the_laboratory_stays_as_it_was_written(value: str) -> None:
    found = observation(TEN_CHI_SO="Nhóm máu", GIA_TRI=value)

    assert found["valueString"] == value
    assert [one["system"] for one in found["code"]["coding"]] == ["https://ehr-sync.example/fhir/CodeSystem/ma-dich-vu"]


# Orders


@pytest.mark.parametrize("order", ["02.0085.1778", "02.0085"])
@pytest.mark.parametrize("result", ["02.0085.1778", "02.0085"])
def test_a_result_finds_its_order_by_the_technique_too(order: str, result: str) -> None:
    row = {"MA_DICH_VU": result, "KET_LUAN": "Bình thường", "NGAY_KQ": "202611200915"}
    record = mapped(XML3=[{**ECG, "MA_DICH_VU": order}], XML4=[row])
    (report,), (request,) = of(record, "DiagnosticReport"), of(record, "ServiceRequest")

    assert report["basedOn"] == [{"reference": f"ServiceRequest/{request['id']}"}]
    assert (report["code"]["text"], request["status"]) == ("Điện tim thường", "completed")


def test_of_two_services_of_one_technique_nobody_can_tell_which_a_result_is_of() -> None:
    row = {"MA_DICH_VU": "02.0085", "KET_LUAN": "Bình thường"}
    record = mapped(XML3=[ECG, {**ECG, "MA_DICH_VU": "02.0085.1779"}], XML4=[row])

    assert "basedOn" not in of(record, "DiagnosticReport")[0]


def test_another_price_is_another_service() -> None:
    row = {"MA_DICH_VU": "02.0085.1779", "KET_LUAN": "Bình thường"}
    record = mapped(XML3=[ECG], XML4=[row])

    assert "basedOn" not in of(record, "DiagnosticReport")[0]
    assert of(record, "ServiceRequest")[0]["status"] == "active"


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ([{"MA_DICH_VU": "02.0085", "TEN_CHI_SO": "Điện tim", "GIA_TRI": "x"}], "Điện tim"),
        ([{"MA_DICH_VU": "02.0085", "KET_LUAN": "x"}], "Kết quả cận lâm sàng"),
        ([{"MA_DICH_VU": "18.0119.0028", "KET_LUAN": "x"}], "Kết quả chẩn đoán hình ảnh"),
        ([{**RESULT, "GIA_TRI": "5"}, {**RESULT, "TEN_CHI_SO": "RBC", "GIA_TRI": "5"}], "Kết quả xét nghiệm"),
        ([{"KET_LUAN": "x"}], "Kết quả cận lâm sàng"),
    ],
)
def test_a_report_without_its_order_is_not_called_by_a_code(rows: list[dict[str, str]], name: str) -> None:
    (report,) = of(mapped(XML4=rows), "DiagnosticReport")

    assert report["code"]["text"] == name


def test_a_result_of_the_minute_that_an_order_was_finished_is_of_that_order() -> None:
    orders = [{**LAB, "NGAY_KQ": "202611201500"}, {**LAB, "NGAY_YL": "202611201000"}]
    record = mapped(XML3=orders, XML4=[{**RESULT, "GIA_TRI": "5", "NGAY_KQ": "202611201500"}])
    first = next(one for one in of(record, "ServiceRequest") if one["authoredOn"] == "2026-11-20T08:30:00+07:00")

    assert of(record, "DiagnosticReport")[0]["basedOn"] == [{"reference": f"ServiceRequest/{first['id']}"}]


def test_a_report_is_of_the_time_of_its_last_result() -> None:
    rows = [
        {**RESULT, "GIA_TRI": "5", "NGAY_KQ": "202611201100"},
        {**RESULT, "GIA_TRI": "6", "TEN_CHI_SO": "RBC", "NGAY_KQ": "202611200915"},
    ]
    (report,) = of(mapped(XML3=[LAB], XML4=rows), "DiagnosticReport")

    assert report["effectiveDateTime"] == report["issued"] == "2026-11-20T11:00:00+07:00"


# Words


def test_a_reader_meets_words_and_no_mark_up_and_the_sender_is_told() -> None:
    (found,) = read_envelope((CASES / "report_in_html_and_rtf.xml").read_bytes())
    checked = check(found, date(2026, 11, 20))
    record = to_fhir(checked, CONTEXT)

    assert of(record, "Observation")[0]["valueString"] == "Gan: không to"
    assert of(record, "DiagnosticReport")[0]["conclusion"] == "Binh thuong"
    assert [one.path for one in checked.issues if one.code == "text.markup"] == ["XML4[1].MO_TA", "XML4[1].KET_LUAN"]


@pytest.mark.parametrize("tag", ["GIA_TRI", "MO_TA", "KET_LUAN", "TEN_CHI_SO"])
@pytest.mark.parametrize(
    "written", ["<p>Tim to</p>", "&lt;p&gt;Tim to&lt;/p&gt;", r"{\rtf1 Tim to\par}", "Tim&nbsp;to"]
)
def test_no_field_of_a_result_shows_mark_up(tag: str, written: str) -> None:
    record = mapped(XML3=[LAB], XML4=[{**RESULT, "GIA_TRI": "5", tag: written}])
    book = b"".join(one.json for one in record.resources).decode()

    assert "Tim to" in book
    assert not any(sign in book for sign in ("<p>", "&lt;", "&nbsp;", "rtf1"))


def test_what_cannot_be_read_for_certain_is_not_shown() -> None:
    record = mapped(XML3=[LAB], XML4=[{**RESULT, "KET_LUAN": "<s>Ung thư</s> lành tính"}])

    assert of(record, "DiagnosticReport") == []


@pytest.mark.parametrize("tag", ["MO_TA", "KET_LUAN"])
def test_a_reading_that_tells_of_a_death_is_not_shown(tag: str) -> None:
    record = mapped(XML3=[LAB], XML4=[{**RESULT, "GIA_TRI": "5", tag: "Bệnh nhân tử vong"}])

    assert "tử vong" not in b"".join(one.json for one in record.resources).decode()


def test_words_of_an_old_encoding_are_shown_in_todays_letters() -> None:
    assert observation(MO_TA="B×nh th\xad¬ng, kh«ng thÊy tæn th\xad¬ng")["valueString"] == (
        "Bình thương, không thấy tổn thương"
    )


def test_a_report_that_two_have_read_names_both() -> None:
    rows = [{**RESULT, "TEN_CHI_SO": name, "GIA_TRI": "5", "MA_BS_DOC_KQ": reader} for name, reader in READERS.items()]
    (report,) = of(mapped(XML3=[LAB], XML4=rows), "DiagnosticReport")
    assert len({one["reference"] for one in report["resultsInterpreter"]}) == 2


READERS = {"WBC": "000001/HNO-CCHN", "RBC": "000002/HNO-CCHN", "HGB": "000001/HNO-CCHN"}
