"""P4 and P6 over everything that moves a visit: sends, corrections to another person, merges by proof, numbers no
longer given, versions made current, erasures, resyncs, remaps and faults of the book, in any order.

Judged by the book's own journal. What the books must show in the end is a model of a few lines: who was sent last.
"""

from __future__ import annotations

import itertools
import tempfile
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import corrected, dossier, with_number, with_patient, with_values
from ehr_sync.sandbox.dossiers.hoso import Hoso
from ehr_sync.sandbox.world import World
from ehr_sync.store import people
from ehr_sync.store.resyncs import Scope
from ehr_sync.usecases.book.erase_person import erase_person
from ehr_sync.usecases.delivery.resync_lanes import order_resync
from ehr_sync.usecases.intake.make_current import make_current
from tests.databases import fresh_databases
from tests.usecases import one_server
from tests.usecases.older import older_mapping
from tests.usecases.one_server import Server
from tests.usecases.service import DAY, HOSPITAL, number_of, open_running
from tests.usecases.test_remap import remapped, wrong_observations

PEOPLE: Final = (751, 752, 753)
NUMBERS: Final = tuple(map(number_of, PEOPLE))
NOBODY: Final = -1
VISITS: Final = tuple(
    dossier(751 + n, person_index=PEOPLE[0], shape=shape, rows=9, visit_day=date(2024, 3, 4 + n), ma_lk=f"LK-{n}")
    for n, shape in enumerate(["inpatient", "outpatient", "inpatient"])
)

SHORT, LONG = 6, 300
HELD: Final = "UPDATE lane SET leased_until = clock_timestamp() + interval '1 hour' WHERE due_at IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Sent:
    """A version as its hospital knows it: whose number it names (NOBODY: none), what it says, and its maGiaoDich."""

    who: int
    hoso: Hoso
    code: str


@dataclass(slots=True)
class Model:
    """What hospitals have sent of each visit that is still kept, and which version stands."""

    versions: dict[int, list[Sent]] = field(default_factory=lambda: {n: [] for n in range(len(VISITS))})
    standing: dict[int, Sent | None] = field(default_factory=lambda: dict.fromkeys(range(len(VISITS))))
    sent_to: dict[str, set[str]] = field(default_factory=lambda: {number: set() for number in NUMBERS})

    def send(self, visit: int, sent: Sent) -> None:
        self.versions[visit] = [one for one in self.versions[visit] if one.code != sent.code] + [sent]
        self.standing[visit] = sent
        if sent.who != NOBODY:
            self.sent_to[NUMBERS[sent.who]].add(begins(sent.hoso))

    def erase(self, who: int) -> None:
        for visit, standing in self.standing.items():
            if standing is not None and standing.who == who:
                self.versions[visit], self.standing[visit] = [], None
            self.versions[visit] = [one for one in self.versions[visit] if one.who != who]

    def book(self, who: int) -> dict[str, set[str]]:
        """The visits that a person's book must show, by their beginning, each with its diagnoses."""
        return {begins(s.hoso): diagnoses(s.hoso) for s in self.standing.values() if s is not None and s.who == who}


def begins(hoso: Hoso) -> str:
    """When a visit begins, to the minute."""
    at = hoso.summary["NGAY_VAO"]
    return f"{at[:4]}-{at[4:6]}-{at[6:8]}T{at[8:10]}:{at[10:12]}"


def diagnoses(hoso: Hoso) -> set[str]:
    """The ICD-10 codes of a visit."""
    return {hoso.summary["MA_BENH_CHINH"], *filter(None, hoso.summary["MA_BENH_KT"].split(";"))}


def shown(server: Server, number: str) -> dict[str, set[str]]:
    """The same as a book shows it; every visit is whole, and nothing is beside the visits."""
    living, visits = server.of(number), {}
    whole: set[tuple[str, ...]] = set()
    for one in living.values():
        if one["resourceType"] == "Provenance":
            targets = [tuple(target["reference"].split("/")) for target in one["target"]]
            whole |= set(targets)
            [encounter] = [living[key] for key in living if key in targets and key[0] == "Encounter"]
            conditions = [living[key] for key in living if key in targets and key[0] == "Condition"]
            visits[encounter["period"]["start"][:16]] = {c["code"] for one in conditions for c in codings(one)}
    assert whole == {key for key in living if key[0] != "Provenance"}
    return visits


