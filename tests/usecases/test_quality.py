"""How good the data of a place are: measured over real dossiers, told at the desk, to operators and in metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from ehr_sync.core.quality import Week
from ehr_sync.runtime.metrics import exposition
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import Hoso, dossier, with_values
from ehr_sync.sandbox.world import World
from ehr_sync.store import clients
from ehr_sync.store.figures import figures
from ehr_sync.usecases import overview
from ehr_sync.usecases.desk.asking import Asker, desk_of, system
from ehr_sync.usecases.desk.look_at_quality import look_at_quality
from ehr_sync.usecases.desk.withdraw_dossiers import withdraw_dossiers
from ehr_sync.usecases.verification.measure_quality import measure_quality
from mappings.formats.code_list import ListRow
from tests.databases import Dsns
from tests.usecases.service import FACILITY, HOSPITAL, Running, open_running

OTHER: Final = "01005"
COMMUNES: Final = ("00004", "00070")  # Ba Đình, Hoàn Kiếm since 01/07/2025
WHOLE: Final = {
    "MA_NGHE_NGHIEP": "00000",
    "DIEN_THOAI": "0100000001",
    "DIA_CHI": "Số 1 phố Mẫu",
    "MATINH_CU_TRU": "01",
    "MAXA_CU_TRU": COMMUNES[0],
    "MA_DANTOC": "01",
    "MA_THE_BHYT": "",
    "MA_DKBD": "",
    "GT_THE_TU": "",
    "GT_THE_DEN": "",
}


def visit(index: int, **changed: str) -> Hoso:
    return with_values(
        dossier(index, person_index=index, shape="outpatient", rows=1), "XML1", 0, **{**WHOLE, **changed}
    )


@pytest.fixture(scope="module")
def running(module_dsns: Dsns, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Six visits of one hospital, of which each but the first has something wrong; nothing of another hospital."""
    world.clear()
    made = open_running(module_dsns, world, tmp_path_factory.mktemp("quality"))
    with made.stores.database.begin() as connection:
        clients.add_facility(connection, made.stores.keys, OTHER, name="Bệnh viện khác")
    for sent in (
        visit(1201),
        visit(1202, HO_TEN="NGUYỄN THỊ KHÁC"),
        visit(1203, DIEN_THOAI=""),
        visit(1204, DIEN_THOAI="", MAXA_CU_TRU=COMMUNES[1]),
        visit(1205, MA_NGHE_NGHIEP="99999"),
        visit(1206),
        visit(1207, HO_TEN="NGUYỄN THỊ KHÁC"),
    ):
        assert made.post(sent).status == "accepted"
    made.verify()
    # The sixth was proven long ago, the seventh was withdrawn and does not count.
    fingerprint = made.rows("SELECT claim_id FROM record_version ORDER BY accepted_at")[5][0]
    made.run("UPDATE claim SET checked_at = now() - interval '200 days' WHERE claim_id = :c", c=fingerprint)
    last = ListRow(1, dossier(1207, person_index=1207, shape="outpatient", rows=1).ma_lk)
    [done] = withdraw_dossiers([last], system(HOSPITAL), why="test_data", stores=made.stores)
    assert done.issue is None
    assert measure_quality(stores=made.stores) == 6
    yield made
    made.service.close()


def seen(running: Running, facility: str = FACILITY) -> Week:
    [week] = look_at_quality(Asker("facility:x", desk_of(facility)), stores=running.stores)
    return week


def test_each_axis_counts_what_it_says_and_the_fixes_are_those_of_most_records(running: Running) -> None:
    found = seen(running).measure
    # One name is wrong of six; two have no telephone; one code is in no list; of five proven one is old.
    assert (found.records, found.correct, found.looked_at, found.complete, found.clean, found.live) == (
        6,
        5,
        6,
        4,
        5,
        4,
    )
    assert found.fixes == [("DIEN_THOAI", 2), ("claim.old_check", 1), ("code:MA_NGHE_NGHIEP", 1)]
    assert found.faults["registry.no_match"] == 1
    assert found.mean_age_days == 40


def test_it_is_measured_once_an_hour_by_whoever_comes_first(running: Running) -> None:
    assert measure_quality(stores=running.stores) == 0


def test_operators_see_facilities_communes_and_the_weeks_of_one(running: Running) -> None:
    running.run(
        "INSERT INTO quality SELECT week - 7, kind, place, measured_at, records, 3, looked_at, complete, clean, live,"
        " age_days, faults FROM quality WHERE kind = 'facility'"
    )

    def listed(**given: str) -> list[tuple[object, ...]]:
        rows = overview.show("quality", given, limit=50, by="x", stores=running.stores).rows
        return [(r["place"], r["name"], r["records"], r["correct"], r["complete"], r["clean"], r["live"]) for r in rows]

    whole = (FACILITY, "Bệnh viện mẫu", 6, 83.3, 66.7, 83.3, 80.0)
    assert listed() == [whole]
    assert [row[3] for row in listed(place=FACILITY)] == [83.3, 50.0]
    assert [(row[0], row[2]) for row in listed(kind="commune")] == [(COMMUNES[0], 5), (COMMUNES[1], 1)]
    assert [row[2:] for row in listed(kind="city")] == [whole[2:]]
    with pytest.raises(overview.BadFilter):
        listed(kind="ward")
    entries = running.rows("SELECT action FROM audit_event WHERE action IN ('list quality', 'look at quality')")
    assert {row[0] for row in entries} == {"list quality", "look at quality"}


def test_metrics_tell_the_city_and_each_facility(running: Running) -> None:
    with running.stores.database.begin() as connection:
        told = exposition(figures(connection, None)).decode()
    assert 'ehr_sync_quality_percent{axis="correct",place=""} 83.3' in told
    assert f'ehr_sync_quality_percent{{axis="live",place="{FACILITY}"}} 80.0' in told


def test_a_place_that_sent_nothing_has_no_numbers_and_sees_nobody_elses(running: Running) -> None:
    assert look_at_quality(Asker("facility:x", desk_of(OTHER)), stores=running.stores) == []


def test_p11_where_somebody_lives_is_in_no_row_of_theirs(running: Running) -> None:
    rows = running.rows("SELECT to_jsonb(v) - 'body' - 'wrapped_key' FROM record_version v")
    assert [row for row in rows if any(commune in str(row[0]) for commune in COMMUNES)] == []
    assert len({row[0] for row in running.rows("SELECT commune_mark FROM record_version")}) == 2
    assert person(1201).commune  # the sandbox knows one
