"""Which edition of a list rules on a day, and what is said of a code: expected values are by hand from the decrees."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest

from mappings.sources.edition import SHIPPED, mapping
from mappings.sources.lists import Icd10List, code_list
from mappings.terminology import editions, icd10
from mappings.terminology.editions import Edition, Loaded
from tests.given import URIS
from tests.mappings.terminology.installed import installed

JUNE, JULY = date(2026, 6, 30), date(2026, 7, 1)
LAST_OLD, FIRST_NEW = date(2025, 6, 30), date(2025, 7, 1)
TT06 = Edition("06/2026/TT-BYT", {"A00.0": "Tả cổ điển", "U99.91": "Bệnh mới"}, first=JULY, limits={"U99.91": "n"})
AREAS = Edition("QĐ 1", {"K1": "", "K4": "Khu vực 4"}, first=date(2026, 9, 1))


@pytest.mark.parametrize(
    ("field", "code", "on", "problem"),
    [
        # Phường Phúc Xá became a part of Phường Hồng Hà; Phường Ba Đình has the code of Phường Trúc Bạch.
        ("MAXA_CU_TRU", "00001", LAST_OLD, None),
        ("MAXA_CU_TRU", "00001", FIRST_NEW, ("value.code_replaced", "00097 Phường Hồng Hà")),
        ("MAXA_CU_TRU", "00004", LAST_OLD, None),
        ("MAXA_CU_TRU", "00004", FIRST_NEW, None),
        # One old commune was shared out among two new ones: xã Liên Hà of Đan Phượng.
        ("MAXA_CU_TRU", "09802", FIRST_NEW, ("value.code_replaced", "09022 Xã Mê Linh, 09817 Xã Ô Diên")),
        ("MAXA_CU_TRU", "99999", FIRST_NEW, ("value.code_unknown", "QĐ 19/2025/QĐ-TTg")),
        # The list of before is not whole: nobody can say that a code was wrong.
        ("MAXA_CU_TRU", "99999", LAST_OLD, None),
        # Hà Giang is of Tuyên Quang now; software that keeps codes as numbers has lost the zero.
        ("MATINH_CU_TRU", "02", LAST_OLD, None),
        ("MATINH_CU_TRU", "2", FIRST_NEW, ("value.code_replaced", "08 Tỉnh Tuyên Quang")),
        ("MATINH_CU_TRU", "1", FIRST_NEW, None),
        ("MA_LOAI_KCB", "14", date(2026, 7, 31), ("value.code_not_in_force", "from 2026-08-01")),
        ("MA_LOAI_KCB", "14", date(2026, 8, 1), None),
        # Five digits are looked up by their group of two.
        ("MA_NGHE_NGHIEP", "22110", FIRST_NEW, None),
        ("MA_DANTOC", "55", FIRST_NEW, None),
        ("MA_DANTOC", "56", FIRST_NEW, ("value.code_unknown", "01-55, 99")),
        ("DUONG_DUNG", "9.99", FIRST_NEW, None),
    ],
)
def test_a_code_is_held_to_the_list_of_the_day(
    field: str, code: str, on: date, problem: tuple[str, str] | None
) -> None:
    assert code_list(field).problem(code, on) == problem


def test_an_occupation_of_no_group_is_unknown() -> None:
    found = code_list("MA_NGHE_NGHIEP").problem("04110", FIRST_NEW)
    assert found is not None
    assert found[0] == "value.code_unknown"


def test_old_communes_are_said_to_be_replaced_by_codes_that_are_there() -> None:
    new, old = editions.editions("commune")
    wrong = [code for code, came in old.successors.items() if code in new.names or not {*came} <= new.names.keys()]
    assert (wrong, len(new.names), len(old.names), len(old.successors)) == ([], 3321, 10595, 6140)


def test_every_old_province_that_is_none_any_more_has_one_in_its_place() -> None:
    new, old = editions.editions("province")
    assert (len(old.names), len(new.names)) == (63, 34)
    assert old.successors.keys() == old.names.keys() - new.names.keys()
    assert {one for came in old.successors.values() for one in came} <= new.names.keys()


def test_without_the_edition_of_the_day_nothing_is_said_and_nothing_is_checked() -> None:
    assert editions.in_force("icd10", JULY) is None
    assert Icd10List().problem("Z99.99", JULY) is None
    assert not Icd10List().is_checked("A00.0", JULY)
    assert Icd10List().problem("Z99.99", JUNE) == ("value.code_unknown", "ICD-10, 4469/QĐ-BYT (2020)")


def test_a_loaded_edition_rules_from_its_first_day_on() -> None:
    with installed(Loaded("icd10", 1, TT06)):
        assert Icd10List().problem("U99.91", JULY) is None
        assert Icd10List().problem("U99.91", JUNE) == ("value.code_not_in_force", "from 2026-07-01")
        assert Icd10List().problem("I10", JULY) == ("value.code_not_in_force", "until 2026-06-30")
        assert Icd10List().problem("Z99.99", JULY) == ("value.code_unknown", "ICD-10, 06/2026/TT-BYT")
        assert (icd10.limits("U99.91", JULY), icd10.limits("U99.91", JUNE)) == ("n", "")
        named = icd10.icd10("A00.0", JULY, URIS)
        assert (named["display"], named["version"]) == ("Tả cổ điển", "06/2026/TT-BYT")
        assert icd10.icd10("A00.0", JUNE, URIS)["display"].startswith("Bệnh tả do Vibrio cholerae 01")
        # A code that the new list does not name keeps the name that it had.
        assert icd10.icd10("I10", JULY, URIS)["display"] == "Bệnh lý tăng huyết áp"
        assert icd10.shipped_name("U99.91") == ""


def test_of_two_editions_of_one_day_the_later_loaded_counts_and_the_other_again_without_it() -> None:
    mended = Edition("QĐ 1 (đính chính)", {"K5": ""}, first=AREAS.first)
    with installed(Loaded("area", 7, mended), Loaded("area", 3, AREAS)):
        assert code_list("MA_KHUVUC").problem("K5", AREAS.first) is None
        assert code_list("MA_KHUVUC").problem("K1", AREAS.first) is not None
        assert code_list("MA_KHUVUC").problem("K2", date(2026, 8, 31)) is None
    with installed(Loaded("area", 3, AREAS)):
        assert code_list("MA_KHUVUC").problem("K5", AREAS.first) == ("value.code_unknown", "K1, K4")
        assert code_list("MA_KHUVUC").problem("K2", AREAS.first) == ("value.code_not_in_force", "until 2026-08-31")


def test_an_edition_that_has_ended_leaves_no_older_one_in_force() -> None:
    short = Edition("QĐ 2", {"K1": ""}, first=date(2026, 9, 1), last=date(2026, 9, 30))
    with installed(Loaded("area", 1, short)):
        assert editions.in_force("area", date(2026, 9, 30)) == short
        assert editions.in_force("area", date(2026, 10, 1)) is None
        assert code_list("MA_KHUVUC").problem("K9", date(2026, 10, 1)) is None


def test_what_is_loaded_makes_another_edition_of_the_mapping() -> None:
    assert mapping() == SHIPPED
    with installed(Loaded("area", 1, AREAS)):
        one = mapping()
    with installed(Loaded("area", 2, AREAS)):
        another = mapping()
    assert len({SHIPPED, one, another}) == 3
    assert (len(one), mapping()) == (8, SHIPPED)


@pytest.mark.parametrize("name", editions.names())
def test_every_list_has_editions_that_do_not_overlap(name: str) -> None:
    found = editions.shipped(name)
    assert all(one.names and one.name for one in found)
    assert all(later.first > one.last for later, one in pairwise(found))
