"""The sandbox's generator: always the same, of the decree's shape, and right in its sums."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from io import BytesIO
from itertools import chain
from unicodedata import is_normalized

import pytest
from click.testing import CliRunner

from ehr_sync.sandbox.city.communes import communes
from ehr_sync.sandbox.city.facilities import DEMO, FACILITIES, facility
from ehr_sync.sandbox.city.people import Person, by_number, mother_of, person, registry_entry
from ehr_sync.sandbox.commands import sandbox
from ehr_sync.sandbox.dossiers.bad_inputs import bad_inputs, zeros_in_base64
from ehr_sync.sandbox.dossiers.catalogue import conditions, table_shapes
from ehr_sync.sandbox.dossiers.generator import (
    DECOYS,
    MESSY_KINDS,
    MESSY_STYLES,
    RESTRICTED_KINDS,
    SHAPES,
    Hoso,
    Style,
    billing_only,
    corrected,
    dossier,
    envelope,
    json_batch,
    messed,
    mix,
    more_rows,
    planted,
    reordered,
    with_number,
    with_patient,
    without_row,
    without_table,
)
from ehr_sync.sandbox.dossiers.money import hundredths
from ehr_sync.sandbox.dossiers.visits import VISIT_TYPE
from mappings.formats.source import Limits
from mappings.sources.dossier.reading.envelope import scan
from mappings.sources.dossier.reading.hoso import read_hoso
from tests.sandbox.dossiers.reading import tables_of

SEEDS = range(0, 400, 33)
NUMBERED = [person(i) for i in (0, 39, 40, 47, 12_345, 899_960, 900_001, 999_999)]


def _sum(hoso: Hoso, tag: str, tables: tuple[str, ...] = ("XML2", "XML3")) -> int:
    return sum(hundredths(row[tag]) for table in tables for row in hoso.tables.get(table, []))


def _differing(one: Hoso, other: Hoso) -> set[tuple[str, str]]:
    """(table, tag) of every value that differs between two dossiers with the same rows."""
    pairs = ((t, a, b) for t in one.tables for a, b in zip(one.tables[t], other.tables[t], strict=True))
    return {(t, tag) for t, a, b in pairs for tag in a if a[tag] != b[tag]}


def _rows_as_read(sent: bytes) -> dict[str, list[dict[str, str]]]:
    """What the product's reader makes of the one dossier in an envelope; it keeps sent-empty and absent apart."""
    found = scan(BytesIO(sent), Limits())
    ((start, end),) = found.spans
    tables = read_hoso(sent[start:end], found, 0, Limits()).tables
    return {t: [dict(row) for row in rows] for t, rows in tables.items() if rows}


# people


