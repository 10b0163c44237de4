"""What books must say, worked out from the senders' ledger by the tests' own model (tests/facts.py)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.facts import Fact, facts_sent
from tests.faults.senders import Acknowledged, Visit


@dataclass(frozen=True, slots=True)
class Sent:
    """One version of a visit, as it was sent: whose number it names, and what it says."""

    record: tuple[str, str]
    version: int
    number: str = field(repr=False)
    facts: Counter[Fact] = field(repr=False)


@dataclass(slots=True)
class Expected:
    """Every acknowledged version; `newest` is the last of each record by NGAYLAP."""

    visits: list[Sent] = field(default_factory=list)
    newest: dict[tuple[str, str], Sent] = field(default_factory=dict)

    def of(self, number: str) -> list[Sent]:
        """The acknowledged versions that name a number."""
        return [visit for visit in self.visits if visit.number == number]

    def books(self, unproven: frozenset[str] = frozenset()) -> dict[str, Counter[Fact]]:
        """What each proven person's book must say in the end, by number."""
        books: dict[str, Counter[Fact]] = defaultdict(Counter)
        for visit in self.newest.values():
            if visit.number and visit.number not in unproven:
                books[visit.number].update(visit.facts)
        return books


def expected(acknowledged: Iterable[Acknowledged]) -> Expected:
    """What follows from the ledger. A visit that was acknowledged often counts once."""
    made, seen = Expected(), set()
    for one in acknowledged:
        if id(one.post) not in seen:
            seen.add(id(one.post))
            for visit in one.post.visits:
                _note(made, _sent(visit))
    return made


def _sent(visit: Visit) -> Sent:
    return Sent(visit.record, visit.version, visit.hoso.summary["SO_CCCD"], facts_sent(visit.hoso))


def _note(made: Expected, sent: Sent) -> None:
    made.visits.append(sent)
    before = made.newest.get(sent.record)
    if before is None or before.version < sent.version:
        made.newest[sent.record] = sent
