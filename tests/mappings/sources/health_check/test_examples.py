"""Examples that a doctor can read: what a health check becomes, and what its sender hears of a broken one.

After a change that is meant, `python -m tests.mappings.sources.health_check.golden` writes both anew; read the
difference.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from mappings.issues.catalogue import is_refusal
from mappings.model import Issue
from tests.mappings.sources.dossier.golden import bundle
from tests.mappings.sources.health_check.golden import BROKEN, EXAMPLES, cases, example, made, of, read, told, written

WHO_IT_IS = ("MẪU", "099190004711", "099315000123", "099090000017", "099085000321", "090000000", "phố Mẫu", "Trường")


@pytest.mark.parametrize("case", cases(EXAMPLES))
def test_an_example_becomes_its_bundle_and_its_sender_hears_what_is_written(case: str) -> None:
    dossier = example(case)
    assert bundle(made(dossier)).decode() == (EXAMPLES / f"{case}.bundle.json").read_text("utf-8")
    assert written(dossier) == (EXAMPLES / f"{case}.issues.json").read_text("utf-8")
    assert of(made(dossier), "Encounter")[0]["status"] == "finished"
    shown = bundle(made(dossier)).decode()
    assert [words for words in WHO_IT_IS if words in shown] == []


@pytest.mark.parametrize("case", cases(BROKEN))
def test_of_a_broken_one_all_is_told_at_once(case: str) -> None:
    assert written(example(case, BROKEN)) == (BROKEN / f"{case}.issues.json").read_text("utf-8")


def test_only_these_refuse() -> None:
    refused = {
        case for case in cases(BROKEN) if any(is_refusal(Issue(one["code"])) for one in told(example(case, BROKEN)))
    }
    assert refused == {"part_missing", "two_checks", "nobody", "impossible_date", "unreadable_part"}


def values(case: str) -> dict[str, Any]:
    """What an example measured, by LOINC code."""
    found: dict[str, Any] = {}
    for one in of(made(example(case)), "Observation"):
        for part in (one, *one.get("component", ())):
            value = part.get("valueQuantity")
            if value:
                found[part["code"]["coding"][0]["code"]] = (value["value"], value.get("code", value["unit"]))
    return found


def test_an_adults_check_says_what_was_measured_found_and_concluded() -> None:
    record = made(example("adult"))
    assert values("adult") == {
        "8302-2": (158, "cm"),
        "29463-7": (56.5, "kg"),
        "39156-5": (22.6, "kg/m2"),
        "8867-4": (76, "/min"),
        "8480-6": (138, "mm[Hg]"),
        "8462-4": (86, "mm[Hg]"),
        "2300075": (5.4, "mmol/L"),
    }
    [check] = of(record, "Encounter")
    assert [kind["text"] for kind in check["type"]] == ["Khám sức khỏe người từ 18 tuổi", "Khám sức khỏe định kỳ"]
    assert check["period"] == {"start": "2026-11-18T08:05:00+07:00"}
    assert [note["valueAnnotation"]["text"] for note in check["extension"]] == [
        "Phân loại sức khỏe: loại II",
        "Kết luận: Theo dõi huyết áp, khám răng",
    ]
    diseases = of(record, "Condition")
    assert [one["code"]["coding"][0]["code"] for one in diseases] == ["I10", "K02.1"]
    assert [one for one in diseases if "verificationStatus" in one] == []
    assert [each["condition"]["reference"] for each in check["diagnosis"]] == [
        f"Condition/{one['id']}" for one in diseases
    ]
    [class_] = [one for one in of(record, "Observation") if one["code"]["text"] == "Phân loại sức khỏe"]
    assert class_["valueCodeableConcept"]["coding"][0]["code"] == "2"
    reports = {one["code"]["text"]: one["conclusion"] for one in of(record, "DiagnosticReport")}
    assert reports == {"Glucose máu": "Bình thường", "Siêu âm ổ bụng": "Không thấy bất thường"}


def test_the_paper_of_a_check_has_a_heading_for_what_each_doctor_found() -> None:
    [paper] = of(made(example("adult")), "Composition")
    said = {one["title"]: one["text"]["div"] for one in paper["section"]}
    assert list(said) == [
        "Kết luận", "Tiền sử, theo lời khai", "Nội khoa", "Ngoại khoa", "Sản phụ khoa", "Mắt", "Tai mũi họng",
        "Răng hàm mặt", "Thể lực",
    ]  # fmt: skip
    assert (paper["title"], paper["date"]) == ("Phiếu khám sức khỏe", "2026-11-18")
    for heading, words in (
        ("Kết luận", "<p>Phân loại sức khỏe: loại II</p><p>Các vấn đề sức khỏe: Theo dõi huyết áp, khám răng</p>"),
        ("Tiền sử, theo lời khai", "<p>Thuốc đang dùng: Amlodipin 5 mg, 1 viên mỗi sáng</p>"),
        ("Tiền sử, theo lời khai", "<p>Tiếp xúc nguồn lây lao: không</p>"),
        ("Nội khoa", "<p>Tuần hoàn: Nhịp đều, huyết áp hơi cao (loại II)</p><p>Hô hấp: Bình thường (loại I)</p>"),
        ("Mắt", "<p>Mắt phải, không kính: 10/10</p><p>Mắt trái, không kính: 9/10</p>"),
        ("Thể lực", "<p>loại II</p>"),
    ):
        assert words in said[heading]


def test_vaccines_without_a_day_are_words_and_no_immunization() -> None:
    record = made(example("child"))
    assert of(record, "Immunization") == []
    [paper] = of(record, "Composition")
    [history] = [one["text"]["div"] for one in paper["section"] if one["title"].startswith("Tiền sử")]
    assert "lao (BCG): có; bạch hầu, ho gà, uốn ván: có; sởi: không nhớ rõ; bại liệt: không" in history
    # Signs of small children have no names here: they are kept, and so is a part that nobody knows.
    assert [one["title"] for one in paper["section"]] == ["Kết luận", "Tiền sử, theo lời khai"]
    assert {"code": "table.not_mapped", "path": "KSK3"} in told(example("child"))


def test_base64_and_nested_xml_say_the_same() -> None:
    nested = (EXAMPLES / "minor.source.xml").read_bytes()
    packed = nested
    for part in nested.split(b"<NOIDUNGFILE>")[1:]:
        content = part.partition(b"</NOIDUNGFILE>")[0]
        packed = packed.replace(content, b64encode(b"\xef\xbb\xbf" + content))
    assert packed.count(b"THONG_TIN") == 0
    assert (read(packed).tables, read(packed).content_hash) == (read(nested).tables, read(nested).content_hash)


def test_each_part_may_stand_in_a_hoso_of_its_own_and_the_signatures_inside() -> None:
    whole = (EXAMPLES / "minor.source.xml").read_bytes()
    apart = whole.replace(b"</FILEHOSO>\n      <FILEHOSO>", b"</FILEHOSO></HOSO><HOSO><FILEHOSO>")
    before, found, after = apart.partition(b"<CHUKYDONVI>")
    signature, end, rest = (found + after).partition(b"</CHUKYDONVI>")
    inside = before.replace(b"</THONGTINHOSO>", signature + end + b"</THONGTINHOSO>") + rest
    assert inside.count(b"<HOSO>") == 5
    assert (read(inside).content_hash, told(read(inside))) == (read(whole).content_hash, told(read(whole)))


def test_a_signature_of_elements_is_one_too() -> None:
    unsigned = (EXAMPLES / "child.source.xml").read_bytes()
    signed = unsigned.replace(
        b"<CKS_BENH_VIEN></CKS_BENH_VIEN>", b"<CKS_BENH_VIEN><Signature><SignatureValue/></Signature></CKS_BENH_VIEN>"
    )
    assert {one["path"]: one["code"] for one in told(read(signed)) if one["path"].startswith("CHUKY")} == {
        "CHUKYDONVI.CKS_NGUOI_KET_LUAN": "health_check.signature_missing",
        "CHUKYDONVI.CKS_BENH_VIEN": "health_check.signature_kept",
    }
