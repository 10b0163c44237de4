"""An erasure reaches every byte of a person: what was refused too, and what stood in base64 in whatever writing."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable
from typing import Final

import psycopg
import pytest

from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import (
    Hoso,
    corrected,
    dossier,
    envelope,
    json_batch,
    planted,
    with_number,
    with_values,
)
from ehr_sync.usecases.book.erase_person import erase_person, replay_erasures
from ehr_sync.usecases.intake import plan_record
from tests.usecases.kept import joined, pieces, readable
from tests.usecases.service import DAY, FACILITY, Running, backup_of, number_of, with_settings
from tests.usecases.test_p1_p2_repeats import grant

ALICE, BOB = 881, 882
A, B = number_of(ALICE), number_of(BOB)
NUMBER, NAME = A.encode(), person(ALICE).name.encode()
ELSEWHERE: Final = "01005"
VISIT: Final = dossier(881, person_index=ALICE, shape="inpatient", rows=6)
OTHERS: Final = dossier(882, person_index=BOB, rows=4)
HIV: Final = planted(dossier(884, person_index=884, shape="inpatient", rows=3), "xml6_table")
ABROAD: Final = dossier(883, person_index=ALICE, rows=3, facility=ELSEWHERE)


def known(running: Running) -> None:
    """Alice and Bob have their books."""
    running.post_bytes(envelope([VISIT, OTHERS], made_on=DAY))
    running.settle()


def erase(running: Running, number: str) -> None:
    erase_person(running.person_of(number), by="ops", stores=running.stores)


def nothing_is_left(running: Running) -> bool:
    left = readable(running)
    return NUMBER not in left and NAME not in left and B.encode() in left


# ---- What was refused ----

REFUSED: Final = {
    "of a facility that is not the sender's": ABROAD,
    "without a name": with_values(corrected(VISIT, 1), "XML1", HO_TEN=""),
    "without a birth date": with_values(corrected(VISIT, 1), "XML1", NGAY_SINH="khong ro"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_was_refused_is_erased_with_whom_it_claims_to_be_of(running: Running, why: str) -> None:
    known(running)
    body = envelope([REFUSED[why], OTHERS, REFUSED[why]], facility=FACILITY, made_on=DAY)
    assert running.post_bytes(body).failed == 2
    assert joined(running) == body
    assert readable(running).count(NUMBER) > 2
    erase(running, A)

    assert nothing_is_left(running)
    assert running.shown(B)
    with pytest.raises(KeyError):
        joined(running)


def test_a_file_that_was_refused_whole_is_erased_dossier_by_dossier(running: Running) -> None:
    known(running)
    refused = envelope([dossier(884, person_index=BOB, rows=1, facility=ELSEWHERE), ABROAD], made_on=DAY)
    body = json_batch([refused, envelope([OTHERS], made_on=DAY)], FACILITY)
    assert [f.status for f in running.post_bytes(body, media_type="json").files] == ["refused", "accepted"]
    assert joined(running) == body
    erase(running, A)

    assert nothing_is_left(running)
    assert running.counts("piece") == {"piece": 3}


def test_what_has_too_many_versions_is_kept_and_erased_too(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    known(running)
    monkeypatch.setattr(plan_record, "MOST_VERSIONS", 1)
    body = envelope([corrected(VISIT, 1), OTHERS, dossier(885, person_index=BOB, rows=1)], made_on=DAY)
    assert [d.status for d in running.results(body)] == ["refused", "accepted", "accepted"]
    assert joined(running) == body
    erase(running, A)
    assert nothing_is_left(running)


def test_somebody_who_is_not_proven_is_erased_with_what_was_refused(running: Running) -> None:
    running.post_bytes(envelope([VISIT, OTHERS, ABROAD], made_on=DAY))
    [(nobody_yet,)] = running.rows("SELECT person_id FROM piece WHERE number_mark IS NULL ORDER BY ordinal LIMIT 1")
    erase_person(nobody_yet, by="ops", stores=running.stores)
    assert nothing_is_left(running)


def test_p1_many_refused_dossiers_between_the_chunks_are_joined_too(running: Running) -> None:
    hosos = [
        dossier(900 + n, person_index=900 + n, rows=1, facility=FACILITY if n == 4 else ELSEWHERE) for n in range(9)
    ]
    body = envelope(hosos, facility=FACILITY, made_on=DAY)
    assert with_settings(running, chunk_records=2).post_bytes(body).failed == 8
    assert joined(running) == body


def test_of_what_is_longer_than_any_dossier_only_the_place_is_kept(running: Running) -> None:
    body = envelope([dossier(886, person_index=ALICE, rows=90), OTHERS], made_on=DAY)
    assert with_settings(running, record_bytes=len(envelope([OTHERS]))).post_bytes(body).failed == 1
    assert running.counts("piece") == {"piece": 1}
    assert NUMBER not in readable(running)


def test_p2_refused_dossiers_sent_again_are_kept_once(running: Running) -> None:
    body = envelope([ABROAD, OTHERS], facility=FACILITY, made_on=DAY)
    before = running.post_bytes(body), running.counts("piece", "person")
    assert (running.post_bytes(body), running.counts("piece", "person")) == before
    assert joined(running) == body


def test_refused_dossiers_sent_again_leave_no_keys_that_open_nothing(running: Running) -> None:
    # More than the key store makes at a time.
    hosos = [dossier(950 + n, person_index=950 + n, rows=1, facility=ELSEWHERE) for n in range(70)]
    body = envelope([*hosos, OTHERS], facility=FACILITY, made_on=DAY)
    assert running.post_bytes(body).failed == 70
    before = keys_kept(running)
    assert running.post_bytes(body).failed == 70
    assert keys_kept(running) == before


def keys_kept(running: Running) -> int:
    with psycopg.connect(running.service.settings.key_dsn) as connection:
        return int(connection.execute("SELECT count(*) FROM person_key").fetchall()[0][0])


# ---- What was refused and is right by now ----


def refused_at_first(running: Running, hoso: Hoso) -> bytes:
    """A body of which this dossier was refused, and would be accepted now."""
    body = envelope([hoso, OTHERS], facility=FACILITY, made_on=DAY)
    assert running.post_bytes(body).failed == 1
    grant(running, ELSEWHERE)
    return body


def test_what_is_accepted_at_the_second_try_is_erased_with_its_person(running: Running) -> None:
    known(running)
    body = refused_at_first(running, ABROAD)
    assert running.post_bytes(body).failed == 0
    running.settle()
    assert running.rows("SELECT count(*) FROM piece WHERE number_mark IS NOT NULL") == [(0,)]
    assert joined(running) == body
    erase(running, A)

    assert nothing_is_left(running)
    assert running.counts("piece") == {"piece": 2}


def test_what_is_accepted_at_the_second_try_is_not_erased_with_whom_it_does_not_belong_to(running: Running) -> None:
    running.post_bytes(envelope([OTHERS], made_on=DAY))
    running.settle()
    body = refused_at_first(running, with_number(ABROAD, B))
    assert running.post_bytes(body).failed == 0
    running.settle()
    erase(running, B)

    assert running.counts("piece") == {"piece": 1}
    assert len(pieces(running)) == 1


def test_a_backup_from_when_it_was_refused_shows_nothing_of_an_erased_person(
    running: Running, postgres: EmbeddedPostgres
) -> None:
    known(running)
    body = refused_at_first(running, ABROAD)
    with backup_of(running, postgres) as restored:
        running.post_bytes(body)
        running.settle()
        erase(running, A)
        assert nothing_is_left(restored)
        assert replay_erasures(stores=restored.stores) == 1
        assert restored.counts("piece") == {"piece": 2}


# ---- Base64 as it came ----


def by_php(text: str) -> str:
    return text.replace("/", "\\/")


def by_dotnet(text: str) -> str:
    return text.replace("+", "\\u002B")


def of_mime(text: str) -> str:
    return "\\r\\n".join([*textwrap.wrap(text, 76), ""])


def of_pem(text: str) -> str:
    return "\\n".join(textwrap.wrap(text, 64))


def of_mime_by_php(text: str) -> str:
    return by_php(of_mime(text))


@pytest.mark.parametrize("write", [by_php, by_dotnet, of_mime, of_pem, of_mime_by_php])
def test_base64_in_another_writing_is_joined_as_it_came_and_erased(
    running: Running, write: Callable[[str], str]
) -> None:
    plain = json_batch([envelope([hoso], made_on=DAY) for hoso in (VISIT, OTHERS)], FACILITY)
    files = json.loads(plain)["files"]
    body = re.sub(rb'"[A-Za-z0-9+/=]{99,}"', lambda _: f'"{write(files.pop(0))}"'.encode(), plain)
    running.post_bytes(body, media_type="json")
    running.settle()
    assert joined(running) == body
    assert NUMBER in readable(running)
    erase(running, A)

    assert nothing_is_left(running)


def with_blanks_within(text: str) -> str:
    return f"{text[:100]}  {text[100:]}"


def with_a_blank_behind(text: str) -> str:
    return f"{text} "


def with_mixed_line_ends(text: str) -> str:
    return f"{text[:76]}\\r\\n{text[76:152]}\\n{text[152:]}"


@pytest.mark.parametrize("write", [with_blanks_within, with_a_blank_behind, with_mixed_line_ends])
def test_of_a_file_in_an_unknown_writing_the_content_alone_is_kept_and_erased(
    running: Running, write: Callable[[str], str]
) -> None:
    plain = json_batch([envelope([VISIT, OTHERS, HIV], made_on=DAY)], FACILITY)
    body = re.sub(rb'"[A-Za-z0-9+/=]{99,}"', lambda file: f'"{write(file[0].decode()[1:-1])}"'.encode(), plain)
    running.post_bytes(body, media_type="json")
    running.settle()
    assert NUMBER in readable(running)
    assert b"MA_BAC_PHAC_DO" not in readable(running)
    erase(running, A)
    assert nothing_is_left(running)
