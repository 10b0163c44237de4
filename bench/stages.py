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
    count = 12 if size == SHORT else 300
    bodies = [body(1_000_000 + n, adult(n)) for n in range(count)]
    with site(folder) as here:
        # Every second person is known, as in `ingest`; the same again warms what is made only once.
        accept_all(here, [body(n, adult(n)) for n in range(0, count, 2)])
        bundles = deliver_all(here)
        _pure(bodies, _Clock())
        pure, inside = _pure(bodies, _Clock()), _Clock()
        with _statements(inside):
            accepted = inside("in all", lambda: _accepted(here, bodies))
        gate = _Clock()
        for bundle in bundles:
            gate("bundle", lambda bundle=bundle: bundle_findings(bundle))  # type: ignore[misc]
        web_cpu, database_cpu = _over_http(here, count, workers=1 if size == SHORT else 2)
    assert accepted == count
    figures = _figures(pure, inside, web_cpu, database_cpu, count)
    pushed = cost("of a push: gate of the Bundle", gate.spent["bundle"] / len(bundles) * 1000, "ms")
    return Section("stages", (*figures, pushed), _notes(inside, count))


def _accepted(site: Site, bodies: list[bytes]) -> int:
    """Accept these one after the other, without verifying; returns how many."""
    return sum(accept(site, one).succeeded for one in bodies)


def _pure(bodies: list[bytes], clock: _Clock) -> _Clock:
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
    return clock


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
    """Processor seconds a dossier of web workers and of PostgreSQL, after one round that warms them."""
    with web(site, workers=workers) as gunicorn:
        for number in (1, 2):
            first = 2_000_000 + number * count
            bodies = [body(first + n, adult(n if n % 2 == 0 else 100_000 * number + n)) for n in range(count)]
            before = cpu_seconds(gunicorn), cpu_seconds(site.database.pid)
            post([submissions(site, bodies, connections=8)])
        return (cpu_seconds(gunicorn) - before[0]) / count, (cpu_seconds(site.database.pid) - before[1]) / count


def _figures(pure: _Clock, inside: _Clock, web_cpu: float, database_cpu: float, count: int) -> tuple[Figure, ...]:
    each = {name: seconds / count for name, seconds in pure.spent.items()}
    accepted, statements = inside.spent["in all"] / count, inside.spent["statements"] / count
    each["database statements, in the driver"] = statements
    each["planning, SQLAlchemy, transactions"] = accepted - sum(pure.spent.values()) / count - statements
    each["HTTP, token, answer, log"] = web_cpu - accepted
    rows = [cost(name, seconds * 1000, "ms") for name, seconds in each.items()]
    whole = cost("a web worker in all", web_cpu * 1000, "ms")
    return (*rows, whole, cost("PostgreSQL, beside it", database_cpu * 1000, "ms"))


def _notes(inside: _Clock, count: int) -> tuple[str, ...]:
    return (
        f"processor time a dossier, {count} dossiers of the ordinary mix, every second of a known person; stages one by"
        " one in one process, the whole from the workers' own count",
        f"{inside.statements / count:.1f} statements a dossier; what the stages do not explain is the difference, so"
        " that it can be off by what two runs differ",
    )
