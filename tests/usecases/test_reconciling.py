"""A month's list of MA_LK is compared with what is here (rules: reconciling-lists)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ehr_sync.sandbox.dossiers.generator import dossier, envelope, with_values, without_table
from ehr_sync.usecases.desk.asking import Asker
from ehr_sync.usecases.desk.reconcile_list import Reconciled, reconcile_list
from ehr_sync.usecases.desk.withdraw_dossiers import withdraw_dossiers
from mappings.dates import VIETNAM
from mappings.formats.code_list import ListRow, read_list
from tests.usecases.service import DAY, FACILITY, Running
from tests.usecases.test_births import NAMED

DESK: Final = Asker("facility:somebody", f"page:{FACILITY}")
OTHER: Final = Asker("facility:other", "page:01005")
LISTED, GONE, EXTRA, EARLIER = (dossier(n, person_index=n, shape="outpatient", rows=4) for n in range(821, 825))
REFUSED: Final = with_values(dossier(825, person_index=825, shape="outpatient", rows=4), "XML1", HO_TEN="")


def reconciled(running: Running, text: str, *, months_ago: int = 0, asker: Asker = DESK) -> Reconciled:
    today = running.stores.database.now().astimezone(VIETNAM).date()
    month = today.replace(day=1)
    for _ in range(months_ago):
        month = (month - timedelta(days=1)).replace(day=1)
    return reconcile_list(read_list(text.encode()), month, asker, stores=running.stores)


def test_a_list_says_what_is_missing_what_is_too_much_and_what_was_withdrawn(running: Running) -> None:
    # What came half a year ago, is listed now and is found; of that month it would be too much.
    running.post(EARLIER)
    running.run("UPDATE record_version SET accepted_at = accepted_at - interval '200 days'")
    sent = running.results(envelope([LISTED, GONE, EXTRA, REFUSED], made_on=DAY))
    births = running.post(NAMED)  # its children are no dossiers, and none is too much
    running.settle()
    gone = withdraw_dossiers([ListRow(1, GONE.ma_lk)], DESK, why="duplicate", stores=running.stores)

    names = [LISTED.ma_lk, "KHONG-CO", GONE.ma_lk, REFUSED.ma_lk, LISTED.ma_lk, EARLIER.ma_lk]
    found = reconciled(running, "\n".join(["MA_LK", *names, "=A1"]))
    assert (found.listed, found.repeated, found.groups) == (6, 1, {"in_book": 2})
    assert [(each.row.number, each.row.source_id) for each in found.missing] == [(3, "KHONG-CO"), (5, REFUSED.ma_lk)]
    assert [each.refused.code if each.refused else "" for each in found.missing] == ["", "patient.missing"]
    assert {(each.source_id, each.code, each.state) for each in found.extra} == {
        (EXTRA.ma_lk, sent[2].transaction_code, "delivered"),
        (NAMED.ma_lk, births.transaction_code, "delivered"),
    }
    [one] = found.withdrawn
    assert (one.source_id, one.code, one.why, one.withdrawn_at, one.row and one.row.number) == (
        *(GONE.ma_lk, sent[1].transaction_code, "duplicate"),
        *(gone[0].at, 4),
    )
    assert [(row.number, row.issue.code if row.issue else "") for row in found.wrong] == [(8, "list.formula")]
    [(entry,)] = running.rows("SELECT detail FROM audit_event WHERE action = 'reconcile list'")
    assert entry.endswith("listed=5 missing=2 extra=2")

    # Of another month nothing is too much; to another place nothing of this one is there.
    assert reconciled(running, LISTED.ma_lk, months_ago=1).extra == ()
    theirs = reconciled(running, LISTED.ma_lk, asker=OTHER)
    assert (len(theirs.missing), theirs.extra, theirs.groups) == (1, (), {})


def test_a_record_that_waits_for_its_summary_is_found_and_not_listed_as_missing(running: Running) -> None:
    running.post(without_table(LISTED, "XML1"))
    found = reconciled(running, LISTED.ma_lk)
    assert (found.groups, found.missing, found.extra) == ({"unfinished": 1}, (), ())
