"""What no honest exporter sends, over real HTTP: a coded answer each, nothing kept by half, nothing in the log."""

from __future__ import annotations

import gzip
import select
import socket
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from ehr_sync.sandbox.dossiers.bad_inputs import BadInput, Outcome, bad_inputs, zeros_in_base64
from ehr_sync.sandbox.dossiers.generator import dossier, envelope, with_table, with_values
from tests.whole import site as whole
from tests.whole.site import Site

CASES = bad_inputs()
CANARIES = whole.words_of(range(100)) | {".XAU.", "CHIM-HOÀNG-YẾN", "canary-key"}


@pytest.fixture(autouse=True)
def _alive_and_silent(site: Site) -> Iterator[None]:
    """After each attack the service is ready, has met no unexpected error, and its log names nobody."""
    before = len(site.log)
    yield
    assert site.is_alive()
    written = site.log[before:]
    assert whole.leaks(written, CANARIES) == []
    assert "unexpected_error" not in written


def outcome(response: requests.Response) -> Outcome | str:
    """What became of a body, in the words of bad_inputs."""
    answer = response.json()
    if response.status_code != 200:
        return "request refused" if answer["issues"] else "unexpected"
    [file] = answer["fileResults"]
    if file["issues"] and not file["hoSo"]:
        return "file refused"
    if any(hoso["status"] == "refused" for hoso in file["hoSo"]):
        return "dossier refused"
    return "warning" if [*file["issues"], *(i for h in file["hoSo"] for i in h["issues"])] else "accepted"


def codes(response: requests.Response) -> set[str]:
    """Every issue code of an answer."""
    answer = response.json()
    files = answer.get("fileResults", [answer])
    return {i["code"] for f in files for i in (*f["issues"], *(i for h in f.get("hoSo", ()) for i in h["issues"]))}


def without_names(response: requests.Response) -> str:
    """The answer's text but for the MA_LK, which its own sender may hear again."""
    answer: dict[str, Any] = response.json()
    for file in answer.get("fileResults", ()):
        for hoso in file["hoSo"]:
            hoso.pop("maLK")
    return str(answer)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.outcome != "warning"])
def test_what_cannot_be_taken_is_refused_with_a_code_and_leaves_nothing(site: Site, name: str) -> None:
    case, before = CASES[name], site.kept()
    response = site.post(case.body, case.content_type)

    assert outcome(response) == case.outcome
    assert whole.leaks(without_names(response), CANARIES) == []
    assert site.kept() == before


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.outcome == "warning"])
def test_what_is_only_odd_is_taken_with_a_code(site: Site, name: str) -> None:
    case = CASES[name]
    response = site.post(case.body, case.content_type)

    assert outcome(response) == "warning"
    assert whole.leaks(without_names(response), CANARIES) == []


def sent_until_answered(site: Site, pieces: Iterator[bytes]) -> tuple[bytes, int]:
    """Sends chunks until an answer comes; gives the answer and how many bytes were sent."""
    sent = 0
    with site.connection() as said:
        said.sendall(site.head(Transfer_Encoding="chunked"))
        for piece in pieces:
            said.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            sent += len(piece)
            if select.select([said], [], [], 0)[0]:
                break
        return heard(said), sent


def heard(said: socket.socket) -> bytes:
    """The answer as far as its code: head and body may come apart."""
    answer = b""
    while b"request.too_large" not in answer and (more := said.recv(65_536)):
        answer += more
    return answer


def test_a_gigabyte_of_zeros_ends_at_the_limit(site: Site) -> None:
    answer, sent = sent_until_answered(site, zeros_in_base64(1_000_000_000))

    assert (b"413 " in answer[:20], b"request.too_large" in answer) == (True, True)
    assert sent < 130_000_000
    assert list((site.folder / "spool").iterdir()) == []


def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes(site: Site) -> None:
    with site.connection() as said:
        said.sendall(site.head(Content_Length="100000001"))
        assert b"request.too_large" in heard(said)


GOOD = envelope([dossier(60, person_index=60, ma_lk="01001.XAU.060")])


