"""P1 and P2: what was answered for is kept, byte for byte; the same again has the same answer and no second effect."""

from __future__ import annotations

from base64 import b64encode, encodebytes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from ehr_sync.core.codes import record_version_of
from ehr_sync.core.errors import Conflict
from ehr_sync.sandbox.dossiers.bad_inputs import XML, bad_inputs
from ehr_sync.sandbox.dossiers.generator import (
    MESSY_STYLES,
    Hoso,
    corrected,
    dossier,
    envelope,
    json_batch,
    with_values,
)
from ehr_sync.store import clients
from mappings.formats.source import SourceRefused
from tests.usecases.kept import joined, pieces
from tests.usecases.service import DAY, FACILITY, HOSPITAL, Running, number_of, with_settings

HOSO = dossier(101, person_index=101, rows=6)


def test_p2_the_same_bytes_again_have_the_same_answer_and_keep_nothing_more(running: Running) -> None:
    body = envelope([HOSO], made_on=DAY)
    first = running.post_bytes(body)
    before = running.counts("record_version", "piece", "submission", "claim", "person")

    assert running.post_bytes(body) == first
    assert running.counts("record_version", "piece", "submission", "claim", "person") == before


def test_p2_the_same_content_in_another_envelope_is_the_same_version(running: Running) -> None:
    first = running.post(HOSO)
    again = running.results(envelope([HOSO], made_on=DAY, style=MESSY_STYLES["envelope_bom"]))[-1]

    assert (again.transaction_code, again.status) == (first.transaction_code, "accepted")
    assert running.counts("record_version", "submission") == {"record_version": 1, "submission": 2}


def test_p2_fifty_threads_posting_one_dossier_make_one_record_and_fifty_equal_answers(running: Running) -> None:
    body = envelope([HOSO], made_on=DAY)
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(running.post_bytes, [body] * 50))

    assert set(answers) == {answers[0]}
    assert answers[0].succeeded == 1
    expected = {"record": 1, "record_version": 1, "piece": 1, "submission": 1, "claim": 1, "person": 1}
    assert running.counts(*expected) == expected
    running.settle()
    assert len(running.stored(number_of(101))) == 1


def test_p2_forty_people_in_envelopes_of_two_orders_posted_at_once_make_forty_records(running: Running) -> None:
    crowd = [dossier(n, person_index=200 + n, rows=1) for n in range(40)]
    bodies = [envelope(order, made_on=DAY) for order in (crowd, crowd[::-1], crowd[20:] + crowd[:20])]
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(running.post_bytes, bodies * 2))

    assert {(a.succeeded, a.failed) for a in answers} == {(40, 0)}
    assert len({d.transaction_code for a in answers for f in a.files for d in f.dossiers}) == 40
    assert running.counts("record", "record_version") == {"record": 40, "record_version": 40}


def test_p2_many_dossiers_are_kept_in_chunks_and_answered_in_their_order(running: Running) -> None:
    crowd = [dossier(n, person_index=300 + n, rows=1) for n in range(7)]
    answer = with_settings(running, chunk_records=3).post_bytes(envelope(crowd, made_on=DAY))

    assert [d.source_id for d in answer.files[0].dossiers] == [hoso.ma_lk for hoso in crowd]
    assert running.counts("record", "piece", "submission") == {"record": 7, "piece": 7, "submission": 1}


def test_p1_a_submission_that_broke_off_between_chunks_goes_on_when_it_is_sent_again(running: Running) -> None:
    crowd = [dossier(n, person_index=320 + n, rows=1) for n in range(4)]
    body = envelope(crowd, made_on=DAY)
    whole = running.post_bytes(body)
    # As if the process had been killed after the first of two chunks.
    kept = [record_version_of(d.transaction_code)[0] for d in whole.files[0].dossiers[2:]]
    running.run("DELETE FROM record WHERE record_id = ANY(:ids)", ids=kept)
    running.run("DELETE FROM record_version WHERE record_id = ANY(:ids)", ids=kept)
    running.run("DELETE FROM piece WHERE ordinal > (SELECT min(ordinal) FROM piece)")
    running.run("UPDATE submission SET skeleton = NULL, answer = NULL")

    assert running.post_bytes(body) == whole
    assert running.counts("record", "record_version", "piece") == {"record": 4, "record_version": 4, "piece": 4}
    assert joined(running) == body


def test_p2_one_record_twice_in_one_envelope_makes_two_versions_of_which_the_later_stands(running: Running) -> None:
    first, second = running.results(envelope([HOSO, corrected(HOSO, 1)], made_on=DAY))

    assert record_version_of(first.transaction_code)[1] == 1
    assert record_version_of(second.transaction_code)[1] == 2
    assert running.follow(first.transaction_code).superseded_by == second.transaction_code


def test_p2_one_record_twice_in_one_envelope_is_repeated_without_effect(running: Running) -> None:
    body = envelope([HOSO, corrected(HOSO, 1)], made_on=DAY)
    codes = [[d.transaction_code for d in running.results(body)] for _ in range(3)]

    assert codes[0] == codes[1] == codes[2]
    assert running.counts("record_version") == {"record_version": 2}


