"""The facility's desk as its clerks see it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from ehr_sync.api.access import WHO_MAY, Page
from ehr_sync.sandbox.dossiers.generator import RECORD_KINDS, Hoso, dossier, envelope, planted, with_values
from ehr_sync.store import clients
from ehr_sync.usecases.access.authenticate import checked_jwks
from ehr_sync.web.facility import corrections
from mappings.sources.city.kinds import KINDS
from tests.api import hospital
from tests.api.web import calling
from tests.usecases.service import DAY, FACILITY, HOSPITAL, Running, number_of, with_settings
from tests.web.browsing import Visitor
from tests.web.facilities import (
    CLERK,
    CLERK_OF_BOTH,
    CLERK_OF_OTHER,
    OTHER,
    OURS,
    REFUSED,
    THEIRS,
    Town,
    text_of,
    town_of,
)

HERE: Final = f"/facility/{FACILITY}"
MIXED: Final = envelope([OURS, REFUSED], made_on=DAY)


@pytest.fixture
def town(desk: Running) -> Town:
    """Two hospitals with clerks and a dossier of each."""
    return town_of(desk)


@pytest.fixture
def clerk(town: Town) -> Visitor:
    """The first hospital's clerk, signed in."""
    return town.somebody(CLERK)


def test_the_first_page_is_today_with_numbers_that_lead_to_their_lists(town: Town, clerk: Visitor) -> None:
    town.running.post(REFUSED)
    page = clerk.get("/facility")
    assert page.status_code == 200
    assert f"Hôm nay, {town.today:%d/%m/%Y}" in page.text
    links = dict(re.findall(rf'href="({HERE}/days/{town.today}/\w+)">(\d+)<', page.text))
    assert {path.rpartition("/")[2]: int(n) for path, n in links.items()} == {
        "sent": 2,
        "accepted": 1,
        "refused": 1,
        "in_book": 0,
        "waiting": 0,
        "verifying": 1,
        "held": 0,
        "unfinished": 0,
        "done": 0,
    }
    for path, n in links.items():
        assert clerk.get(path).text.count('<li class="entry') == int(n), path


def test_a_refused_dossier_is_shown_with_its_place_and_how_to_mend_it(town: Town, clerk: Visitor) -> None:
    town.running.post(REFUSED)
    said = text_of(clerk.get(f"{HERE}/days/{town.today}/refused"))
    assert REFUSED.ma_lk in said
    assert "XML1[1].HO_TEN" in said
    assert "Đã gửi lại" not in said
    town.running.post(with_values(REFUSED, "XML1", HO_TEN="Lê Thị Mới"))
    assert "Đã gửi lại và được nhận" in text_of(clerk.get(f"{HERE}/days/{town.today}/refused"))


def test_somebody_who_works_for_two_chooses_and_somebody_else_is_sent_away(town: Town) -> None:
    page = town.somebody(CLERK_OF_BOTH).get("/facility")
    assert f'href="/facility/{FACILITY}"' in page.text
    assert f'href="/facility/{OTHER}"' in page.text
    stranger = town.somebody(number_of(60))
    assert stranger.get("/facility").status_code == 403
    assert stranger.get(HERE).headers["Location"] == "/facility"


def filled(rule: str, values: dict[str, str]) -> str:
    return re.sub(r"<(\w+)>", lambda part: values[part.group(1)], rule)


def test_p10_foreign_is_answered_as_unknown_is_on_every_route_of_the_desk(town: Town, clerk: Visitor) -> None:
    """Every page with the other hospital's code, and with the other's dossier under one's own."""
    unknown = town.ours[:-2] + ("A2" if town.ours[-2:] != "A2" else "B2")
    rules = [r for r in town.app.url_map.iter_rules() if r.endpoint.startswith("facility.") and "<code>" in r.rule]
    assert len(rules) == sum(name.startswith("facility.") for name in WHO_MAY) - 1
    for rule in rules:
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        for code, transaction in ((OTHER, town.theirs), ("99999", town.theirs), (FACILITY, town.theirs)):
            if code == FACILITY and "<transaction>" not in rule.rule:
                continue
            values = {"code": code, "transaction": transaction, "day": town.today.isoformat(), "group": "sent"}
            values["subject"] = "00" * 16
            theirs = send(clerk, method, filled(rule.rule, values))
            none = send(clerk, method, filled(rule.rule, {**values, "code": FACILITY, "transaction": unknown}))
            assert theirs.status_code == 404, (rule.rule, code)
            if "<transaction>" in rule.rule:
                assert none.status_code == 404
                assert same(theirs) == same(none), rule.rule