@pytest.mark.parametrize(
    ("headers", "parts"),
    [
        ({"Content_Length": str(len(GOOD))}, [GOOD[: len(GOOD) // 2]]),
        ({"Transfer_Encoding": "chunked"}, [b"%x\r\n" % len(GOOD), GOOD[: len(GOOD) // 2]]),
        ({"Transfer_Encoding": "chunked"}, [b"zz\r\n", GOOD]),
    ],
)
def test_a_body_that_breaks_off_is_refused_and_not_kept(
    site: Site, headers: dict[str, str], parts: list[bytes]
) -> None:
    before = site.kept()
    answer = site.spoken(site.head(**headers), *parts)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert (b"request.cut_off" in answer, site.kept()) == (True, before)


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Content-Encoding", "gzip", 415),
        ("Content-Encoding", "identity, gzip", 415),
        ("Content-Type", "application/xml; charset=windows-1258", 415),
        ("Content-Type", "application/xml; charset=utf-7", 415),
        ("Content-Type", "application/fhir+json", 415),
        ("Content-Type", "multipart/form-data; boundary=x", 422),
        ("Content-Type", "", 415),
        ("Idempotency-Key", "", 400),
        ("Idempotency-Key", "canary-key CHIM-HO\xc0NG-Y", 400),
        ("Idempotency-Key", "canary-key" * 30, 400),
        ("Idempotency-Key", "canary-key\ttab", 400),
        ("Authorization", "Bearer canary-key.canary-key.canary-key", 401),
        ("Authorization", "Bearer canary-key\xff\xfe", 401),
        ("Authorization", "Basic Y2FuYXJ5LWtleQ==", 401),
        ("Authorization", "Bearer " + "canary-key" * 800, 401),
    ],
)
def test_a_header_that_is_not_taken_is_refused_without_repeating_it(
    site: Site, header: str, value: str, status: int
) -> None:
    before = site.kept()
    response = site.post(GOOD, **{header: value.encode("latin-1")})  # type: ignore[arg-type]  # requests takes bytes

    assert response.status_code == status
    assert (whole.leaks(response.text, CANARIES), site.kept()) == ([], before)


@pytest.mark.parametrize(
    "lines",
    [
        b"POST /api/v1/submissions HTTP/1.1\r\nX-Long: " + b"canary-key" * 10_000 + b"\r\n\r\n",
        b"GET /" + b"canary-key" * 1_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: canary-key\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\ncanary-key\x00: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: canary-key\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"CANARY-KEY / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00canary-key",
    ],
)
def test_what_is_no_proper_http_is_refused(site: Site, lines: bytes) -> None:
    status = site.spoken(lines)[:12]
    assert status == b"" or status.startswith(b"HTTP/1.1 4") or status.startswith(b"HTTP/1.1 501")


def test_a_bomb_of_gzip_is_never_opened(site: Site) -> None:
    assert outcome(site.post(gzip.compress(b"\0" * 20_000_000))) == "file refused"


def hoso(n: int, **values: str) -> Any:
    made = dossier(n, person_index=n, shape="outpatient", rows=4, ma_lk=f"01001.XAU.{n:03d}")
    return with_values(made, "XML1", 0, **values)


def many_rows(n: int, count: int) -> bytes:
    made = hoso(n)
    row = {**dict.fromkeys(("MA_LK",), made.ma_lk), "DIEN_BIEN_LS": "CHIM-HOÀNG-YẾN", "THOI_DIEM_DBLS": "202611200800"}
    return envelope([with_table(made, "XML5", [{**row, "STT": str(i + 1)} for i in range(count)])])


def test_ten_thousand_rows_are_taken_and_one_more_is_not(site: Site) -> None:
    taken, refused = site.post(many_rows(61, 10_000)), site.post(many_rows(62, 10_001))

    assert [h["status"] for r in (taken, refused) for h in r.json()["fileResults"][0]["hoSo"]] == [
        "accepted",
        "refused",
    ]
    assert "record.too_many_rows" in codes(refused)


def padded_to(size: int) -> bytes:
    table = b"<TONG_HOP><MA_LK>01001.XAU.063</MA_LK></TONG_HOP>"
    head, tail = envelope([hoso(63)]).split(b"<NOIDUNGFILE>", 1)
    _, tail = tail.split(b"</NOIDUNGFILE>", 1)
    content = b64encode(table + b" " * (size - len(table)))
    return head + b"<NOIDUNGFILE>" + content + b"</NOIDUNGFILE>" + tail


def test_a_record_of_more_than_32_megabytes_is_refused(site: Site) -> None:
    before = site.kept()
    response = site.post(padded_to(32_000_100))
    assert (outcome(response), "record.too_large" in codes(response), site.kept()) == ("dossier refused", True, before)


def test_more_than_five_thousand_dossiers_are_refused_as_a_whole(site: Site) -> None:
    body = envelope([hoso(64)], announced=5001)
    start, stop = body.index(b"<HOSO>"), body.index(b"</HOSO>") + len(b"</HOSO>")
    many = body[:start] + b"<HOSO></HOSO>" * 5001 + body[stop:]
    assert codes(site.post(many)) == {"request.too_many_dossiers"}


def test_a_batch_of_more_than_five_thousand_files_is_refused_as_a_whole(site: Site) -> None:
    body = b'{"files": [' + b",".join([b'"QUJD"'] * 5001) + b"]}"
    assert codes(site.post(body, "application/json")) == {"request.too_many_dossiers"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"files": ["QUJD"], "files": ["QUJD"]}',
        b'{"files": ["QUJD"], "x": {"a": 1, "a": 2}}',
        b'{"maTinh": {"a": 1}, "files": ["QUJD"]}',
        b'{"files": [["QUJD"]]}',
        b'{"files": []}',
        b'{"files": null}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"files": ["QUJD"], "n": ' + b"9" * 5_000 + b"}",
        b'{"files": ["QUJD"], "n": -1e9999}',
        b'{"files": ["QUJD"], "n": NaN}',
        b'{"files": ["QUJD"]} {"files": ["QUJD"]}',
        b'{"files": ["QUJD"], "\\ud800": 1}',
        b"\xff\xfe{\x00}\x00",
        b'{"files": ["QUJD"], ' + b",".join(b'"k%d": 1' % n for n in range(6_500)) + b"}",
        b"",
        b"null",
        b'"CHIM-HO\xc3\x80NG-Y\xe1\xba\xbeN"',
    ],
)
def test_a_batch_that_is_odd_json_is_refused_with_a_code(site: Site, body: bytes) -> None:
    before = site.kept()
    response = site.post(body, "application/json")
    assert (response.status_code, response.json()["code"]) == (422, "request.unreadable")
    assert (whole.leaks(response.text, CANARIES), site.kept()) == ([], before)


XML = '<?xml version="1.0" encoding="{0}"?>'


@pytest.mark.parametrize(
    "body",
    [
        (XML.format("utf-16") + GOOD.decode().partition("?>")[2]).encode("utf-16"),
        (XML.format("utf-16") + GOOD.decode().partition("?>")[2]).encode("utf-16-be"),
        (XML.format("utf-32") + GOOD.decode().partition("?>")[2]).encode("utf-32"),
        (XML.format("utf-7") + GOOD.decode().partition("?>")[2]).replace("<", "+ADw-").encode(),
        GOOD.replace(b"<THONGTINHOSO>", b"<THONGTINHOSO>&f;"),
        b"<!DOCTYPE GIAMDINHHS>" + GOOD.partition(b"?>")[2],
        GOOD.replace(b"<MACSKCB>", b'<MACSKCB xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///">'),
        b"<GIAMDINHHS>" * 100_000,
        GOOD.replace(b"<HOSO>", b"<HOSO " + b" ".join(b'a%d="1"' % n for n in range(200_000)) + b">"),
        GOOD.replace(b"<HOSO>", b"<HOSO x='" + b"CHIM" * 1_000_000 + b"'>"),
        b"<" + b"A" * 3_000_000,
        b"<!--" + b"-" * 3_000_000,
        GOOD.replace(b"01001</MACSKCB>", b"01001&#0;</MACSKCB>"),
        GOOD.replace(b"01001</MACSKCB>", b"01001&#xD800;</MACSKCB>"),
        GOOD.replace(b"01001</MACSKCB>", b"01001\xed\xa0\x80</MACSKCB>"),
        GOOD.replace(b"01001</MACSKCB>", "CHIM-HOÀNG-YẾN</MACSKCB>".encode()),
    ],
)
def test_an_envelope_that_is_hostile_xml_is_refused_with_a_code(site: Site, body: bytes) -> None:
    before = site.kept()
    response = site.post(body)
    assert (outcome(response), site.kept()) == ("file refused", before)
    assert whole.leaks(response.text, CANARIES) == []


@pytest.mark.parametrize(
    "content",
    [
        b"<TONG_HOP " + b" ".join(b'a%d="1"' % n for n in range(100_000)) + b"><MA_LK>1</MA_LK></TONG_HOP>",
        b"<TONG_HOP>" + b"<A>" * 5_000 + b"</A>" * 5_000 + b"</TONG_HOP>",
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x"><TONG_HOP><MA_LK>1</MA_LK></TONG_HOP>',
        b"<?xml version='1.0' encoding='utf-7'?><TONG_HOP><MA_LK>+AGEAYg-</MA_LK></TONG_HOP>",
        b"<TONG_HOP><MA_LK>\xd2\xcf</MA_LK></TONG_HOP>",
        "<TONG_HOP><MA_LK>1</MA_LK></TONG_HOP>".encode("utf-16-le"),
        b"<TONG_HOP><MA_LK>1&#xD800;</MA_LK></TONG_HOP>",
        b"<TONG_HOP>" + b"<A>1</A>" * 700_000 + b"</TONG_HOP>",
        b"\x1f\x8b\x08\x00CHIM",
        b"<TONG_HOP><MA_LK>" + b"1" * 11_000_000 + b"</MA_LK></TONG_HOP>",
    ],
)
def test_a_table_that_is_hostile_xml_is_refused_with_a_code(site: Site, content: bytes) -> None:
    before = site.kept()
    head, tail = envelope([hoso(65)]).split(b"<NOIDUNGFILE>", 1)
    body = head + b"<NOIDUNGFILE>" + b64encode(content) + b"</NOIDUNGFILE>" + tail.split(b"</NOIDUNGFILE>", 1)[1]
    response = site.post(body)
    assert (outcome(response), site.kept()) == ("dossier refused", before)
    assert whole.leaks(without_names(response), CANARIES) == []


@pytest.mark.parametrize(
    "ma_lk",
    ["CHIM-HOÀNG-YẾN" * 20, "01001.XAU.\n066", "../../XAU", "<XAU>&\"'", "XAU\u202e066", "'; DROP TABLE record; --"],
)
def test_an_odd_source_id_is_taken_and_goes_back_to_its_sender_only(site: Site, ma_lk: str) -> None:
    [result] = site.post(envelope([hoso(66, MA_LK=ma_lk)])).json()["fileResults"][0]["hoSo"]
    assert (result["status"], bool(result["maGiaoDich"])) == ("accepted", True)
    assert whole.leaks(result["maGiaoDich"], [ma_lk]) == []


def test_a_key_stands_for_one_body_of_one_client(site: Site) -> None:
    first, second = (envelope([hoso(n)]) for n in (67, 68))
    answers = [site.post(body, **{"Idempotency-Key": "canary-key"}) for body in (first, second)]
    other = site.post(first, **{"Idempotency-Key": "canary-key", **site.sender("benh-vien-b")})

    assert [a.status_code for a in (*answers, other)] == [200, 409, 200]
    assert codes(other) == {"facility.not_yours"}
    assert whole.leaks(answers[1].text, CANARIES) == []


def test_a_file_is_not_taken_for_what_the_batch_around_it_says(site: Site) -> None:
    case: BadInput = CASES["envelope_of_somebody_else"]
    body = b'{"maCSKCB": "79001", "files": ["%s"]}' % b64encode(case.body)
    assert codes(site.post(body, "application/json")) == {"facility.not_yours"}
