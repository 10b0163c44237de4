"""A part of a dossier joins its visit row by row (rules: waiting-for-summary, natural-keys)."""

from __future__ import annotations

from mappings.model import Row
from mappings.sources.dossier.joining import joined


def result(service: str, name: str, at: str, value: str) -> Row:
    return {"STT": "1", "MA_DICH_VU": service, "TEN_CHI_SO": name, "NGAY_KQ": at, "GIA_TRI": value}


def test_rows_take_the_place_of_those_that_tell_of_the_same_and_others_come_to_them() -> None:
    before = {
        "XML1": ({"MA_LK": "A"},),
        "XML4": (
            result("D1", "Na", "0900", "140"),
            result("D1", "Na", "0900", "141"),
            result("D2", "CRP", "1000", "5"),
        ),
        "XML7": ({"PP_DIEUTRI": "một"},),
    }
    part = {
        "XML4": (result("D3", "Cấy máu", "1100", "âm tính"), result("D1", "Na", "0900", "142")),
        "XML7": ({"PP_DIEUTRI": "hai"},),
        "XML5": (),
    }
    assert joined(before, part) == {
        "XML1": before["XML1"],
        "XML4": (part["XML4"][1], before["XML4"][1], before["XML4"][2], part["XML4"][0]),
        "XML7": part["XML7"],
        "XML5": (),
    }


def test_a_table_that_is_sent_empty_is_empty_and_an_absent_one_stays() -> None:
    before = {"XML4": (result("D1", "Na", "0900", "140"),), "XML2": ({"MA_THUOC": "40.1"},)}
    assert joined(before, {"XML4": ()}) == {"XML4": (), "XML2": before["XML2"]}
    assert joined({}, before) == before
