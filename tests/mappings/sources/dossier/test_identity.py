"""Who a dossier says its patient is, and the facts that tell one visit from another
(rules: reused-code, personal-numbers).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.dates import VIETNAM
from mappings.model import ClaimedIdentity
from mappings.sources.dossier.identity import claimed_identity, claimed_number, visit_facts
from tests.mappings.formats.made import SUMMARY, with_values


def claim(**values: str) -> ClaimedIdentity:
    found = claimed_identity(with_values("XML1", **values))
    assert found is not None
    return found


def test_the_claim_is_what_the_summary_says() -> None:
    assert claim() == ClaimedIdentity(
        number="099090000017",
        number_type="cccd",
        name="NGUYỄN VĂN MẪU",
        birth_date="1990-03-15",
        sex="male",
        foreign=False,
        patient_code="BN0001",
        name_may_be_a_parents=False,
    )


@pytest.mark.parametrize(
    ("sent", "country", "number", "kind"),
    [
        ("", "000", "", "none"),
        ("099 090 000 017", "000", "099090000017", "cccd"),
        ("99090000017", "000", "099090000017", "cccd"),
        ("99190000017", "000", "099190000017", "cccd"),
        ("99290000017", "000", "99290000017", "other"),
        ("99091000017", "000", "99091000017", "other"),
        ("9090000017", "000", "009090000017", "cccd"),
        ("9091000017", "000", "9091000017", "other"),
        ("990900000", "000", "990900000", "cmnd"),
        ("990900000", "", "990900000", "cmnd"),
        ("990900000", "840", "990900000", "passport"),
        ("99090000017", "840", "99090000017", "passport"),
        ("c9900001", "000", "C9900001", "passport"),
        ("P00099123", "000", "P00099123", "passport"),
        ("p 0009 9123", "000", "P00099123", "passport"),
        ("P000991", "000", "P000991", "other"),
        ("P000991234", "000", "P000991234", "other"),
        ("PP0009912", "000", "PP0009912", "other"),
        ("AB9900001", "000", "AB9900001", "other"),
        ("AB9900001", "840", "AB9900001", "passport"),
        ("099090000017", "840", "099090000017", "cccd"),
        ("không có", "000", "KHÔNGCÓ", "other"),
        ("dddt00123456", "000", "DDDT00123456", "account"),
        ("DDDT0012345", "000", "DDDT0012345", "account"),
        ("DDDT00123456789", "000", "DDDT00123456789", "account"),
        ("DDDT001234567890", "000", "DDDT001234567890", "other"),
        ("DN4019900000017", "000", "DN4019900000017", "other"),  # an insurance card's
        ("DDDTABCDEFGH", "000", "DDDTABCDEFGH", "other"),
    ],
)
def test_a_number_has_its_kind(sent: str, country: str, number: str, kind: str) -> None:
    found = claim(SO_CCCD=sent, MA_QUOCTICH=country)
    assert (found.number, found.number_type) == (number, kind)


@pytest.mark.parametrize(
    ("country", "foreign"), [("", False), ("000", False), ("VN", False), ("840", True), ("116", True)]
)
def test_a_foreigner_is_known_by_nationality(country: str, foreign: bool) -> None:
    assert claim(MA_QUOCTICH=country).foreign is foreign


@pytest.mark.parametrize(
    ("sent", "sex"), [("1", "male"), ("2", "female"), ("3", "unknown"), ("", "unknown"), ("x", "unknown")]
)
def test_sex_is_said_in_words(sent: str, sex: str) -> None:
    assert claim(GIOI_TINH=sent).sex == sex


def test_a_birth_year_alone_stays_a_year() -> None:
    assert claim(NGAY_SINH="199000000000").birth_date == "1990"


BABY = {"NGAY_SINH": "202606011030", "SO_CCCD": "", "MA_THE_BHYT": "TE1010000000001", "HO_TEN": "TRẦN THỊ MẸ"}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, False),
        (BABY, True),
        ({**BABY, "MA_THE_BHYT": ""}, True),
        ({**BABY, "MA_THE_BHYT": "TE1 0100 0000 0001; DN4010000000017"}, True),
        ({**BABY, "MA_THE_BHYT": "HT3010000000017"}, False),
        ({**BABY, "SO_CCCD": "099226000017"}, False),
        ({**BABY, "SO_CCCD": "099190000017"}, True),
        ({**BABY, "NGAY_SINH": "202506100700"}, False),
        ({**BABY, "NGAY_SINH": "202506110000"}, True),
        ({**BABY, "NGAY_SINH": "202600000000"}, True),
        ({**BABY, "NGAY_SINH": "202500000000"}, False),
        ({**BABY, "NGAY_VAO": ""}, False),
        ({"HO_TEN": "CON BÀ TRẦN THỊ MẪU"}, True),
        ({"HO_TEN": "Con bà Trần Thị Mẫu"}, True),
        ({"HO_TEN": "CB TRẦN THỊ MẪU"}, True),
        ({"HO_TEN": "BÉ GÁI"}, True),
        ({"HO_TEN": "TRẺ SƠ SINH"}, True),
        ({"HO_TEN": "BẾ VĂN ĐÀN"}, False),
        ({"HO_TEN": "CỒN BÀ"}, False),
        ({"HO_TEN": "NGUYỄN THỊ BÉ"}, False),
        ({"HO_TEN": "CONG TRẦN"}, False),
    ],
)
def test_a_newborn_under_a_parents_name_is_noticed(values: dict[str, str], told: bool) -> None:
    assert claim(**values).name_may_be_a_parents is told


@pytest.mark.parametrize("values", [{"HO_TEN": ""}, {"NGAY_SINH": ""}, {"NGAY_SINH": "199013150000"}])
def test_nobody_is_claimed_without_a_name_or_a_birth_date(values: dict[str, str]) -> None:
    assert claimed_identity(with_values("XML1", **values)) is None


@pytest.mark.parametrize("values", [{}, {"HO_TEN": ""}, {"NGAY_SINH": "khong ro"}, {"SO_CCCD": " 099 090 000 017"}])
def test_a_number_can_be_read_where_nothing_else_is_right(values: dict[str, str]) -> None:
    assert claimed_number({"XML1": (SUMMARY | {"SO_CCCD": "099090000017"} | values,)}) == "099090000017"


@pytest.mark.parametrize("tables", [{}, {"XML1": ({"SO_CCCD": " "},)}, {"XML2": ({"MA_LK": "1"},)}])
def test_a_dossier_may_claim_no_number(tables: Any) -> None:
    assert claimed_number(tables) == ""


def test_a_number_is_looked_for_in_other_tables_where_there_is_no_summary() -> None:
    assert (
        claimed_number({"XML2": ({},), "XML0": ({"SO_CCCD": "099090000017", "NGAY_SINH": "19900101"},)})
        == "099090000017"
    )


def test_without_a_summary_there_is_neither_claim_nor_visit() -> None:
    assert claimed_identity({"XML2": ()}) is None
    assert claimed_identity({"XML1": ()}) is None
    assert visit_facts({}) is None


def test_a_claim_shows_nothing_of_a_person() -> None:
    shown = repr(claim()) + repr(visit_facts({"XML1": (SUMMARY,)}))
    assert not any(value in shown for value in ("0990", "MẪU", "1990", "BN0001"))


def test_the_facts_of_a_visit_are_in_vietnamese_time() -> None:
    facts = visit_facts({"XML1": (SUMMARY,)})
    assert facts is not None
    assert facts.admitted == datetime(2026, 6, 10, 7, 0, tzinfo=VIETNAM)
    assert (facts.admitted_on, facts.discharged) == (date(2026, 6, 10), datetime(2026, 6, 10, 10, 0, tzinfo=VIETNAM))
    assert facts.patient_code == "BN0001"


@pytest.mark.parametrize(
    ("admitted", "day"), [("20260610", date(2026, 6, 10)), ("202606302400", date(2026, 7, 1)), ("", None), ("x", None)]
)
def test_the_day_of_admission_is_known_where_it_can_be(admitted: str, day: date | None) -> None:
    facts = visit_facts(with_values("XML1", NGAY_VAO=admitted))
    assert facts is not None
    assert facts.admitted_on == day


def test_an_open_visit_has_no_discharge() -> None:
    facts = visit_facts(with_values("XML1", NGAY_RA=""))
    assert facts is not None
    assert facts.discharged is None


@given(st.dictionaries(st.sampled_from(list(SUMMARY)), st.text(max_size=13) | st.from_regex(r"\A[0-9]{8,12}\Z")))
def test_any_summary_has_a_claim_or_none(values: dict[str, Any]) -> None:
    tables = {"XML1": ({**SUMMARY, **values},)}
    found = claimed_identity(tables)
    assert found is None or found.name
    assert visit_facts(tables) is not None


CARD: Final = "099090000017||Nguyễn Văn Mẫu|15031990|Nam|Phố Mẫu|01012022"


@pytest.mark.parametrize(
    ("sent", "number", "name"),
    [
        ({"SO_CCCD": CARD}, "099090000017", None),
        ({"HO_TEN": CARD, "SO_CCCD": ""}, "099090000017", "Nguyễn Văn Mẫu"),
        ({"HO_TEN": CARD, "SO_CCCD": "099090000018"}, "099090000018", "Nguyễn Văn Mẫu"),
        ({"SO_CCCD": CARD, "HO_TEN": CARD}, "099090000017", "Nguyễn Văn Mẫu"),
        ({"SO_CCCD": CARD.rpartition("|")[0]}, None, None),
    ],
)
def test_a_card_scanned_whole_into_a_field_gives_the_fields_part(
    sent: dict[str, str], number: str | None, name: str | None
) -> None:
    found, ordinary = claim(**sent), claim()
    assert found.name == (name or ordinary.name)
    assert (found.number == number) if number else (found.number_type == "other")


def test_a_name_in_an_encoding_of_before_unicode_is_read_as_what_it_says() -> None:
    assert claim(HO_TEN="NguyÔn V¨n Hïng").name == "Nguyễn Văn Hùng"
    assert claim(HO_TEN="NguyÔn Lan").name == "NguyÔn Lan"  # one word may be from abroad
