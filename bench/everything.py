"""$everything over HTTP of people with large books, beside opening and sending the same bytes."""

from __future__ import annotations

from pathlib import Path

from bench.figures import FULL, QUICK, SHORT, Figure, Section, cost, percentile
from bench.readers import BLOCKS, FLOOR, Reader, Times, bare, fill, measure, reader
from bench.site import Site, site, web


def run(size: str, folder: Path) -> Section:
    """The section of $everything."""
    wanted, requests = {SHORT: ((60, 120), 8), QUICK: ((500,), 100), FULL: ((2000, 5000), 200)}[size]
    with site(folder) as here:
        for n, resources in enumerate(wanted):
            fill(here, n, resources)
        with web(here, workers=1 if size == SHORT else 2) as gunicorn:
            readers = [reader(here, n) for n in range(len(wanted))]
            with bare(here, readers) as floor:
                found = [(each, _measure(here, each, gunicorn, floor, requests)) for each in readers]
    figures = [figure for least, (_, times) in zip(wanted, found, strict=True) for figure in _figures(least, times)]
    sizes = ", ".join(f"{r.resources:,} resources {times.bytes / 1e6:.2f} MB" for r, times in found)
    how = f"{requests} requests each over one kept connection, taking turns with the floor in {BLOCKS} blocks; {sizes}"
    besides = "the service also checks the token, writes the audit entry, and adds meta, fullUrl and the person"
    return Section("everything", tuple(figures), (how, f"{FLOOR}; {besides}"))


def _measure(site: Site, reader: Reader, gunicorn: int, floor: str, requests: int) -> Times:
    path = f"/fhir/Patient/{reader.person_id}/$everything"
    return measure(site, path, reader, reader.headers, gunicorn=gunicorn, floor=floor, requests=requests)


def _figures(least: int, times: Times) -> tuple[Figure, ...]:
    name = f"$everything, {least:,} resources"
    return (
        cost(f"{name}: p50", percentile(times.ours, 0.5) * 1000, "ms", floor=percentile(times.floor, 0.5) * 1000),
        cost(f"{name}: p99", percentile(times.ours, 0.99) * 1000, "ms", floor=percentile(times.floor, 0.99) * 1000),
        cost(f"{name}: CPU of a web worker", times.cpu * 1000, "ms"),
    )
