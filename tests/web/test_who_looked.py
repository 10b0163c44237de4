"""What a citizen is told of those who looked at what a hospital sent about them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from ehr_sync.sandbox.dossiers.generator import Hoso, dossier, planted, with_values
from ehr_sync.store import repeated_refusals
from ehr_sync.usecases.review.look_at_review import look_at_review
from tests.usecases.service import DAY, FACILITY, Running, number_of
from tests.usecases.test_p5_registry import Says
from tests.web.browsing import Visitor
from tests.web.facilities import CLERK, CLERK_OF_OTHER, OTHER, OURS, Town, town_of

WITHHELD = planted(dossier(403, person_index=401, shape="outpatient", rows=6), "icd_main")


@pytest.fixture
def town(desk: Running) -> Town:
    """Two hospitals; what they sent is verified and delivered."""
    town = town_of(desk)
    desk.settle()
    return town


@pytest.fixture
def owner(town: Town) -> Visitor:
    """The citizen of the first hospital's dossier, signed in."""
    visitor = town.somebody(number_of(401))
    visitor.sign_in(number_of(401))
    return visitor


def told(owner: Visitor) -> list[tuple[str, ...]]:
    """The rows of their list without the time, and without those of themselves."""
    rows = owner.get("/who-looked").text.partition("<tbody>")[2].split("</tr>")[:-1]
    cells = [tuple(c.strip() for c in re.sub(r"<[^>]+>", "|", row).split("|") if c.strip())[1:] for row in rows]
    return [row for row in cells if row[0] != "Bạn"]


def looked_at_by_all(town: Town, hoso: Hoso) -> None:
    """Everything that a clerk, the hospital's system and a clerk of elsewhere may try with one dossier."""
    first = town.running.post(hoso).transaction_code
    town.running.settle()
    second = town.running.post(
        with_values(hoso, "XML1", LOI_DAN="Kiêng muối"), made_on=DAY - timedelta(days=1)
    ).transaction_code
    town.running.settle()
    clerk, stranger = town.somebody(CLERK), town.somebody(CLERK_OF_OTHER)
    clerk.get(f"/facility/{FACILITY}/find")
    clerk.press(f"/facility/{FACILITY}/find", ma_lk=hoso.ma_lk)
    there = f"/facility/{FACILITY}/dossiers/{second}"
    assert clerk.get(f"{there}/differences").status_code == 200
    assert clerk.get(there).status_code == 200
    clerk.press(f"{there}/stand")
    for _ in range(3):
        assert stranger.get(f"/facility/{OTHER}/dossiers/{first}").status_code == 404
    town.running.run("UPDATE repeated_refusal SET since = since - interval '2 minutes'")
    with town.running.stores.database.begin() as connection:
        repeated_refusals.fold(
            connection, town.running.stores.keys.audit
        )  # "2 more", and of which dossier it does not say
    system, token = town.system()
    assert system.get(f"/api/v1/transactions/{first}", headers=token).status_code == 200
    assert system.post(f"/api/v1/transactions/{first}:make-current", headers=token).status_code < 300
    assert system.post("/api/v1/dossiers:find", json={"maLK": hoso.ma_lk}, headers=token).status_code == 200
    assert system.get(f"/api/v1/transactions/{first}/versions", headers=token).status_code == 200
    town.running.settle()


def test_p10_whoever_looks_at_a_shown_dossier_is_told_as_who_they_are(town: Town, owner: Visitor) -> None:
    looked_at_by_all(town, OURS)
    rows = set(told(owner))
    staff, system = "Người của cơ sở y tế", "Bệnh viện"
    assert {
        (staff, "người", "tìm hồ sơ đã gửi"),
        (staff, "người", "xem tình trạng hồ sơ đã gửi"),
        (staff, "người", "so các bản của một hồ sơ đã gửi"),
        (staff, "người", "chọn bản được dùng của một hồ sơ"),
        (staff, "người", "thử mở và bị từ chối"),
        (system, "máy", "tìm hồ sơ đã gửi"),
        (system, "máy", "xem tình trạng hồ sơ đã gửi"),
        (system, "máy", "chọn bản được dùng của một hồ sơ"),
    } <= rows


def test_p9_nothing_that_anybody_does_with_a_withheld_dossier_leaves_a_sign(town: Town, owner: Visitor) -> None:
    before = told(owner)
    looked_at_by_all(town, WITHHELD)
    assert told(owner) == before


def test_p9_of_answers_against_a_proof_only_those_about_what_is_shown_are_told(town: Town, owner: Visitor) -> None:
    # Another sex makes another claim of the same person, and only a withheld dossier makes it.
    other = "1" if WITHHELD.summary["GIOI_TINH"] == "2" else "2"
    town.running.post(with_values(WITHHELD, "XML1", GIOI_TINH=other))
    town.running.settle()
    town.running.run("UPDATE claim SET due_at = clock_timestamp()")
    town.running.verification(Says(None)).step(5.0)

    counted = "SELECT count(*) FROM audit_event WHERE action = 'contradiction' AND person_id = :who"
    [both] = town.running.rows(counted, who=town.running.person_of(number_of(401)))
    shown = [row for row in told(owner) if "cơ sở dữ liệu quốc gia về dân cư trả lời khác lần trước" in row[2]]
    assert both[0] == 2
    assert shown == [
        ("Dịch vụ này", "máy", "cơ sở dữ liệu quốc gia về dân cư trả lời khác lần trước")
    ]  # and not "2 lần"


def test_p9_of_reviews_only_those_of_what_is_shown_are_told(town: Town, owner: Visitor) -> None:
    other = "1" if WITHHELD.summary["GIOI_TINH"] == "2" else "2"
    town.running.post(with_values(WITHHELD, "XML1", GIOI_TINH=other))
    town.running.settle()
    proving = "SELECT encode(proven_claim, 'hex') FROM person WHERE person_id = :who"
    who = town.running.person_of(number_of(401))
    [(shown,)] = town.running.rows(proving, who=who)
    of_person = "SELECT encode(claim_id, 'hex') FROM claim WHERE person_id = :who"
    claims = [claim for (claim,) in town.running.rows(of_person, who=who)]
    assert len(claims) == 2
    for claim in claims:
        look_at_review(claim, by="lan", stores=town.running.stores)

    told_of = [row for row in told(owner) if row[2].startswith("xét duyệt")]
    assert shown in claims
    assert told_of == [
        ("Người vận hành dịch vụ", "người", "xét duyệt: xem số định danh, họ tên, ngày sinh mà các hồ sơ ghi")
    ]  # and not "2 lần"
