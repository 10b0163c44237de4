"""The judge of the fault tests finds each kind of wrong that it is there for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Final

import pytest

from ehr_sync.sandbox.dossiers.hoso import Hoso
from tests.faults.expected import Expected, expected
from tests.faults.judge import Push, faults_of
from tests.faults.senders import Acknowledged, Ledger, Post, Visit

WHO: Final = "099200000001"
FIRST: Final = ("I10",)
SECOND: Final = ("I10", "E11.9")


def hoso(codes: tuple[str, ...], number: str = WHO) -> Hoso:
    main, *others = codes
    summary = {"SO_CCCD": number, "NGAY_VAO": "202503031258", "MA_BENH_CHINH": main, "MA_BENH_KT": ";".join(others)}
    return Hoso("LK-1", "01001", {"XML1": [summary]})


def ledger(*versions: Hoso) -> Ledger:
    posts = [Post((Visit(each, n),), date(2025, 3, 10)) for n, each in enumerate(versions, 1)]
    return Ledger([Acknowledged(post, (f"code-{n}",)) for n, post in enumerate(posts)])


def push(seq: int, *codes: str, number: str = WHO, gone: tuple[str, ...] = (), visit: str = "LK-1") -> Push:
    encounter = {
        "resourceType": "Encounter",
        "id": visit,
        "status": "finished",
        "identifier": [{"system": "http://fhir.hl7.org.vn/core/sid/ma-lk", "value": visit}],
        "period": {"start": "2025-03-03T12:58:00+07:00"},
    }
    entries: dict[tuple[str, str], Any] = {("Encounter", visit): encounter}
    for code in codes:
        entries["Condition", code] = {
            "resourceType": "Condition",
            "id": code,
            "encounter": {"reference": f"Encounter/{visit}"},
            "code": {"coding": [{"system": "http://fhir.hl7.org.vn/core/CodeSystem/vn-icd10-cs", "code": code}]},
        }
    entries |= {("Condition", code): None for code in gone}
    return Push(number, (f"patient of {number}",), f"lane of {number}", seq, seq - 1, f"key {seq} {number}", entries)


def judged(sent: Ledger, *stored: Push) -> list[str]:
    wanted: Expected = expected(sent.acknowledged)
    return faults_of(sent, stored, wanted)


@pytest.fixture(autouse=True)
def any_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.faults.judge._codes", lambda _: [])


def without_visit(made: Push) -> Push:
    return replace(made, entries={key: value for key, value in made.entries.items() if key[0] != "Encounter"})


def test_what_arrived_as_it_was_sent_is_no_fault() -> None:
    assert judged(ledger(hoso(FIRST), hoso(SECOND)), push(1, *FIRST), without_visit(push(2, "E11.9"))) == []


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ([], "lacks"),
        ([push(1, *FIRST)], "lacks 1 of a visit's disease"),
        ([push(1, *SECOND, "J00")], "should not say 1 of a visit's disease"),
        ([push(1, *SECOND, "J00")], "what no version of it says"),
        ([push(1, *SECOND), push(2, *FIRST, gone=("E11.9",)), push(3, *SECOND)], "what an older version says"),
        ([push(2, *SECOND), replace(push(1, *SECOND), seq_before=2)], "seq 2 -> 1"),
        ([push(1, *SECOND, number="099200000002")], "was never sent for its reader"),
        ([push(1, *SECOND), push(2, *SECOND, visit="LK-2")], "was never sent for its reader"),
        ([push(1, *SECOND), push(2, *SECOND), push(3, *SECOND)], "was pushed twice"),
        ([replace(push(1, *SECOND), patients=("one", "two"))], "2 patients in one push"),
        ([push(1, *SECOND), replace(push(2), number="099200000002", lane=f"lane of {WHO}")], "led to 2 people"),
        ([push(1, *SECOND), replace(push(2), patients=("another",))], "has 2 books"),
        ([push(1, *SECOND), replace(push(2), key=f"key 1 {WHO}")], "was applied twice"),
    ],
)
def test_each_kind_of_wrong_is_found(stored: list[Push], said: str) -> None:
    assert [each for each in judged(ledger(hoso(FIRST), hoso(SECOND)), *stored) if said in each]


def test_what_was_moved_to_another_number_must_leave_the_former_book() -> None:
    sent = ledger(hoso(FIRST), hoso(FIRST, "099200000002"))
    there = push(1, *FIRST, number="099200000002")
    assert any("should not say" in each for each in judged(sent, push(1, *FIRST), there))
    assert (
        judged(
            sent,
            push(1, *FIRST),
            replace(push(2, gone=FIRST), entries={("Condition", "I10"): None, ("Encounter", "LK-1"): None}),
            there,
        )
        == []
    )
