"""The judge of the fault tests finds each kind of wrong that it is there for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import pytest

from ehr_sync.core.codes import transaction_code
from ehr_sync.sandbox.dossiers.hoso import Hoso
from tests.faults.expected import Expected, expected
from tests.faults.judge import Push, faults_of
from tests.faults.senders import Acknowledged, Ledger, Post, Visit

WHO: Final = "099200000001"
OTHER: Final = "099200000002"
FIRST: Final = ("I10",)
SECOND: Final = ("I10", "E11.9")


def hoso(codes: tuple[str, ...], number: str = WHO) -> Hoso:
    main, *others = codes
    summary = {"SO_CCCD": number, "NGAY_VAO": "202503031258", "MA_BENH_CHINH": main, "MA_BENH_KT": ";".join(others)}
    return Hoso("LK-1", "01001", {"XML1": [summary]})


def ledger(*versions: Hoso) -> Ledger:
    posts = [Post((Visit(each, n),), date(2025, 3, 10)) for n, each in enumerate(versions, 1)]
    return Ledger([Acknowledged(post, (transaction_code(RECORD, n),)) for n, post in enumerate(posts, 1)])


RECORD: Final = bytes(range(16))


def id_of(name: str, number: str = WHO, record: bytes = RECORD) -> str:
    """An id as the service makes it: the record's first bytes, then what tells it from all others."""
    return str(UUID(bytes=record[:6] + sha256(f"{name} of {number}".encode()).digest()[:10]))


def push(seq: int, *codes: str, number: str = WHO, gone: tuple[str, ...] = (), visit: str = "LK-1") -> Push:
    encounter = {
        "resourceType": "Encounter",
        "id": id_of(visit, number),
        "status": "finished",
        "identifier": [{"system": "http://fhir.hl7.org.vn/core/sid/ma-lk", "value": visit}],
        "period": {"start": "2025-03-03T12:58:00+07:00"},
    }
    entries: dict[tuple[str, str], Any] = {("Encounter", id_of(visit, number)): encounter}
    for code in codes:
        entries["Condition", id_of(code, number)] = {
            "resourceType": "Condition",
            "id": id_of(code, number),
            "encounter": {"reference": f"Encounter/{id_of(visit, number)}"},
            "code": {"coding": [{"system": "http://fhir.hl7.org.vn/core/CodeSystem/vn-icd10-cs", "code": code}]},
        }
    entries |= {("Condition", id_of(code, number)): None for code in gone}
    return Push(number, (f"patient of {number}",), f"lane of {number}", seq, seq - 1, f"key {seq} {number}", entries)


def farewell(id_: str, number: str = WHO) -> Push:
    in_error = {
        "resourceType": "Condition",
        "id": id_,
        "verificationStatus": {"coding": [{"code": "entered-in-error"}]},
    }
    return replace(push(2, number=number), entries={("Condition", id_): in_error})


def judged(sent: Ledger, *stored: Push) -> list[str]:
    wanted: Expected = expected(sent.acknowledged)
    return faults_of(sent, stored, wanted)


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
        ([push(1, *SECOND, number=OTHER)], "was never sent for its reader"),
        ([push(1, *SECOND), push(2, *SECOND, visit="LK-2")], "was never sent for its reader"),
        ([push(1, *SECOND), push(2, *SECOND), push(3, *SECOND)], "was pushed twice"),
        ([replace(push(1, *SECOND), patients=("one", "two"))], "2 patients in one push"),
        ([push(1, *SECOND), replace(push(2), number=OTHER, lane=f"lane of {WHO}")], "led to 2 people"),
        ([push(1, *SECOND), replace(push(2), patients=("another",))], "has 2 books"),
        ([push(1, *SECOND), replace(push(2), key=f"key 1 {WHO}")], "was applied twice"),
        ([push(1, *SECOND), farewell(id_of("J00", record=bytes(16)))], "of no record that its reader was named in"),
        ([push(1, *SECOND), farewell(id_of("I10"), OTHER)], "was written in 2 books"),
    ],
)
def test_each_kind_of_wrong_is_found(stored: list[Push], said: str) -> None:
    assert [each for each in judged(ledger(hoso(FIRST), hoso(SECOND)), *stored) if said in each]


def test_what_was_moved_to_another_number_must_leave_the_former_book() -> None:
    sent = ledger(hoso(FIRST), hoso(FIRST, OTHER))
    there = push(1, *FIRST, number=OTHER)
    assert any("should not say" in each for each in judged(sent, push(1, *FIRST), there))
    assert (
        judged(
            sent,
            push(1, *FIRST),
            replace(
                push(2, gone=FIRST), entries={("Condition", id_of("I10")): None, ("Encounter", id_of("LK-1")): None}
            ),
            there,
        )
        == []
    )