def codings(condition: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = condition["code"].get("coding", [])
    return found


class Machine(RuleBasedStateMachine):
    """A hospital, three patients, three visits."""

    def __init__(self, postgres: EmbeddedPostgres, world: World) -> None:
        super().__init__()
        self._stack = ExitStack()
        world.clear()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.running = open_running(self._stack.enter_context(fresh_databases(postgres)), world, folder)
        self._stack.callback(self.running.service.close)
        self._stack.callback(world.clear)
        self.model, self._days = Model(), (DAY + timedelta(days=n) for n in itertools.count())

    @initialize()
    def everybody_has_a_visit_of_their_own(self) -> None:
        for who in range(len(PEOPLE)):
            self.send(who, who, 0, other_sex=False, older=False)
        self.running.settle()

    @rule(
        visit=st.integers(0, 2),
        who=st.integers(NOBODY, 2),
        content=st.integers(0, 2),
        other_sex=st.booleans(),
        older=st.booleans(),
    )
    def send(self, visit: int, who: int, content: int, *, other_sex: bool, older: bool) -> None:
        hoso = corrected(VISITS[visit], content) if content else VISITS[visit]
        hoso = with_patient(hoso, person(PEOPLE[max(who, 0)]))
        if who == NOBODY:
            hoso = with_number(hoso, "")
        if other_sex:
            # Another claim of the same number: its proof moves its records to whom is known by then.
            hoso = with_values(hoso, "XML1", GIOI_TINH="3")
        with older_mapping(written=wrong_observations) if older else nullcontext():
            result = self.running.post(hoso, made_on=next(self._days))
        assert result.status == "accepted"
        self.model.send(visit, Sent(who, hoso, result.transaction_code))

    @rule(visit=st.integers(0, 2), n=st.integers(0, 9))
    def let_an_earlier_version_stand(self, visit: int, n: int) -> None:
        versions = self.model.versions[visit]
        if versions:
            chosen = versions[n % len(versions)]
            make_current(chosen.code, client_id=HOSPITAL, stores=self.running.stores, uris=self.running.service.uris)
            self.model.send(visit, chosen)

    @rule()
    def verify(self) -> None:
        self.running.verify()

    @rule()
    def deliver(self) -> None:
        self.running.deliver()

    @rule(who=st.integers(0, 2))
    def deliver_one(self, who: int) -> None:
        """One lane is quicker than the others."""
        self.running.run(
            "UPDATE lane SET leased_until = clock_timestamp() + interval '1 hour' WHERE due_at IS NOT NULL"
        )
        found = self._person(who)
        if found is not None:
            self.running.run("UPDATE lane SET leased_until = NULL WHERE person_id = :who", who=found)
        sweep = self.running.delivery()
        sweep.run_dry()
        sweep.drain()

    @rule()
    def resync(self) -> None:
        order_resync(Scope(), by="ops", reason="yc", stores=self.running.stores)
        self.running.resync()

    @rule()
    def remap(self) -> None:
        remapped(self.running)

    @rule(kind=st.sampled_from(["drop_before", "drop_after", "status", "status_after"]))
    def the_book_fails_once(self, kind: str) -> None:
        wish = {"status": 503} if kind.startswith("status") else {}
        self.running.world.order("book", kind, times=1, match={"method": "POST", "path": "/fhir"}, **wish)

    @rule(who=st.integers(0, 2))
    def erase(self, who: int) -> None:
        # Proven or not at all: whom a number will be proven to belong to only then is not erased with it.
        self.running.verify()
        found = self._person(who)
        if found is not None:
            erase_person(found, by="ops", stores=self.running.stores)
            self.model.erase(who)

    def teardown(self) -> None:
        try:
            self._judge()
        finally:
            self._stack.close()

    def _person(self, who: int) -> Any:
        mark = people.number_mark_of(self.running.stores.keys.index, NUMBERS[who])
        with self.running.stores.database.begin() as connection:
            return people.behind_number(connection, self.running.stores.keys.edges, mark)

    def _judge(self) -> None:
        self.running.world.clear()
        self.running.settle()
        remapped(self.running)
        self.running.settle()
        self.running.settle()
        server = one_server.read(self.running.journal("book"))
        assert server.shared() == []
        for who, number in enumerate(NUMBERS):
            began = {one["period"]["start"][:16] for one in server.told(number) if one["resourceType"] == "Encounter"}
            assert began <= self.model.sent_to[number]
            # What a book holds of somebody erased is the book's to erase: only who is there now is looked at.
            known = server.patients.get(number) == str(self._person(who))
            assert (shown(server, number) if known else {}) == self.model.book(who)


@pytest.mark.hypothesis
def test_p4_whatever_moves_a_visit_no_two_people_share_an_id_and_each_book_is_right(
    postgres: EmbeddedPostgres, world: World
) -> None:
    class Here(Machine):
        def __init__(self) -> None:
            super().__init__(postgres, world)

    usual = settings.default
    assert usual is not None
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=LONG if usual.max_examples > LONG else SHORT,
            stateful_step_count=20,
            deadline=None,
            # To make a failing case smaller takes minutes.
            phases=[phase for phase in Phase if phase is not Phase.shrink or usual.max_examples > LONG],
            suppress_health_check=list(HealthCheck),
        ),
    )
