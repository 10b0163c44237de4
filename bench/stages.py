"""Where the time goes: processor time of each stage of one dossier on its way in, and of the last gate of a push."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.bodies import adult, body, of_all_senders
from bench.figures import SHORT, Figure, Section, cost
from bench.posting import post, submissions
from bench.preparing import accept, accept_all, deliver_all
from bench.site import Site, site, web
from bench.usage import cpu_seconds
from mappings.fhir.bundle import put
from mappings.gate import bundle_findings

_PASSES = 3
# Who is told ahead of the Bundles that refer to them.
_PLAYER = re.compile(r"(?:Organization|Practitioner)/[0-9a-f-]{36}")
_DRIVER = "psycopg, sending and receiving"
# Where the use case calls each stage: there the function is put behind a clock. None of them calls another.
_CALLS = {
    "scan the envelope": ("ehr_sync.usecases.intake.accept_submission:scan",),
    "read the tables": (
        "mappings.sources.dossier.reading.hoso:_read_parts",
        "mappings.sources.dossier.reading.hoso:_dossier",
    ),
    "check the fields": ("mappings.sources.dossier.checking:validate",),
    "map to FHIR": ("mappings.sources.dossier.to_fhir:_mapped",),
    "gate": ("ehr_sync.usecases.intake.compose_body:findings",),
    "look for restricted data": ("mappings.sources.dossier.withholding:_suspects",),
    "encode": ("ehr_sync.usecases.intake.keep_records:encode",),
    "pack the resources": ("ehr_sync.usecases.intake.keep_records:pack",),
    "pack the bytes received": ("mappings.formats.archive:pack", "ehr_sync.usecases.intake.accept_submission:pack"),
    "seal": (
        "ehr_sync.store.records:seal",
        "ehr_sync.store.submissions:seal",
        "ehr_sync.store.identity_claims:seal",
        "ehr_sync.store.book_entries:seal",
    ),
    _DRIVER: ("psycopg:Cursor.execute", "psycopg:Cursor.executemany"),
}


class _Clock:
    """Processor seconds by stage."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.calls: Counter[str] = Counter()

    def add(self, stage: str, seconds: float) -> None:
        """So much more for a stage."""
        self.spent[stage] = self.spent.get(stage, 0.0) + seconds
        self.calls[stage] += 1

    def around(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time added to the stage."""

        def timed(*given: Any, **named: Any) -> Any:
            started = time.thread_time()
            try:
                return work(*given, **named)
            finally:
                self.add(stage, time.thread_time() - started)

        return timed


def run(size: str, folder: Path) -> Section:
    """The section of stages."""
    count, workers = (6, 1) if size == SHORT else (150, 2)
    with site(folder) as here:
        # Every second person is known, as in `ingest`.
        accept_all(here, [body(n, adult(n)) for n in range(0, count, 2)])
        bundles = deliver_all(here)
        passes = [_inside(here, number, count) for number in range(_PASSES + 1)][1:]
        web_cpu, database_cpu = _over_http(here, count, workers)
        gate = min(_gate(bundles) for _ in range(_PASSES))
    stages = {name: min(one.spent[name] for one in passes) / count for name in passes[0].spent}
    pushed = cost("of a push: gate of the Bundle", gate * 1000, "ms")
    figures = (*_figures(stages, web_cpu / count, database_cpu / count), pushed)
    return Section("stages", figures, _notes(passes[0].calls[_DRIVER] / count, count))


def _bodies(number: int, count: int) -> list[bytes]:
    """New dossiers, every second of a person who is known."""
    first = 1_000_000 + number * count
    return of_all_senders(first, [adult(n if n % 2 == 0 else 20_000 * (number + 1) + n) for n in range(count)])


def _inside(site: Site, number: int, count: int) -> _Clock:
    """One pass of the use case in this process, with a clock before every stage."""
    clock, bodies = _Clock(), _bodies(number, count)
    with ExitStack() as stack:
        for stage, calls in _CALLS.items():
            for call in calls:
                _put_behind(clock, stage, call, stack)
        for one in bodies:
            clock.around("in all", accept)(site, one)
    return clock


def _put_behind(clock: _Clock, stage: str, call: str, stack: ExitStack) -> None:
    module, _, path = call.partition(":")
    *owners, name = path.split(".")
    holder: Any = import_module(module)
    for owner in owners:
        holder = getattr(holder, owner)
    stack.enter_context(patch.object(holder, name, clock.around(stage, getattr(holder, name))))


def _gate(bundles: list[bytes]) -> float:
    """Processor seconds of the gate for one Bundle, of which all but the watermark and the Patient was gated before."""
    gated, known = [_gated(bundle) for bundle in bundles], frozenset(_PLAYER.findall(b"".join(bundles).decode()))
    started = time.thread_time()
    for bundle, resources in zip(bundles, gated, strict=True):
        assert not bundle_findings(bundle, known=known, gated=resources)
    return (time.thread_time() - started) / len(bundles)


def _gated(bundle: bytes) -> dict[bytes, bytes]:
    pieces = [each.rpartition(b',"request":')[0] for each in bundle.split(b',"resource":')[1:]]
    named = dict(map(put, pieces))
    return {address: each for address, each in named.items() if not address.startswith((b"Basic/", b"Patient/"))}


def _over_http(site: Site, count: int, workers: int) -> tuple[float, float]:
    """Processor seconds of web workers and of PostgreSQL for so many dossiers, the least of some rounds."""
    used = []
    with web(site, workers=workers) as gunicorn:
        for number in range(10, 10 + _PASSES + 1):
            bodies = _bodies(number, count)
            before = cpu_seconds(gunicorn), cpu_seconds(site.database.pid)
            post(submissions(site, bodies, connections=8))
            used.append((cpu_seconds(gunicorn) - before[0], cpu_seconds(site.database.pid) - before[1]))
    web_cpu, database_cpu = zip(*used[1:], strict=True)
    return min(web_cpu), min(database_cpu)


def _figures(stages: dict[str, float], web_cpu: float, database_cpu: float) -> tuple[Figure, ...]:
    accepted = stages.pop("in all")
    each = dict(stages)
    each["the rest of the use case"] = accepted - sum(each.values())
    each["HTTP, token, answer, log"] = web_cpu - accepted
    rows = [cost(name, seconds * 1000, "ms") for name, seconds in each.items()]
    whole = cost("a web worker in all", web_cpu * 1000, "ms")
    return (*rows, whole, cost("PostgreSQL, beside it", database_cpu * 1000, "ms"))


def _notes(statements: float, count: int) -> tuple[str, ...]:
    return (
        f"processor time a dossier: {count} dossiers of the ordinary mix a pass, every second of a known person; the"
        f" least of {_PASSES} passes, after one that warms; stages by clocks within the use case in one process, the"
        " whole from the workers' own count",
        f"{statements:.1f} statements a dossier; what the stages do not explain is a difference between passes: on a"
        " busy machine it is off, and can even be negative",
    )