def send(visitor: Visitor, method: str, path: str):  # type: ignore[no-untyped-def]  # werkzeug's own type
    visitor.get("/facility")
    assert visitor.last is not None
    [token, *_] = re.findall(r'name="csrf_token" value="([^"]+)"', visitor.last.text)
    return visitor.client.open(path, method=method, data={"csrf_token": unescape(token)} if method == "POST" else None)


def same(answer) -> str:  # type: ignore[no-untyped-def]
    said = re.sub(r'value="[^"]*"|[0-9a-f-]{36}', "", answer.text)
    return re.sub(r"/facility/[^\"]*", "", said)


def test_what_the_other_hospital_sent_is_on_no_page_and_found_by_nobody_here(town: Town, clerk: Visitor) -> None:
    clerk.get(f"{HERE}/find")
    assert "Không có hồ sơ nào" in clerk.press(f"{HERE}/find", ma_lk=THEIRS.ma_lk).text
    for path in (HERE, f"{HERE}/days/{town.today}/sent", f"{HERE}/work"):
        assert THEIRS.ma_lk not in clerk.get(path).text.replace(f'value="{THEIRS.ma_lk}"', "")


def test_a_dossier_is_found_by_ma_lk_and_no_address_holds_it(town: Town, clerk: Visitor) -> None:
    clerk.get(f"{HERE}/find")
    there = clerk.press(f"{HERE}/find", ma_lk=f" {OURS.ma_lk} ").headers["Location"]
    assert there == f"{HERE}/dossiers/{town.ours}"
    said = text_of(clerk.get(there))
    assert f"Hồ sơ {OURS.ma_lk} Đang xác minh danh tính" in said
    town.running.settle()
    assert "Đã lên sổ sức khỏe" in text_of(clerk.get(there))


def test_what_was_never_accepted_is_said_plainly(town: Town, clerk: Visitor) -> None:
    clerk.get(f"{HERE}/find")
    said = clerk.press(f"{HERE}/find", ma_lk="<script>alert(1)</script>").text
    assert "Chưa. Không có hồ sơ nào" in said
    assert "&lt;script&gt;" in said
    assert "<script>" not in said
    clerk.get(f"{HERE}/find")
    assert 'class="error-summary"' in clerk.press(f"{HERE}/find", ma_lk=" ").text


HOSTILE: Final = with_values(
    OURS,
    "XML1",
    CHAN_DOAN_VAO="<script>alert(1)</script>Ho <b>khan</b>",
    LY_DO_VV=r"{\rtf1\ansi M\u7879? m\u7887?}",
)


def test_differences_show_markup_as_words_and_a_persons_values_never(town: Town, clerk: Visitor) -> None:
    code = town.running.post(with_values(HOSTILE, "XML1", HO_TEN="Đặng Văn Khác")).transaction_code
    page = clerk.get(f"{HERE}/dossiers/{code}/differences")
    said = text_of(page)
    assert "<script>" not in page.text
    assert "Ho khan" in said
    assert "Mệ" in said
    assert "rtf1" not in said
    assert "HO_TEN Đã đổi; không hiện ở đây" in said
    assert "Khác" not in said.replace("khác bản", "").replace("khác", "")


def test_hostile_codes_and_file_names_are_words(town: Town, clerk: Visitor) -> None:
    bad = dossier(421, person_index=421, ma_lk="<img src=x>", shape="outpatient", rows=4)
    town.running.post(with_values(bad, "XML1", HO_TEN=""))
    assert "<img" not in clerk.get(f"{HERE}/days/{town.today}/refused").text
    page = check(clerk, (envelope([bad], made_on=DAY), "<script>.xml"))
    assert "<script>" not in page.text
    assert "&lt;script&gt;.xml" in page.text


