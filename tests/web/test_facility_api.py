"""The same desk for a hospital's own system: /api/v1/…, of its own facilities alone."""

from __future__ import annotations

from typing import Any, Final

import orjson
import pytest
from werkzeug.test import TestResponse

from ehr_sync.sandbox.dossiers.generator import RECORD_KINDS, dossier, envelope, with_values
from mappings.formats.workbook import MEDIA_TYPE as XLSX
from mappings.formats.workbook import read_sheet, write_sheet
from tests.usecases.service import DAY, HOSPITAL, Running, number_of
from tests.web.facilities import OURS, REFUSED, THEIRS, Town, town_of

XML: Final = {"Content-Type": "application/xml"}


@pytest.fixture
def town(desk: Running) -> Town:
    """Two hospitals with a dossier of each."""
    return town_of(desk)


class System:
    """A hospital's system that asks."""

    def __init__(self, town: Town, client_id: str = HOSPITAL) -> None:
        self._client, self._token = town.system(client_id)

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON."""
        answer = self._client.get(path, headers=self._token)
        return answer.status_code, answer.get_json(force=True)

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        """Status and JSON."""
        answer = self.raw(path, body, **headers)
        return answer.status_code, answer.get_json(force=True)

    def raw(self, path: str, body: bytes, **headers: str) -> TestResponse:
        """The whole answer."""
        return self._client.post(path, data=body, headers={**self._token, **headers})


def test_a_day_is_counted_and_listed_with_words_in_the_readers_language(town: Town) -> None:
    town.running.post(REFUSED)
    ours = System(town)
    status, day = ours.get(f"/api/v1/days/{town.today}")
    assert (status, day["counts"]["sent"], day["counts"]["refused"]) == (200, 2, 1)
    status, found = ours.get(f"/api/v1/days/{town.today}/dossiers?group=refused")
    [line] = found["dossiers"]
    assert (line["maLK"], line["state"], line["firstIssue"]["code"]) == (REFUSED.ma_lk, "refused", "patient.missing")
    [line] = ours.get(f"/api/v1/days/{town.today}/dossiers?group=accepted")[1]["dossiers"]
    assert (line["maLK"], line["maGiaoDich"], line["state"]) == (OURS.ma_lk, town.ours, "verifying")
    assert line["stateText"] == "Đang xác minh danh tính"


def test_pages_of_a_list_are_followed_by_next(town: Town) -> None:
    for n in range(3):
        town.running.post(dossier(460 + n, person_index=460, shape="outpatient", rows=4))
    ours, seen, after = System(town), [], ""
    for _ in range(4):
        _, found = ours.get(f"/api/v1/days/{town.today}/dossiers?limit=1{after}")
        seen += [line["maGiaoDich"] for line in found["dossiers"]]
        after = f"&after={found['next']}"
    assert found["next"] is None
    assert len(set(seen)) == 4


def test_a_dossier_is_found_by_its_ma_lk_in_the_body_and_compared(town: Town) -> None:
    second = town.running.post(with_values(OURS, "XML1", CHAN_DOAN_VAO="Ho khan"))
    ours = System(town)
    body = f'{{"maLK": "{OURS.ma_lk}"}}'.encode()
    assert ours.post("/api/v1/dossiers:find", body)[1] == {"maGiaoDich": [second.transaction_code]}
    status, seen = ours.get(f"/api/v1/transactions/{second.transaction_code}/versions")
    assert (status, [(v["version"], v["stands"]) for v in seen["versions"]]) == (200, [(2, True), (1, False)])
    [table] = ours.get(f"/api/v1/transactions/{second.transaction_code}/differences")[1]["tables"]
    [field] = table["rows"][0]["fields"]
    assert (table["table"], field["tag"], field["after"]) == ("XML1", "CHAN_DOAN_VAO", "Ho khan")


def test_p10_another_hospitals_dossier_is_answered_as_an_unknown_one_is(town: Town) -> None:
    ours = System(town)
    unknown = town.ours[:-2] + ("A2" if town.ours[-2:] != "A2" else "B2")
    for end in ("/versions", "/differences"):
        answers = [ours.get(f"/api/v1/transactions/{code}{end}") for code in (town.theirs, unknown)]
        for status, told in answers:
            told.pop("instance")
            assert status == 404
        assert answers[0] == answers[1]
    body = f'{{"maLK": "{THEIRS.ma_lk}"}}'.encode()
    assert ours.post("/api/v1/dossiers:find", body) == (200, {"maGiaoDich": []})
    assert ours.get(f"/api/v1/days/{town.today}")[1]["counts"]["sent"] == 1
    assert System(town, "khac").post("/api/v1/dossiers:find", body) == (200, {"maGiaoDich": [town.theirs]})


def test_a_dry_run_shows_what_the_book_will_hold_and_keeps_nothing(town: Town) -> None:
    visit = dossier(470, person_index=470, shape="outpatient", rows=6)
    body = envelope([visit, REFUSED], made_on=DAY)
    ours = System(town)
    before = town.running.counts("submission", "piece", "record_version", "refusal", "claim", "idempotency", "person")
    status, told = ours.post(
        "/api/v1/submissions?dry_run=true", body, **XML, **{"Idempotency-Key": "một".encode().hex()}
    )
    assert town.running.counts(*before) == before
    assert (status, told["dryRun"], told["totalSuccess"], told["totalFailed"], told["batchId"]) == (200, True, 1, 1, "")
    assert [one["stage"] for one in told["notKnown"]] == ["keep", "verify", "deliver"]
    assert town.running.journal("registry") == []
    shown, refused = told["fileResults"][0]["hoSo"]
    bundle, trace = shown.pop("fhir"), shown.pop("trace")
    assert (refused.pop("fhir"), refused.pop("trace")) == (None, None)
    _, sent = ours.post("/api/v1/submissions", body, **XML)
    for hoso in sent["fileResults"][0]["hoSo"]:
        hoso["maGiaoDich"] = ""
    assert told["fileResults"] == sent["fileResults"]

    town.running.settle()
    book = {one["id"]: one for one in town.running.book(number_of(470)).values() if one["resourceType"] != "Patient"}
    foreseen = {one["resource"]["id"]: one["resource"] for one in bundle["entry"]}
    assert foreseen.keys() <= book.keys()
    [encounter] = [one for one in foreseen.values() if one["resourceType"] == "Encounter"]
    assert encounter["period"] == book[encounter["id"]]["period"]
    [reason] = [one["to"] for one in trace["fields"] if one["field"] == "XML1[1].LY_DO_VV"]
    assert reason[0] == {"resource": f"Encounter/{encounter['id']}", "element": "Encounter.reasonCode"}
    assert {"XML1[1].LY_DO_VV"} == {
        name for one in trace["elements"] if one["element"] == "Encounter.reasonCode" for name in one["from"]
    }
    [row] = town.running.rows("SELECT actor, detail FROM audit_event WHERE action = 'check dossiers'")
    assert (row.actor, row.detail) == (f"client:{HOSPITAL}", "")


def test_a_misspelt_dry_run_is_refused_and_not_sent(town: Town) -> None:
    body = envelope([dossier(472, person_index=472)], made_on=DAY)
    ours, before = System(town), town.running.counts("submission")
    for asked in ("dryrun=true", "dry_run=1", "dry_run=true&dry_run=false", "dry_run"):
        status, told = ours.post(f"/api/v1/submissions?{asked}", body, **XML)
        assert (status, told["code"], told["parameters"]) == (400, "request.parameter", ["dry_run"])
    assert town.running.counts("submission") == before
    assert ours.post("/api/v1/submissions?dry_run=false", body, **XML)[1]["totalSuccess"] == 1
    assert town.running.counts("submission") != before


def test_p9_a_dry_run_shows_nothing_of_what_is_withheld(town: Town) -> None:
    """Neither of a whole record nor of an item."""
    visits = [
        dossier(473, person_index=473, shape="inpatient", rows=6),
        dossier(474, person_index=474, shape="inpatient", rows=6, restricted=RECORD_KINDS[0]),
        dossier(475, person_index=475, shape="inpatient", rows=6, restricted="test_index"),
    ]
    ours = System(town)
    _, told = ours.post("/api/v1/submissions?dry_run=true", envelope(visits, made_on=DAY), **XML)
    whole, withheld, item = told["fileResults"][0]["hoSo"]
    assert (whole["status"], withheld["status"], item["status"]) == ("accepted", "accepted", "accepted")
    assert (len(whole["fhir"]["entry"]) > 5, withheld["fhir"].get("entry")) == (True, None)
    assert {len(one["to"]) for one in withheld["trace"]["fields"]} == {0}
    assert "HIV" not in str(item["fhir"]).upper()
    assert "restricted" not in str(told)


def test_the_work_list_and_the_keys_are_there_too(town: Town) -> None:
    town.running.post(dossier(471, person_index=900_001))
    town.running.settle()
    ours = System(town)
    [line] = ours.get("/api/v1/work")[1]["dossiers"]
    assert (line["state"], line["reason"]) == ("held", "registry.no_match")
    _, keys = ours.get("/api/v1/keys")
    assert (keys["clientId"], [key["kid"] for key in keys["keys"]]) == (HOSPITAL, ["ec", "rsa"])
    assert keys["keys"][0]["lastUsed"] is not None
    assert keys["keys"][1]["lastUsed"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/days/{day}/dossiers?group=all",
        "/api/v1/days/{day}/dossiers?limit=51",
        "/api/v1/days/{day}/dossiers?limit=0",
        "/api/v1/days/{day}/dossiers?limit=1&limit=2",
        "/api/v1/days/{day}/dossiers?maLK=x",
        "/api/v1/days/{day}?group=sent",
        "/api/v1/work?group=sent",
        "/api/v1/keys?kid=x",
    ],
)
def test_a_parameter_that_is_not_known_is_refused(town: Town, path: str) -> None:
    status, told = System(town).get(path.format(day=town.today))
    assert (status, told["code"]) == (400, "request.parameter")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"maLK": 1}', b'{"maLK": " "}', b'{"maLK": "a\\u0000"}', b"\xff"]
)
def test_what_names_no_dossier_is_refused(town: Town, body: bytes) -> None:
    status, told = System(town).post("/api/v1/dossiers:find", body)
    assert (status, told["code"].partition(".")[0]) == (400, "request")


def test_a_token_for_sending_alone_sees_nothing(town: Town) -> None:
    client, token = town.system(scope="submissions.write")
    for path in (f"/api/v1/days/{town.today}", "/api/v1/work", "/api/v1/keys"):
        assert client.get(path, headers=token).status_code == 403


def test_records_are_withdrawn_compared_and_brought_back_by_a_system(town: Town) -> None:
    ours, theirs = System(town), System(town, "khac")
    one = orjson.dumps({"maLK": OURS.ma_lk, "reason": "duplicate"})
    json_, csv, xlsx = ({"Content-Type": kind} for kind in ("application/json", "text/csv", XLSX))
    status, done = ours.post("/api/v1/dossiers:withdraw", one, **json_, **{"Accept-Language": "en"})
    [result] = done["results"]
    assert (status, done["totalSuccess"], done["totalFailed"]) == (200, 1, 0)
    assert (result["maLK"], result["maGiaoDich"], result["status"]) == (OURS.ma_lk, town.ours, "withdrawn")
    assert (result["reason"], result["reasonText"]) == ("duplicate", "The same as another record")
    assert ours.post("/api/v1/dossiers:withdraw", one, **json_)[1]["results"][0]["withdrawnAt"] == result["withdrawnAt"]
    state = ours.get(f"/api/v1/transactions/{town.ours}")[1]
    assert (state["state"], state["steps"][-1]["reasonText"]) == ("withdrawn", "Trùng với hồ sơ khác")

    month = f"/api/v1/dossiers:reconcile?month={town.today:%Y-%m}"
    listed = write_sheet("10", [("MA_LK",), (OURS.ma_lk,), ("KHONG-CO",)])
    status, found = ours.post(month, listed, **xlsx)
    assert (status, found["counts"]["missing"], found["counts"]["withdrawn"]) == (200, 1, 1)
    assert found["missing"] == [{"row": 3, "maLK": "KHONG-CO", "refused": None}]
    sheet = ours.raw(month, listed, **xlsx, Accept=XLSX)
    rows = [[cell.text for cell in cells] for _, cells in read_sheet(sheet.data)]
    assert rows == [
        ["DÒNG", "MA_LK", "MA_GIAO_DICH", "KET_QUA", "GHI_CHU"],
        ["3", "KHONG-CO", "", "Thiếu: chưa được nhận", ""],
        ["2", OURS.ma_lk, town.ours, "Đã thu hồi", "Trùng với hồ sơ khác"],
    ]

    status, done = ours.post("/api/v1/dossiers:restore", f"MA_LK\n{OURS.ma_lk}\nKHONG-CO".encode(), **csv)
    assert [(each["row"], each["status"]) for each in done["results"]] == [(2, "restored"), (3, "refused")]
    assert done["results"][1]["issue"]["code"] == "list.unknown_dossier"
    assert theirs.post("/api/v1/dossiers:withdraw", one, **json_)[1]["totalFailed"] == 1


@pytest.mark.parametrize(
    ("path", "kind", "body", "status"),
    [
        ("withdraw", "application/json", b"{", 400),
        ("withdraw", "application/json", b"[]", 400),
        ("withdraw", "application/json", b'{"maLK": 1}', 400),
        ("withdraw", "application/json", b'{"maLK": "x", "lyDo": "duplicate"}', 400),
        ("withdraw?reason=vi%20nham", "text/csv", b"x", 400),
        ("withdraw?why=duplicate", "text/csv", b"x", 400),
        ("withdraw", "application/xml", b"<x/>", 415),
        ("withdraw", "text/csv", b"\xff\xfe\x00", 422),
        ("withdraw?reason=duplicate", "text/csv", b"x\n" * 1_001, 422),
        ("restore?reason=duplicate", "text/csv", b"x", 400),
        ("reconcile", "text/csv", b"x", 400),
        ("reconcile?month=2026-13", "text/csv", b"x", 400),
        ("reconcile?month=2026-10", "application/json", b"{}", 415),
        ("reconcile?month=2026-10", "text/csv", b"", 422),
    ],
)
def test_a_correction_that_is_none_is_refused_with_a_code(
    town: Town, path: str, kind: str, body: bytes, status: int
) -> None:
    heard, problem = System(town).post(f"/api/v1/dossiers:{path}", body, **{"Content-Type": kind})
    assert (heard, "nham" in str(problem)) == (status, False)
