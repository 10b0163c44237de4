"""Answers of a registry, byte by byte: what is a person, what is none, and what is no answer at all (P5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ehr_sync.adapters.soap_registry import GatewayAccount, SoapRegistry
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import RegistryPerson, RegistryQuestion
from tests.contracts.canned import Canned
from tests.contracts.conftest import now
from tests.contracts.elapsed import DEADLINE

SHAPES = Path(__file__).parent / "registry_answers"
QUESTION = RegistryQuestion("YC-1", "099090000017", "cccd", "NGUYỄN VĂN MẪU", "19900315")


def look_up(canned: Canned, body: bytes, question: RegistryQuestion = QUESTION) -> RegistryPerson | None:
    canned.answers = [canned.http(200, body)]
    account = GatewayAccount(user="u", secret="s", purpose="p", officer="o")
    registry = SoapRegistry(url=canned.url, account=account, deadline_seconds=DEADLINE, clock=now)
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