def walked(town: Town, clerk: Visitor) -> str:
    """Everything that a clerk can see of what was sent, as one text."""
    codes: list[str] = []
    pages = [clerk.get(HERE).text]
    for group in ("sent", "accepted", "refused", "held", "verifying", "done", "in_book"):
        pages.append(clerk.get(f"{HERE}/days/{town.today}/{group}").text)
        codes += re.findall(rf"{HERE}/dossiers/(GD\w+)", pages[-1])
    for code in set(codes):
        pages += [clerk.get(f"{HERE}/dossiers/{code}{end}").text for end in ("", "/differences")]
    return " ".join([*pages, clerk.get(f"{HERE}/work").text])


def test_p11_no_page_of_the_desk_names_a_patient(town: Town, clerk: Visitor) -> None:
    post = town.running.post
    post(HOSTILE)
    post(with_values(OURS, "XML1", SO_CCCD=number_of(430), CHAN_DOAN_VAO=f"BN {OURS.summary['HO_TEN']} ho"))
    post(REFUSED)
    post(dossier(431, person_index=900_001))
    town.running.settle()
    seen = walked(town, clerk)
    for sent in (OURS, REFUSED, dossier(431, person_index=900_001)):
        for tag in ("HO_TEN", "SO_CCCD", "DIA_CHI", "DIEN_THOAI", "MA_THE_BHYT"):
            value = sent.summary.get(tag, "")
            assert not value or value not in seen, tag
    assert number_of(430) not in seen


def withheld(kind: str) -> Hoso:
    return planted(dossier(432, person_index=432, shape="outpatient", rows=6), kind)


@pytest.mark.parametrize("kind", ["xml6_table", *sorted(RECORD_KINDS)[::6]])
def test_p9_what_the_law_withholds_leaves_no_mark_on_the_desk(town: Town, clerk: Visitor, kind: str) -> None:
    first = with_values(withheld(kind), "XML1", LY_DO_VV="Ho")
    town.running.post(first)
    code = town.running.post(withheld(kind)).transaction_code
    town.running.settle()
    said = text_of(clerk.get(f"{HERE}/dossiers/{code}")) + text_of(clerk.get(f"{HERE}/dossiers/{code}/differences"))
    assert "không so sánh ở đây" in said
    for sign in ("HIV", "AIDS", "XML6", "B20", "ARV"):
        assert sign not in said.upper(), sign


def test_the_work_list_says_which_desk_checks_what_and_guesses_no_field(town: Town, clerk: Visitor) -> None:
    town.running.post(dossier(431, person_index=900_001))
    town.running.post(dossier(433, person_index=900_009))
    town.running.post(with_values(dossier(434, person_index=434), "XML1", SO_CCCD=""))
    town.running.settle()
    [_, nothing, review, none] = [
        text_of_entry(part) for part in clerk.get(f"{HERE}/work").text.split('<li class="entry')
    ]
    assert "Hỏi người bệnh số định danh" in none
    assert "So cả ba trường SO_CCCD, HO_TEN, NGAY_SINH" in nothing
    assert "không cho biết trường nào khác" in nothing
    assert "So HO_TEN với thẻ căn cước" in review


