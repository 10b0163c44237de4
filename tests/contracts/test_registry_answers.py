"""Answers of a registry, byte by byte: what is a person, what is none, and what is no answer at all (P5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import RegistryPerson, RegistryQuestion
from tests.contracts.canned import Canned
from tests.contracts.registries import registry_at

SHAPES = Path(__file__).parent / "registry_answers"
QUESTION = RegistryQuestion("YC-1", "099090000017", "cccd", "NGUYỄN VĂN MẪU", "19900315")


def look_up(
    canned: Canned, body: bytes, question: RegistryQuestion = QUESTION, flavour: str = "soap_037"
) -> RegistryPerson | None:
    canned.answers = [canned.http(200, body)]
    registry = registry_at(canned.url, flavour)
    try:
        return registry.look_up(question)
    finally:
        registry.close()


def test_the_published_answer_is_read(canned: Canned) -> None:
    found = look_up(canned, (SHAPES / "person.xml").read_bytes())

    assert found == RegistryPerson("099090000017", "NGUYỄN VĂN MẪU", "19900315", "male")


def test_an_old_number_is_answered_with_the_old_number(canned: Canned) -> None:
    asked = RegistryQuestion("YC-1", "012345678", "cmnd", "NGUYỄN VĂN MẪU", "19900315")

    found = look_up(canned, (SHAPES / "person.xml").read_bytes(), asked)

    assert found is not None
    assert found.number == "012345678"


def test_only_an_empty_collection_is_none(canned: Canned) -> None:
    assert look_up(canned, (SHAPES / "nobody.xml").read_bytes()) is None


@pytest.mark.parametrize(
    "name",
    [
        "billion_laughs",
        "doctype",
        "external_entity",
        "fault_with_200",
        "no_birth_date",
        "no_collection",
        "no_name",
        "no_number",
        "other_namespace",
        "something_else_in_collection",
        "two_people",
    ],
)
def test_anything_else_is_unavailable(canned: Canned, name: str) -> None:
    with pytest.raises(Unavailable, match=r"registry\.unreadable"):
        look_up(canned, (SHAPES / f"{name}.xml").read_bytes())


@pytest.mark.parametrize("body", [b"", b"<", b"{}", b"\xff\xfe", "không".encode()], ids=repr)
def test_what_is_no_xml_is_unavailable(canned: Canned, body: bytes) -> None:
    with pytest.raises(Unavailable, match=r"registry\.unreadable"):
        look_up(canned, body)


def test_an_answer_without_end_is_unavailable(canned: Canned) -> None:
    with pytest.raises(Unavailable, match=r"registry\.no_answer"):
        look_up(canned, b"<a>" * 700_000)


# --- 003


def yes_or_no(inside: str, namespace: str = "http://dancuquocgia.bca") -> bytes:
    envelope = "http://schemas.xmlsoap.org/soap/envelope/"
    return f'<e:Envelope xmlns:e="{envelope}" xmlns="{namespace}"><e:Body>{inside}</e:Body></e:Envelope>'.encode()


@pytest.mark.parametrize("namespace", ["http://dancuquocgia.bca", "http://www.mic.gov.vn/dancu/1.0"])
@pytest.mark.parametrize(("said", "is_yes"), [("true", True), ("1", True), ("false", False), (" 0 ", False)])
def test_a_truth_value_is_yes_or_no(canned: Canned, namespace: str, said: str, is_yes: bool) -> None:
    body = yes_or_no(f"<KetQuaXacThuc><TonTai>{said}</TonTai></KetQuaXacThuc>", namespace)

    assert (look_up(canned, body, flavour="soap_003") is not None) == is_yes


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<KetQuaXacThuc/>",
        "<KetQuaXacThuc>false</KetQuaXacThuc>",
        "<KetQuaXacThuc><TonTai/></KetQuaXacThuc>",
        "<KetQuaXacThuc><TonTai>no</TonTai></KetQuaXacThuc>",
        "<KetQuaXacThuc><TonTai>false</TonTai><TonTai>true</TonTai></KetQuaXacThuc>",
        "<KetQuaXacThuc><TonTai>false</TonTai><Loi>E1</Loi></KetQuaXacThuc>",
        "<KetQuaXacThuc><Loi>false</Loi></KetQuaXacThuc>",
        "<TonTai>false</TonTai>",
        "<CongdanCollection/>",
    ],
)
def test_p5_what_is_no_truth_value_alone_is_never_a_no(canned: Canned, inside: str) -> None:
    with pytest.raises(Unavailable, match=r"registry\.unreadable"):
        look_up(canned, yes_or_no(inside), flavour="soap_003")


# --- JSON

PERSON: dict[str, Any] = {
    "SoDinhDanh": "099090000017",
    "SoCMND": "",
    "HoVaTen": {"Ho": "NGUYỄN", "ChuDem": "VĂN", "Ten": "MẪU"},
    "GioiTinh": 1,
    "NgayThangNamSinh": {"Nam": 1990, "NgayThangNam": "19900315"},
    "ThuongTru": {"MaTinhThanh": "01"},
}


def in_camel_case(value: Any) -> Any:
    """As gateways rename: the first letter of each name small."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: in_camel_case(inner) for key, inner in value.items()}
    return value


@pytest.mark.parametrize(
    "answer",
    [
        {"CongdanCollection": {"CongDan": PERSON}},
        {"CongdanCollection": {"CongDan": [PERSON]}},
        in_camel_case({"CongdanCollection": {"CongDan": PERSON}}),
        {"CongdanCollection": {"CongDan": {**PERSON, "HoVaTen": "NGUYỄN VĂN MẪU"}}},
    ],
    ids=["object", "list", "camel case", "whole name"],
)
def test_a_person_in_json_is_read_however_it_is_written(canned: Canned, answer: Any) -> None:
    found = look_up(canned, orjson.dumps(answer), flavour="json")

    assert found == RegistryPerson("099090000017", "NGUYỄN VĂN MẪU", "19900315", "male")


@pytest.mark.parametrize("collection", [{}, {"CongDan": []}], ids=repr)
def test_only_an_empty_collection_in_json_is_none(canned: Canned, collection: Any) -> None:
    assert look_up(canned, orjson.dumps({"CongdanCollection": collection}), flavour="json") is None


def test_p5_anything_else_in_json_is_unavailable(canned: Canned) -> None:
    def of(**changed: Any) -> Any:
        return {"CongdanCollection": {"CongDan": {**PERSON, **changed}}}

    answers = [
        *(None, [], {}, "", 0, {"loi": "E1"}, {"CongdanCollection": None}, {"CongdanCollection": []}),
        {"CongdanCollection": {}, "loi": "E1"},
        {"CongdanCollection": {"CongDan": None}},
        {"CongdanCollection": {"CongDan": {}}},
        {"CongdanCollection": {"CongDan": [PERSON, PERSON]}},
        {"CongdanCollection": {"CongDan": PERSON, "Loi": "E1"}},
        of(SoDinhDanh=99090000017),
        of(HoVaTen=None),
        of(NgayThangNamSinh={"Nam": True}),
        of(hoVaTen="LÊ THỊ KHÁC"),
    ]
    assert [answer for answer in map(orjson.dumps, answers) if heard(canned, answer) != "registry.unreadable"] == []


def test_what_is_no_json_is_unavailable(canned: Canned) -> None:
    assert [heard(canned, body) for body in (b"", b"<html>", b"{", b"\xff")] == ["registry.unreadable"] * 4


def heard(canned: Canned, body: bytes) -> object:
    """The failure, or what was found."""
    try:
        return look_up(canned, body, flavour="json")
    except Unavailable as failure:
        return failure.code
