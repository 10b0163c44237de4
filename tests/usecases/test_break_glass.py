"""P9: a record of HIV (XML6) is kept under a key of its own, which no machine of the service has."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any, Final

import pytest
from joserfc.jwk import ECKey

from ehr_sync.adapters import key_file
from ehr_sync.core.errors import NotFound, Unavailable
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import dossier, envelope, planted, without_table
from ehr_sync.store.sealing import Unreadable
from ehr_sync.usecases.book.erase_person import erase_person
from ehr_sync.usecases.intake.archived_dossier import ANY_SIZE, NOTHING_SAID
from ehr_sync.usecases.intake.break_glass import break_glass
from ehr_sync.usecases.intake.sealed_parts import seal_restricted, unseal_restricted
from mappings.formats.source import EnvelopeScan, Limits
from mappings.model import Dossier
from mappings.sources.dossier.reading.hoso import read_hoso
from mappings.sources.dossier.withholding import says_hiv_record
from tests.usecases.kept import pieces, readable
from tests.usecases.service import DAY, Running

ALICE: Final = 561
HIV: Final = planted(dossier(561, person_index=ALICE, shape="inpatient", rows=3), "xml6_table")
KEY: Final = dict(ECKey.generate_key("P-256").as_dict(private=True))
ROOT: Final = "CHI_TIEU_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS"
ITEM: Final = "HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS"


def test_p9_a_record_of_hiv_is_read_by_its_own_key_alone(running: Running, break_glass_key: dict[str, Any]) -> None:
    sent = envelope([HIV], made_on=DAY)
    [told] = running.results(sent)
    running.settle()

    # Whoever has both databases and the key file reads that there is one, and not what it says.
    assert "d" not in running.stores.keys.restricted
    assert b"MA_BAC_PHAC_DO" not in readable(running)
    rows = break_glass(told.transaction_code, break_glass_key, by="ops", stores=running.stores)
    assert [row["MA_BAC_PHAC_DO"] for row in rows] == ["1"]
    [piece] = pieces(running).values()
    assert unseal_restricted(piece, break_glass_key) in sent
    with pytest.raises(Unreadable):
        break_glass(told.transaction_code, KEY, by="ops", stores=running.stores)
    with pytest.raises(NotFound):
        break_glass(told.transaction_code[:-1] + "A", break_glass_key, by="ops", stores=running.stores)
    looks = running.rows("SELECT action FROM audit_event WHERE action = 'break glass'")
    assert len(looks) == 2

    # A version that merely lacks it stays withheld, and tells nobody in the clear that there was one.
    later = running.post(without_table(HIV, "XML6"), made_on=DAY + timedelta(days=1))
    running.settle()
    assert (running.follow(later.transaction_code).state, running.pushes(person(ALICE).number)) == ("kept", [])
    assert [row[0] for row in running.rows("SELECT notes FROM record_version WHERE notes LIKE '%XML6%'")] == []

    [whose] = running.rows("SELECT person_id FROM person WHERE state = 'proven'")
    erase_person(whose[0], by="ops", stores=running.stores)
    with pytest.raises((NotFound, Unavailable)):
        break_glass(told.transaction_code, break_glass_key, by="ops", stores=running.stores)


def read(piece: bytes, limits: Limits = Limits()) -> Dossier:  # noqa: B008
    """A HOSO alone."""
    return read_hoso(piece, EnvelopeScan("01001", DAY, 1, (), signed=False, issues=()), 1, limits)


def part(name: str, content: str) -> str:
    """A FILEHOSO."""
    return f"<FILEHOSO><LOAIHOSO>{name}</LOAIHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE></FILEHOSO>"


def table(row: str) -> str:
    """An XML6 of one row."""
    return f"<{ROOT}><DS><{ITEM}>{row}</{ITEM}></DS></{ROOT}>"


SAID: Final = table("<MA_LK>L1</MA_LK><BDDT_ARV>20240102</BDDT_ARV>")
SUMMARY: Final = part("XML1", "<TONG_HOP><MA_LK>L1</MA_LK><HO_TEN>A</HO_TEN></TONG_HOP>")
FORMS: Final = {
    "base64": part("XML6", base64.b64encode(SAID.encode()).decode()),
    "nested": part("XML6", SAID),
    "another name": part("XML9", SAID),
    "a comment with an end": part("XML6", f"<!-- </NOIDUNGFILE> -->{SAID}"),
    "escaped": part("XML6", SAID.replace("<", "&lt;")),
    "twice": part("XML6", SAID) + part("HIV", SAID),
}


@pytest.mark.parametrize("form", FORMS)
def test_p9_it_is_sealed_in_whatever_form_it_came_and_stays_withheld(form: str) -> None:
    piece = f"<HOSO>{SUMMARY}{FORMS[form]}{part('XML5', '')}</HOSO>".encode()
    sealed = seal_restricted(piece, read(piece), KEY, Limits())

    assert b"20240102" not in sealed
    assert base64.b64encode(SAID.encode())[:40] not in sealed
    assert unseal_restricted(sealed, KEY) == piece
    again = read(sealed)
    assert (says_hiv_record(again.tables), again.source_id) == (True, "L1")
    assert {name: rows for name, rows in again.tables.items() if name != "XML6"} == {
        name: rows for name, rows in read(piece).tables.items() if name != "XML6"
    }


ASSESSED: Final = "<SO_BIEN_BAN>15/GDYK</SO_BIEN_BAN><HO_TEN>A</HO_TEN><NGAY_SINH>19800101</NGAY_SINH>"
ASSESSMENT: Final = part("XML12", f"<CHI_TIEU_DU_LIEU_GIAM_DINH_Y_KHOA>{ASSESSED}</CHI_TIEU_DU_LIEU_GIAM_DINH_Y_KHOA>")


def test_p9_an_assessment_that_came_alone_is_known_as_before_when_its_xml6_is_sealed() -> None:
    piece = f"<HOSO>{ASSESSMENT}{part('XML6', table('<BDDT_ARV>20240102</BDDT_ARV>'))}</HOSO>".encode()
    sealed = seal_restricted(piece, read(piece), KEY, Limits())

    again = read(sealed)
    assert (again.source, again.source_id) == ("assessment", "\x1fXML12\x1f\x1f15/GDYK")
    assert says_hiv_record(again.tables)
    assert b"20240102" not in sealed
    assert unseal_restricted(sealed, KEY) == piece


SEALED_BEFORE: Final = seal_restricted(
    (before := f"<HOSO>{part('XML6', SAID)}</HOSO>".encode()), read(before), KEY, Limits()
).decode()
NO_TOKEN: Final = f"<{ROOT}><D><{ITEM}><NIEM_PHONG>abc</NIEM_PHONG></{ITEM}></D></{ROOT}>"
LOOK_ALIKES: Final = {
    "no token": f"<NOIDUNGFILE>{NO_TOKEN}</NOIDUNGFILE>",
    "a token": SEALED_BEFORE,
}


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_what_looks_like_a_sealed_part_is_left_as_its_sender_wrote_it(text: str) -> None:
    row = f"<TONG_HOP><MA_LK>L1</MA_LK><HO_TEN><![CDATA[{LOOK_ALIKES[text]}]]></HO_TEN></TONG_HOP>"
    piece = f"<HOSO>{part('XML1', row)}{part('XML6', NO_TOKEN)}{part('XML6', SAID)}</HOSO>".encode()
    sealed = seal_restricted(piece, read(piece), KEY, Limits())

    assert b"20240102" not in sealed
    assert unseal_restricted(sealed, KEY) == piece


@pytest.mark.parametrize("letters", [100_000, 12_000_000])
def test_p9_a_long_one_is_opened_again_and_stays_withheld(letters: int) -> None:
    row = f"<{ITEM}><MA_LK>L1</MA_LK><GHI_CHU>{'a' * 4_000}</GHI_CHU></{ITEM}>"
    said = f"<{ROOT}><DS>{row * (letters // 4_000)}</DS></{ROOT}>"
    piece = f"<HOSO>{SUMMARY}{part('XML6', said)}</HOSO>".encode()
    sealed = seal_restricted(piece, read(piece), KEY, Limits())

    assert b"aaaaaaaa" not in sealed
    assert says_hiv_record(read_hoso(sealed, NOTHING_SAID, 1, ANY_SIZE).tables)
    # Not compared by assert alone: pytest would show the difference of megabytes for minutes.
    is_same = unseal_restricted(sealed, KEY) == piece
    assert is_same


UNREADABLE: Final = SAID.replace("<MA_LK>", "<GHI_CHU>A & B</GHI_CHU><MA_LK>")
IN_BASE64: Final = base64.b64encode(SAID.encode()).decode()
REFUSED: Final = {
    "a bare ampersand": part("XML6", base64.b64encode(UNREADABLE.encode()).decode()),
    "a bare ampersand, another name": part("XML9", base64.b64encode(UNREADABLE.encode()).decode()),
    "a bare ampersand, no name": part("", base64.b64encode(UNREADABLE.encode()).decode()),
    "escaped twice": part("XML9", SAID.replace("<", "&amp;lt;")),
    "broken base64": part("XML6", IN_BASE64[:40] + "*" + IN_BASE64[40:]),
    "broken base64, another name": part("XML9", IN_BASE64[:40] + "*" + IN_BASE64[40:]),
    "base64 of URLs": part("XML9", base64.urlsafe_b64encode(f"<!--???>>>?-->{SAID}".encode()).decode()),
    "UTF-16 without a mark": part("XML9", base64.b64encode(SAID.encode("utf-16-le")).decode()),
    "two contents": part("XML6", f"{SAID}</NOIDUNGFILE><NOIDUNGFILE>{SAID}"),
    "behind too many parts": part("XML5", "") * 1_000 + part("XML6", IN_BASE64),
    "behind a table that cannot be read": part("XML3", "<x>&amp;</x>") + part("XML6", SAID),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("limits", [Limits(), Limits(record_bytes=300), Limits(table_rows=0)], ids=["", "long", "rows"])
def test_p9_in_a_dossier_that_is_refused_it_is_sealed_too(case: str, limits: Limits) -> None:
    piece = f"<HOSO>{SUMMARY}{REFUSED[case]}</HOSO>".encode()
    sealed = seal_restricted(piece, read(piece, limits), KEY, limits)

    assert b"20240102" not in sealed
    assert IN_BASE64[60:].encode() not in sealed
    assert base64.b64encode(SAID.encode("utf-16-le"))[60:100] not in sealed
    assert unseal_restricted(sealed, KEY) == piece
    assert says_hiv_record(read(sealed, ANY_SIZE).tables) or "parts" in case


def test_an_xml6_that_says_nothing_is_left_as_it_came() -> None:
    piece = f"<HOSO>{SUMMARY}{part('XML6', table('<MA_LK>L1</MA_LK><STT>1</STT>'))}</HOSO>".encode()
    assert seal_restricted(piece, read(piece), KEY, Limits()) == piece


@pytest.fixture
def break_glass_key(running: Running) -> dict[str, Any]:
    """The key that was made with the service's key file, which the service never reads."""
    return key_file.load_break_glass(key_file.break_glass_of(running.service.settings.key_file))
