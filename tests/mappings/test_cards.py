"""Codes of cards as scanners read them, and what stands inside a personal number. All people are invented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.cards import IdentityCard, InsuranceCard, read_card, read_identity_card, read_insurance_card
from mappings.numbers import birth_year_in, is_personal, is_place_known, sex_in

IDENTITY = "099090000017|012345678|Nguyễn Văn Mẫu|15031990|Nam|Số 1 phố Mẫu, Hoàn Kiếm, Hà Nội|01012022"
CARD = IdentityCard(
    "099090000017", "012345678", "Nguyễn Văn Mẫu", "1990-03-15", "male", "Số 1 phố Mẫu, Hoàn Kiếm, Hà Nội", "2022-01-01"
)
NAME = "Trần Thị Mẫu".encode().hex()
INSURANCE = f"9900000017|{NAME}|29/03/1988|2|-|01 - C54|01/07/2023|-|31/07/2023|01059900000017|-|4| 01/10/2027|x|4|y|$"
INSURED = InsuranceCard(
    number="9900000017",
    insurance_number="9900000017",
    name="Trần Thị Mẫu",
    birth_date="1988-03-29",
    sex="female",
    address="",
    facility="01C54",
    valid_from="2023-07-01",
    valid_to="",
    issued_on="2023-07-31",
    five_years_on="2027-10-01",
)


@pytest.mark.parametrize(
    "code",
    [
        IDENTITY,
        f"  {IDENTITY}\r\n",  # a scanner ends with Enter
        f"\ufeff{IDENTITY}",
        f"{IDENTITY}|||",  # a card of 2024
        f"{IDENTITY}|Nguyễn Văn Cha|Trần Thị Mẹ|099060000001",
        IDENTITY.replace("Nguyễn Văn Mẫu", " Nguyễn  Văn Mẫu "),
    ],
)
def test_an_identity_card_is_read_however_its_scanner_ends_it(code: str) -> None:
    assert read_card(code) == CARD


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        (IDENTITY.replace("|012345678|", "||"), {"old_number": ""}),
        (IDENTITY.replace("|Nam|", "|Nữ|"), {"sex": "female"}),
        (IDENTITY.replace("|Nam|", "|NỮ|"), {"sex": "female"}),
        (IDENTITY.replace("|Nam|", "||"), {"sex": "unknown"}),
        (IDENTITY.replace("01012022", ""), {"issued_on": ""}),
        (IDENTITY.replace("01012022", "31022022"), {"issued_on": ""}),
    ],
)
def test_what_an_identity_card_does_not_say_is_blank(code: str, changed: dict[str, str]) -> None:
    card = read_identity_card(code)
    assert card is not None
    assert {name: getattr(card, name) for name in changed} == changed


@pytest.mark.parametrize(
    "code",
    [
        "",
        "099090000017",
        IDENTITY.replace("|", ";"),
        IDENTITY.rpartition("|")[0],  # cut off
        IDENTITY.replace("099090000017", "99090000017"),
        IDENTITY.replace("15031990", "31021990"),
        IDENTITY.replace("15031990", "1990"),
        IDENTITY.replace("Nguyễn Văn Mẫu", ""),
        IDENTITY.replace("012345678", "12"),
        IDENTITY + "|" + "x" * 2_000,
        INSURANCE.replace(NAME, NAME[:-1]),  # half a letter
        INSURANCE.replace(NAME, "zz"),
        INSURANCE.replace(NAME, "ff"),
        INSURANCE.replace("29/03/1988", "29/02/1989"),
        INSURANCE.replace("9900000017|", "99|", 1),
    ],
)
def test_anything_else_is_the_code_of_neither_card(code: str) -> None:
    assert read_card(code) is None


def test_an_insurance_card_is_read_with_its_name_in_hexadecimal() -> None:
    assert read_card(INSURANCE) == INSURED


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        (
            INSURANCE.replace("9900000017|", "DN4019900000017|", 1),
            {"number": "DN4019900000017", "insurance_number": "9900000017"},
        ),
        (
            INSURANCE.replace("9900000017|", "099188000017|", 1),
            {"number": "099188000017", "insurance_number": "099188000017"},
        ),
        (INSURANCE.replace("29/03/1988", "1988"), {"birth_date": "1988"}),
        (INSURANCE.replace("|2|-|", f"|1|{'Phố Mẫu'.encode().hex().upper()}|"), {"sex": "male", "address": "Phố Mẫu"}),
        (INSURANCE.replace("01 - C54", "01-005"), {"facility": "01005"}),
        (INSURANCE.replace("01 - C54", "-"), {"facility": ""}),
    ],
)
def test_an_insurance_card_of_any_kind_is_read(code: str, changed: dict[str, str]) -> None:
    card = read_insurance_card(code)
    assert card is not None
    assert {name: getattr(card, name) for name in changed} == changed


@given(st.text(alphabet="|0159/ -aNữ", max_size=60))
def test_no_text_is_too_strange_for_a_scanner(text: str) -> None:
    assert isinstance(read_card(text), IdentityCard | InsuranceCard | None)


def test_p11_no_card_tells_whose_it_is() -> None:
    said = repr([CARD, INSURED])
    assert [value for value in ("Mẫu", "0990", "9900", "19", "phố") if value in said] == []


@pytest.mark.parametrize(
    ("number", "place", "year", "sex"),
    [
        ("001090000000", True, 1990, "male"),  # Hà Nội
        ("096188000000", True, 1988, "female"),  # Cà Mau
        ("099201000017", True, 2001, "male"),  # nobody's: invented
        ("101310000000", True, 2010, "female"),  # born abroad
        ("003090000000", False, 1990, "male"),
        ("000090000000", False, 1990, "male"),
        ("097090000000", False, 1990, "male"),
        ("100090000000", False, 1990, "male"),
    ],
)
def test_a_number_says_where_when_and_which_sex(number: str, place: bool, year: int, sex: str) -> None:
    assert is_personal(number)
    assert (is_place_known(number), birth_year_in(number), sex_in(number)) == (place, year, sex)


def test_the_provinces_of_then_are_sixty_three() -> None:
    assert sum(is_place_known(f"{code:03}190000017") for code in range(1, 99)) == 63


@pytest.mark.parametrize("text", ["", "09909000001", "0990900000177", "09909000001a", "٠٩٩٠٩٠٠٠٠٠١٧"])
def test_anything_else_is_no_personal_number(text: str) -> None:
    assert not is_personal(text)
