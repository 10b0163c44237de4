"""Diagnoses: what is a code, whose words are whose, and what was ruled out."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from mappings.issues.catalogue import is_refusal
from mappings.model import MappedRecord
from mappings.sources.dossier.checking import validate
from mappings.sources.dossier.wording import pieces
from mappings.terminology.icd10 import Written, read
from tests.mappings.formats.made import with_values
from tests.mappings.sources.dossier.golden import mapped, of

ICD10 = "http://fhir.hl7.org.vn/core/CodeSystem/vn-icd10-cs"


def conditions(record: MappedRecord) -> list[dict[str, Any]]:
    return [json.loads(one.json) for one in record.resources if one.type == "Condition"]


def coded(record: MappedRecord) -> list[str]:
    """Every code that stands in the ICD-10 system."""
    codings = [coding for one in conditions(record) for coding in one["code"].get("coding", ())]
    return [coding["code"] for coding in codings if coding["system"] == ICD10]


def texts(record: MappedRecord) -> list[str | None]:
    return [one["code"].get("text") for one in conditions(record)]


# What is a code


@pytest.mark.parametrize(
    ("written", "codes", "words", "mended"),
    [
        ("I10", ("I10",), (), False),
        ("E11.9;I10", ("E11.9", "I10"), (), False),
        ("E119", ("E11.9",), (), False),
        ("A17.0†;G01*", ("A17.0", "G01"), (), False),
        ("I10.", ("I10",), (), True),
        ("J20.-", ("J20",), (), True),
        ("i10", ("I10",), (), True),
        ("I 10", ("I10",), (), True),
        ("E11 .9", ("E11.9",), (), True),
        ("(J18.9)", ("J18.9",), (), True),
        ("E11.9, E78.5", ("E11.9", "E78.5"), (), True),
        ("E11.9,E78.5;I10", ("E11.9", "E78.5", "I10"), (), True),
        ("I10/E11", ("I10", "E11"), (), True),
        ("I10|E11", ("I10", "E11"), (), True),
        ("I10\nE11", ("I10", "E11"), (), True),
        ("I10 E11.9", ("I10", "E11.9"), (), True),
        ("I10 và E11.9", ("I10", "E11.9"), (), True),
        ("A17.0+G01*", ("A17.0", "G01"), (), True),
        ("I10；E11", ("I10", "E11"), (), True),
        ("I10;I10;i10", ("I10",), (), True),
        ("XYZ", (), ("XYZ",), True),
        ("Viêm phổi", (), ("Viêm phổi",), True),
        ("I10;Viêm phổi", ("I10",), ("Viêm phổi",), True),
        ("I10 Tăng huyết áp", (), ("I10 Tăng huyết áp",), True),
        ("A00-A09", (), ("A00-A09",), True),
        ("I1O", (), ("I1O",), True),
        ("l10", (), ("l10",), True),  # a small L: L10 is another disease than I10
        ("\u0415" + "11", (), ("\u0415" + "11",), True),  # a Cyrillic letter
        ("I10 1", (), ("I10 1",), True),
        (";;", (), (), False),
        ("-", (), (), True),
        ("", (), (), False),
    ],
)
def test_a_field_for_codes_is_read_as_codes_and_words(
    written: str, codes: tuple[str, ...], words: tuple[str, ...], *, mended: bool
) -> None:
    assert read(written) == Written(codes, words, mended)


@pytest.mark.parametrize("leaving", ["202606101030", "202611201030"])
@pytest.mark.parametrize("written", ["XYZ", "Viêm phổi", "I10,E11.9x", "tăng huyết áp;J99"])
@pytest.mark.parametrize("tag", ["MA_BENH_CHINH", "MA_BENH_KT"])
def test_what_has_no_form_is_never_a_code_in_any_edition(tag: str, written: str, leaving: str) -> None:
    found = coded(mapped({tag: written, "NGAY_RA": leaving}))

    assert set(found) <= {"J20.9", "I10", "J99"}


@pytest.mark.parametrize("received", [date(2026, 6, 11), date(2026, 11, 20)])
@pytest.mark.parametrize(
    ("name", "tag", "value", "code"),
    [
        ("XML1", "MA_BENH_CHINH", "XYZ", "diagnosis.not_a_code"),
        ("XML1", "MA_BENH_CHINH", "Viêm phổi", "diagnosis.not_a_code"),
        ("XML1", "MA_BENH_KT", "I10;tăng mỡ máu", "diagnosis.not_a_code"),
        ("XML3", "MA_BENH", "Viêm phổi", "diagnosis.not_a_code"),
        ("XML1", "MA_BENH_CHINH", "I10.", "diagnosis.code_mended"),
        ("XML1", "MA_BENH_KT", "E11.9, E78.5", "diagnosis.code_mended"),
        ("XML3", "MA_BENH", "E11.9/I10", "diagnosis.code_mended"),
    ],
)
def test_the_sender_hears_of_it_in_every_edition(name: str, tag: str, value: str, code: str, received: date) -> None:
    leaving = {"NGAY_VAO": f"{received:%Y%m%d}0800", "NGAY_RA": f"{received:%Y%m%d}0900"}
    tables = {**with_values("XML1", **leaving)}
    tables[name] = ({**tables[name][0], tag: value},)
    issues = validate(tables, received)

    assert (code, f"{name}[1].{tag}") in [(one.code, one.path) for one in issues]
    assert not any(map(is_refusal, issues))


def test_words_in_the_place_of_the_main_code_are_its_text_where_no_other_is_given() -> None:
    (main,) = conditions(mapped({"MA_BENH_CHINH": "Viêm phổi", "CHAN_DOAN_RV": ""}))

    assert main["code"] == {"text": "Viêm phổi"}


def test_reasons_of_an_order_are_codes_with_names_or_words() -> None:
    row = {"MA_DICH_VU": "22.0121.1369", "MA_NHOM": "1", "TEN_DICH_VU": "Công thức máu", "MA_BENH": "I10,Viêm phổi"}
    (order,) = [json.loads(one.json) for one in mapped(XML3=[row]).resources if one.type == "ServiceRequest"]

    assert order["reasonCode"] == [
        {
            "coding": [
                {
                    "system": ICD10,
                    "version": "06/2026/TT-BYT",
                    "code": "I10",
                    "display": "Bệnh lý tăng huyết áp",
                }
            ]
        },
        {"text": "Viêm phổi"},
    ]


# Whose words are whose


@pytest.mark.parametrize(
    ("main", "others", "said", "expected"),
    [
        # The words of one, under the code of the other, in the order of neither.
        ("J18.9", "I10", "Tăng huyết áp; Viêm phổi", ["Viêm phổi", "Tăng huyết áp"]),
        ("J18.9", "I10", "Đau đầu; Mất ngủ", ["Đau đầu; Mất ngủ", None]),
        ("J18.9", "I10", "Viêm phổi; Đau đầu", ["Viêm phổi; Đau đầu", None]),
        # Two names that the words fit.
        ("J18.9", "J18.0", "Viêm phổi; Sốt", ["Viêm phổi; Sốt", None]),
        # "U lympho Hodgkin" is the opposite of the name.
        ("C85.9", "I10", "U lympho Hodgkin; Tăng huyết áp", ["U lympho Hodgkin; Tăng huyết áp", None]),
        ("J18.9", "", "Viêm đường hô hấp dưới", ["Viêm đường hô hấp dưới"]),
        ("J18.9", "I10", "Viêm phổi, tăng huyết áp", ["Viêm phổi, tăng huyết áp", None]),
    ],
)
def test_a_code_gets_words_only_where_they_are_certainly_its_own(
    main: str, others: str, said: str, expected: list[str | None]
) -> None:
    assert texts(mapped({"MA_BENH_CHINH": main, "MA_BENH_KT": others, "CHAN_DOAN_RV": said})) == expected


# What was ruled out


@pytest.mark.parametrize(
    ("said", "words", "ruled_out", "is_open"),
    [
        ("Lao phổi đã loại trừ", "", "Lao phổi", False),
        ("Lao phổi (đã loại trừ)", "", "Lao phổi", False),
        ("Lao phổi, đã được loại trừ", "", "Lao phổi", False),
        ("Lao phổi đã loại trừ qua xét nghiệm", "", "Lao phổi", False),
        ("Đã loại trừ lao phổi", "", "lao phổi", False),
        ("Loại trừ lao, ung thư phổi", "", "lao, ung thư phổi", False),
        ("Viêm phổi, đã loại trừ lao", "Viêm phổi", "lao", False),
        ("Viêm phổi (loại trừ lao)", "Viêm phổi", "lao", False),
        ("Viêm phổi, lao phổi đã loại trừ", "", "lao phổi", False),
        ("Không phải lao phổi", "", "lao phổi", False),
        ("Viêm phổi không phải do lao", "Viêm phổi không phải do lao", "", False),
        ("Chưa loại trừ lao phổi", "Chưa loại trừ lao phổi", "", True),
        ("Lao phổi chưa thể loại trừ", "Lao phổi chưa thể loại trừ", "", True),
        ("Không loại trừ lao phổi", "Không loại trừ lao phổi", "", True),
        ("Theo dõi loại trừ nhồi máu cơ tim", "Theo dõi loại trừ nhồi máu cơ tim", "", True),
        ("Theo dõi viêm ruột thừa", "Theo dõi viêm ruột thừa", "", True),
        ("Nghi ngờ lao", "Nghi ngờ lao", "", True),
        ("- Viêm phổi", "Viêm phổi", "", False),
    ],
)
def test_a_piece_says_what_is_there_what_is_not_and_what_is_open(
    said: str, words: str, ruled_out: str, *, is_open: bool
) -> None:
    (found,) = pieces(said)

    assert (found.words, found.ruled_out, found.is_open) == (words, ruled_out, is_open)


@pytest.mark.parametrize(
    ("main", "others", "said", "left"),
    [
        ("J18.9", "A16.2", "Viêm phổi; Lao phổi đã loại trừ", ["J18.9"]),
        ("J18.9", "A16.2", "Viêm phổi, đã loại trừ lao phổi", ["J18.9"]),
        ("A16.2", "J18.9", "Lao phổi (đã loại trừ); Viêm phổi", ["J18.9"]),
        ("A16.2", "", "Lao phổi đã loại trừ", []),
        ("J18.9", "J20.9", "Loại trừ viêm phổi; Viêm phế quản cấp", ["J20.9"]),
        ("J18.9", "I21.9", "Viêm phổi; Loại trừ hội chứng vành cấp", ["J18.9"]),
        ("J18.9", "A16.2", "Viêm phổi; Lao phổi chưa loại trừ", ["J18.9", "A16.2"]),
        ("J18.9", "Z20.1", "Viêm phổi; Lao đã loại trừ", ["J18.9", "Z20.1"]),
        ("H26.0", "", "Đục thể thủy tinh trẻ em, người trẻ và trước tuổi già (loại trừ bẩm sinh)", ["H26.0"]),
    ],
)
def test_what_was_ruled_out_becomes_nothing(main: str, others: str, said: str, left: list[str]) -> None:
    record = mapped({"MA_BENH_CHINH": main, "MA_BENH_KT": others, "CHAN_DOAN_RV": said})

    assert (coded(record), len(conditions(record))) == (left, len(left))
    assert "đã loại trừ" not in json.dumps(texts(record), ensure_ascii=False).casefold()


@pytest.mark.parametrize("tag", ["CHAN_DOAN_VAO", "CHAN_DOAN_RV", "MA_BENH_KT"])
def test_what_was_ruled_out_is_no_text_either(tag: str) -> None:
    record = mapped({"MA_BENH_CHINH": "", "CHAN_DOAN_RV": "", tag: "Lao phổi đã loại trừ"})

    assert conditions(record) == []


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Viêm phổi", "confirmed"),
        ("Theo dõi viêm phổi", "provisional"),
        ("Chưa loại trừ viêm phổi", "provisional"),
        ("TD viêm phổi", "provisional"),
        # Two pieces fit the name: nobody can tell which of them is of the code.
        ("Viêm phổi; Theo dõi viêm phổi", "confirmed"),
    ],
)
def test_what_is_open_is_not_confirmed(said: str, status: str) -> None:
    (main,) = conditions(mapped({"MA_BENH_CHINH": "J18.9", "CHAN_DOAN_RV": said}))

    assert main["verificationStatus"]["coding"][0]["code"] == status


# Traditional medicine


@pytest.mark.parametrize(
    ("others", "traditional", "expected"),
    [
        ("", "U62.392.3", [["J20.9", "U62.392.3"]]),
        ("", "U62.392.3;U50.1", [["J20.9", "U62.392.3", "U50.1"]]),
        ("I10", "U62.392.3;U50.1", [["J20.9", "U62.392.3"], ["I10", "U50.1"]]),
        ("I10", "U62.392.3", [["J20.9", "U62.392.3"], ["I10"]]),
        ("I10", "U62.392.3;U50.1;U50.2", [["J20.9", "U62.392.3"], ["I10"], ["U50.1"], ["U50.2"]]),
    ],
)
def test_a_code_of_traditional_medicine_is_no_second_main_disease(
    others: str, traditional: str, expected: list[list[str]]
) -> None:
    found = conditions(mapped({"MA_BENH_KT": others, "MA_BENH_YHCT": traditional}))

    assert [[coding["code"] for coding in one["code"]["coding"]] for one in found] == expected


def test_words_among_the_further_codes_are_diagnoses_of_their_own() -> None:
    record = mapped({"MA_BENH_CHINH": "J20.9", "MA_BENH_KT": "I10;Đau lưng", "CHAN_DOAN_RV": "Viêm phế quản cấp"})

    assert coded(record) == ["J20.9", "I10"]
    assert [each["code"]["text"] for each in conditions(record) if "coding" not in each["code"]] == ["Đau lưng"]


# Causes and manifestations


def due_to(record: MappedRecord) -> dict[str, list[str]]:
    """By the code of a manifestation those of the causes that its Condition refers to."""
    found = of(record, "Condition")
    by_reference = {
        f"Condition/{one['id']}": one["code"]["coding"][0]["code"] for one in found if "coding" in one["code"]
    }
    return {
        one["code"]["coding"][0]["code"]: [
            by_reference[each["valueReference"]["reference"]] for each in one["extension"]
        ]
        for one in found
        if "extension" in one
    }


@pytest.mark.parametrize(
    ("main", "others", "linked"),
    [
        # Kidneys in diabetes: the ministry's name of N08.3 says E10-E14 with .2.
        ("E11.2†", "N08.3*;I10", {"N08.3": ["E11.2"]}),
        ("I10", "N08.3*;E11.2†", {"N08.3": ["E11.2"]}),
        ("A18.0†", "M01.1*", {"M01.1": ["A18.0"]}),
        ("A17.0†", "G01*", {"G01": ["A17.0"]}),
        ("A01.0†", "G01*", {"G01": ["A01.0"]}),
        # A manifestation as the main diagnosis is told all the same.
        ("G63.2", "E10.4", {"G63.2": ["E10.4"]}),
        # Of two that may be the cause nobody can tell which it is.
        ("A17.0", "A01.0;G01", {}),
        ("E11.9", "N08.3", {}),
        ("A09", "G94.0", {}),
        ("I10", "E11.2", {}),
    ],
)
def test_a_manifestation_names_the_one_disease_that_it_can_be_of(
    main: str, others: str, linked: dict[str, list[str]]
) -> None:
    assert due_to(mapped({"MA_BENH_CHINH": main, "MA_BENH_KT": others})) == linked
