"""P9: what the law restricts never leaves, by any path, and leaves no sign of having been withheld."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

import pytest

from ehr_sync.core.ports import Login
from ehr_sync.sandbox.dossiers.generator import (
    DECOYS,
    ITEM_KINDS,
    RECORD_KINDS,
    Hoso,
    corrected,
    dossier,
    envelope,
    planted,
    with_table,
    without_table,
)
from ehr_sync.store.resyncs import Scope
from ehr_sync.usecases.book.search_book import Search, search_book
from ehr_sync.usecases.delivery.resync_lanes import order_resync
from tests.usecases.service import DAY, Running, is_in_error, number_of

FIRST: Final = 8000
LATER: Final = DAY + timedelta(days=1)
VISIT: Final = dossier(801, person_index=801, shape="inpatient", rows=6)
STAY: Final = dossier(7, person_index=801, shape="inpatient", rows=24)
NUMBER: Final = number_of(801)


def test_p9_no_record_that_is_withheld_ever_leaves_or_leaves_a_sign(running: Running) -> None:
    sent = [
        dossier(FIRST + n, person_index=adult(n), shape="inpatient", rows=6, restricted=kind)
        for n, kind in enumerate(RECORD_KINDS)
    ]
    assert {hoso.status for hoso in running.results(envelope(sent, made_on=DAY))} == {"accepted"}
    running.settle()
    order_resync(Scope(), by="ops", reason="yc", stores=running.stores)
    running.resync()
    running.deliver()

    assert {state for (state,) in running.rows("SELECT state FROM claim")} == {"proven"}
    assert running.journal("book", kind="push") == []
    assert [running.everything(hoso.summary["SO_CCCD"]).total for hoso in sent] == [0] * len(sent)
    assert running.counts("lane", "delivery", "book_entry") == {"lane": 0, "delivery": 0, "book_entry": 0}
    assert {seq for (seq,) in running.rows("SELECT seq FROM person")} == {0}


def adult(n: int) -> int:
    """Indexes of adults, one each: forty in every fifty are."""
    return FIRST + n // 40 * 50 + n % 40


def test_p9_a_dossier_with_an_item_is_delivered_and_told_as_one_without(running: Running) -> None:
    sent = [
        dossier(8300 + n, person_index=adult(300 + n), shape="inpatient", rows=8, restricted=kind)
        for n, kind in enumerate(ITEM_KINDS)
    ]
    results = running.results(envelope(sent, made_on=DAY))
    running.settle()

    lines = [running.follow(result.transaction_code) for result in results]
    assert {line.state for line in lines} == {"delivered"}
    assert {tuple(step.name for step in line.steps) for line in lines} == {
        ("received", "verified", "mapped", "delivered")
    }
    shown = said(running, *(hoso.summary["SO_CCCD"] for hoso in sent))
    assert [word for word in SAID if word in shown] == []


def said(running: Running, *numbers: str) -> str:
    """All that the book was told and that these people are shown, but for what chance wrote: of a transaction code's 29
    letters and digits three may be a word.
    """
    told = [str(running.journal("book")), *(str(running.shown(number)) for number in numbers)]
    return CODE.sub("", "".join(told))


CODE: Final = re.compile("GD[A-Z2-7]{29}")
SAID: Final = ("HIV", "HlV", "H1V", "H.I.V", "H I V", "AIDS", "SIDA", "ARV", "PrEP", "OPC", "Z11.4", "Z20.6", "Z71.7")


def test_p9_an_item_that_comes_or_goes_pushes_nothing(running: Running) -> None:
    running.post(STAY)
    running.settle()
    before = told_of(running)
    running.post(with_test(STAY), made_on=LATER)
    running.settle()
    running.post(STAY, made_on=LATER + timedelta(days=1))
    running.settle()
    assert told_of(running) == before


def told_of(running: Running) -> tuple[object, ...]:
    """What the book holds, where its lane stands, and how often it was told."""
    return running.book(NUMBER), running.rows("SELECT want, have, fence FROM lane"), len(running.pushes(NUMBER))


def with_test(hoso: Hoso) -> Hoso:
    """The same with a test for HIV whose result does not say so."""
    order, result = (dict.fromkeys(hoso.tables[table][0], "") for table in ("XML3", "XML4"))
    order |= {"MA_DICH_VU": "XN.0001", "TEN_DICH_VU": "HIV Ab test nhanh", "SO_LUONG": "1", "MA_NHOM": "1"}
    result |= {"MA_DICH_VU": "XN.0001", "TEN_CHI_SO": "Ket qua X", "GIA_TRI": "Am tinh X"}
    made = with_table(hoso, "XML3", [*hoso.tables["XML3"], order | {"MA_LK": hoso.ma_lk}])
    return with_table(made, "XML4", [*hoso.tables["XML4"], result | {"MA_LK": hoso.ma_lk}])


def test_p9_a_result_that_is_taken_over_stays_withheld_with_its_order(running: Running) -> None:
    running.post(with_test(STAY))
    running.settle()
    running.post(without_table(corrected(with_test(STAY), 1), "XML4"), made_on=LATER)
    running.settle()
    seen = said(running, NUMBER)
    assert [word for word in ("HIV", "Ket qua X", "Am tinh X", "XN.0001") if word in seen] == []
    assert any(kind == "DiagnosticReport" for kind, _ in running.living(NUMBER))


@pytest.mark.parametrize("kind", ["xml6_table", "icd_of_a_referral"])
def test_p9_a_withheld_record_stays_withheld_when_the_table_that_says_so_is_not_sent_again(
    running: Running, kind: str
) -> None:
    made = planted(VISIT, kind)
    running.post(made)
    told = running.post(without_table(corrected(made, 1), TABLE_OF[kind]), made_on=LATER)
    running.settle()
    assert running.follow(told.transaction_code).state == "kept"
    assert (running.journal("book", kind="push"), running.everything(NUMBER).total) == ([], 0)


TABLE_OF: Final = {"xml6_table": "XML6", "icd_of_a_referral": "XML13"}


def test_what_only_looks_restricted_is_delivered(running: Running) -> None:
    sent = [
        planted(dossier(8200 + n, person_index=8200 + n, shape="inpatient", rows=6), k) for n, k in enumerate(DECOYS)
    ]
    running.post_bytes(envelope(sent, made_on=DAY))
    running.settle()
    assert all(running.living(hoso.summary["SO_CCCD"]) for hoso in sent)


def test_p9_beside_ordinary_visits_a_restricted_one_makes_no_difference(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    before = (running.book(NUMBER), running.everything(NUMBER), running.rows("SELECT want, have, fence FROM lane"))
    running.post(dossier(802, person_index=801, rows=5, restricted="icd_main"))
    running.settle()

    after = (running.book(NUMBER), running.everything(NUMBER), running.rows("SELECT want, have, fence FROM lane"))
    assert before == after
    assert len(running.pushes(NUMBER)) == 1


@pytest.mark.parametrize("kind", ["icd_secondary", "drug_code", "entitlement_class_with_nought", "xml6_table"])
def test_p9_a_restricted_new_version_takes_the_shown_one_out(running: Running, kind: str) -> None:
    running.post(VISIT)
    running.settle()
    running.post(planted(VISIT, kind), made_on=LATER)
    running.settle()

    assert running.living(NUMBER) == {}
    assert {key[0] for key in running.shown(NUMBER)} == {"Patient"}
    left = [value for key, value in running.book(NUMBER).items() if key[0] not in {"Patient", *REGISTER}]
    assert all(map(is_in_error, left))
    assert kind.startswith("xml") or TRIGGER_WORD not in said(running)


REGISTER: Final = {"Organization", "Practitioner"}
TRIGGER_WORD: Final = "HIV"


def test_p9_a_restricted_version_before_the_first_push_tells_the_book_of_nobody(running: Running) -> None:
    running.post(VISIT)
    running.verify()
    running.post(planted(VISIT, "icd_main"), made_on=LATER)
    running.settle()
    assert running.journal("book", kind="push") == []


def test_p9_a_version_without_the_trigger_is_shown_again(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    before = running.living(NUMBER).keys()
    running.post(planted(VISIT, "icd_main_with_blank"), made_on=LATER)
    running.settle()
    running.post(corrected(VISIT, 1), made_on=LATER + timedelta(days=1))
    running.settle()
    assert running.living(NUMBER).keys() >= {key for key in before if key[0] == "Encounter"}


def test_p9_a_trigger_in_a_table_that_is_taken_over_still_withholds(running: Running) -> None:
    running.post(planted(VISIT, "drug_efavirenz"))
    running.post(without_table(corrected(VISIT, 1), "XML2"), made_on=LATER)
    running.settle()
    assert (running.journal("book", kind="push"), running.everything(NUMBER).total) == ([], 0)


def test_p9_an_amendment_with_a_trigger_is_kept_and_shown_nowhere(running: Running) -> None:
    running.post(VISIT)
    running.settle()
    running.post(without_table(planted(VISIT, "text_course"), "XML1"), made_on=LATER)
    running.settle()
    assert TRIGGER_WORD not in said(running, NUMBER)


def test_p9_a_citizen_with_only_withheld_visits_looks_like_one_without_any(running: Running) -> None:
    running.post(planted(VISIT, "icd_main"))
    running.settle()
    pages = [
        search_book(
            "search Patient",
            ("Patient",),
            Search(),
            login=Login("x", number),
            stores=running.stores,
            uris=running.service.uris,
        )
        for number in (NUMBER, number_of(899))
    ]
    assert pages[0] == pages[1]