def test_some_refused_and_some_accepted_is_a_partial_success(running: Running) -> None:
    nobody = with_values(dossier(102, person_index=102, rows=1), "XML1", HO_TEN="", SO_CCCD="", NGAY_SINH="")
    answer = running.post_bytes(envelope([HOSO, nobody], made_on=DAY))

    assert (answer.succeeded, answer.failed, answer.files[0].status) == (1, 1, "partial")
    assert [d.status for d in answer.files[0].dossiers] == ["accepted", "refused"]
    assert running.counts("record") == {"record": 1}


# ---- Idempotency-Key ----


def test_p2_a_key_with_other_content_is_a_conflict_and_keeps_nothing(running: Running) -> None:
    running.post_bytes(envelope([HOSO], made_on=DAY), key="mot")
    with pytest.raises(Conflict):
        running.post_bytes(envelope([corrected(HOSO, 1)], made_on=DAY), key="mot")
    assert running.counts("record_version") == {"record_version": 1}


def test_p2_of_threads_using_one_key_for_two_contents_one_content_wins(running: Running) -> None:
    bodies = [envelope([hoso], made_on=DAY) for hoso in (HOSO, dossier(103, person_index=103, rows=1))]

    def post(body: bytes) -> str:
        try:
            return running.post_bytes(body, key="hai").batch_id
        except Conflict as conflict:
            return conflict.code

    with ThreadPoolExecutor(8) as threads:
        heard = list(threads.map(post, bodies * 4))
    assert sorted(map(heard.count, set(heard))) == [4, 4]
    assert "idempotency_key.other_content" in heard


def test_a_key_is_its_clients_own(running: Running) -> None:
    add_client(running, "khac", FACILITY)
    running.post_bytes(envelope([HOSO], made_on=DAY), key="ba")
    other = envelope([dossier(104, person_index=104, rows=1)], made_on=DAY)
    assert running.post_bytes(other, key="ba", client="khac").succeeded == 1


def test_p2_an_accepted_answer_is_replayed_though_the_world_has_moved(running: Running) -> None:
    body = envelope([HOSO], made_on=DAY)
    first = running.post_bytes(body, key="bon")
    running.post(corrected(HOSO, 1))
    assert running.post_bytes(body, key="bon") == first


def test_a_refused_answer_is_not_replayed(running: Running) -> None:
    body = envelope([dossier(105, person_index=105, rows=1, facility="01005")], made_on=DAY)
    assert running.post_bytes(body, key="nam").failed == 1
    grant(running, "01005")
    assert running.post_bytes(body, key="nam").succeeded == 1


# ---- What was refused at first and is right by now ----


def two_places(*, third: bool = False) -> list[Hoso]:
    places = ["01005", FACILITY, "01005"] if third else ["01005", FACILITY]
    return [dossier(110 + n, person_index=110 + n, rows=2, facility=place) for n, place in enumerate(places)]


@pytest.mark.parametrize("media_type", ["xml", "json"])
def test_p4_what_is_accepted_at_the_second_try_is_kept_from_its_own_bytes(running: Running, media_type: Any) -> None:
    hosos = two_places(third=True)
    files = [envelope([hoso], facility=hoso.facility, made_on=DAY) for hoso in hosos]
    body = json_batch(files, FACILITY) if media_type == "json" else envelope(hosos, facility=FACILITY, made_on=DAY)
    assert running.post_bytes(body, media_type=media_type).succeeded == 1
    grant(running, "01005")
    answer = running.post_bytes(body, media_type=media_type)

    assert answer.succeeded == 3
    kept = {bytes(row.record_id): (bytes(row.submission_id), row.ordinal) for row in versions(running)}
    for hoso, result in zip(hosos, [d for f in answer.files for d in f.dossiers], strict=True):
        piece = pieces(running)[kept[record_version_of(result.transaction_code)[0]]]
        assert hoso.ma_lk == result.source_id
        assert piece in files[hosos.index(hoso)]
    assert joined(running) == body


def versions(running: Running) -> list[Any]:
    return running.rows("SELECT record_id, submission_id, ordinal FROM record_version")


# ---- Byte for byte ----


def clean(hosos: Sequence[Hoso]) -> bytes:
    return envelope(hosos, made_on=DAY)


def messy(style: str) -> Callable[[Sequence[Hoso]], bytes]:
    return lambda hosos: envelope(hosos, made_on=DAY, style=MESSY_STYLES[style])


def with_line_breaks(hosos: Sequence[Hoso]) -> bytes:
    return (
        envelope(hosos, made_on=DAY).replace(b"<HOSO>", b"\r\n\t<HOSO>").replace(b"</DANH", b"<!-- \xc4\x91 --></DANH")
    )


@pytest.mark.parametrize("media_type", ["xml", "json"])
@pytest.mark.parametrize("write", [clean, with_line_breaks, *map(messy, MESSY_STYLES)])
def test_p1_a_submission_is_joined_again_byte_for_byte(
    running: Running, write: Callable[[Sequence[Hoso]], bytes], media_type: Any
) -> None:
    file = write([HOSO, dossier(120, person_index=120, rows=3, messy=True)])
    body = (
        json_batch([file, clean([dossier(121, person_index=121, rows=1)])], FACILITY) if media_type == "json" else file
    )
    assert running.post_bytes(body, media_type=media_type).failed == 0
    assert joined(running) == body


