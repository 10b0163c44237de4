"""What the hospitals of a crash run send: visits, corrections, wrong patients put right, repeats, big envelopes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Final

from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.generator import corrected, dossier, with_patient, with_values
from ehr_sync.sandbox.dossiers.hoso import Hoso
from tests.faults.city import FACILITIES
from tests.faults.senders import Post, Visit

_VISIT_DAY: Final = date(2025, 3, 3)
_MADE_ON: Final = date(2025, 3, 10)
_LATER: Final = 4  # bits between a visit and its corrections: it is proven by then
_OTHER_SEX: Final = {"1": "2", "2": "1"}
NOT_FOUND: Final = 900_001  # whom the registry does not know: nothing of theirs may arrive


class Load:
    """An endless day of work, in bits: fresh visits, corrections of visits of some bits ago, and repeats of anything.

    Two pairs of big envelopes of `crowd` people, whose versions cross, are in the fifth bit.
    """

    def __init__(self, seed: int, *, visits: int, crowd: int) -> None:
        self._seed, self._visits, self._crowd = seed % 1_000, visits, crowd
        self._draw = Random(seed)
        self._sent: list[Post] = []
        self._hosos: list[Hoso] = []
        self._versions: dict[int, int] = {}
        self._twins = 0

    def bits(self) -> Iterator[list[Post]]:
        """Bit by bit, each with `visits` fresh ones."""
        yield [_post(self._draw, [Visit(_of_nobody(self._seed), 1)])]
        for bit in itertools.count():
            posts = [*self._fresh(), *self._corrections(bit)]
            if bit % 5 == 4:  # again and again: only they have a last chunk that is not the first
                posts += _crossing(self._draw, self._seed, self._crowd, bit // 5)
            posts += [post for post in posts if self._draw.random() < 0.4]
            posts += self._draw.sample(self._sent, min(1, len(self._sent)))
            self._draw.shuffle(posts)
            self._sent += posts
            yield posts

    def twin(self) -> Post:
        """A further visit of an earlier patient, under another sex: another claim of the same number."""
        self._twins += 1
        return _post(self._draw, [Visit(_twin(self._seed, self._twins), 1)])

    def _fresh(self) -> Iterator[Post]:
        for _ in range(self._visits):
            hoso = _visit(self._seed, len(self._hosos), rows=self._draw.randint(2, 8))
            self._hosos.append(hoso)
            yield _post(self._draw, [Visit(hoso, 1)])

    def _corrections(self, bit: int) -> Iterator[Post]:
        first = (bit - _LATER) * self._visits
        for n, hoso in enumerate(self._hosos[max(0, first) : first + self._visits], max(0, first)):
            yield from _corrections(self._draw, hoso, n)
        old = [n for n in range(max(0, first)) if n % 2]
        if old:
            yield self._next_version(self._draw.choice(old))

    def _next_version(self, n: int) -> Post:
        """A correction of a visit that came long ago: its patient is proven."""
        self._versions[n] = self._versions.get(n, 1) + 1
        return _post(self._draw, [Visit(corrected(self._hosos[n], self._versions[n]), self._versions[n])])


def _post(draw: Random, visits: list[Visit]) -> Post:
    made_on = _MADE_ON + timedelta(days=visits[0].version)
    return Post(tuple(visits), made_on, key=f"k-{draw.getrandbits(64):x}" if draw.random() < 0.4 else None)


def _visit(seed: int, n: int, *, rows: int) -> Hoso:
    index = _adult(seed, n if n % 5 else max(0, n - 1))  # every fifth visit is of the patient of the one before
    return dossier(
        seed * 10_000 + n,
        person_index=index,
        facility=FACILITIES[n % len(FACILITIES)],
        shape="outpatient",
        rows=rows,
        visit_day=_VISIT_DAY,
        ma_lk=f"LK-{seed}-{n}",
    )


def _adult(seed: int, n: int) -> int:
    # In every fifty people the first forty are adults, who have a number.
    return (seed % 100 * 1_000 + n) * 50 % 850_000 + n % 40


def _corrections(draw: Random, hoso: Hoso, n: int) -> Iterator[Post]:
    if n % 2:
        return
    yield _post(draw, [Visit(corrected(hoso, 1), 2)])
    if n % 4 == 0:
        yield _post(draw, [Visit(corrected(hoso, 2), 3)])
    if n % 8 == 0:
        # The hospital had taken one patient for another.
        yield _post(draw, [Visit(with_patient(corrected(hoso, 3), person(_adult(1, n) + 40_000)), 4)])


def _twin(seed: int, n: int) -> Hoso:
    hoso = dossier(
        seed * 10_000 + 5_000 + n,
        person_index=_adult(seed, n if n % 5 else max(0, n - 1)),
        facility=FACILITIES[n % len(FACILITIES)],
        shape="outpatient",
        rows=3,
        visit_day=_VISIT_DAY,
        ma_lk=f"LK-{seed}-twin-{n}",
    )
    return with_values(hoso, "XML1", GIOI_TINH=_OTHER_SEX[hoso.summary["GIOI_TINH"]])


def _of_nobody(seed: int) -> Hoso:
    ma_lk = f"LK-{seed}-nobody"
    return dossier(seed, person_index=NOT_FOUND, facility="01001", rows=3, visit_day=_VISIT_DAY, ma_lk=ma_lk)


def _crossing(draw: Random, seed: int, crowd: int, turn: int) -> Iterator[Post]:
    """Each turn two envelopes of everybody in two orders, the second a correction of the first."""
    earlier, later = 2 * turn + 1, 2 * turn + 2
    for facility in FACILITIES[:2]:
        hosos = [
            dossier(
                seed * 10_000 + 9_000 + n,
                person_index=_adult(seed, n),
                facility=facility,
                shape="outpatient",
                rows=2,
                visit_day=_VISIT_DAY,
                ma_lk=f"LK-{seed}-crowd-{n}",
            )
            for n in range(crowd)
        ]
        yield _post(draw, [Visit(corrected(hoso, earlier - 1) if turn else hoso, earlier) for hoso in hosos])
        yield _post(draw, [Visit(corrected(hoso, later - 1), later) for hoso in reversed(hosos)])
