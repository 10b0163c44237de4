"""Where the time goes: processor time of each stage of one dossier on its way in, and on its way out."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, event

from bench.bodies import adult, body
from bench.figures import SHORT, Figure, Section, cost
from bench.posting import post, submissions
from bench.preparing import accept, accept_all, deliver_all
from bench.site import Site, site, web
from bench.usage import cpu_seconds
from ehr_sync.core.record_body import Body, encode, line_of
from ehr_sync.store.packing import Words, pack
from ehr_sync.store.sealing import new_key, seal
from mappings.fhir import to_fhir
from mappings.formats import archive
from mappings.formats.envelope import Limits, read_hoso, scan
from mappings.gate import bundle_findings, findings
from mappings.model import MappingContext
from mappings.record_types.catalogue import check
from mappings.restricted import triggers
from mappings.terminology.uris import load_uris

T = TypeVar("T")
_PASSES = 3


class _Clock:
    """Processor seconds by stage."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.statements = 0

    def __call__(self, stage: str, work: Callable[[], T]) -> T:
        started = time.thread_time()
        done = work()
        self.add(stage, time.thread_time() - started)
        return done

    def add(self, stage: str, seconds: float) -> None:
        self.spent[stage] = self.spent.get(stage, 0.0) + seconds


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
    return Section("stages", figures, _notes(passes[0].statements / count, count))


def _bodies(number: int, count: int) -> list[bytes]:
    """New dossiers, every second of a person who is known."""
    first = 1_000_000 + number * count
    return [body(first + n, adult(n if n % 2 == 0 else 20_000 * (number + 1) + n)) for n in range(count)]


def _inside(site: Site, number: int, count: int) -> _Clock:
    """One pass in this process: the pure stages one by one, then the whole use case."""
    clock, bodies = _Clock(), _bodies(number, count)
    _pure(bodies, clock)
    with _statements(clock):
        clock("in all", lambda: [accept(site, one) for one in bodies])
    return clock


def _gate(bundles: list[bytes]) -> float:
    """Processor seconds of the gate for one Bundle."""
    started = time.thread_time()
    for bundle in bundles:
        bundle_findings(bundle)
    return (time.thread_time() - started) / len(bundles)


def _pure(bodies: list[bytes], clock: _Clock) -> None:
    uris, today = load_uris(), datetime.now(UTC).date()
    for number, file in enumerate(bodies):
        source = io.BytesIO(file)
        found = clock("scan the envelope", lambda: scan(source, Limits()))  # noqa: B023
        piece = file[slice(*found.spans[0])]
        read = clock("read the tables", lambda: read_hoso(piece, found, 0, Limits()))  # noqa: B023
        checked = clock("check the fields", lambda: check(read, today))  # noqa: B023
        context = MappingContext(number.to_bytes(16, "big"), b"bench", datetime.now(UTC), "GD", uris)
        mapped = clock("map to FHIR", lambda: to_fhir(checked, context))  # noqa: B023
        clock("gate", lambda: [findings(resource.json) for resource in mapped.resources])  # noqa: B023
        clock("look for restricted data", lambda: triggers(checked.tables))  # noqa: B023
        lines = tuple(line_of(resource.json) for resource in mapped.resources)
        plain = clock("encode", lambda: encode(Body(lines, (), mapped.organizations, mapped.practitioners)))  # noqa: B023
        packed = clock("pack the resources", lambda: pack(plain, Words.BODIES))  # noqa: B023
        kept = clock("pack the bytes received", lambda: pack(archive.pack(piece), Words.PIECES))  # noqa: B023
        clock("seal", lambda: [seal(new_key(), one, b"bench") for one in (packed, kept)])  # noqa: B023


@contextmanager
def _statements(clock: _Clock) -> Iterator[None]:
    """Counts what this process spends inside the driver, sending statements and reading rows."""

    def before(connection: Any, *_: Any) -> None:
        connection.info["bench"] = time.thread_time()

    def after(connection: Any, *_: Any) -> None:
        clock.statements += 1
        clock.add("statements", time.thread_time() - connection.info["bench"])

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "after_cursor_execute", after)


def _over_http(site: Site, count: int, workers: int) -> tuple[float, float]:
    """Processor seconds of web workers and of PostgreSQL for so many dossiers, the least of some rounds."""
    used = []
    with web(site, workers=workers) as gunicorn:
        for number in range(10, 10 + _PASSES + 1):
            bodies = _bodies(number, count)
            before = cpu_seconds(gunicorn), cpu_seconds(site.database.pid)
            post([submissions(site, bodies, connections=8)])
            used.append((cpu_seconds(gunicorn) - before[0], cpu_seconds(site.database.pid) - before[1]))
    web_cpu, database_cpu = zip(*used[1:], strict=True)
    return min(web_cpu), min(database_cpu)


def _figures(stages: dict[str, float], web_cpu: float, database_cpu: float) -> tuple[Figure, ...]:
    accepted, statements = stages.pop("in all"), stages.pop("statements")
    each = dict(stages)
    each["database statements, in the driver"] = statements
    each["planning, SQLAlchemy, transactions"] = accepted - sum(stages.values()) - statements
    each["HTTP, token, answer, log"] = web_cpu - accepted
    rows = [cost(name, seconds * 1000, "ms") for name, seconds in each.items()]
    whole = cost("a web worker in all", web_cpu * 1000, "ms")
    return (*rows, whole, cost("PostgreSQL, beside it", database_cpu * 1000, "ms"))


def _notes(statements: float, count: int) -> tuple[str, ...]:
    return (
        f"processor time a dossier: {count} dossiers of the ordinary mix a pass, every second of a known person; the"
        f" least of {_PASSES} passes, after one that warms; stages one by one in one process, the whole from the"
        " workers' own count",
        f"{statements:.1f} statements a dossier; what the stages do not explain is a difference between passes: on a"
        " busy machine it is off, and can even be negative",
    )