def shapes(file: bytes, other: bytes) -> dict[str, tuple[Any, Any]]:
    """What real clients send beside XML and JSON, as (what it says that it is, body)."""
    both, text = {"a": ("a.xml", file), "b": ("b.txt", b64encode(other))}, b64encode(file).decode()
    parts = requests.Request("POST", "http://x", files={**both, "maCSKCB": (None, FACILITY)}).prepare().body
    return {
        "parts of a multipart body": ("multipart", parts),
        "a field of a form": ("form", urlencode({"maCSKCB": FACILITY, "fileHSBase64": text}).encode()),
        "a field that nobody escaped": ("form", f"file={text}".encode()),
        "base64": ("xml", text.encode()),
        "base64 in lines": ("form", encodebytes(file)),
        "JSON that says it is a form": ("form", json_batch([file, other], FACILITY)),
        "XML that says nothing": ("form", file),
    }


@pytest.mark.parametrize("shape", shapes(b"", b""))
def test_p1_what_comes_in_another_shape_is_kept_piece_by_piece_and_joined_again(running: Running, shape: str) -> None:
    other = dossier(121, person_index=121, rows=1)
    media_type, body = shapes(clean([HOSO]), clean([other]))[shape]
    answer = running.post_bytes(body, media_type=media_type)
    assert (answer.failed, answer.succeeded) == (0, 2 if shape.startswith(("parts", "JSON")) else 1)
    assert (joined(running), len(pieces(running))) == (body, answer.succeeded)
    assert running.post_bytes(body, media_type=media_type) == answer
    assert len(versions(running)) == answer.succeeded


@pytest.mark.parametrize("media_type", ["json", "form"])
def test_a_request_of_another_place_is_refused_as_a_whole_and_an_odd_kind_is_told(
    running: Running, media_type: Any
) -> None:
    with pytest.raises(SourceRefused) as refused:
        running.post_bytes(json_batch([clean([HOSO])], "79001"), media_type=media_type)
    assert (refused.value.issue.code, refused.value.issue.path) == ("facility.not_yours", "maCSKCB")
    odd = json_batch([clean([HOSO])], FACILITY).replace(b'"3176"', b"3").replace(b'"01001"', b"1001")
    [file] = running.post_bytes(odd, media_type=media_type).files
    assert (file.status, [issue.code for issue in file.issues]) == ("accepted", ["request.kind_unexpected"])


def test_p1_refused_dossiers_and_files_are_joined_too(running: Running) -> None:
    nobody = with_values(dossier(122, person_index=122, rows=1), "XML1", HO_TEN="", SO_CCCD="", NGAY_SINH="")
    files = [clean([nobody, HOSO, nobody]), b"<none/>", clean([dossier(123, facility="79001", rows=1)])]
    body = json_batch(files, FACILITY)

    answer = running.post_bytes(body, media_type="json")
    assert [f.status for f in answer.files] == ["partial", "refused", "refused"]
    assert joined(running) == body


def test_p1_base64_that_is_not_as_we_would_write_it_is_joined_too(running: Running) -> None:
    body = json_batch([clean([HOSO])], FACILITY).replace(b"/", b"\\/")
    running.post_bytes(body, media_type="json")
    assert joined(running) == body


@pytest.mark.parametrize("odd", [b" ", b"\\n"])
def test_p1_of_base64_in_no_known_writing_each_dossier_is_kept_byte_for_byte(running: Running, odd: bytes) -> None:
    body = json_batch([clean([HOSO])], FACILITY)
    at = body.index(b'"files"') + 100
    running.post_bytes(body[:at] + odd + body[at:], media_type="json")
    [piece] = pieces(running).values()
    assert clean([HOSO]).partition(b"<HOSO>")[2].startswith(piece.removeprefix(b"<HOSO>"))
    assert piece.endswith(b"</HOSO>")


@pytest.mark.parametrize("outcome", ["file refused", "dossier refused"])
def test_what_is_refused_keeps_nothing(running: Running, outcome: str) -> None:
    bodies = [bad.body for bad in bad_inputs(FACILITY).values() if (bad.outcome, bad.content_type) == (outcome, XML)]
    assert {running.post_bytes(body).succeeded for body in bodies} == {0}
    assert set(running.counts("submission", "piece", "record", "claim").values()) == {0}


def grant(running: Running, code: str) -> None:
    with running.stores.database.begin() as connection:
        clients.add_facility(connection, running.stores.keys, code, name="Cơ sở khác")
        clients.grant(connection, running.stores.keys, HOSPITAL, code)


def add_client(running: Running, client_id: str, code: str) -> None:
    with running.stores.database.begin() as connection:
        clients.add_client(
            connection, running.stores.keys, client_id, name=client_id, jwks={"keys": []}, scopes=["submissions.write"]
        )
        clients.grant(connection, running.stores.keys, client_id, code)