@pytest.mark.parametrize("who", NUMBERED, ids=lambda p: str(p.index))
def test_a_number_says_province_099_sex_century_year_and_index(who: Person) -> None:
    century_and_sex = {("male", 19): "0", ("female", 19): "1", ("male", 20): "2", ("female", 20): "3"}
    digit = century_and_sex[who.sex, who.birth_date.year // 100]
    assert who.number == f"099{digit}{who.birth_date:%y}{who.index:06d}"


@pytest.mark.parametrize("who", NUMBERED, ids=lambda p: str(p.index))
def test_a_number_leads_back_to_its_person(who: Person) -> None:
    assert by_number(who.number) == who


@pytest.mark.parametrize("number", ["", "12", "09909000001x", "099999000001", "001090000017", "٠٩٩٠٩٠٠٠٠٠١٧"])
def test_a_number_that_is_nobodys_leads_to_nobody(number: str) -> None:
    assert by_number(number) is None


@pytest.mark.parametrize("index", [49, 99, 48, 98])
def test_newborns_and_foreigners_have_no_number_and_are_not_in_the_registry(index: int) -> None:
    assert person(index).number == ""
    assert registry_entry(person(index)) is None


def test_a_foreigner_has_a_passport_and_another_nationality() -> None:
    foreigner = person(48)
    assert foreigner.passport[1:].isdigit()
    assert foreigner.nationality != "000"


def test_a_child_has_a_mother_of_the_right_age() -> None:
    child = person(41)
    mother = mother_of(child)
    assert mother is not None
    assert mother.sex == "female"
    assert 19 <= child.birth_date.year - mother.birth_date.year <= 44


def test_names_are_upper_case_and_composed() -> None:
    names = [person(i).name for i in range(2000)]
    assert all(is_normalized("NFC", n) and n == n.upper() for n in names)


def test_names_have_between_one_and_six_words() -> None:
    assert {len(person(i).name.split()) for i in range(5000)} >= {1, 2, 3, 4, 5, 6}


def test_names_come_with_apostrophes_hyphens_and_both_tone_placements() -> None:
    joined = "|".join(person(i).name for i in range(5000))
    assert all(part in joined for part in ("H'HEN NIÊ", "K'BRƠI", "Y PHÔN", "TÔN-NỮ", "HÒA", "HOÀ", "Đ"))


def test_an_address_names_a_commune_of_today() -> None:
    assert dict(communes())[person(5).commune] in person(5).address


@pytest.mark.parametrize("index", [-1, 1_000_000])
def test_there_is_nobody_outside_the_population(index: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 999999"):
        person(index)


@pytest.mark.parametrize(
    ("index", "claimed", "held", "born"),
    [
        (900_002, "NGUYỄN VĂN HÒA", "NGUYỄN VĂN HOÀ", "%Y%m%d"),
        (900_009, "PHẠM VĂN HÙNG", "PHAM VAN HUNG", "%Y%m%d"),
        (900_004, person(900_004).name, person(900_004).name, "%Y"),
        (900_021, person(900_021).name, person(900_021).name, "%Y%m%d"),
    ],
)
def test_magic_people_are_held_by_the_registry_as_published(index: int, claimed: str, held: str, born: str) -> None:
    entry = registry_entry(person(index))
    assert entry is not None
    assert (person(index).name, entry.name) == (claimed, held)
    assert entry.birth_date == person(index).birth_date.strftime(born)


def test_the_registry_holds_another_name_for_the_magic_one() -> None:
    entry = registry_entry(person(900_003))
    assert entry is not None
    assert entry.name != person(900_003).name


def test_the_registry_does_not_hold_the_one_not_found() -> None:
    assert registry_entry(person(900_001)) is None


def test_nobody_shows_who_they_are_in_a_repr() -> None:
    who = person(7)
    assert who.number not in repr((who, registry_entry(who)))
    assert who.name not in repr((who, registry_entry(who)))


# facilities


def test_a_renamed_facility_stays_in_its_family() -> None:
    old, new = facility("01C51"), facility("01C52")
    assert old is not None
    assert new is not None
    assert old.family == new.family


def test_a_district_centre_sends_for_its_stations() -> None:
    assert {f.code for f in FACILITIES if f.client == "trung-tam-mau"} > {"01M00", "01M01"}


def test_the_demo_registers_three_hospitals() -> None:
    assert {f.kind for f in FACILITIES if f.code in DEMO} == {"hospital"}
    assert len(DEMO) == 3


# dossiers


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_seed_gives_the_same_bytes(shape: str) -> None:
    assert envelope([dossier(11, shape=shape)]) == envelope([dossier(11, shape=shape)])


def test_other_seeds_give_other_dossiers_of_other_people() -> None:
    made = [dossier(seed) for seed in range(300)]
    assert len({h.ma_lk for h in made}) == 300
    assert len({h.summary["MA_BN"] for h in made}) == 300


@pytest.mark.parametrize("shape", SHAPES)
def test_a_dossier_has_exactly_the_rows_asked_for(shape: str) -> None:
    asked = [0, 1, 2, 9, 30, 60, 400]
    assert [dossier(3, shape=shape, rows=rows).rows for rows in asked] == asked


def test_one_seed_in_a_thousand_brings_two_thousand_rows() -> None:
    assert dossier(999).rows == 2000


def test_an_ordinary_day_has_about_thirty_rows_a_dossier() -> None:
    mean = sum(mix(seed).rows for seed in range(900)) / 900
    assert 26 <= mean <= 34


@pytest.mark.parametrize("seed", SEEDS)
def test_every_row_has_the_tags_of_the_decree_in_their_order(seed: int) -> None:
    found = {(t, tuple(row)) for t, rows in dossier(seed).tables.items() for row in rows}
    assert found == {(t, table_shapes()[t].tags) for t in dossier(seed).tables}


@pytest.mark.parametrize("seed", SEEDS)
def test_an_envelope_decodes_to_the_same_values(seed: int) -> None:
    made = dossier(seed)
    assert tables_of(envelope([made])) == [made.tables]


def test_values_that_xml_must_escape_come_back_whole() -> None:
    made = planted(dossier(1, shape="inpatient"), "text_note")
    made.summary["GHI_CHU"] = "WBC < 4 & > 2 ]]>"
    assert tables_of(envelope([made]))[0]["XML1"][0]["GHI_CHU"] == "WBC < 4 & > 2 ]]>"


def test_an_envelope_holds_several_dossiers_in_order() -> None:
    made = [dossier(seed) for seed in range(40)]
    assert [t["XML1"][0]["MA_LK"] for t in tables_of(envelope(made))] == [h.ma_lk for h in made]


def test_a_batch_holds_the_envelopes_byte_for_byte() -> None:
    sent = [envelope([dossier(1)]), envelope([dossier(2)])]
    batch = json.loads(json_batch(sent, "01001"))
    assert [b64decode(f) for f in batch["files"]] == sent


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("total", "tag", "tables"),
    [
        ("T_THUOC", "THANH_TIEN_BV", ("XML2",)),
        ("T_TONGCHI_BV", "THANH_TIEN_BV", ("XML2", "XML3")),
        ("T_TONGCHI_BH", "THANH_TIEN_BH", ("XML2", "XML3")),
        ("T_BNTT", "T_BNTT", ("XML2", "XML3")),
        ("T_BNCCT", "T_BNCCT", ("XML2", "XML3")),
        ("T_BHTT", "T_BHTT", ("XML2", "XML3")),
    ],
)
def test_a_total_is_the_sum_of_its_rows(seed: int, total: str, tag: str, tables: tuple[str, ...]) -> None:
    made = dossier(seed)
    assert hundredths(made.summary[total]) == _sum(made, tag, tables)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fund_pays_what_is_insured_less_the_co_payment(seed: int) -> None:
    row = dossier(seed).summary
    assert hundredths(row["T_BHTT"]) == hundredths(row["T_TONGCHI_BH"]) - hundredths(row["T_BNCCT"])


@pytest.mark.parametrize("seed", SEEDS)
def test_an_amount_is_quantity_times_price_rounded_to_the_hundredth(seed: int) -> None:
    rows = dossier(seed).tables.get("XML2", [])
    exact = [Decimal(r["SO_LUONG"]) * Decimal(r["DON_GIA"]) for r in rows]
    assert [r["THANH_TIEN_BV"] for r in rows] == [str(e.quantize(Decimal("0.01"), ROUND_HALF_UP)) for e in exact]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rows", [5, 60, 2000])
def test_nothing_is_ordered_outside_the_visit(shape: str, rows: int) -> None:
    made = dossier(6, shape=shape, rows=rows)
    listed = chain(*(made.tables.get(t, []) for t in ("XML2", "XML3", "XML4", "XML5")))
    times = [r.get("NGAY_YL") or r.get("THOI_DIEM_DBLS") or r.get("NGAY_KQ") or "" for r in listed]
    assert made.summary["NGAY_VAO"] <= min(filter(None, times))
    assert max(times) <= made.summary["NGAY_RA"]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_visit_type_is_that_of_the_shape(shape: str) -> None:
    assert dossier(4, shape=shape).summary["MA_LOAI_KCB"] == VISIT_TYPE[shape]


def test_a_long_term_course_ends_in_the_future_at_the_last_minute_of_the_day() -> None:
    row = dossier(4, shape="long_term", made_on=date(2026, 11, 20)).summary
    assert row["NGAY_RA"] > "202611202359"
    assert row["NGAY_RA"].endswith("2359")


def test_a_stay_has_discharge_and_summary_papers() -> None:
    assert dossier(4, shape="inpatient").tables.keys() >= {"XML7", "XML8"}


def test_a_referral_has_its_paper_and_names_where_to() -> None:
    made = dossier(4, shape="referral")
    assert made.tables["XML13"][0]["MA_NOI_DEN"] == made.summary["MA_NOI_DEN"] != ""


def test_a_newborn_has_no_number_and_is_young() -> None:
    row = dossier(4, shape="newborn", visit_day=date(2026, 11, 15)).summary
    assert row["SO_CCCD"] == ""
    assert "20260916" <= row["NGAY_SINH"][:8] <= "20261115"


def test_newborns_come_under_their_mothers_name_and_their_own() -> None:
    rows = [dossier(seed, shape="newborn").summary for seed in range(30)]
    own = {row["HO_TEN"] == person(int(row["MA_BN"][2:])).name for row in rows}
    assert own == {True, False}


def test_a_dossier_is_of_the_person_asked_for() -> None:
    row = dossier(4, person_index=17).summary
    assert (row["SO_CCCD"], row["HO_TEN"]) == (person(17).number, person(17).name)


def test_a_number_picks_its_person() -> None:
    assert dossier(4, number=person(17).number).summary["HO_TEN"] == person(17).name


def test_a_number_that_is_nobodys_is_claimed_all_the_same() -> None:
    assert dossier(4, number="099090999999").summary["SO_CCCD"] == "099090999999"


def test_every_disease_and_companion_is_in_the_list() -> None:
    known = conditions().keys()
    assert {c for condition in conditions().values() for c in condition.companions} <= known


def test_there_are_forty_diseases_that_people_come_with() -> None:
    assert sum(1 for c in conditions().values() if c.weight) >= 40


def test_an_unknown_shape_is_an_error() -> None:
    with pytest.raises(ValueError, match="shape is one of"):
        dossier(1, shape="dental")


# what happens to them


@pytest.mark.parametrize("seed", SEEDS)
def test_a_correction_changes_content_and_keeps_the_patient(seed: int) -> None:
    made = dossier(seed)
    changed = _differing(made, corrected(made, 1))
    assert ("XML1", "GHI_CHU") in changed
    copied = {(table, t) for table in ("XML1", "XML13", "XML14") for t in ("MA_BENH_KT", "CHAN_DOAN_RV")}
    assert changed <= copied | {
        ("XML1", "GHI_CHU"),
        ("XML4", "GIA_TRI"),
        ("XML4", "NGAY_KQ"),
    }


def test_corrections_with_different_seeds_differ() -> None:
    made = dossier(5)
    assert len({envelope([corrected(made, seed)]) for seed in range(20)}) == 20


def test_a_change_of_billing_touches_nothing_clinical() -> None:
    made = dossier(5)
    tags = {tag for _, tag in _differing(made, billing_only(made))}
    assert tags <= {"NGAY_TTOAN", "T_BHTT_GDV", "TT_THAU", "MA_PTTT"}
    assert "NGAY_TTOAN" in tags


def test_reordered_rows_are_the_same_rows_with_new_numbers() -> None:
    made, other = dossier(5, rows=40), reordered(dossier(5, rows=40))
    bare = [{**r, "STT": ""} for r in made.tables["XML4"]]
    assert [{**r, "STT": ""} for r in other.tables["XML4"]] != bare
    assert sorted(map(str, bare)) == sorted(str({**r, "STT": ""}) for r in other.tables["XML4"])
    assert [r["STT"] for r in other.tables["XML4"]] == [r["STT"] for r in made.tables["XML4"]]


def test_a_dossier_without_a_row_still_adds_up() -> None:
    made = without_row(dossier(5, rows=40), "XML3", 1)
    assert made.rows == 39
    assert hundredths(made.summary["T_TONGCHI_BV"]) == _sum(made, "THANH_TIEN_BV")


def test_a_dossier_without_a_table_has_no_trace_of_it() -> None:
    assert "XML4" not in without_table(dossier(5, rows=40), "XML4").tables


def test_another_number_is_the_only_change() -> None:
    made = dossier(5)
    assert _differing(made, with_number(made, "099090000017")) == {("XML1", "SO_CCCD")}


def test_another_patient_replaces_the_first_everywhere() -> None:
    made = with_patient(dossier(5, shape="referral"), person(17))
    names = {row["HO_TEN"] for rows in made.tables.values() for row in rows if "HO_TEN" in row}
    assert names == {person(17).name}


def test_rows_can_be_multiplied_beyond_every_limit() -> None:
    made = more_rows(dossier(5, rows=40), "XML4", 10_001)
    keys = {(r["MA_DICH_VU"], r["MA_CHI_SO"], r["NGAY_KQ"]) for r in made.tables["XML4"]}
    assert len(made.tables["XML4"]) == 10_001
    assert len(keys) > 9_900


def test_variations_leave_the_original_alone() -> None:
    made = dossier(5, rows=40)
    before = envelope([made])
    for changed in (corrected(made, 1), billing_only(made), reordered(made), without_row(made, "XML3")):
        assert envelope([changed]) != before
    assert envelope([made]) == before


# restricted, messy, bad


@pytest.mark.parametrize("shape", ["outpatient", "inpatient"])
def test_a_planted_item_changes_one_field_of_one_row_at_most(shape: str) -> None:
    made = dossier(8, shape=shape, rows=3)
    assert {kind: n for kind in (*RESTRICTED_KINDS, *DECOYS) if (n := _changes(made, planted(made, kind))) != 1} == {}


def _changes(made: Hoso, other: Hoso) -> int:
    new = other.tables.keys() - made.tables.keys()
    shared = replace(other, tables={t: other.tables[t] for t in made.tables})
    return len(new) + len(_differing(made, shared))


def test_there_are_thirty_kinds_of_restricted_items_at_least() -> None:
    assert len(RESTRICTED_KINDS) >= 30


def test_ordinary_dossiers_name_nothing_restricted() -> None:
    text = "".join(str(dossier(seed).tables) for seed in range(300)).upper()
    assert [word for word in ("HIV", "AIDS", "ARV", "SIDA", "PREP", "OPC") if word in text] == []


def test_an_unknown_restricted_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="restricted kind"):
        dossier(1, restricted="nothing")


