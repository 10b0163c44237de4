"""Names and numbers as public trackers report them, at a registry that forgives nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import dossier, envelope, with_values
from tests.usecases.service import Running

CASES: Final = Path(__file__).parent / "cases" / "names"


@pytest.mark.parametrize(
    ("case", "asked", "state"),
    [
        ("name_curly_apostrophe", ["H'HEN NIÊ"], "delivered"),
        ("name_african_d", ["ĐỖ KHÁNH NGA"], "delivered"),
        ("name_quy_tone_on_u", ["ĐỖ QUANG QÚY", "ĐỖ QUANG QUÝ"], "delivered"),
        ("passport_letter_8_digits", [], "held"),
    ],
)
def test_each_case_is_asked_as_the_registry_writes_and_ends_as_it_should(
    running: Running, case: str, asked: list[str], state: str
) -> None:
    [sent] = running.results(CASES.joinpath(f"{case}.xml").read_bytes())
    running.settle()

    assert [question["name"] for question in running.journal("registry", kind="question")] == asked
    assert running.follow(sent.transaction_code).state == state


@pytest.mark.parametrize("sign", ["’", "‘", "ʼ", "`", "´"])
def test_p4_every_sign_that_stands_for_an_apostrophe_is_asked_as_one(running: Running, sign: str) -> None:
    sent = running.post(with_values(dossier(160, person_index=160, rows=1), "XML1", HO_TEN=f"H{sign}HEN NIÊ"))
    running.settle()
    assert running.follow(sent.transaction_code).state == "delivered"


def test_a_name_of_before_unicode_and_a_card_scanned_whole_are_asked_as_what_they_say(running: Running) -> None:
    citizen = person(170)
    code = f"{citizen.number}||{citizen.name.title()}|{citizen.birth_date:%d%m%Y}|Nam|Phố Mẫu|01012022"
    scanned = with_values(dossier(170, person_index=170, rows=1), "XML1", SO_CCCD=code, HO_TEN=code)
    old = with_values(dossier(160, person_index=160, rows=1), "XML1", HO_TEN="NguyÔn V¨n Hïng")
    [first], [second] = running.results(envelope([scanned])), running.results(envelope([old]))
    running.settle()

    assert "card.whole_code" in {issue.code for issue in first.issues}
    assert running.follow(first.transaction_code).state == "delivered"
    asked = {question["name"] for question in running.journal("registry", kind="question")}
    assert asked == {citizen.name, "NGUYỄN VĂN HÙNG"}
    assert running.follow(second.transaction_code).state == "held"


def test_a_passport_of_a_letter_and_eight_digits_is_one(running: Running) -> None:
    [sent] = running.results(CASES.joinpath("passport_letter_8_digits.xml").read_bytes())
    assert "number.shape" not in [issue.code for issue in sent.issues]
