"""Papers (XML7, 8, 13, 14): what of them is shown and as what, what of them is told, and one appointment a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Final

import pytest

from mappings.fhir.ids import register_id
from mappings.fhir.narrative import lines
from mappings.model import MappedRecord
from mappings.sources.columns import Column
from mappings.sources.dossier.checking import validate
from mappings.sources.dossier.decree import tables as decree
from mappings.sources.dossier.tables import TABLES as ALL_TABLES
from mappings.sources.dossier.to_fhir import to_fhir
from mappings.sources.dossier.withholding import withheld
from tests.mappings.formats.made import SUMMARY, TABLES
from tests.mappings.sources.dossier.golden import CONTEXT, VISIT, dossier, mapped, of

Row = dict[str, str]

RECEIVED: Final = date(2026, 6, 11)
DISCHARGE: Final = {"SO_LUU_TRU": "LT1", "CHAN_DOAN_RV": "Viêm phế quản cấp", "NGAY_CT": "20261120"}
SLIP: Final = {"SO_GIAYHEN_KL": "GH1", "NGAY_HEN_KL": "202612010830", "NGAY_CT": "20261120"}
REFERRAL: Final = {"GIAY_CHUYEN_TUYEN": "GCT1", "DAU_HIEU_LS": "Khó thở", "MA_LYDO_CT": "1"}


def said(record: MappedRecord) -> dict[str, list[str]]:
    """The words of all papers, by their headings."""
    found = of(record, "Composition")
    return {part["title"]: lines(part["text"]["div"]) for one in found for part in one["section"]}


# What a paper becomes


@pytest.mark.parametrize(
    ("table", "row", "code", "title"),
    [
        ("XML7", DISCHARGE, "18842-5", "Giấy ra viện"),
        ("XML8", {"QT_BENHLY": "Sốt 3 ngày"}, "34133-9", "Tóm tắt hồ sơ bệnh án"),
        ("XML13", REFERRAL, "57133-1", "Giấy chuyển tuyến"),
        ("XML14", SLIP, "56446-8", "Giấy hẹn khám lại"),
    ],
)
def test_each_paper_is_a_composition_of_its_visit_that_the_facility_keeps(
    table: str, row: Row, code: str, title: str
) -> None:
    record = mapped(None, **{table: [row]})
    [made], [visit] = of(record, "Composition"), of(record, "Encounter")
    assert (made["type"]["coding"][0]["code"], made["title"]) == (code, title)
    assert made["encounter"]["reference"] == f"Encounter/{visit['id']}"
    assert made["custodian"] == visit["serviceProvider"]
    # A signature was neither sent nor seen.
    assert "attester" not in made


def test_who_signed_is_named_and_their_number_is_not() -> None:
    record = mapped(XML7=[{**DISCHARGE, "MA_BS": "0100000004", "TEN_BS": "LÊ VĂN KÝ"}])
    [author] = of(record, "Composition")[0]["author"]
    assert author == {"reference": f"Practitioner/{record.practitioners[0]}", "display": "LÊ VĂN KÝ"}
    assert b"0100000004" not in b"".join(one.json for one in record.resources)


@pytest.mark.parametrize(("number", "expected"), [("", [{"display": "LÊ VĂN KÝ"}]), ("000001;000002", 2)])
def test_a_name_is_told_of_one_alone(number: str, expected: Any) -> None:
    authors = of(mapped(XML7=[{**DISCHARGE, "MA_BS": number, "TEN_BS": "LÊ VĂN KÝ"}]), "Composition")[0]["author"]
    assert authors == expected or (len(authors) == expected and "LÊ VĂN KÝ" not in str(authors))


@pytest.mark.parametrize(
    ("written", "end", "expected"),
    [
        ("20261121", "202611201030", {"date": "2026-11-21"}),
        ("20621121", "202611201030", {"date": "2026-11-20T10:30:00+07:00"}),  # the year is a slip
        ("", "202611201030", {"date": "2026-11-20T10:30:00+07:00"}),
        ("", "206211201030", {}),
    ],
)
def test_a_paper_is_of_its_day_else_of_the_end_of_the_visit(written: str, end: str, expected: dict[str, str]) -> None:
    [made] = of(mapped({"NGAY_RA": end}, XML7=[{**DISCHARGE, "NGAY_CT": written}]), "Composition")
    assert {key: value for key, value in made.items() if key == "date"} == expected
    assert ("_date" in made) is (not expected)


def test_a_paper_keeps_its_id_when_its_words_are_corrected() -> None:
    first, second = (
        [one["id"] for one in of(mapped(XML7=[{**DISCHARGE, "PP_DIEUTRI": words}]), "Composition")]
        for words in ("Kháng sinh", "Kháng sinh, thở oxy")
    )
    assert first == second


def test_two_papers_of_one_kind_are_two() -> None:
    record = mapped(XML7=[DISCHARGE, {**DISCHARGE, "SO_LUU_TRU": "LT2"}])
    assert len({one["id"] for one in of(record, "Composition")}) == 2


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("Ngày 1\n\nNgày 2", ["Ngày 1", "Ngày 2"]),
        ("Sốt > 38 & < 40 độ", ["Sốt > 38 & < 40 độ"]),
        ("<script>alert(1)</script>Nghỉ ngơi", ["Nghỉ ngơi"]),
        ("<p>Uống <b>thuốc</b></p>", ["Uống thuốc"]),
        ("a\uffffb", ["ab"]),
    ],
)
def test_words_stay_words_a_line_a_paragraph(sent: str, told: list[str]) -> None:
    assert said(mapped(XML7=[{**DISCHARGE, "GHI_CHU": sent}]))["Ghi chú, lời dặn"] == told


def test_leave_after_discharge_is_told_in_words() -> None:
    leave = {"SO_NGAY_NGHI": "07", "NGOAITRU_TUNGAY": "20261121", "NGOAITRU_DENNGAY": "20261127"}
    told = said(mapped(XML7=[{**DISCHARGE, **leave}]))
    assert told["Nghỉ sau khi ra viện"] == ["7 ngày, từ 21/11/2026 đến 27/11/2026"]


def test_what_was_ruled_out_stands_in_no_paper() -> None:
    doubt = "Viêm phổi; lao phổi đã loại trừ"
    record = mapped(
        {"CHAN_DOAN_RV": doubt}, XML7=[{**DISCHARGE, "CHAN_DOAN_RV": doubt}], XML8=[{"CHAN_DOAN_VAO": doubt}]
    )
    assert said(record)["Chẩn đoán khi ra viện"] == said(record)["Chẩn đoán khi vào viện"] == ["Viêm phổi"]
    assert b"lao" not in b"".join(one.json for one in record.resources)


TEXTS: Final = {
    "XML7": ("CHAN_DOAN_RV", "PP_DIEUTRI", "GHI_CHU"),
    "XML8": ("CHAN_DOAN_VAO", "CHAN_DOAN_RV", "QT_BENHLY", "TOMTAT_KQ", "PP_DIEUTRI"),
    "XML13": (
        *("DAU_HIEU_LS", "QT_BENHLY", "TOMTAT_KQ", "CHAN_DOAN_RV", "PP_DIEUTRI", "PP_DIEU_TRI", "TEN_DICH_VU"),
        *("TEN_THUOC", "TINH_TRANG_CT", "HUONG_DIEU_TRI", "PHUONGTIEN_VC"),
    ),
    "XML14": ("CHAN_DOAN_RV",),
}
BASES: Final = {"XML7": DISCHARGE, "XML8": {}, "XML13": REFERRAL, "XML14": SLIP}
EACH: Final = [(table, tag) for table, tags in TEXTS.items() for tag in tags]


@pytest.mark.parametrize(
    "hidden", ["Bệnh nhân tử vong lúc 10 giờ", "Gia đình xin về, tiên lượng nặng", "Tình trạng nặng hơn"]
)
def test_no_text_of_a_paper_tells_of_a_death_or_a_worse_outcome(hidden: str) -> None:
    shown = [
        (table, tag)
        for table, tag in EACH
        if hidden in str(said(mapped(None, **{table: [{**BASES[table], tag: hidden}]})).values())
    ]
    assert shown == []


@pytest.mark.parametrize("sign", ["Đang điều trị ARV", "Nhiễm HIV", "khám Z71.7"])
def test_p9_a_text_of_a_paper_that_tells_of_hiv_is_as_if_it_had_not_been_written(sign: str) -> None:
    def book(row: Row, table: str) -> MappedRecord:
        return mapped(None, **{name: [dict(one) for one in rows] for name, rows in left(row, table).items()})

    def left(row: Row, table: str) -> Any:
        return withheld({table: (row,)}).tables

    told = []
    for table, tag in EACH:
        without = {name: value for name, value in BASES[table].items() if name != tag}
        if book({**without, tag: sign}, table) != book(without, table):
            told.append((table, tag))
    assert told == []


def test_an_ended_pregnancy_and_a_child_that_died_change_no_byte() -> None:
    ended = {
        "MA_DINH_CHI_THAI": "1",
        "NGUYENNHAN_DINHCHI": "Thai lưu",
        "THOIGIAN_DINHCHI": "202611191000",
        "TUOI_THAI": "9",
    }
    died = {"NGAY_SINHCON": "20261118", "NGAY_CONCHET": "20261119", "SO_CONCHET": "1"}
    record = {"QT_BENHLY": "Ổn định"}
    assert mapped(XML7=[{**DISCHARGE, **ended}], XML8=[{**record, **died}]) == mapped(XML7=[DISCHARGE], XML8=[record])


def test_nobody_but_the_patient_and_the_staff_is_named() -> None:
    others = dict.fromkeys(
        ("HO_TEN_CHA", "HO_TEN_ME", "NGUOI_GIAM_HO", "HOTEN_NGUOI_HT", "MA_CHA", "MA_ME"), "TRẦN THỊ"
    )
    others |= {"MA_TTDV": "0100000001", "DON_VI": "Công ty TRẦN THỊ"}
    record = mapped(
        XML7=[{**DISCHARGE, **others}],
        XML8=[{"QT_BENHLY": "Sốt", **others, "GHI_CHU": "Mẹ: TRẦN THỊ"}],
        XML13=[{**REFERRAL, **others}],
    )
    told = b"".join(one.json for one in record.resources).decode()
    assert [word for word in ("TRẦN", "0100000001") if word in told] == []


# A referral


def test_a_referral_asks_another_facility_to_go_on() -> None:
    paper = {
        **REFERRAL,
        "SO_CHUYENTUYEN": "CT1",
        "MA_CSKCB_DEN": "01929",
        "MA_BENH_CHINH": "I21.9",
        "MA_BENH_KT": "R99;I10",
    }
    record = mapped(XML13=[{**paper, "MA_BAC_SI": "000001/HNO-CCHN"}])
    [request], [composition] = of(record, "ServiceRequest"), of(record, "Composition")
    assert [one["value"] for one in request["identifier"]] == ["GCT1", "CT1"]
    assert (request["status"], request["intent"]) == ("active", "order")
    assert request["authoredOn"] == "2026-11-20T10:30:00+07:00"
    assert request["requester"] == composition["author"][0]
    there = register_id(CONTEXT.id_key, "Organization", "01929")
    assert request["performer"] == [{"reference": f"Organization/{there}"}]
    # A death is no reason (R99).
    assert [one.get("coding", [{}])[0].get("code") for one in request["reasonCode"]] == ["1", "I21.9", "I10"]
    [why] = [part for part in composition["section"] if part["title"] == "Lý do chuyển tuyến"]
    assert why["entry"] == [{"reference": f"ServiceRequest/{request['id']}"}]
    assert lines(why["text"]["div"]) == ["Đủ điều kiện chuyển tuyến"]


def test_a_referral_without_a_doctor_or_a_place_is_the_facilitys_to_nobody() -> None:
    [request] = of(mapped(XML13=[REFERRAL]), "ServiceRequest")
    assert request["requester"]["reference"].startswith("Organization/")
    assert "performer" not in request


@pytest.mark.parametrize(("code", "words"), [("3", "Theo yêu cầu của người bệnh hoặc người đại diện"), ("9", "Mã 9")])
def test_a_reason_that_no_list_has_is_told_as_a_code(code: str, words: str) -> None:
    [request] = of(mapped(XML13=[{**REFERRAL, "MA_LYDO_CT": code}]), "ServiceRequest")
    assert request["reasonCode"][0]["text"] == words


def test_both_editions_of_a_referral_say_the_same() -> None:
    """QĐ 3176 calls MA_NOI_DEN MA_CSKCB_DEN, and has PP_DIEUTRI alone for the treatment."""
    old = mapped(XML13=[{**REFERRAL, "MA_NOI_DEN": "01929", "PP_DIEU_TRI": "Thở oxy"}])
    new = mapped(XML13=[{**REFERRAL, "MA_CSKCB_DEN": "01929", "PP_DIEUTRI": "Thở oxy"}])
    assert old == new


# One appointment a day


def asked(record: MappedRecord) -> list[str]:
    """When one is asked to come, as the book says it."""
    return [one["requestedPeriod"][0]["start"] for one in of(record, "Appointment")]


@pytest.mark.parametrize(
    ("named", "slips", "expected"),
    [
        ("20261201", ["202612010830"], ["2026-12-01T08:30:00+07:00"]),
        ("20261201", ["20261201"], ["2026-12-01"]),
        ("20261201", ["202612010000"], ["2026-12-01"]),  # no time is said so
        ("20261201", ["202612012359"], ["2026-12-01"]),
        ("20261201;20261215", ["202612010830"], ["2026-12-01T08:30:00+07:00", "2026-12-15"]),
        ("", ["202612010830"], ["2026-12-01T08:30:00+07:00"]),
        ("", ["202612010930", "202612010830"], ["2026-12-01T08:30:00+07:00"]),
        ("20261201", [], ["2026-12-01"]),
        # Moved: the summary names one day and the slip another. The slip is what the patient holds.
        ("20261201", ["202612080830"], ["2026-12-08T08:30:00+07:00"]),
        # Of several days nobody can tell which one was moved.
        ("20261201;20261215", ["202612080830"], ["2026-12-01", "2026-12-08T08:30:00+07:00", "2026-12-15"]),
        ("20261201", ["206212080830"], ["2026-12-01"]),  # the year is a slip of the pen
    ],
)
def test_the_slip_and_the_summary_of_one_day_are_one_appointment(
    named: str, slips: list[str], expected: list[str]
) -> None:
    rows = [{**SLIP, "SO_GIAYHEN_KL": f"GH{n}", "NGAY_HEN_KL": at} for n, at in enumerate(slips)]
    record = mapped({"NGAY_TAI_KHAM": named}, XML14=rows)
    assert asked(record) == expected
    # `booked` would need an end, which no slip has (app-3).
    assert {one["status"] for one in of(record, "Appointment")} == {"proposed"}


def test_a_slip_changes_no_id_of_the_appointment_of_its_day() -> None:
    with_slip, without = (
        [one["id"] for one in of(mapped({"NGAY_TAI_KHAM": "20261201"}, XML14=rows), "Appointment")]
        for rows in ([SLIP], [])
    )
    assert with_slip == without


def test_an_appointment_has_the_number_of_its_slip_and_the_slip_refers_to_it() -> None:
    record = mapped(XML14=[SLIP])
    [appointment], [slip] = of(record, "Appointment"), of(record, "Composition")
    assert appointment["identifier"][0]["value"] == slip["identifier"]["value"] == "GH1"
    assert appointment["created"] == slip["date"] == "2026-11-20"
    assert slip["section"][0]["entry"] == [{"reference": f"Appointment/{appointment['id']}"}]
    assert said(record)["Hẹn khám lại"] == ["08:30 ngày 01/12/2026"]


@pytest.mark.parametrize(
    ("named", "is_taken_over", "expected", "papers"),
    [
        ("20261208", True, ["2026-12-08"], 0),  # moved by a sending that has no slip
        ("20261201;20261208", True, ["2026-12-01T08:30:00+07:00", "2026-12-08"], 1),
        ("", True, ["2026-12-01T08:30:00+07:00"], 1),  # who never names days in the summary takes none back
        ("20261208", False, ["2026-12-01T08:30:00+07:00"], 1),
    ],
)
def test_a_slip_of_an_earlier_sending_gives_way_to_the_days_of_a_new_summary(
    named: str, is_taken_over: bool, expected: list[str], papers: int
) -> None:
    made = dossier(XML1=[{**VISIT, "NGAY_TAI_KHAM": named}], XML14=[SLIP])
    record = to_fhir(made, replace(CONTEXT, taken_over=frozenset({"XML14"} if is_taken_over else ())))
    assert (asked(record), len(of(record, "Composition"))) == (expected, papers)


# What is told to the sender


GOOD: Final[dict[str, Row]] = {
    "XML7": {
        "MA_LK": "LK0001",
        "SO_LUU_TRU": "LT1",
        "MA_YTE": "BN0001",
        "MA_KHOA_RV": "K01",
        "NGAY_VAO": SUMMARY["NGAY_VAO"],
        "NGAY_RA": SUMMARY["NGAY_RA"],
        "CHAN_DOAN_RV": "Viêm phổi",
        "PP_DIEUTRI": "Kháng sinh",
        "MA_TTDV": "0100000001",
        "MA_BS": "0100000004",
        "TEN_BS": "LÊ VĂN KÝ",
        "NGAY_CT": "20260610",
    },
    "XML8": {
        "MA_LK": "LK0001",
        "MA_LOAI_KCB": "01",
        "NGAY_VAO": SUMMARY["NGAY_VAO"],
        "NGAY_RA": SUMMARY["NGAY_RA"],
        "CHAN_DOAN_VAO": "Viêm phổi",
        "CHAN_DOAN_RV": "Viêm phổi",
        "QT_BENHLY": "Sốt",
        "TOMTAT_KQ": "Bạch cầu tăng",
        "PP_DIEUTRI": "Kháng sinh",
        "KET_QUA_DTRI": "1",
        "MA_TTDV": "0100000001",
        "NGAY_CT": "20260610",
    },
    "XML13": {
        "MA_LK": "LK0001",
        "SO_HOSO": "HS1",
        "SO_CHUYENTUYEN": "CT1",
        "GIAY_CHUYEN_TUYEN": "GCT1",
        "HO_TEN": SUMMARY["HO_TEN"],
        "DAU_HIEU_LS": "Khó thở",
        "QT_BENHLY": "Sốt",
        "MA_LYDO_CT": "1",
        "HUONG_DIEU_TRI": "Thở máy",
        "PHUONGTIEN_VC": "Xe cứu thương",
        "MA_BAC_SI": "000001/HNO-CCHN",
        "MA_TTDV": "0100000001",
    },
    "XML14": {
        "MA_LK": "LK0001",
        "SO_GIAYHEN_KL": "GH1",
        "MA_CSKCB": "01001",
        "HO_TEN": SUMMARY["HO_TEN"],
        "NGAY_HEN_KL": "202606200800",
        "MA_BAC_SI": "000001/HNO-CCHN",
        "MA_TTDV": "0100000001",
        "NGAY_CT": "20260610",
    },
}


def told(table: str, summary: Row | None = None, /, **values: str) -> set[tuple[str, str]]:
    """What is told of a paper with other values, beside a good dossier."""
    row = {tag: value for tag, value in {**GOOD[table], **values}.items() if value}
    tables = {**TABLES, "XML1": ({**TABLES["XML1"][0], **(summary or {})},), table: (row,)}
    return {(one.code, one.path) for one in validate(tables, RECEIVED)} - {("xml8.visit_type", "XML8")}


@pytest.mark.parametrize("table", GOOD)
def test_of_a_good_paper_nothing_is_told(table: str) -> None:
    assert told(table) == set()


@pytest.mark.parametrize(
    ("table", "values", "code", "tag"),
    [
        ("XML7", {"NGAY_RA": "202606090800"}, "date.order", "NGAY_RA"),
        ("XML7", {"MA_DINH_CHI_THAI": "1", "TUOI_THAI": "9"}, "value.required", "NGUYENNHAN_DINHCHI"),
        ("XML7", {"MA_DINH_CHI_THAI": "1", "TUOI_THAI": "9"}, "value.required", "THOIGIAN_DINHCHI"),
        ("XML7", {"MA_DINH_CHI_THAI": "1"}, "value.required", "TUOI_THAI"),
        ("XML7", {"TUOI_THAI": "43"}, "value.format", "TUOI_THAI"),
        ("XML7", {"TUOI_THAI": "0"}, "value.format", "TUOI_THAI"),
        ("XML7", {"SO_NGAY_NGHI": "5"}, "value.required", "NGOAITRU_TUNGAY"),
        ("XML7", {"NGOAITRU_TUNGAY": "20260612", "NGOAITRU_DENNGAY": "20260611"}, "date.order", "NGOAITRU_DENNGAY"),
        ("XML7", {"NGAY_CT": "20260631"}, "date.impossible", "NGAY_CT"),
        ("XML8", {"NGAY_RA": "202606090800"}, "date.order", "NGAY_RA"),
        ("XML8", {"NGAY_SINHCON": "20260610", "NGAY_CONCHET": "20260609"}, "date.order", "NGAY_CONCHET"),
        ("XML13", {"NGAY_VAO": "202606100700", "NGAY_RA": "202606090800"}, "date.order", "NGAY_RA"),
        ("XML13", {"NGAY_VAO": "202606100700", "NGAY_VAO_NOI_TRU": "20260609"}, "date.order", "NGAY_VAO_NOI_TRU"),
        ("XML14", {"NGAY_RA": "202606101000", "NGAY_HEN_KL": "20260609"}, "date.order", "NGAY_HEN_KL"),
        ("XML14", {"NGAY_VAO": "202606100700", "NGAY_CT": "20260609"}, "date.order", "NGAY_CT"),
        ("XML14", {"NGAY_HEN_KL": "206206200800"}, "date.far_ahead", "NGAY_HEN_KL"),
    ],
)  # fmt: skip
def test_what_does_not_agree_in_a_paper_is_told(table: str, values: Row, code: str, tag: str) -> None:
    assert (code, f"{table}[1].{tag}") in told(table, **values)


@pytest.mark.parametrize("discharged", ["202606101000", ""])
def test_a_return_before_the_discharge_is_told_once_whether_or_not_the_slip_repeats_it(discharged: str) -> None:
    stated = {**GOOD["XML14"], "NGAY_RA": discharged, "NGAY_HEN_KL": "20260609"}
    slip = {tag: value for tag, value in stated.items() if value}
    summary = {**TABLES["XML1"][0], "NGAY_RA": "202606101000"}
    found = validate({**TABLES, "XML1": (summary,), "XML14": (slip,)}, RECEIVED)
    assert [one.path for one in found if one.code == "date.order"] == ["XML14[1].NGAY_HEN_KL"]


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("XML14", {"NGAY_RA": "202606101000", "NGAY_HEN_KL": "202606100000"}),  # on that day, no time is said
        ("XML14", {"NGAY_RA": "202606101000", "NGAY_HEN_KL": "20260610"}),
        ("XML7", {"SO_NGAY_NGHI": "5", "NGOAITRU_TUNGAY": "20260611", "NGOAITRU_DENNGAY": "20260615"}),
        ("XML7", {"MA_DINH_CHI_THAI": "0"}),
    ],
)
def test_what_agrees_is_not_told(table: str, values: Row) -> None:
    assert told(table, **values) == set()


DIFFERS: Final = "value.differs_from_xml1"


@pytest.mark.parametrize(
    ("table", "values", "tags"),
    [
        ("XML7", {"NGAY_RA": "202606101100"}, ["NGAY_RA"]),
        ("XML8", {"KET_QUA_DTRI": "2", "MA_LOAI_KCB": "03"}, ["KET_QUA_DTRI", "MA_LOAI_KCB"]),
        ("XML13", {"HO_TEN": "TRẦN VĂN MẪU", "MA_BENH_CHINH": "J18.9"}, ["HO_TEN", "MA_BENH_CHINH"]),
        ("XML13", {"MA_CSKCB_DEN": "01929"}, ["MA_CSKCB_DEN"]),
        ("XML13", {"MA_NOI_DEN": "01929", "TEN_DICH_VU": "Khám"}, ["MA_NOI_DEN"]),
        ("XML13", {"PP_DIEUTRI": "Thở oxy"}, ["PP_DIEUTRI"]),
        ("XML14", {"CHAN_DOAN_RV": "Viêm phế quản", "GIOI_TINH": "2"}, ["CHAN_DOAN_RV", "GIOI_TINH"]),
        ("XML14", {"MA_THE_BHYT": "DN4010000000018"}, ["MA_THE_BHYT"]),
        # The same, written otherwise.
        ("XML13", {"HO_TEN": "Nguyễn Văn  Mẫu", "NGAY_RA": "20260610", "MA_CSKCB_DI": "01001"}, []),
        ("XML14", {"MA_THE_BHYT": "DN4010000000017;", "DIA_CHI": "số 1 phố Mẫu"}, []),
        # A paper for the insurance may be worded for it (TT 18/2022/TT-BYT).
        ("XML7", {"CHAN_DOAN_RV": "Dưỡng thai"}, []),
    ],
)
def test_what_a_paper_says_again_must_be_what_the_summary_says(table: str, values: Row, tags: list[str]) -> None:
    assert {path for code, path in told(table, **values) if code == DIFFERS} == {f"{table}[1].{tag}" for tag in tags}


@pytest.mark.parametrize(
    ("table", "row", "tag"),
    [("XML6", {"NGAY_SINH": "199103150000"}, "NGAY_SINH"), ("XML15", {"SO_CCCD": "1"}, "SO_CCCD")],
)
def test_the_same_holds_of_registrations(table: str, row: Row, tag: str) -> None:
    issues = validate({**TABLES, table: ({"MA_LK": "LK0001", **row},)}, RECEIVED)
    assert (DIFFERS, f"{table}[1].{tag}") in {(one.code, one.path) for one in issues}


@pytest.mark.parametrize(
    ("named", "is_told"), [("20260620", False), ("20260613;20260620", False), ("20260613", True), ("", False)]
)
def test_a_slip_for_a_day_that_the_summary_does_not_name_is_told(named: str, is_told: bool) -> None:
    found = told("XML14", {"NGAY_TAI_KHAM": named} if named else None)
    assert ((DIFFERS, "XML14[1].NGAY_HEN_KL") in found) is is_told


# Editions


@pytest.mark.parametrize(
    ("values", "is_wanted"),
    [
        ({"MA_NOI_DEN": "01929"}, True),  # of QĐ 4750, which wants TEN_DICH_VU
        ({"MA_CSKCB_DEN": "01929"}, False),  # of QĐ 3176, which does not have it
        ({}, False),  # of neither for certain
        ({"MA_NOI_DEN": "01929", "TEN_DICH_VU": "Khám"}, False),
    ],
)
def test_a_column_of_one_edition_is_wanted_of_its_rows_alone(values: Row, is_wanted: bool) -> None:
    assert (("value.required", "XML13[1].TEN_DICH_VU") in told("XML13", **values)) is is_wanted


def test_columns_of_one_edition_are_those_that_the_page_of_tables_says() -> None:
    """Of what the two editions that are taken differ in: XML13 came with QĐ 4750, so "until" it is of it alone."""
    declared = {
        (table.name, tag): column.only
        for table in ALL_TABLES
        if table.schema is not None
        for tag, column in table.schema().fields.items()
        if isinstance(column, Column) and column.only
    }
    words = {"since 3176": 3176, "until 4750": 4750}
    stated = {(name, f.tag): words[f.editions] for name, t in decree().items() for f in t.fields if f.editions in words}
    assert declared == stated