@pytest.mark.parametrize("kind", MESSY_KINDS)
@pytest.mark.parametrize("seed", [5, 8])
def test_each_kind_of_mess_changes_the_values(kind: str, seed: int) -> None:
    made = dossier(seed, person_index=12, rows=60, shape="inpatient")
    made.summary["HO_TEN"] = "ĐỖ VĂN ĐỆ"
    assert envelope([messed(made, seed, kind)], style=Style(cdata=True)) != envelope([made], style=Style(cdata=True))


@pytest.mark.parametrize("style", MESSY_STYLES.values(), ids=MESSY_STYLES)
def test_each_messy_style_writes_the_same_dossier_in_other_bytes(style: Style) -> None:
    made = dossier(5, rows=2)
    assert envelope([made], style=style) != envelope([made])
    assert _rows_as_read(envelope([made], style=style)) == _rows_as_read(envelope([made]))


def test_messy_dossiers_are_the_same_each_time() -> None:
    assert dossier(9, messy=True) == dossier(9, messy=True) != dossier(9)


def test_no_bad_input_is_large() -> None:
    assert [name for name, bad in bad_inputs().items() if len(bad.body) >= 250_000] == []


def test_zeros_are_streamed_in_small_pieces() -> None:
    pieces = list(zeros_in_base64(10_000_000))
    assert max(map(len, pieces)) <= 65_536
    assert sum(map(len, pieces)) > 13_000_000


def test_the_command_prints_the_envelope() -> None:
    printed = CliRunner().invoke(sandbox, ["dossier", "--seed", "4", "--rows", "12"])
    assert printed.stdout_bytes == envelope([dossier(4, rows=12)])