def text_of_entry(part: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", part))


def test_an_unclear_version_is_decided_at_the_desk_by_somebody_who_is_named_in_the_log(
    town: Town, clerk: Visitor
) -> None:
    from datetime import timedelta

    unclear = town.running.post(with_values(OURS, "XML1", LOI_DAN="Kiêng muối"), made_on=DAY - timedelta(days=1))
    there = f"{HERE}/dossiers/{unclear.transaction_code}"
    assert "Dùng bản này" in clerk.get(there).text
    assert clerk.press(f"{there}/stand").headers["Location"] == there
    assert town.running.follow(unclear.transaction_code).state == "verifying"
    [row] = town.running.rows("SELECT actor, detail FROM audit_event WHERE action = 'make current'")
    assert re.fullmatch(r"facility:[0-9a-f]{32}", row.actor)
    assert row.detail == f"page:{FACILITY} {unclear.transaction_code}"


def test_p10_somebody_who_may_not_decide_is_named_in_the_log_as_a_person(town: Town, clerk: Visitor) -> None:
    assert send(clerk, "POST", f"{HERE}/dossiers/{town.theirs}/stand").status_code == 404
    [row] = town.running.rows("SELECT actor, detail FROM audit_event WHERE action = 'refused make current'")
    assert re.fullmatch(r"facility:[0-9a-f]{32}", row.actor)
    assert row.detail == f"page:{FACILITY} {town.theirs}"


# ---- files ----


def check(clerk: Visitor, *files: tuple[bytes, str]):  # type: ignore[no-untyped-def]
    clerk.get(f"{HERE}/files")
    return clerk.press(f"{HERE}/files", files=[(io.BytesIO(content), name) for content, name in files])


def limited(desk: Running, **limits: int) -> Visitor:
    """A clerk of a service with such limits, on the page of files."""
    town = town_of(with_settings(desk, **limits))
    clerk = town.somebody(CLERK)
    clerk.get(f"{HERE}/files")
    return clerk


def test_files_at_the_desk_count_for_its_quota(desk: Running) -> None:
    clerk = limited(desk, submissions_per_minute=1)
    assert check(clerk, (MIXED, "a.xml")).status_code == 200
    refused = clerk.press(f"{HERE}/files/send")
    assert (refused.status_code, refused.mimetype) == (429, "text/html")
    assert int(refused.headers["Retry-After"]) > 0


class Slow(io.BytesIO):
    """A form that begins to come, and goes on when the test says so."""

    def __init__(self) -> None:
        super().__init__(b"--x--\r\n")  # so long it says it is
        self.began, self.goes_on = Event(), Event()

    def readinto(self, _: object, /) -> int:
        self.began.set()
        self.goes_on.wait(30)
        return 0


def test_a_desk_holds_as_many_threads_as_a_system_may_and_gives_them_back(desk: Running) -> None:
    clerk = limited(desk, client_submissions_at_once=1)
    colleague, slow = Visitor(calling(clerk.client.application)), Slow()
    colleague.sign_in(CLERK, "facility")
    with ThreadPoolExecutor() as pool:
        kind = "multipart/form-data; boundary=x"
        coming = pool.submit(colleague.client.post, f"{HERE}/files", input_stream=slow, content_type=kind)
        assert slow.began.wait(10), coming.result().text
        waiting = pool.submit(check, clerk, (MIXED, "a.xml"))
        with pytest.raises(TimeoutError):
            waiting.result(timeout=2)
        slow.goes_on.set()
        assert coming.result().status_code == 400
        assert waiting.result().status_code == 200


def test_files_are_taken_of_those_who_work_there_and_of_nobody_else(town: Town) -> None:
    citizen = town.somebody(number_of(401))
    answer = citizen.client.post(f"{HERE}/files", data={"files": (io.BytesIO(b"x" * 100_000), "a.xml")})
    assert answer.status_code == 413


def tables(town: Town) -> dict[str, int]:
    """How many rows each table has, but for the log and for what was counted against a quota."""
    names = [row[0] for row in town.running.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    return {name: n for name, n in town.running.counts(*names).items() if not name.startswith(("audit", "quota"))}


def test_dropped_files_are_checked_with_nothing_written_and_sent_by_one_button(town: Town, clerk: Visitor) -> None:
    before = tables(town)
    new = dossier(435, person_index=435, shape="outpatient", rows=4)
    page = check(clerk, (envelope([new, REFUSED], made_on=DAY), "sang.xml"), (b"{", "chieu.json"))
    assert tables(town) == before
    said = text_of(page)
    assert "Chưa có gì được gửi" in said
    assert "Nếu gửi bây giờ: 1 hồ sơ được nhận, 2 bị từ chối" in said
    assert new.ma_lk in said
    sent = clerk.press(f"{HERE}/files/send")
    assert "1 hồ sơ được nhận, 2 bị từ chối" in text_of(sent)
    assert f"{HERE}/dossiers/GD" in sent.text
    rows = town.running.rows("SELECT client_id FROM submission WHERE client_id LIKE 'page:%'")
    assert [row.client_id for row in rows] == [f"page:{FACILITY}"]
    entries = town.running.rows("SELECT actor, detail FROM audit_event WHERE action = 'send dossiers'")
    assert {row.detail for row in entries} == {f"page:{FACILITY}"}
    assert all(row.actor.startswith("facility:") for row in entries)


def test_p2_pressing_send_twice_or_by_a_colleague_makes_nothing_new(town: Town, clerk: Visitor) -> None:
    content = (envelope([dossier(435, person_index=435)], made_on=DAY), "a.xml")
    check(clerk, content)
    clerk.press(f"{HERE}/files/send")
    before = tables(town)
    colleague = town.somebody(CLERK_OF_BOTH)
    for visitor in (clerk, colleague):
        check(visitor, content)
        visitor.press(f"{HERE}/files/send")
    after = tables(town)
    assert {name for name in before if before[name] != after[name]} <= {"session", "visitor", "sign_in"}


def test_only_the_refused_are_taken_home_under_a_name_of_ours(town: Town, clerk: Visitor) -> None:
    check(clerk, (MIXED, "Nguyen Van A.xml"))
    answer = clerk.press(f"{HERE}/files/refused")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="tu-choi-1.xml"'
    assert (answer.mimetype, answer.data.count(b"<HOSO>")) == ("application/xml", 1)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_record_in_the_citys_json_is_dropped_as_any_file_is(town: Town, clerk: Visitor) -> None:
    allergy = {**KINDS["allergy"].example, "facility": FACILITY}
    wrong = json.dumps({**allergy, "id": "DU-2", "substance": ""}).encode()
    said = text_of(check(clerk, (json.dumps(allergy).encode(), "di-ung.json"), (wrong, "trong.json")))
    assert "Nếu gửi bây giờ: 1 hồ sơ được nhận, 1 bị từ chối" in said
    assert "/substance" in said
    assert "1 hồ sơ được nhận, 1 bị từ chối" in text_of(clerk.press(f"{HERE}/files/send"))
    assert [row.n for row in town.running.rows("SELECT count(*) AS n FROM record_version WHERE sent_as = 1")] == [1]
    assert clerk.press(f"{HERE}/files/refused", number="1").data == wrong


@pytest.mark.parametrize("action", ["send", "refused"])
def test_files_that_are_over_are_asked_for_again_and_nothing_is_sent(town: Town, clerk: Visitor, action: str) -> None:
    check(clerk, (MIXED, "a.xml"))
    page = clerk.press(f"{HERE}/files/{action}", files="x" * 43)
    assert "đã hết hạn" in page.text
    assert town.running.rows("SELECT 1 FROM submission WHERE client_id LIKE 'page:%'") == []


def test_nothing_chosen_and_too_many_files_are_told_as_such(clerk: Visitor) -> None:
    clerk.get(f"{HERE}/files")
    assert "Chọn ít nhất một tệp" in clerk.press(f"{HERE}/files").text
    assert "Chọn tối đa 20 tệp" in check(clerk, *[(b"x", f"{n}.xml") for n in range(21)]).text


def test_a_big_file_goes_through_and_a_form_of_a_stranger_is_not_read(town: Town, clerk: Visitor) -> None:
    many = [dossier(n, person_index=440, shape="outpatient", rows=4) for n in range(440, 470)]
    big = envelope(many, made_on=DAY)
    assert len(big) > 200_000
    assert "30 hồ sơ được nhận, 0 bị từ chối" in text_of(check(clerk, (big * 1, "to.xml")))
    stranger = calling(town.app)
    assert stranger.post(f"{HERE}/files", data={"files": (io.BytesIO(big), "to.xml")}).status_code == 413
    assert clerk.client.post(f"{HERE}/find", data={"ma_lk": "x" * 100_000}).status_code == 413


# ---- keys ----


def jwks(kid: str) -> str:
    return json.dumps({"keys": [hospital.ec_key(kid).as_dict(private=False)]})


def test_keys_change_over_side_by_side_and_say_when_they_were_used(town: Town, clerk: Visitor) -> None:
    town.system()
    page = clerk.get(f"{HERE}/keys")
    assert text_of(page).count("chưa dùng lần nào") == 1
    assert text_of(page).count("dùng lần cuối") == 1
    clerk.press(f"{HERE}/keys", client=HOSPITAL, jwks=jwks("moi"))
    town.system()  # the former still works
    assert "moi" in text_of(clerk.get(f"{HERE}/keys"))
    clerk.press(f"{HERE}/keys/remove", client=HOSPITAL, kid="ec")
    assert kids(town, HOSPITAL) == ["rsa", "moi"]
    actions = town.running.rows("SELECT action, detail FROM audit_event WHERE action LIKE '% key%' ORDER BY n")
    changes = [(row.action, row.detail) for row in actions if row.action != "list keys"]
    assert changes == [("add keys", HOSPITAL), ("remove key", HOSPITAL)]


def kids(town: Town, client_id: str) -> list[str]:
    with town.running.stores.database.begin() as connection:
        found = clients.find_client(connection, town.running.stores.keys.edges, client_id)
    return [key["kid"] for key in found.jwks["keys"]] if found else []


def test_last_use_is_written_at_most_once_a_minute(town: Town) -> None:
    town.system()
    first = town.running.rows("SELECT used_at, xmin::text FROM key_use")
    town.system()
    assert town.running.rows("SELECT used_at, xmin::text FROM key_use") == first
    town.running.run("UPDATE key_use SET used_at = used_at - interval '61 seconds'")
    town.system()
    [row] = town.running.rows("SELECT used_at FROM key_use")
    assert row.used_at >= first[0].used_at


NO_KEYS: Final = (
    (json.dumps({"keys": [hospital.ec_key("geheim").as_dict(private=True)]}), "Đây là khóa bí mật"),
    ("<script>", "Hãy dán một bộ khóa"),
    ("", "Hãy dán một bộ khóa"),
    ("[" * 3000, "Hãy dán một bộ khóa"),
    (jwks("ec"), "khóa đang có đã mang tên này"),
)


def test_what_is_no_public_key_is_refused_in_words_and_changes_nothing(town: Town, clerk: Visitor) -> None:
    secret = str(hospital.ec_key("geheim").as_dict(private=True)["d"])
    for given, told in NO_KEYS:
        clerk.get(f"{HERE}/keys")
        page = clerk.press(f"{HERE}/keys", client=HOSPITAL, jwks=given)
        assert (told in page.text, secret in page.text) == (True, False), told
        assert kids(town, HOSPITAL) == ["ec", "rsa"]


def test_the_only_key_stays_and_there_are_at_most_five(town: Town, clerk: Visitor) -> None:
    clerk.get(f"{HERE}/keys")
    clerk.press(f"{HERE}/keys/remove", client=HOSPITAL, kid="rsa")
    clerk.get(f"{HERE}/keys")
    assert "Đây là khóa duy nhất" in clerk.press(f"{HERE}/keys/remove", client=HOSPITAL, kid="ec").text
    for n in range(4):
        clerk.get(f"{HERE}/keys")
        clerk.press(f"{HERE}/keys", client=HOSPITAL, jwks=jwks(f"k{n}"))
    clerk.get(f"{HERE}/keys")
    assert "Đã đủ số khóa" in clerk.press(f"{HERE}/keys", client=HOSPITAL, jwks=jwks("k5")).text
    assert len(kids(town, HOSPITAL)) == 5


def test_keys_of_another_ones_system_are_out_of_reach(town: Town, clerk: Visitor) -> None:
    for client_id in ("khac", "vo-danh", ""):
        clerk.get(f"{HERE}/keys")
        assert clerk.press(f"{HERE}/keys", client=client_id, jwks=jwks("x")).status_code == 404
        clerk.get(f"{HERE}/keys")
        assert clerk.press(f"{HERE}/keys/remove", client=client_id, kid="ec").status_code == 404
    assert kids(town, "khac") == ["ec", "rsa"]


def test_keys_of_a_system_that_sends_for_others_too_are_seen_and_not_changed(town: Town, clerk: Visitor) -> None:
    with town.running.stores.database.begin() as connection:
        clients.grant(connection, town.running.stores.keys, HOSPITAL, OTHER)
    page = clerk.get(f"{HERE}/keys")
    assert "gửi cho cả cơ sở khác" in page.text
    assert "Gỡ khóa" not in page.text
    assert send_key(clerk, HOSPITAL).status_code == 404
    both = town.somebody(CLERK_OF_BOTH)
    assert "Gỡ khóa" in both.get(f"{HERE}/keys").text
    assert send_key(both, HOSPITAL).status_code == 303


def send_key(visitor: Visitor, client_id: str):  # type: ignore[no-untyped-def]
    assert visitor.last is not None
    token = unescape(re.findall(r'name="csrf_token" value="([^"]+)"', visitor.get(f"{HERE}/keys").text)[0])
    data = {"csrf_token": token, "client": client_id, "jwks": jwks("x")}
    return visitor.client.post(f"{HERE}/keys", data=data)


# ---- the first day ----


def code_blocks(page: str) -> list[str]:
    return [unescape(block) for block in re.findall(r"<code>(.*?)</code>", page, re.DOTALL)]


def test_the_first_day_leads_from_no_key_to_an_accepted_record(town: Town, tmp_path: Path) -> None:
    """The code of the page is run as it stands there; only what needs curl is done by the test."""
    clerk = town.somebody(CLERK_OF_OTHER)
    town.running.run("DELETE FROM client_facility WHERE client_id = 'khac'")
    there, url = f"/facility/{OTHER}", town.running.service.settings.public_url
    assert "Chưa có hệ thống nào" in clerk.get(f"{there}/keys").text
    [make, sign, token, *_] = code_blocks(clerk.get(f"{there}/first-day").text)
    (tmp_path / "ky.py").write_text(sign)
    made = run(tmp_path, make)
    assert checked_jwks(json.loads(made))
    clerk.press(f"{there}/keys", jwks=made)
    assert f"{url}/oauth2/token" in token
    assertion = run(tmp_path, sign).strip()
    answer = calling(town.app).post("/oauth2/token", data=hospital.form(assertion))
    assert answer.status_code == 200, answer.text
    body = envelope([dossier(450, person_index=450, facility=OTHER)], made_on=DAY)
    sent = calling(town.app).post(
        "/api/v1/submissions",
        data=body,
        headers={"Authorization": f"Bearer {answer.get_json()['access_token']}", "Content-Type": "application/xml"},
    )
    assert sent.get_json()["totalSuccess"] == 1
    page = clerk.get(f"{there}/first-day").text
    assert page.count("xong</span>") == 4
    assert json.loads((tmp_path / "khoa-bi-mat.json").read_text())["d"] not in page


def run(folder: Path, code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_code_of_the_first_day_is_filled_in_with_the_address_and_holds_no_secret(clerk: Visitor) -> None:
    blocks = code_blocks(clerk.get(f"{HERE}/first-day").text)
    assert len(blocks) == 6
    for block in blocks:
        assert "@" not in block.replace("@hoso.xml", "")
    for block in (blocks[0], blocks[1], blocks[5]):
        compile(block, "page", "exec")


# ---- how good the data are ----


def test_the_quality_of_a_facilitys_data_stands_with_what_it_means_and_what_to_mend_first(
    town: Town, clerk: Visitor
) -> None:
    assert "Chưa đo lần nào" in clerk.get(f"{HERE}/quality").text
    faults = '{"DIEN_THOAI": 2, "registry.no_match": 1}'
    row = (
        "INSERT INTO quality"
        " VALUES (DATE '2026-11-23', 'facility', :who, now(), 6, 5, 6, 4, 5, 4, 200, CAST(:f AS jsonb))"
    )
    for who in (FACILITY, "99999"):
        town.running.run(row, who=who, f=faults)
    try:
        text = clerk.get(f"{HERE}/quality").text
    finally:
        town.running.run("DELETE FROM quality")
    figures = dict(re.findall(r'data-figure="(\w+)">([^<]+)<', text))
    assert figures == {"correct": "83.3 %", "complete": "66.7 %", "clean": "83.3 %", "live": "80.0 %"}
    assert "Thiếu DIEN_THOAI: 2 hồ sơ" in text and "Trung bình đã xác thực 40 ngày trước" in text
    assert "2026-11-23" in text and "99999" not in text


# ---- what all pages keep ----


def test_every_page_of_the_desk_is_small_and_in_both_languages(town: Town, clerk: Visitor) -> None:
    paths = [
        "/facility",
        f"{HERE}/find",
        f"{HERE}/files",
        f"{HERE}/work",
        f"{HERE}/quality",
        f"{HERE}/keys",
        f"{HERE}/first-day",
    ]
    paths += [f"{HERE}/days/{town.today}/sent", f"{HERE}/dossiers/{town.ours}"]
    for language in ("vi", "en"):
        clerk.get("/facility")
        clerk.press("/preferences", language=language)
        for path in paths:
            page = clerk.get(path)
            assert page.status_code == 200, path
            assert len(page.data) < 25_000, path
            assert page.text.count("<h1") == 1, path
            assert f'<html lang="{language}"' in page.text


def test_a_day_that_is_none_is_not_there(clerk: Visitor) -> None:
    for day in ("2026-13-01", "hom-nay", "20260101", "0000-00-00", "9999-12-31x"):
        assert [clerk.get(f"{HERE}/days{at}{day}").status_code for at in ("/", "?day=")] == [404, 404], day


def test_any_other_day_is_answered(clerk: Visitor) -> None:
    for day in ("0001-01-01", "9999-12-31", "2000-02-29"):
        assert clerk.get(f"{HERE}/days/{day}").status_code in {200, 404}
    assert clerk.get(f"{HERE}/days?day=2026-01-31").headers["Location"] == f"{HERE}/days/2026-01-31"


def test_every_route_of_the_desk_is_a_facilitys_page() -> None:
    assert {who for name, who in WHO_MAY.items() if name.startswith("facility.")} == {Page("facility")}


def test_a_clerk_withdraws_one_dossier_and_brings_it_back(town: Town, clerk: Visitor) -> None:
    there = f"{HERE}/dossiers/{town.ours}"
    assert "Thu hồi hồ sơ này" in clerk.get(there).text
    assert clerk.press(f"{HERE}/withdraw", reason="visit_cancelled").headers["Location"] == there
    said = text_of(clerk.get(there))
    assert "Cơ sở đã thu hồi" in said and "Đợt khám đã hủy" in said
    assert clerk.press(f"{HERE}/restore").status_code == 303
    assert "Thu hồi hồ sơ này" in clerk.get(there).text


def test_a_clerk_compares_a_months_list_and_withdraws_by_a_list(
    town: Town, clerk: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(*names: str) -> tuple[io.BytesIO, str]:
        return io.BytesIO("\n".join(["MA_LK", *names]).encode()), "a.csv"

    page = clerk.get(f"{HERE}/corrections")
    assert "Đối soát một tháng" in page.text
    month = f"{town.today:%Y-%m}"
    compared = clerk.press(f"{HERE}/reconcile", list=listed("KHONG-CO"), month=month)
    assert f'<a href="{HERE}/corrections" class="fw-bold">Đối soát, thu hồi</a>' in compared.text
    said = text_of(compared)
    assert "Thiếu: chưa được nhận 1" in said and "KHONG-CO" in said and OURS.ma_lk in said
    clerk.get(f"{HERE}/corrections")
    sheet = clerk.press(f"{HERE}/reconcile", list=listed("KHONG-CO"), month=month, **{"as": "xlsx"})
    assert (sheet.data[:2], sheet.headers["Content-Disposition"]) == (
        b"PK",
        f'attachment; filename="doi-soat-{month}.xlsx"',
    )
    clerk.get(f"{HERE}/corrections")
    said = text_of(clerk.press(f"{HERE}/withdraw", list=listed(OURS.ma_lk, "KHONG-CO"), reason="duplicate"))
    assert "Chưa có gì thay đổi" in said and "1 dòng làm được, 1 dòng không" in said and "KHONG-CO" in said
    actions = town.running.rows("SELECT DISTINCT action FROM audit_event WHERE action ~ 'withdraw|find dossier'")
    assert {action for (action,) in actions} == {"find dossier", "refused find dossier"}
    said = text_of(clerk.press(f"{HERE}/withdraw"))
    assert "Đã làm 1 dòng, 0 dòng chưa làm được" in said and "Trùng với hồ sơ khác" in said and OURS.ma_lk in said
    clerk.get(f"{HERE}/corrections")
    assert "Trùng với hồ sơ khác" in text_of(clerk.press(f"{HERE}/restore", list=listed(OURS.ma_lk)))
    assert "Đã làm 1 dòng, 0 dòng chưa làm được" in text_of(clerk.press(f"{HERE}/restore"))
    clerk.get(f"{HERE}/corrections")
    assert clerk.press(f"{HERE}/restore", rows='[[1, "a"]]').status_code == 400
    clerk.get(f"{HERE}/corrections")
    monkeypatch.setattr(corrections, "MOST_ROWS", 2)
    said = text_of(clerk.press(f"{HERE}/restore", rows=json.dumps([[n, f"LK-{n}", "", ""] for n in range(3)])))
    assert "Đã làm 0 dòng, 2 dòng chưa làm được" in said
    monkeypatch.undo()
    clerk.get(f"{HERE}/corrections")
    said = text_of(clerk.press(f"{HERE}/withdraw", list=(io.BytesIO(b"\xff\xfe\x00"), "a.xlsx"), reason="duplicate"))
    assert "không phải bảng .xlsx hoặc CSV" in said
